/* The output parser: what a model of the family writes, as events of thinking, answer text and tool
 * calls. It needs no model: push bytes as they come, in pieces of any size, and pull events. Special
 * tokens have to be among them: a session must not be told SLUICE_SESSION_SKIP_SPECIAL.
 * One thread at a time; that is not checked.
 *
 * Thinking stands between <think> and </think>, tool calls between <|tool_call_start|> and
 * <|tool_call_end|>: Pythonic, [name(argument=value), ...], or JSON, [{"name": ..., "arguments": {...}}],
 * also with "parameters", with an object "function" around them, or without the list. <|im_end|> ends the
 * message; what follows is passed over. None of these marks ever shows in a text.
 * - White space after </think> is dropped, and so is white space between marks where no text comes.
 * - A body of calls that is repeated directly after its block, as these models often do, is dropped.
 * - Prose around calls inside their block is passed over.
 * - Arguments become JSON. Integers of any size stay as they are written; tuples and sets become arrays.
 * - Text and JSON are valid UTF-8: bytes that form no character become U+FFFD. An event never splits a
 *   character. Only what may become part of a mark or of a character is held back.
 * However the bytes are cut, the events are the same; only text may come in other pieces. */
#ifndef SLUICE_OUTPUT_PARSER_H
#define SLUICE_OUTPUT_PARSER_H

#include <sluice/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_output_parser sluice_output_parser;

#define SLUICE_OUTPUT_THINKING_OPEN 1u     /* the prompt ends with <think> */
#define SLUICE_OUTPUT_CALLS_IN_THINKING 2u /* calls count inside thinking too; otherwise they are thinking */
#define SLUICE_OUTPUT_THINKING_UNKNOWN 4u  /* whether the prompt ends so is not known. What stands before the
                                              first mark waits for it, up to 1 MiB: an output whose first
                                              mark is </think> began inside thinking */

typedef struct sluice_output_parser_options {
    uint32_t struct_size;
    uint32_t flags;         /* SLUICE_OUTPUT_...; not OPEN and UNKNOWN both */
    uint32_t max_depth;     /* brackets around a value, at most 1,024; 0: 64 */
    uint32_t max_calls;     /* in one output; 0: 1,024 */
    uint64_t max_call_size; /* bytes of one call; 0: 16 MiB */
    uint64_t tools_size;
    uint64_t reserved[2];   /* zero */
    const char *tools;      /* a JSON array of tools in OpenAI's shape, {"type": "function", "function":
                               {"name", "parameters"}}, or of the inner objects. Calls are then compared with
                               them: names, arguments, and of JSON Schema type, enum, const, required,
                               properties, additionalProperties, items, anyOf, oneOf. An argument without a
                               name takes the parameter at its place. Copied. NULL: nothing is compared */
    void *reserved_pointer; /* NULL */
} sluice_output_parser_options;

/* Makes a parser; options may be NULL. Errors: SLUICE_E_INVALID_ARGUMENT, _UNSUPPORTED, _CORRUPT (the
 * tools are no such JSON), _LIMIT (tools over 16 MiB or nested deeper than 64), _OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_output_parser_create(const sluice_output_parser_options *options,
                                               sluice_output_parser **parser, sluice_error *error);

SLUICE_API void sluice_output_parser_destroy(sluice_output_parser *parser);

/* Goes on with the output. What the model wrote never makes this fail: a slip is an event.
 * Errors: SLUICE_E_INVALID_ARGUMENT, _STATE (after finish), _OUT_OF_MEMORY. After the last one the parser
 * does not know where it stands: push and finish answer _STATE from then on, and the output has to be pushed
 * into a new one. */
SLUICE_API int32_t sluice_output_parser_push(sluice_output_parser *parser, const char *bytes,
                                             uint64_t size, sluice_error *error);

/* The output has ended: what was held back and END can be pulled. Errors: as push. */
SLUICE_API int32_t sluice_output_parser_finish(sluice_output_parser *parser, sluice_error *error);

/* Kinds of events, besides SLUICE_EVENT_TEXT and SLUICE_EVENT_END of session.h. */
#define SLUICE_EVENT_NONE 0               /* nothing more until push or finish */
#define SLUICE_EVENT_THINKING 3           /* text: thinking */
#define SLUICE_EVENT_TOOL_CALL_BEGIN 4    /* name */
#define SLUICE_EVENT_TOOL_CALL_ARGUMENT 5 /* a value has closed; inner values come before what holds them.
                                             path: "city", "a.b[0]", "a[\"odd key\"]"; text: its JSON.
                                             After 65,536 in one output, or where a path is longer than
                                             1,024 bytes, a value has no event of its own */
#define SLUICE_EVENT_TOOL_CALL_END 6      /* name; text: the arguments as a JSON object; valid; the spans.
                                             Where a name could not be read it comes without a BEGIN */

/* What the end of the output left open. */
#define SLUICE_OPEN_THINKING 1u
#define SLUICE_OPEN_TOOL_CALLS 2u

/* Offsets count the bytes of the output from the first one that was pushed. */
typedef struct sluice_output_event {
    uint32_t struct_size;
    int32_t kind;            /* SLUICE_EVENT_... */
    int32_t valid;           /* TOOL_CALL_END: 1 when the call is well formed and fits its tool */
    uint32_t open;           /* END: SLUICE_OPEN_... */
    uint64_t text_size;
    uint64_t name_size;
    uint64_t path_size;
    uint64_t expected_size;
    uint64_t call_index;     /* of all about calls: 0 for the first call of the output */
    uint64_t call_offset;    /* TOOL_CALL_END: the call in the output */
    uint64_t call_size;
    uint64_t slip_offset;    /* TOOL_CALL_END that is not valid: the part of the output that is wrong; */
    uint64_t slip_size;      /* 0 where something is missing at the end */
    uint64_t reserved[3];
    const char *text;        /* this and the next three live until the next call on this parser */
    const char *name;
    const char *path;
    const char *expected;    /* TOOL_CALL_END that is not valid: what would be right in place of the slip,
                                a phrase such as: a comma or ). The arguments are then those that were whole */
} sluice_output_event;

/* Fills *event with the next one, of kind SLUICE_EVENT_NONE when there is none. After END there is none
 * any more. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_output_parser_next(sluice_output_parser *parser, sluice_output_event *event,
                                             sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
