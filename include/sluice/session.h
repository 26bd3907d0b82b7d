/* The session: a model, a KV cache, a sampler. Feed tokens or text, then pull events.
 * One thread at a time; a second one is answered SLUICE_E_BUSY. Only sluice_session_cancel may be
 * called from any thread at any time while the session lives. */
#ifndef SLUICE_SESSION_H
#define SLUICE_SESSION_H

#include <sluice/kv_cache.h>
#include <sluice/model.h>
#include <sluice/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_session sluice_session;

/* How the next token is chosen. */
#define SLUICE_SAMPLING_MODEL 0  /* fields left zero take what the model's makers recommend */
#define SLUICE_SAMPLING_GREEDY 1 /* the most likely token, after penalties and bias; the lower id of two */
#define SLUICE_SAMPLING_PLAIN 2  /* fields left zero are off: temperature 1, no cut, no penalty */

typedef struct sluice_logit_bias {
    int32_t token_id;
    float bias; /* added to the logit; minus infinity forbids the token */
} sluice_logit_bias;

/* Order: bias, repetition, frequency and presence penalties, DRY; then temperature; then top-k,
 * typical, top-p, min-p on what is left; then one draw. */
typedef struct sluice_sampling {
    uint32_t struct_size;
    int32_t mode;             /* SLUICE_SAMPLING_... */
    uint64_t seed;            /* 0: a fresh one from the system */
    float temperature;        /* above 0, at most 100; 0: default */
    int32_t top_k;            /* keep the k most likely; 0: default; -1: off */
    float top_p;              /* keep the most likely that sum to p, in (0, 1]; 0: default; 1: off */
    float min_p;              /* keep those with p times the highest probability; 0: default; -1: off */
    float typical_p;          /* locally typical sampling, in (0, 1]; 0: default; 1: off */
    float repetition_penalty; /* multiplicative (CTRL), above 0; 0: default; 1: off */
    float frequency_penalty;  /* subtracted once per occurrence; 0: off */
    float presence_penalty;   /* subtracted once if the token occurred; 0: off */
    int32_t penalty_window;   /* last tokens that the three penalties see; 0: all, prompt included */
    float dry_multiplier;     /* "don't repeat yourself"; 0: off */
    float dry_base;           /* 0: 1.75 */
    int32_t dry_allowed_length; /* 0: 2 */
    int32_t dry_window;       /* tokens looked back over; 0: all */
    uint32_t n_logit_biases;
    uint64_t n_dry_breakers;
    uint64_t reserved[2];     /* zero */
    const sluice_logit_bias *logit_biases; /* copied */
    const int32_t *dry_breakers; /* token ids that a repeated sequence may not cross; copied. NULL:
                                    tokens that hold a line end, ':', '"' or '*' */
} sluice_sampling;

#define SLUICE_SESSION_SKIP_SPECIAL 1u /* leave special tokens out of text events */
#define SLUICE_SESSION_IGNORE_STOP_TOKENS 2u /* generate on after end-of-sequence tokens */

/* One stop string. */
typedef struct sluice_text {
    uint64_t size;
    const char *data;
#if UINTPTR_MAX == 0xFFFFFFFFu
    uint32_t reserved;
#endif
} sluice_text;

typedef struct sluice_session_options {
    uint32_t struct_size;
    uint32_t flags;             /* SLUICE_SESSION_... */
    uint64_t max_tokens;        /* most tokens generated after a feed; 0: as many as fit */
    uint32_t chunk_size;        /* most tokens computed at once in prefill, 1 to 4,096; 0: 512. The
                                   results do not depend on it */
    uint32_t n_top_log_probabilities; /* kept for each token, at most 64 */
    uint32_t n_stop_tokens;
    uint32_t n_stop_strings;    /* at most 64, each at most 4,096 bytes */
    uint64_t reserved[2];       /* zero */
    const sluice_sampling *sampling; /* NULL: as the model's makers recommend */
    const int32_t *stop_tokens; /* besides the model's own; copied */
    const sluice_text *stop_strings; /* never shown; copied */
    void *reserved_pointer;     /* NULL */
} sluice_session_options;

/* Makes a session. cache may be NULL: the session then makes its own with default options. A cache can
 * be held by one session at a time; what it remembers already is continued, and penalties see it. options
 * may be NULL. All memory that generating needs is taken here, but the cache's pages, which come as it
 * fills (sluice_kv_cache_reserve takes them before). Errors: SLUICE_E_INVALID_ARGUMENT, _BUSY (the cache has a session), _OUT_OF_MEMORY, _LIMIT,
 * _UNSUPPORTED. */
SLUICE_API int32_t sluice_session_create(sluice_model *model, sluice_kv_cache *cache,
                                         const sluice_session_options *options,
                                         sluice_session **session, sluice_error *error);

