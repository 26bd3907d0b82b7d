/* The router: which experts of a model were woken, how often, with what weight. Every model with
 * experts has one; the sessions of the model add to it. May be used from any thread. */
#ifndef SLUICE_ROUTER_H
#define SLUICE_ROUTER_H

#include <sluice/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_router sluice_router;

/* The router of a model; to be destroyed. Errors: SLUICE_E_NOT_FOUND (a dense model),
 * SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_router_of_model(sluice_model *model, sluice_router **router,
                                          sluice_error *error);

SLUICE_API void sluice_router_destroy(sluice_router *router);

typedef struct sluice_router_info {
    uint32_t struct_size;
    uint32_t n_layers;       /* of the model, with and without experts */
    uint32_t n_experts;      /* of one layer */
    uint32_t n_experts_used; /* woken for a token */
    uint64_t n_tokens;       /* routed since the model was opened or the counts were reset */
    uint64_t reserved[3];
} sluice_router_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_router_describe(const sluice_router *router, sluice_router_info *info,
                                          sluice_error *error);

/* How often each expert of a layer was woken, and the sum of the mixing weights it was given:
 * n_experts numbers each; either array may be NULL. capacity counts numbers. A layer without experts
 * answers zeros. Errors: SLUICE_E_INVALID_ARGUMENT, SLUICE_E_BUFFER_TOO_SMALL. */
SLUICE_API int32_t sluice_router_counts(const sluice_router *router, uint32_t layer, uint64_t *counts,
                                        double *weights, uint64_t capacity, uint64_t *needed,
                                        sluice_error *error);

/* Sets all counts to zero. Tokens routed meanwhile may be counted or not. */
SLUICE_API int32_t sluice_router_reset(sluice_router *router, sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
