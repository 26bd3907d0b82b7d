/* The model: weights and configuration, immutable once open. May be shared by any number of sessions
 * and used from any thread. */
#ifndef SLUICE_MODEL_H
#define SLUICE_MODEL_H

#include <sluice/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_model sluice_model;

/* Where a model file comes from. */
#define SLUICE_SOURCE_PATH 1       /* a GGUF file, the first part of a split one, or a folder with a
                                      Hugging Face checkpoint (config.json, *.safetensors, ...) */
#define SLUICE_SOURCE_DESCRIPTOR 2 /* an open file descriptor; borrowed until the last object made from the
                                      model is gone */
#define SLUICE_SOURCE_MEMORY 3     /* bytes of the caller's, unchanged for as long */
#define SLUICE_SOURCE_CALLBACK 4   /* read_at */

/* Reads up to size bytes at offset into buffer and returns how many were read, 0 at the end, or a
 * negative number on failure. Called from the thread that opens the model, never after. */
typedef int64_t (*sluice_read_at_fn)(void *user, uint64_t offset, void *buffer, uint64_t size);

typedef struct sluice_source {
    uint32_t struct_size;
    int32_t kind;         /* SLUICE_SOURCE_... */
    int32_t descriptor;   /* DESCRIPTOR */
    uint32_t reserved0;   /* zero */
    uint64_t offset;      /* DESCRIPTOR: first byte of the model in the file, 0 for a plain file */
    uint64_t size;        /* PATH: bytes of the path; DESCRIPTOR: bytes of the model, 0 means up to the
                             end of the file; MEMORY, CALLBACK: bytes of the model */
    uint64_t reserved[2]; /* zero */
    const char *path;     /* PATH */
    const void *memory;   /* MEMORY */
    sluice_read_at_fn read_at;          /* CALLBACK */
    void *read_at_user;
    sluice_destroy_fn read_at_destroy;  /* may be NULL; called when reading is over, also on failure */
    void *reserved_pointer;             /* NULL */
} sluice_source;

/* Told how far opening a model has come, in bytes read or verified; a number other than 0 ends it with
 * SLUICE_E_CANCELLED. Called on the opening thread. */
typedef int32_t (*sluice_progress_fn)(void *user, uint64_t done, uint64_t total);

#define SLUICE_MODEL_READ 1u  /* read the weights to memory instead of mapping the file: a file that
                                 another process cuts short while it is mapped ends the process
                                 (SIGBUS); use this for storage that you do not trust */
#define SLUICE_MODEL_SCAN 2u  /* look at every weight once and refuse NaN and infinities; reads the
                                 whole file */

/* How the inputs of quantised matrices are computed with. Matrices of floats always meet floats. */
#define SLUICE_ACTIVATIONS_DEFAULT 0 /* INT8 where the engine's kernels are faster with it, else FLOAT32 */
#define SLUICE_ACTIVATIONS_FLOAT32 1 /* unrounded: slower, and as exact as float32 sums are */
#define SLUICE_ACTIVATIONS_INT8 2    /* rounded to 8 bits in blocks of 32, each with a scale of its own */

typedef struct sluice_model_options {
    uint32_t struct_size;
    uint32_t flags;       /* SLUICE_MODEL_... */
    int32_t activations;  /* SLUICE_ACTIVATIONS_... */
    uint32_t reserved0;   /* zero */
    uint64_t reserved[1]; /* zero */
    sluice_progress_fn progress; /* may be NULL */
    void *progress_user;
} sluice_model_options;

/* Opens a model of the lfm2 or lfm2_moe family. options may be NULL. The file is verified whole before
 * this returns: names, shapes, types, sizes, offsets; the weights themselves only with SCAN.
 * Errors: SLUICE_E_IO, _NOT_FOUND, _CORRUPT (message and file_offset name the place), _UNSUPPORTED,
 * _LIMIT, _CANCELLED, _OUT_OF_MEMORY, _INVALID_ARGUMENT, _NUMERIC, _CALLBACK_FAILED. */
SLUICE_API int32_t sluice_model_open(sluice_engine *engine, const sluice_source *source,
                                     const sluice_model_options *options, sluice_model **model,
                                     sluice_error *error);

/* The same for a path of path_size bytes. */
SLUICE_API int32_t sluice_model_open_path(sluice_engine *engine, const char *path, uint64_t path_size,
                                          const sluice_model_options *options, sluice_model **model,
                                          sluice_error *error);

/* Lets go of a model; it ends with the last object made from it. */
SLUICE_API void sluice_model_close(sluice_model *model);

