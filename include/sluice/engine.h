/* The engine: worker threads, kernels, the log and the byte budget of the objects made in it.
 * Two engines in one process do not know of each other. An engine may be used from any thread. */
#ifndef SLUICE_ENGINE_H
#define SLUICE_ENGINE_H

#include <sluice/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_engine sluice_engine;

/* Log levels. A message is one line without a line end. */
#define SLUICE_LOG_DEBUG 1
#define SLUICE_LOG_INFO 2
#define SLUICE_LOG_WARNING 3
#define SLUICE_LOG_ERROR 4
#define SLUICE_LOG_OFF 5

/* Receives log lines; text lives until the callback returns. It may come from any thread, one call
 * at a time for an engine. It must not call back into sluice and must not throw. */
typedef void (*sluice_log_fn)(void *user, int32_t level, const char *text, uint64_t text_size);

/* Called once when the library has no more use for a callback's user pointer. */
typedef void (*sluice_destroy_fn)(void *user);

/* Runs task(context, i) once for every i in [0, n_tasks), on any threads in any order, and returns 0
 * when all have ended. A number other than 0 makes the call that needed it fail with
 * SLUICE_E_CALLBACK_FAILED; no task may then still be running. Tasks never block on each other. */
typedef void (*sluice_task_fn)(void *context, uint32_t index);
typedef int32_t (*sluice_executor_fn)(void *user, sluice_task_fn task, void *context, uint32_t n_tasks);

typedef struct sluice_engine_options {
    uint32_t struct_size;
    uint32_t n_threads;     /* threads that compute, the caller's included; 0: one per fast core that this
                               process may use; at most 256. On Linux the engine's own threads are
                               kept off their caller's CPU; the caller's affinity is never changed */
    int32_t log_level;      /* least level that is logged; 0: SLUICE_LOG_WARNING */
    uint32_t reserved0;     /* zero */
    uint64_t memory_budget; /* most bytes that models read to memory, caches and sessions of this
                               engine may take together; 0: no limit. Mapped files do not count */
    uint64_t kernels_size;
    uint64_t reserved[2];   /* zero */
    const char *kernels;    /* name of a kernel table: "scalar", "reference" (Eigen, float32, slow,
                               the judge of the others); NULL: $SLUICE_KERNELS, else the best one */
    sluice_log_fn log;      /* NULL: nothing is logged */
    void *log_user;
    sluice_destroy_fn log_destroy;   /* may be NULL */
    sluice_executor_fn executor;     /* NULL: the engine's own threads */
    void *executor_user;
    sluice_destroy_fn executor_destroy; /* may be NULL */
    void *reserved_pointer;             /* NULL */
} sluice_engine_options;

/* Makes an engine. options may be NULL. A thread that the system refuses is done without, which the
 * log tells. The callbacks' destroy functions are called also when this fails.
 * Errors: SLUICE_E_INVALID_ARGUMENT, SLUICE_E_NOT_FOUND (kernels), SLUICE_E_OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_engine_create(const sluice_engine_options *options, sluice_engine **engine,
                                        sluice_error *error);

/* Lets go of the engine; it ends, and joins its threads, with the last object made in it. */
SLUICE_API void sluice_engine_destroy(sluice_engine *engine);

/* What an engine turned out to be. */
typedef struct sluice_engine_info {
    uint32_t struct_size;
    uint32_t n_threads;     /* that compute */
    uint64_t memory_budget; /* bytes, 0: no limit */
    uint64_t memory_used;   /* bytes charged to the budget now */
    uint64_t reserved[2];
    char kernels[32];       /* name of the kernel table, zero-terminated */
    char cpu[64];           /* instruction sets found, for example "avx2 fma avx512vnni" */
} sluice_engine_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_engine_describe(const sluice_engine *engine, sluice_engine_info *info,
                                          sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
