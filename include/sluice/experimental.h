/* Functions that may change or go in any release: not part of the ABI promise. */
#ifndef SLUICE_EXPERIMENTAL_H
#define SLUICE_EXPERIMENTAL_H

#include <sluice/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How fast the machine is at best, on all threads of an engine at once: what benchmarks divide by. Each
 * number is a sum over the threads in a window of at most 4 ms. */
typedef struct sluice_machine_speed {
    uint32_t struct_size;
    uint32_t n_threads;                   /* of the engine */
    uint64_t int8_multiply_adds_per_s;    /* in registers, in the best window; 0 when the kernel table
                                             has no instruction for them */
    uint64_t float_multiply_adds_per_s;   /* 0: not measured */
    uint64_t bytes_per_s;                 /* read from memory in sequence, in the best window */
    uint64_t median_int8_multiply_adds_per_s; /* the same two in the median window: far below the best */
    uint64_t median_bytes_per_s;          /* ones where others take time from this machine */
    uint64_t reserved[4];
} sluice_machine_speed;

/* Measures each for about so many milliseconds; 0: 200; at most 10,000. Meanwhile it takes 256 MiB of
 * the budget, or 32 MiB for each thread where that is more. Nothing else should compute on the engine: its
 * threads would be busy elsewhere. Errors: SLUICE_E_INVALID_ARGUMENT, _OUT_OF_MEMORY, _CALLBACK_FAILED. */
SLUICE_API int32_t sluice_engine_measure(sluice_engine *engine, uint32_t milliseconds,
                                         sluice_machine_speed *speed, sluice_error *error);

/* Advances a cache by n_tokens as if they had been fed: with pseudo-random keys, values and inputs of convolutions, the
 * same for the same seed. What a model says after it is noise; how fast it says it is what a benchmark of long
 * histories asks. Errors: SLUICE_E_INVALID_ARGUMENT, _BUSY (also: a session holds the cache), _CONTEXT_FULL
 * (no room for them; the cache is as it was). */
SLUICE_API int32_t sluice_kv_cache_fill_random(sluice_kv_cache *cache, uint64_t n_tokens, uint64_t seed,
                                               sluice_error *error);

/* What a feed keeps for inspection, from the next feed on. */
#define SLUICE_TRACE_LOGITS 1u  /* logits of every row, not of the last one only */
#define SLUICE_TRACE_HIDDEN 2u  /* hidden states of every row before and after every layer */
#define SLUICE_TRACE_EXPERTS 4u /* experts woken and their weights */

/* Sets what is kept; 0 stops. A traced feed must fit in one chunk (chunk_size).
 * Errors: SLUICE_E_INVALID_ARGUMENT, _BUSY, _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_session_trace(sluice_session *session, uint32_t what, sluice_error *error);

/* Logits of the last traced feed: n_ids rows of vocabulary_size floats.
 * Errors: SLUICE_E_STATE, _BUFFER_TOO_SMALL, _BUSY, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_session_traced_logits(sluice_session *session, float *logits,
                                                uint64_t capacity, uint64_t *needed,
                                                sluice_error *error);

/* Hidden states of the last traced feed: n_ids rows of hidden_size floats. layer 0 is the embedding,
 * layer L the sum after layer L, counted from 1; the last one is given after the final norm, as
 * transformers does. Errors: as above. */
SLUICE_API int32_t sluice_session_traced_hidden(sluice_session *session, uint32_t layer, float *hidden,
                                                uint64_t capacity, uint64_t *needed,
                                                sluice_error *error);

/* Experts of the last traced feed in a layer counted from 0: n_ids rows of n_experts_used ids, ascending,
 * and their mixing weights. Errors: as above; SLUICE_E_NOT_FOUND for a layer without experts. */
SLUICE_API int32_t sluice_session_traced_experts(sluice_session *session, uint32_t layer,
                                                 int32_t *expert_ids, float *weights,
                                                 uint64_t capacity, uint64_t *needed,
                                                 sluice_error *error);

/* Writes a small GGUF model of the family with random weights and a byte-level vocabulary: its words
 * are random, its file is real. kind is "moe" or "dense". The file is written beside itself and renamed
 * into place. The same seed gives the same file. Errors: SLUICE_E_IO, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_random_model_write(const char *path, uint64_t path_size, const char *kind,
                                             uint64_t kind_size, uint64_t seed, sluice_error *error);

typedef struct sluice_quantise_options {
    uint32_t struct_size;
    uint32_t reserved0;   /* zero */
    uint64_t type_size;
    uint64_t importance_size;
    uint64_t reserved[2]; /* zero */
    const char *type;     /* Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16, BF16 or F32; NULL: Q4_K_M */
    const char *importance; /* path of an importance matrix in GGUF, as llama-imatrix writes it: errors are
                               weighed by the inputs they meet; NULL: all count alike */
    sluice_progress_fn progress; /* in bytes of weights; on the calling thread; may be NULL */
    void *progress_user;
    void *reserved_pointer;      /* NULL */
} sluice_quantise_options;

/* Writes a model as a GGUF file of another type, with the same type for each tensor as the files that the
 * makers of the family publish. The source is a GGUF file (all parts of a split one) or a checkpoint
 * folder, also one that MLX quantised to 4 or 8 bits. A few rows of a tensor are in memory at a time,
 * whatever the model's size, and the engine's threads share the work; the same source and type give the
 * same bytes, however many there are. The file is written beside itself, synced, and renamed to path; what
 * stood there is replaced, and a call that fails leaves it as it was.
 * Matrices whose rows the type cannot hold get another one, which the log tells (as a warning).
 * Errors: those of sluice_model_open; SLUICE_E_INVALID_ARGUMENT (also: path is a file of the source, or a
 * folder), _NUMERIC (a weight that is NaN, infinite or too large; the message names tensor and element),
 * _IO (also a full disk), _CANCELLED, _UNSUPPORTED (also what GGUF cannot describe). */
SLUICE_API int32_t sluice_quantise(sluice_engine *engine, const sluice_source *source, const char *path,
                                   uint64_t path_size, const sluice_quantise_options *options,
                                   sluice_error *error);

typedef struct sluice_importance_options {
    uint32_t struct_size;
    uint32_t window;      /* tokens that are read from an empty cache; 0: 512; at most 4096 */
    uint64_t reserved[2]; /* zero */
    sluice_progress_fn progress; /* in tokens; on the calling thread; may be NULL */
    void *progress_user;
    void *reserved_pointer;      /* NULL */
} sluice_importance_options;

/* Lets the model read tokens of a text and writes how large the inputs of each of its matrices are, for
 * sluice_quantise: a GGUF file as llama-imatrix writes it. The text should be like what the model is
 * for; some ten thousand tokens are a good number. Each window begins with the BOS token where the model
 * wants one. The file is whole or not there. Errors: those of sluice_session_feed; SLUICE_E_IO. */
SLUICE_API int32_t sluice_importance_write(sluice_model *model, const int32_t *ids, uint64_t n_ids,
                                           const char *path, uint64_t path_size,
                                           const sluice_importance_options *options,
                                           sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
