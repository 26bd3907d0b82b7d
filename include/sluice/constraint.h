/* The constraint: what a model may write. A JSON schema, a regular expression, a grammar or the
 * signatures of tools become an automaton; a session that is given one chooses only tokens that go on
 * with a text that the automaton accepts. Immutable for its users; any thread, several sessions. */
#ifndef SLUICE_CONSTRAINT_H
#define SLUICE_CONSTRAINT_H

#include <sluice/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_constraint sluice_constraint;

/* What the text of a constraint is. docs/constraints.md says what of each is known and how what is
 * generated is written. */
#define SLUICE_CONSTRAINT_JSON_SCHEMA 1 /* JSON Schema, 2020-12; the answer is a JSON document */
#define SLUICE_CONSTRAINT_REGEX 2       /* the whole answer matches */
#define SLUICE_CONSTRAINT_GRAMMAR 3     /* rules, name ::= expression; the answer is a root */
#define SLUICE_CONSTRAINT_TOOLS 4       /* a JSON list of tools; the answer is a list of calls:
                                           [name(argument=value, ...), ...] */

#define SLUICE_CONSTRAINT_FREE_WHITESPACE 1u /* JSON: line breaks and indents; otherwise at most one
                                                space, after ',' and ':' */
#define SLUICE_CONSTRAINT_OPEN_OBJECTS 2u /* JSON: objects with properties may have others, too, where
                                             the schema does not say */
#define SLUICE_CONSTRAINT_JSON_CALLS 4u   /* tools: [{"name": "...", "arguments": {...}}, ...] */
#define SLUICE_CONSTRAINT_ONE_CALL 8u     /* tools: exactly one call; otherwise one or more */

typedef struct sluice_constraint_options {
    uint32_t struct_size;
    int32_t kind;             /* SLUICE_CONSTRAINT_JSON_SCHEMA, ... */
    uint32_t flags;           /* SLUICE_CONSTRAINT_FREE_WHITESPACE, ... */
    uint32_t n_end_tokens;    /* at most 64 */
    sluice_text text;         /* the schema, expression, grammar or tools; copied */
    sluice_text tool;         /* tools: calls of this one only; empty: of all */
    uint64_t reserved[2];     /* zero */
    const int32_t *end_tokens; /* tokens that may follow the complete text; copied. None: the stop tokens
                                  of the tokenizer. After another token the answer goes on freely */
    void *reserved_pointer;   /* NULL */
} sluice_constraint_options;

/* Makes a constraint for the vocabulary of a tokenizer. The first one for a tokenizer takes longer:
 * its vocabulary is prepared. The same options give the same object again while it is remembered, with
 * the masks that were computed meanwhile. Nothing is fetched from anywhere.
 * Errors: SLUICE_E_INVALID_ARGUMENT (syntax; no text at all is possible), _UNSUPPORTED (a keyword or
 * construct that is not known, with its place), _CORRUPT (no JSON), _LIMIT, _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_constraint_create(const sluice_tokenizer *tokenizer,
                                            const sluice_constraint_options *options,
                                            sluice_constraint **constraint, sluice_error *error);

/* Sessions that were given it keep it. */
SLUICE_API void sluice_constraint_destroy(sluice_constraint *constraint);

typedef struct sluice_constraint_info {
    uint32_t struct_size;
    uint32_t n_states;        /* of the automaton */
    uint32_t n_rules;
    uint32_t reserved0;
    uint64_t masks_computed;  /* so far, for all sessions */
    uint64_t masks_found;     /* that had been computed before */
    uint64_t memory;          /* bytes of automaton, masks and tables; they are bounded, see the docs */
    uint64_t vocabulary_memory; /* bytes of the prepared vocabulary, shared by all constraints of it */
    uint64_t reserved[2];
} sluice_constraint_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_constraint_describe(const sluice_constraint *constraint,
                                              sluice_constraint_info *info, sluice_error *error);

#define SLUICE_CONSTRAINT_REFUSED 0  /* no text that begins so is allowed */
#define SLUICE_CONSTRAINT_BEGUN 1    /* more has to come */
#define SLUICE_CONSTRAINT_COMPLETE 2 /* the text is allowed as it is; more may be, too */

/* What the constraint says of a text: *verdict becomes one of the above.
 * Errors: SLUICE_E_INVALID_ARGUMENT, _LIMIT (the constraint is too ambiguous). */
SLUICE_API int32_t sluice_constraint_judge(const sluice_constraint *constraint, const char *text,
                                           uint64_t text_size, int32_t *verdict, sluice_error *error);

/* Holds the answers of a session to a constraint, each from its beginning, until it is given another
 * or NULL, which is none. Sampling, also greedy, then chooses among allowed tokens only. An answer
 * begins with each feed, prompt or rewind. after_token is -1, or a token: the answer is free until the
 * model has chosen it, such as the end of thinking, and is constrained behind it. Where the text is
 * complete and nothing may follow, not even an end token, the answer ends with SLUICE_END_CONSTRAINT;
 * the same where nesting as deep as is allowed leaves nothing to write.
 * sluice_session_next may then answer SLUICE_E_LIMIT (the constraint is too ambiguous), and takes
 * memory for masks. A constraint is not saved with a session; give it before sluice_session_load, and an
 * answer that was begun goes on under it (SLUICE_E_STATE from next, if it does not fit).
 * Errors: SLUICE_E_STATE (in the middle of an answer), _INVALID_ARGUMENT (a constraint for another
 * tokenizer than the model's, a token outside the vocabulary), _BUSY. */
SLUICE_API int32_t sluice_session_constrain(sluice_session *session,
                                            const sluice_constraint *constraint, int32_t after_token,
                                            sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
