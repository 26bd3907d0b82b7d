/* The KV cache: everything that a conversation remembers. Its tokens, the keys and values of the attention
 * layers, and the last inputs of the short convolutions, always at one common position. It grows by pages
 * of 256 tokens, and what it holds never moves.
 * One thread at a time; a cache that a session holds belongs to that session's thread. */
#ifndef SLUICE_KV_CACHE_H
#define SLUICE_KV_CACHE_H

#include <sluice/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_kv_cache sluice_kv_cache;

/* How keys and values are stored. Q8_0 and Q4_0 round blocks of 32 elements to 8 and to 4 bits with one
 * float16 scale each: 8.5 and 4.5 bits an element. They need heads of a multiple of 32 elements. */
#define SLUICE_KV_F32 1
#define SLUICE_KV_F16 2
#define SLUICE_KV_Q8_0 3
#define SLUICE_KV_Q4_0 4

typedef struct sluice_kv_cache_options {
    uint32_t struct_size;
    uint32_t reserved0;    /* zero */
    uint64_t capacity;     /* tokens; 0: the model's context size, at most 4,096 */
    int32_t key_type;      /* SLUICE_KV_...; 0: SLUICE_KV_F16 */
    int32_t value_type;    /* SLUICE_KV_...; 0: SLUICE_KV_F16 */
    uint64_t reserved[4];  /* zero */
} sluice_kv_cache_options;

/* Makes an empty cache. options may be NULL. Errors: SLUICE_E_INVALID_ARGUMENT, _UNSUPPORTED (a type that is
 * not known, or not possible with the model's heads),
 * _LIMIT (capacity over the model's context size), _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_kv_cache_create(sluice_model *model, const sluice_kv_cache_options *options,
                                          sluice_kv_cache **cache, sluice_error *error);

/* Lets go of a cache; it ends with the last session that holds it. */
SLUICE_API void sluice_kv_cache_destroy(sluice_kv_cache *cache);

/* Bytes that such a cache takes when it is full, told before making it; marks come on top. Errors: as sluice_kv_cache_create. */
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
    uint64_t size;     /* bytes taken now; what caches share counts for each of them */
    uint64_t n_marks;  /* also those that sessions make by themselves */
    uint64_t reserved[2];
} sluice_kv_cache_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT, SLUICE_E_BUSY. */
SLUICE_API int32_t sluice_kv_cache_describe(const sluice_kv_cache *cache, sluice_kv_cache_info *info,
                                            sluice_error *error);

/* Tokens remembered; 0 for NULL. */
SLUICE_API uint64_t sluice_kv_cache_position(const sluice_kv_cache *cache);

/* Takes the memory for the next n_tokens tokens now, so that it cannot be missing later.
 * Errors: SLUICE_E_CONTEXT_FULL, _OUT_OF_MEMORY (nothing is taken then), _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_reserve(sluice_kv_cache *cache, uint64_t n_tokens,
                                           sluice_error *error);

/* Gives back what the tokens remembered do not need: pages behind them and, if the cache still takes more
 * than most_bytes, the marks that sessions made by themselves. *size, may be NULL: bytes taken after it,
 * which may be more than most_bytes. Errors: SLUICE_E_BUSY, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_trim(sluice_kv_cache *cache, uint64_t most_bytes, uint64_t *size,
                                        sluice_error *error);

/* The tokens remembered, oldest first. Errors: SLUICE_E_BUFFER_TOO_SMALL, _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_tokens(const sluice_kv_cache *cache, int32_t *ids, uint64_t capacity,
                                          uint64_t *needed, sluice_error *error);

/* Another cache with the same past, marks too. Both share the memory of what they have in common, and go
 * their own ways from here. Errors: SLUICE_E_OUT_OF_MEMORY, _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_fork(const sluice_kv_cache *cache, sluice_kv_cache **fork,
                                        sluice_error *error);

/* Marks the place where the cache is, so that going back to it costs nothing; some hundred KiB. The number
 * in *mark is used once in an engine's life. A mark dies when the cache goes back to before it, and lives
 * on in forks. Errors: SLUICE_E_OUT_OF_MEMORY, _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_mark(sluice_kv_cache *cache, uint64_t *mark, sluice_error *error);

/* Gives a mark up. Errors: SLUICE_E_NOT_FOUND (another cache's, or dead), _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_unmark(sluice_kv_cache *cache, uint64_t mark, sluice_error *error);

/* Goes back to a mark: keys, values, convolutions and tokens are as they were there, bit for bit. A cache
 * that a session holds is refused, sluice_session_rewind goes back. Errors: SLUICE_E_NOT_FOUND (another
 * cache's, or dead; the cache stays as it was), _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_rewind(sluice_kv_cache *cache, uint64_t mark, sluice_error *error);

/* The position of a mark. Errors: as sluice_kv_cache_unmark. */
SLUICE_API int32_t sluice_kv_cache_mark_position(const sluice_kv_cache *cache, uint64_t mark,
                                                 uint64_t *position, sluice_error *error);

/* Writes what the cache remembers, but its marks, to one file: beside `path`, synced, then renamed, so that
 * there is the old file or the new one, whole, whatever happens. Only its owner may read it. It is for the
 * same model and tokenizer, and caches with the same types of keys and values, and is checked by checksums;
 * it is not encrypted. Errors: SLUICE_E_IO, _NOT_FOUND (the folder), _OUT_OF_MEMORY, _BUSY,
 * _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_save(const sluice_kv_cache *cache, const char *path, uint64_t path_size,
                                        sluice_error *error);

/* Takes the place of what the cache remembers; reads files of sluice_session_save too. A cache that a session
 * holds is refused, sluice_session_load reads. Errors: SLUICE_E_CORRUPT (cut short or altered), _UNSUPPORTED
 * (another version, other types of keys and values), _INVALID_ARGUMENT (of another model or tokenizer),
 * _LIMIT (more tokens than the capacity), _NOT_FOUND, _IO, _OUT_OF_MEMORY, _BUSY; the cache stays as it was. */
SLUICE_API int32_t sluice_kv_cache_load(sluice_kv_cache *cache, const char *path, uint64_t path_size,
                                        sluice_error *error);

/* Forgets everything: position 0, as after create. A cache that a session holds is reset by
 * sluice_session_reset, here it is refused. Errors: SLUICE_E_BUSY, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_kv_cache_reset(sluice_kv_cache *cache, sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