SLUICE_API void sluice_session_destroy(sluice_session *session);

/* The sampling that the model's makers recommend, every field filled. */
SLUICE_API int32_t sluice_session_recommended_sampling(const sluice_model *model,
                                                       sluice_sampling *sampling, sluice_error *error);

/* Appends tokens to the conversation and computes them (prefill), behind those that are queued. n_ids of
 * 0 is refused. A failed or cancelled feed leaves the conversation as it was.
 * Errors: SLUICE_E_INVALID_ARGUMENT (id outside the vocabulary), _CONTEXT_FULL, _CANCELLED, _NUMERIC,
 * _BUSY, _OUT_OF_MEMORY, _CALLBACK_FAILED. */
SLUICE_API int32_t sluice_session_feed(sluice_session *session, const int32_t *ids, uint64_t n_ids,
                                       sluice_error *error);

/* Encodes text with SLUICE_ENCODE_... flags and feeds it. Errors: of both. */
SLUICE_API int32_t sluice_session_feed_text(sluice_session *session, const char *text,
                                            uint64_t text_size, uint32_t flags, sluice_error *error);

/* Makes the conversation these tokens, as if they were fed to an empty one, and begins an answer. What the
 * cache holds of their beginning stays, and only the rest is computed: for a chat, give all of it each time.
 * The logits are the same, bit for bit, as if nothing had been there; only where oneDNN computes prompts of
 * float matrices, tokens that were generated keep the sums of generated ones. *n_reused, may be NULL: tokens
 * that were not computed. A failed or cancelled call leaves the conversation as it was.
 * Errors: as sluice_session_feed; SLUICE_E_CONTEXT_FULL where n_ids is above the cache's capacity. */
SLUICE_API int32_t sluice_session_prompt(sluice_session *session, const int32_t *ids, uint64_t n_ids,
                                         uint64_t *n_reused, sluice_error *error);

/* Encodes text with SLUICE_ENCODE_... flags and gives it to sluice_session_prompt. Errors: of both. */
SLUICE_API int32_t sluice_session_prompt_text(sluice_session *session, const char *text,
                                              uint64_t text_size, uint32_t flags, uint64_t *n_reused,
                                              sluice_error *error);

/* Goes back to the first `position` tokens of the cache, and begins an answer there: next chooses the token
 * that follows them. A chosen token that is not computed yet is forgotten. Where no mark stands, the
 * convolutions' inputs are computed again from some tens of tokens; sessions make marks in front of each
 * message and at the end of each feed by themselves. The sampler's random stream goes on.
 * Errors: SLUICE_E_INVALID_ARGUMENT (position behind the end), and those of sluice_session_feed; then
 * nothing has changed. */
SLUICE_API int32_t sluice_session_rewind(sluice_session *session, uint64_t position,
                                         sluice_error *error);

/* Writes the conversation to one file, at any token, also in the middle of an answer: what the cache
 * remembers, the chosen token and the random stream. Options are not written. Errors and promises: as
 * sluice_kv_cache_save. */
SLUICE_API int32_t sluice_session_save(const sluice_session *session, const char *path, uint64_t path_size,
                                       sluice_error *error);

/* Takes the place of the conversation. With the same options the next token is the one that would have come,
 * bit for bit, also in another process; max_tokens counts from here. Reads files of sluice_kv_cache_save
 * too; the answer then begins after the last token. Errors: as sluice_kv_cache_load; the conversation stays
 * as it was. */
SLUICE_API int32_t sluice_session_load(sluice_session *session, const char *path, uint64_t path_size,
                                       sluice_error *error);

/* As feed, but computes nothing: the tokens are appended to a prompt that is computed by the steps of a
 * batch (batch.h), or whole by the next sluice_session_next, feed or logits. Until it is computed whole,
 * the conversation is the old one: a cancelled next or step drops what is queued and goes on there,
 * sluice_session_reset drops it too, and any other failure leaves it queued; prompt, rewind, save and load
 * are refused with SLUICE_E_STATE. Statistics count a prompt when it is whole; their position counts what
 * is computed of it. Errors: SLUICE_E_INVALID_ARGUMENT (id outside the vocabulary), _CONTEXT_FULL, _BUSY,
 * _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_session_queue(sluice_session *session, const int32_t *ids, uint64_t n_ids,
                                        sluice_error *error);

/* Encodes text with SLUICE_ENCODE_... flags and queues it. Errors: of both. */
SLUICE_API int32_t sluice_session_queue_text(sluice_session *session, const char *text,
                                             uint64_t text_size, uint32_t flags, sluice_error *error);

