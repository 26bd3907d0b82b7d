/* Chat templates: a conversation, given as JSON, becomes the prompt that a model was trained on.
 * A template is immutable and may be used from any thread. Templates, messages and tools are not
 * trusted: they can name nothing outside themselves, and size, nesting, steps and output are bounded. */
#ifndef SLUICE_CHAT_TEMPLATE_H
#define SLUICE_CHAT_TEMPLATE_H

#include <sluice/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_chat_template sluice_chat_template;

/* The template of a model, or the built-in one where its file has none. The model's tokenizer gives
 * bos_token, eos_token, pad_token and unk_token. To be destroyed.
 * Errors, naming the template's line: SLUICE_E_CORRUPT (not a template; not UTF-8),
 * SLUICE_E_UNSUPPORTED (a tag that chat templates do not have), SLUICE_E_LIMIT (over 1 MiB, nested
 * deeper than 64). */
SLUICE_API int32_t sluice_chat_template_of_model(sluice_model *model,
                                                 sluice_chat_template **chat_template,
                                                 sluice_error *error);

/* The same from a GGUF file or a checkpoint folder whose weights are not touched, as
 * sluice_tokenizer_open. Errors: those of both. */
SLUICE_API int32_t sluice_chat_template_open(sluice_engine *engine, const sluice_source *source,
                                             sluice_chat_template **chat_template,
                                             sluice_error *error);

/* A template from its source; a size of 0 asks for the built-in one. tokenizer gives the special
 * tokens and may be NULL: the template then knows none. Errors: as sluice_chat_template_of_model. */
SLUICE_API int32_t sluice_chat_template_create(const char *source, uint64_t source_size,
                                               const sluice_tokenizer *tokenizer,
                                               sluice_chat_template **chat_template,
                                               sluice_error *error);

SLUICE_API void sluice_chat_template_destroy(sluice_chat_template *chat_template);

/* The source, as it was given. Errors: SLUICE_E_BUFFER_TOO_SMALL, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_chat_template_source(const sluice_chat_template *chat_template,
                                               char *source, uint64_t capacity, uint64_t *needed,
                                               sluice_error *error);

/* 1 when it is the built-in one, 0 when not or for NULL. */
SLUICE_API int32_t sluice_chat_template_is_built_in(const sluice_chat_template *chat_template);

#define SLUICE_RENDER_NO_GENERATION_PROMPT 1u /* do not begin the assistant's next message */

typedef struct sluice_render_options {
    uint32_t struct_size;
    uint32_t flags;           /* SLUICE_RENDER_... */
    const char *tools;        /* JSON: an array of objects; NULL: none */
    uint64_t tools_size;
    const char *variables;    /* JSON: an object, more variables of the template; NULL: none */
    uint64_t variables_size;
    int64_t local_time;       /* what strftime_now tells, in seconds since 1970-01-01 00:00 on the
                                 wall clock of your zone; 0: the template has no such function.
                                 The library reads no clock */
    uint64_t max_steps;       /* 0: 20 million, far more than templates take */
    uint64_t max_output;      /* bytes of the prompt; 0: 16 MiB */
    uint64_t reserved[4];     /* zero */
} sluice_render_options;

/* Renders messages as apply_chat_template of Hugging Face transformers does. options may be NULL.
 *
 * messages is a JSON array in the shape of the OpenAI API: objects with a role; content that is a text,
 * an array of parts, null or left out; thinking or reasoning_content; tool_calls whose arguments are
 * an object or its JSON text. Before the template sees them, content that is null becomes "",
 * as does one left out beside tool_calls; thinking and reasoning_content stand for each other where
 * only one is given; arguments that are JSON text become objects.
 *
 * Encode the prompt without SLUICE_ENCODE_BOS: templates write it themselves. What messages say is
 * text of the prompt like any other, so a message that spells a special token becomes that token.
 *
 * Errors: SLUICE_E_CORRUPT (not JSON, with the byte), SLUICE_E_INVALID_ARGUMENT (another shape, naming
 * the message; or what the template refuses, with its line and its words), SLUICE_E_UNSUPPORTED (a
 * filter or test that does not exist), SLUICE_E_LIMIT (JSON over 16 MiB or nested deeper than 64;
 * steps, output, memory), SLUICE_E_BUFFER_TOO_SMALL. */
SLUICE_API int32_t sluice_chat_template_render(const sluice_chat_template *chat_template,
                                               const char *messages, uint64_t messages_size,
                                               const sluice_render_options *options, char *prompt,
                                               uint64_t capacity, uint64_t *needed,
                                               sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
