/* Many sessions in one pass: what each needs computed next is computed together, so that the weights
 * are read once for all. The tokens are those, bit for bit, that each session gives alone.
 * A batch is one thread's at a time; a second one is answered SLUICE_E_BUSY. */
#ifndef SLUICE_BATCH_H
#define SLUICE_BATCH_H

#include <sluice/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_batch sluice_batch;

typedef struct sluice_batch_options {
    uint32_t struct_size;
    uint32_t max_sessions; /* stepped together at most, 1 to 256; 0: 8 */
    uint32_t max_tokens;   /* computed by one step at most, max_sessions to 4,096; 0: 512. The results do
                              not depend on it; a prompt holds the others up for so many tokens */
    uint32_t reserved0;    /* zero */
    uint64_t reserved[4];  /* zero */
} sluice_batch_options;

/* Makes a batch: the working memory of a step. It belongs to no session. Sessions that are only stepped
 * here need little of their own: a chunk_size of 1 will do. options may be NULL.
 * Errors: SLUICE_E_INVALID_ARGUMENT, _LIMIT (max_tokens over 4,096), _OUT_OF_MEMORY, _UNSUPPORTED. */
SLUICE_API int32_t sluice_batch_create(sluice_model *model, const sluice_batch_options *options,
                                       sluice_batch **batch, sluice_error *error);

SLUICE_API void sluice_batch_destroy(sluice_batch *batch);

/* Brings n_sessions sessions one event on. A session's event is the one that sluice_session_next would
 * give; only a queued prompt that does not fit the step is answered SLUICE_EVENT_PROGRESS, and goes on
 * with the next step. Each session that generates has one token computed in every step, and prompts
 * share the rest of max_tokens equally.
 * `sessions`, `events` and `statuses` have n_sessions entries. All events have the struct_size of
 * events[0] and lie so far apart. A session may be in one step and not in the next.
 * statuses[i] is SLUICE_OK, with events[i] filled, or what sessions[i] met, with events[i].kind 0:
 * SLUICE_E_BUSY (in use on another thread), _STATE (nothing fed), _NUMERIC, _OUT_OF_MEMORY. That session
 * is as it was, a prompt of its uncomputed, and the others have their events.
 * A session's cancel takes effect at the beginning of its next step: it gets END with
 * SLUICE_END_CANCELLED.
 * Returns SLUICE_OK when all have their event, otherwise the status of the first that has none, which
 * *error names. Where the call is refused or the pass fails as a whole, that is the status of all which
 * had something to compute, and they are as they were. Errors: those above; SLUICE_E_INVALID_ARGUMENT (0
 * or more than max_sessions sessions, one of another model, the same one twice), _BUSY,
 * _CALLBACK_FAILED. */
SLUICE_API int32_t sluice_batch_step(sluice_batch *batch, sluice_session *const *sessions,
                                     uint64_t n_sessions, sluice_event *events, int32_t *statuses,
                                     sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
