/* The KV cache: everything that a conversation remembers. Keys and values of the attention layers, and
 * the last inputs of the short convolutions, always at one common position.
 * One thread at a time; a cache that a session holds belongs to that session's thread. */
#ifndef SLUICE_KV_CACHE_H
#define SLUICE_KV_CACHE_H

#include <sluice/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_kv_cache sluice_kv_cache;

/* How keys and values are stored. */
#define SLUICE_KV_F32 1
#define SLUICE_KV_F16 2

typedef struct sluice_kv_cache_options {
    uint32_t struct_size;
    uint32_t reserved0;    /* zero */
    uint64_t capacity;     /* tokens; 0: the model's context size, at most 4,096 */
    int32_t key_type;      /* SLUICE_KV_...; 0: SLUICE_KV_F16 */
    int32_t value_type;    /* SLUICE_KV_...; 0: SLUICE_KV_F16 */
    uint64_t reserved[4];  /* zero */
} sluice_kv_cache_options;

/* Makes an empty cache. options may be NULL. Errors: SLUICE_E_INVALID_ARGUMENT, _UNSUPPORTED (type),
 * _LIMIT (capacity over the model's context size), _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_kv_cache_create(sluice_model *model, const sluice_kv_cache_options *options,
                                          sluice_kv_cache **cache, sluice_error *error);

/* Lets go of a cache; it ends with the last session that holds it. */
SLUICE_API void sluice_kv_cache_destroy(sluice_kv_cache *cache);

/* Bytes that such a cache takes, told before making it. Errors: as sluice_kv_cache_create. */
SLUICE_API int32_t sluice_kv_cache_size(const sluice_model *model,
                                        const sluice_kv_cache_options *options, uint64_t *size,
                                        sluice_error *error);

typedef struct sluice_kv_cache_info {
    uint32_t struct_size;
    int32_t key_type;
    int32_t value_type;
    uint32_t reserved0;
    uint64_t position; /* tokens remembered */
    uint64_t capacity; /* tokens */
    uint64_t size;     /* bytes */
    uint64_t reserved[3];
} sluice_kv_cache_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT, SLUICE_E_BUSY. */
SLUICE_API int32_t sluice_kv_cache_describe(const sluice_kv_cache *cache, sluice_kv_cache_info *info,
                                            sluice_error *error);

/* Tokens remembered; 0 for NULL. */
SLUICE_API uint64_t sluice_kv_cache_position(const sluice_kv_cache *cache);

/* Forgets everything: position 0, as after create. A cache that a session holds is reset by
 * sluice_session_reset, here it is refused. Errors: SLUICE_E_BUSY, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_reset(sluice_kv_cache *cache, sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
