/* The tokenizer: text to token ids and back. Immutable; may be used from any thread. */
#ifndef SLUICE_TOKENIZER_H
#define SLUICE_TOKENIZER_H

#include <sluice/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_tokenizer sluice_tokenizer;

/* The tokenizer of a model. To be destroyed like one that was opened alone.
 * Errors: SLUICE_E_NOT_FOUND (the model has none), SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_tokenizer_of_model(sluice_model *model, sluice_tokenizer **tokenizer,
                                             sluice_error *error);

/* Opens a tokenizer alone: a GGUF file, a tokenizer.json, a SentencePiece .model, or a folder that
 * holds one of the latter two. Errors: as sluice_model_open. */
SLUICE_API int32_t sluice_tokenizer_open(sluice_engine *engine, const sluice_source *source,
                                         sluice_tokenizer **tokenizer, sluice_error *error);

SLUICE_API void sluice_tokenizer_destroy(sluice_tokenizer *tokenizer);

#define SLUICE_TOKENIZER_BYTE_LEVEL_BPE 1
#define SLUICE_TOKENIZER_SENTENCEPIECE 2

typedef struct sluice_tokenizer_info {
    uint32_t struct_size;
    int32_t kind;            /* SLUICE_TOKENIZER_... */
    uint32_t n_tokens;
    uint32_t n_merges;
    int32_t bos_id;          /* begin of sequence; -1 where there is none, as for all of these */
    int32_t eos_id;          /* end of sequence: the end of a message in this family */
    int32_t pad_id;
    int32_t unknown_id;
    int32_t adds_bos;        /* 1 when the file asks for BOS in front of a text */
    uint32_t reserved0;
    uint64_t reserved[2];
} sluice_tokenizer_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_tokenizer_describe(const sluice_tokenizer *tokenizer,
                                             sluice_tokenizer_info *info, sluice_error *error);

#define SLUICE_ENCODE_BOS 1u   /* BOS in front, if the tokenizer has one */
#define SLUICE_ENCODE_PLAIN 2u /* text that spells a special token stays text; use it for what comes
                                  from outside, so that nobody can forge the end of a message */

/* Encodes text. Invalid UTF-8 is encoded byte by byte, nothing is lost or refused. Takes time linear
 * in the text (times a logarithm).
 * Errors: SLUICE_E_BUFFER_TOO_SMALL, _LIMIT (text over 64 MiB), _NOT_FOUND (a byte that the vocabulary
 * cannot spell), _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_tokenizer_encode(const sluice_tokenizer *tokenizer, const char *text,
                                           uint64_t text_size, uint32_t flags, int32_t *ids,
                                           uint64_t capacity, uint64_t *needed, sluice_error *error);

#define SLUICE_DECODE_SKIP_SPECIAL 1u /* leave out special tokens instead of spelling them */

/* Decodes ids into text that is valid UTF-8: bytes that form no character become U+FFFD.
 * Errors: SLUICE_E_BUFFER_TOO_SMALL, _INVALID_ARGUMENT (an id outside the vocabulary). */
SLUICE_API int32_t sluice_tokenizer_decode(const sluice_tokenizer *tokenizer, const int32_t *ids,
                                           uint64_t n_ids, uint32_t flags, char *text,
                                           uint64_t capacity, uint64_t *needed, sluice_error *error);

/* The bytes that one token stands for; they may be part of a character.
 * Errors: SLUICE_E_BUFFER_TOO_SMALL, _INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_tokenizer_token_bytes(const sluice_tokenizer *tokenizer, int32_t id,
                                                char *bytes, uint64_t capacity, uint64_t *needed,
                                                sluice_error *error);

/* 1 when the id is a special token (control or user-defined), 0 when not or outside the vocabulary. */
SLUICE_API int32_t sluice_tokenizer_is_special(const sluice_tokenizer *tokenizer, int32_t id);

/* The id of the token spelled exactly so, for example "<|im_end|>".
 * Errors: SLUICE_E_NOT_FOUND, SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_tokenizer_find(const sluice_tokenizer *tokenizer, const char *token,
                                         uint64_t token_size, int32_t *id, sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
