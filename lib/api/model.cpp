#include <sluice/model.h>

#include <chrono>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/plan.h"
#include "api/source.h"

namespace sluice {
namespace {

struct KnownOptions {
    ModelOptions model;
    std::int32_t activations = 0;
};

Result<KnownOptions> read_model_options(const sluice_model_options* given) {
    SLUICE_ASSIGN(known, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", known.reserved0, known.reserved));
    if (known.activations < 0 || known.activations > SLUICE_ACTIVATIONS_INT8) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "options.activations is ", known.activations);
    }
    SLUICE_TRY(check_flags("options.flags", known.flags, SLUICE_MODEL_READ | SLUICE_MODEL_SCAN));
    KnownOptions result;
    result.activations = known.activations;
    ModelOptions& options = result.model;
    options.access = (known.flags & SLUICE_MODEL_READ) != 0 ? Access::kRead : Access::kMap;
    options.scan = (known.flags & SLUICE_MODEL_SCAN) != 0;
    if (known.progress != nullptr) {
        options.progress = [progress = known.progress, user = known.progress_user](
                               std::uint64_t done, std::uint64_t total) { return progress(user, done, total); };
    }
    return result;
}

// The Eigen reference knows floats only; a table without fast integers is left alone unless asked.
bool quantises(const EngineObject& engine, std::int32_t activations) {
    if (engine.kernels == nullptr || activations == SLUICE_ACTIVATIONS_FLOAT32) return false;
    return activations == SLUICE_ACTIVATIONS_INT8 || engine.kernels->prefers_quantised;
}

Result<std::shared_ptr<ModelObject>> open_model(const std::shared_ptr<EngineObject>& engine,
                                                const GivenSource& source, const KnownOptions& known) {
    const ModelOptions& options = known.model;
    const auto start = std::chrono::steady_clock::now();
    auto object = std::make_shared<ModelObject>();
    object->engine = engine;
    object->quantises = quantises(*engine, known.activations);
    auto opened = source.source == nullptr
                      ? Model::open_path(source.path, options, engine->budget, engine->log)
                      : Model::open_source(source.source, options, engine->budget, engine->log);
    if (!opened) return std::move(opened).error();
    object->model = std::move(*opened);
    const Config& config = object->model->config();
    if (config.n_experts > 0)
        object->counts = std::make_unique<ExpertCounts>(config.n_layers(), config.n_experts);
    object->load_nanoseconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
    return object;
}

sluice_model_info describe_model(const Model& model) {
    const Config& config = model.config();
    const ModelSizes& sizes = model.sizes();
    sluice_model_info info = {};
    info.n_layers = config.n_layers();
    info.n_attention_layers = config.n_attention_layers();
    info.n_convolution_layers = info.n_layers - info.n_attention_layers;
    info.n_dense_layers = config.n_experts == 0 ? info.n_layers : config.n_dense_layers;
    info.n_experts = config.n_experts;
    info.n_experts_used = config.n_experts_used;
    info.hidden_size = config.hidden_size;
    info.feed_forward_size = config.feed_forward_size;
    info.expert_feed_forward_size = config.expert_feed_forward_size;
    info.n_heads = config.n_heads;
    info.n_kv_heads = config.n_kv_heads;
    info.head_size = config.head_size;
    info.convolution_width = config.convolution_width;
    info.vocabulary_size = config.vocabulary_size;
    info.context_size = config.context_size;
    info.rope_theta = config.rope_theta;
    info.norm_epsilon = config.norm_epsilon;
    info.n_parameters = sizes.parameters;
    info.n_parameters_used = sizes.parameters_used;
    info.file_size = sizes.files;
    info.weights_size = sizes.weights;
    info.token_read_size = sizes.token_read;
    info.fingerprint = model.fingerprint();
    info.n_tensors = model.tensors().size();
    write_text(info.architecture, config.architecture);
    write_text(info.format, model.format());
    write_text(info.quantisation, model.quantisation());
    write_text(info.name, config.name);
    return info;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_model_open(sluice_engine* engine, const sluice_source* source,
                          const sluice_model_options* options, sluice_model** model, sluice_error* error) {
    if (model != nullptr) *model = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        const auto known = read_model_options(options);
        // Before any check, so that the callback's user pointer has an owner.
        const auto given = read_source(source, known ? known->model.access : Access::kMap);
        SLUICE_TRY(check_pointer(engine, "engine"));
        SLUICE_TRY(check_pointer(model, "model"));
        if (!known) return known.error();
        if (!given) return given.error();
        SLUICE_ASSIGN(object, open_model(engine->object, *given, *known));
        *model = new sluice_model{std::move(object)};
        return Nothing{};
    });
}

int32_t sluice_model_open_path(sluice_engine* engine, const char* path, uint64_t path_size,
                               const sluice_model_options* options, sluice_model** model, sluice_error* error) {
    sluice_source source = {};
    source.struct_size = sizeof source;
    source.kind = SLUICE_SOURCE_PATH;
    source.path = path;
    source.size = path_size;
    return sluice_model_open(engine, &source, options, model, error);
}

void sluice_model_close(sluice_model* model) {
    delete model;
}

int32_t sluice_model_describe(const sluice_model* model, sluice_model_info* info, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        return write_info(info, describe_model(*model->object->model), "info");
    });
}

int32_t sluice_model_metadata(const sluice_model* model, const char* key, uint64_t key_size, char* text,
                              uint64_t capacity, uint64_t* needed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_ASSIGN(name, read_text_argument(key, key_size, "key"));
        SLUICE_ASSIGN(value, model->object->model->metadata(name));
        return copy_out(std::string_view(value), text, capacity, needed);
    });
}

int32_t sluice_model_tensor(const sluice_model* model, uint64_t index, sluice_tensor_info* info,
                            sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        const auto& tensors = model->object->model->tensors();
        if (index >= tensors.size()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "tensor ", index, " of ", tensors.size());
        }
        const TensorRecord& tensor = tensors[static_cast<std::size_t>(index)];
        sluice_tensor_info filled = {};
        filled.n_dimensions = static_cast<std::uint32_t>(std::min<std::size_t>(tensor.dimensions.size(), 4));
        std::copy_n(tensor.dimensions.begin(), filled.n_dimensions, filled.dimensions);
        filled.size = tensor.size;
        filled.offset = tensor.offset;
        write_text(filled.type, tensor.type);
        write_text(filled.name, tensor.name);
        return write_info(info, filled, "info");
    });
}

int32_t sluice_model_plan(const sluice_source* source, const sluice_plan_options* options, sluice_plan* plan,
                          sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        SLUICE_ASSIGN(given, read_source(source, Access::kMap));
        SLUICE_ASSIGN(known, read_options(options, "options"));
        SLUICE_ASSIGN(filled, make_plan(given, known));
        return write_info(plan, filled, "plan");
    });
}