typedef struct sluice_model_info {
    uint32_t struct_size;
    uint32_t n_layers;
    uint32_t n_attention_layers;
    uint32_t n_convolution_layers;
    uint32_t n_dense_layers;      /* layers whose feed-forward is dense; the others have experts */
    uint32_t n_experts;           /* of one layer; 0 in a dense model */
    uint32_t n_experts_used;      /* woken for a token */
    uint32_t hidden_size;
    uint32_t feed_forward_size;
    uint32_t expert_feed_forward_size;
    uint32_t n_heads;
    uint32_t n_kv_heads;
    uint32_t head_size;
    uint32_t convolution_width;   /* taps of the short convolution */
    uint32_t vocabulary_size;     /* rows of the embedding; ids at or above the tokenizer's size are
                                     padding: chosen only if they win in greedy mode, never drawn */
    uint32_t context_size;        /* tokens that the model says it was made for */
    float rope_theta;
    float norm_epsilon;
    uint64_t n_parameters;        /* tied matrices counted once */
    uint64_t n_parameters_used;   /* of one token */
    uint64_t file_size;           /* bytes of all files of the model */
    uint64_t weights_size;        /* bytes of all its tensors */
    uint64_t token_read_size;     /* bytes of weights that one generated token reads */
    uint64_t fingerprint;         /* of the configuration, the tensor table and sampled weights */
    uint64_t n_tensors;
    uint64_t reserved[3];
    char architecture[32];        /* "lfm2" or "lfm2moe" */
    char format[32];              /* "GGUF v3", "safetensors" */
    char quantisation[32];        /* type that most weights have, for example "Q4_0" */
    char name[128];               /* as the file says; may be anything */
} sluice_model_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_model_describe(const sluice_model *model, sluice_model_info *info,
                                         sluice_error *error);

/* Copies the text of a metadata key of the file, for example "general.license" or
 * "tokenizer.chat_template", as UTF-8 (numbers in decimal; arrays are not text). For a checkpoint
 * folder the keys are those of config.json, and "tokenizer.chat_template".
 * Errors: SLUICE_E_NOT_FOUND, _UNSUPPORTED (an array), _BUFFER_TOO_SMALL, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_model_metadata(const sluice_model *model, const char *key, uint64_t key_size,
                                         char *text, uint64_t capacity, uint64_t *needed,
                                         sluice_error *error);

/* One tensor of the file. */
typedef struct sluice_tensor_info {
    uint32_t struct_size;
    uint32_t n_dimensions;
    uint64_t dimensions[4]; /* the first one is contiguous */
    uint64_t size;          /* bytes */
    uint64_t offset;        /* bytes from the start of its file */
    uint64_t reserved[2];
    char type[16];          /* for example "Q4_K" */
    char name[128];         /* cut where longer */
} sluice_tensor_info;

/* Fills *info for the tensor index, below n_tensors. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_model_tensor(const sluice_model *model, uint64_t index,
                                       sluice_tensor_info *info, sluice_error *error);

/* What running a model would take, told from its header alone: no weight is read. */
typedef struct sluice_plan_options {
    uint32_t struct_size;
    uint32_t flags;          /* SLUICE_MODEL_READ as the model would be opened, or 0 */
    uint64_t context_size;   /* tokens of the KV cache; 0: as sluice_kv_cache_create */
    int32_t key_type;        /* as in sluice_kv_cache_options */
    int32_t value_type;
    uint32_t chunk_size;     /* as in sluice_session_options */
    uint32_t n_threads;      /* 0: as sluice_engine_create */
    uint64_t reserved[2];    /* zero */
} sluice_plan_options;

typedef struct sluice_plan {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t mapped_weights; /* bytes of the file that are mapped; the system may drop and re-read them */
    uint64_t model_memory;   /* bytes that the open model keeps in memory of its own */
    uint64_t cache_memory;   /* bytes of one KV cache */
    uint64_t session_memory; /* bytes of one session without its cache */
    uint64_t total;          /* sum of the above */
    uint64_t machine_memory; /* bytes that this machine (or its container) has, 0 when unknown */
    uint64_t machine_free;   /* bytes that are free or can be freed on it now, 0 when unknown */
    uint64_t reserved[2];
} sluice_plan;

/* Fills *plan. options may be NULL. Errors: as sluice_model_open. */
SLUICE_API int32_t sluice_model_plan(const sluice_source *source, const sluice_plan_options *options,
                                     sluice_plan *plan, sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
