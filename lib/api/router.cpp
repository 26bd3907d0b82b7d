#include <sluice/router.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"

using namespace sluice;

int32_t sluice_router_of_model(sluice_model* model, sluice_router** router, sluice_error* error) {
    if (router != nullptr) *router = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(router, "router"));
        if (model->object->counts == nullptr)
            return make_error(SLUICE_E_NOT_FOUND, "a dense model has no router");
        *router = new sluice_router{model->object};
        return Nothing{};
    });
}

void sluice_router_destroy(sluice_router* router) {
    delete router;
}

int32_t sluice_router_describe(const sluice_router* router, sluice_router_info* info, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(router, "router"));
        const Config& config = router->model->model->config();
        sluice_router_info filled = {};
        filled.n_layers = config.n_layers();
        filled.n_experts = config.n_experts;
        filled.n_experts_used = config.n_experts_used;
        filled.n_tokens = router->model->counts->n_tokens();
        return write_info(info, filled, "info");
    });
}

int32_t sluice_router_counts(const sluice_router* router, uint32_t layer, uint64_t* counts, double* weights,
                             uint64_t capacity, uint64_t* needed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(router, "router"));
        const ExpertCounts& object = *router->model->counts;
        if (layer >= object.n_layers()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "layer ", layer, " of ", object.n_layers());
        }
        if (needed != nullptr) *needed = object.n_experts();
        if (counts == nullptr && weights == nullptr) return check_pointer(needed, "needed, with no buffer,");
        if (capacity < object.n_experts()) {
            return make_error(SLUICE_E_BUFFER_TOO_SMALL, "the buffers have room for ", capacity, ", needed is ",
                              object.n_experts());
        }
        for (std::uint32_t expert = 0; expert < object.n_experts(); ++expert) {
            if (counts != nullptr) counts[expert] = object.count(layer, expert);
            if (weights != nullptr) weights[expert] = object.weight(layer, expert);
        }
        return Nothing{};
    });
}

int32_t sluice_router_reset(sluice_router* router, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(router, "router"));
        router->model->counts->reset();
        return Nothing{};
    });
}