/* Kinds of events. New kinds are new numbers: skip those that you do not know. */
#define SLUICE_EVENT_TEXT 1 /* a token, and the text that is certain since; the text may be empty */
#define SLUICE_EVENT_END 2  /* generation is over; reason tells why */
/* 3 to 6 are in output_parser.h. */
#define SLUICE_EVENT_PROGRESS 7 /* of a batch's step: a queued prompt is not computed whole yet */

#define SLUICE_END_STOP_TOKEN 1
#define SLUICE_END_STOP_STRING 2
#define SLUICE_END_MAX_TOKENS 3
#define SLUICE_END_CONTEXT_FULL 4
#define SLUICE_END_CANCELLED 5
#define SLUICE_END_CONSTRAINT 6 /* a constraint (constraint.h) lets nothing follow */

typedef struct sluice_event {
    uint32_t struct_size;
    int32_t kind;             /* SLUICE_EVENT_... */
    int32_t token_id;         /* TEXT: the token, -1 for text held back until now; END: the stop token
                                 or -1 */
    int32_t reason;           /* END: SLUICE_END_... */
    float log_probability;    /* TEXT: natural logarithm of the token's probability before penalties and
                                 temperature; 0 unless n_top_log_probabilities is above 0 */
    uint32_t stop_string;     /* END by STOP_STRING: its index */
    uint64_t n_tokens;        /* generated since the last feed */
    uint64_t text_size;
    uint64_t prompt_done;     /* PROGRESS: tokens of the prompt that are computed */
    uint64_t prompt_to_go;    /* PROGRESS: and that are not */
    uint64_t reserved[1];
    const char *text;         /* whole UTF-8 characters; lives until the next call on this session */
    void *reserved_pointer;
} sluice_event;

/* Generates: chooses one token, fills *event with it. After END the session waits for the next feed,
 * and answers END again until then. The chosen token is computed by the next call that needs it; a stop
 * token is not remembered, feed it to continue after it.
 * A cancelled call answers END with SLUICE_END_CANCELLED and status SLUICE_OK; another next goes on.
 * Errors: SLUICE_E_STATE (nothing fed), _NUMERIC, _BUSY, _INVALID_ARGUMENT, _CALLBACK_FAILED. */
SLUICE_API int32_t sluice_session_next(sluice_session *session, sluice_event *event,
                                       sluice_error *error);

/* Asks the call that is running on the session, or else the next feed or next, to end. Any thread;
 * returns at once. In decode it takes effect within 50 ms. Where generation has ended by itself, the next
 * END uses the cancel up. */
SLUICE_API void sluice_session_cancel(sluice_session *session);

/* Forgets the conversation; options, sampler settings and seed stay, its random stream starts anew.
 * Errors: SLUICE_E_BUSY, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_session_reset(sluice_session *session, sluice_error *error);

/* Gives other sampling or limits from the next token on; NULL fields as in create, chunk_size and
 * n_top_log_probabilities must be 0 or as they were. Errors: as sluice_session_create. */
SLUICE_API int32_t sluice_session_configure(sluice_session *session,
                                            const sluice_session_options *options,
                                            sluice_error *error);

/* The logits that the next token will be chosen from: vocabulary_size floats, before penalties.
 * Computes the last chosen token if that is still to do. Errors: SLUICE_E_STATE, _BUFFER_TOO_SMALL,
 * and those of sluice_session_next. */
SLUICE_API int32_t sluice_session_logits(sluice_session *session, float *logits, uint64_t capacity,
                                         uint64_t *needed, sluice_error *error);

/* The most likely tokens at the place of the last TEXT event with a token, best first, with natural
 * logarithms of their probabilities before penalties and temperature: n_top_log_probabilities of them.
 * Errors: SLUICE_E_STATE, SLUICE_E_BUFFER_TOO_SMALL, SLUICE_E_BUSY. */
SLUICE_API int32_t sluice_session_top_log_probabilities(sluice_session *session, int32_t *ids,
                                                        float *log_probabilities, uint64_t capacity,
                                                        uint64_t *needed, sluice_error *error);

typedef struct sluice_statistics {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t prefill_tokens;      /* fed since the session was created */
    uint64_t prefill_nanoseconds; /* spent on them */
    uint64_t decode_tokens;       /* generated and computed */
    uint64_t decode_nanoseconds;
    uint64_t load_nanoseconds;    /* that opening the model took */
    uint64_t position;            /* tokens in the cache */
    uint64_t seed;                /* in use, also when a fresh one was asked for */
    uint64_t memory;              /* bytes that the session takes, without its cache */
    uint64_t reused_tokens;       /* of prompts, that were not computed again */
    uint64_t reserved[3];
} sluice_statistics;

/* Fills *statistics. Errors: SLUICE_E_BUSY, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_session_statistics(sluice_session *session, sluice_statistics *statistics,
                                             sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
