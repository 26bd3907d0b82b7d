#include <sluice/tokenizer.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/source.h"

namespace sluice {
namespace {

Done check_id(const Tokenizer& tokenizer, std::int32_t id) {
    if (id >= 0 && static_cast<std::size_t>(id) < tokenizer.size()) return Nothing{};
    return make_error(SLUICE_E_INVALID_ARGUMENT, "token ", id, " is outside the vocabulary of ",
                      tokenizer.size());
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_tokenizer_of_model(sluice_model* model, sluice_tokenizer** tokenizer, sluice_error* error) {
    if (tokenizer != nullptr) *tokenizer = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        const auto& object = model->object->model->tokenizer();
        if (object == nullptr) return make_error(SLUICE_E_NOT_FOUND, "the model has no tokenizer");
        *tokenizer = new sluice_tokenizer{object};
        return Nothing{};
    });
}

int32_t sluice_tokenizer_open(sluice_engine* engine, const sluice_source* source, sluice_tokenizer** tokenizer,
                              sluice_error* error) {
    if (tokenizer != nullptr) *tokenizer = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        const auto given = read_source(source, Access::kMap);
        SLUICE_TRY(check_pointer(engine, "engine"));
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        if (!given) return given.error();
        auto opened =
            given->source == nullptr ? open_tokenizer_path(given->path) : open_tokenizer_source(given->source);
        if (!opened) return std::move(opened).error();
        *tokenizer = new sluice_tokenizer{std::move(*opened)};
        return Nothing{};
    });
}

void sluice_tokenizer_destroy(sluice_tokenizer* tokenizer) {
    delete tokenizer;
}

int32_t sluice_tokenizer_describe(const sluice_tokenizer* tokenizer, sluice_tokenizer_info* info,
                                  sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        const Tokenizer& object = *tokenizer->object;
        sluice_tokenizer_info filled = {};
        filled.kind = object.kind() == VocabularyKind::kSentencePiece ? SLUICE_TOKENIZER_SENTENCEPIECE
                                                                      : SLUICE_TOKENIZER_BYTE_LEVEL_BPE;
        filled.n_tokens = static_cast<std::uint32_t>(object.size());
        filled.n_merges = static_cast<std::uint32_t>(object.n_merges());
        filled.bos_id = object.bos();
        filled.eos_id = object.eos();
        filled.pad_id = object.pad();
        filled.unknown_id = object.unknown();
        filled.adds_bos = object.adds_bos() ? 1 : 0;
        return write_info(info, filled, "info");
    });
}

int32_t sluice_tokenizer_encode(const sluice_tokenizer* tokenizer, const char* text, uint64_t text_size,
                                uint32_t flags, int32_t* ids, uint64_t capacity, uint64_t* needed,
                                sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        SLUICE_TRY(check_flags("flags", flags, SLUICE_ENCODE_BOS | SLUICE_ENCODE_PLAIN));
        SLUICE_ASSIGN(given, read_text_argument(text, text_size, "text"));
        std::vector<TokenId> found;
        const EncodeOptions options{(flags & SLUICE_ENCODE_BOS) != 0, (flags & SLUICE_ENCODE_PLAIN) != 0};
        SLUICE_TRY(tokenizer->object->encode(given, options, found));
        return copy_out(std::span<const TokenId>(found), ids, capacity, needed);
    });
}

int32_t sluice_tokenizer_decode(const sluice_tokenizer* tokenizer, const int32_t* ids, uint64_t n_ids,
                                uint32_t flags, char* text, uint64_t capacity, uint64_t* needed,
                                sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        SLUICE_TRY(check_flags("flags", flags, SLUICE_DECODE_SKIP_SPECIAL));
        if (n_ids > 0) SLUICE_TRY(check_pointer(ids, "ids"));
        std::string bytes;
        SLUICE_TRY(tokenizer->object->decode({ids, static_cast<std::size_t>(n_ids)},
                                             (flags & SLUICE_DECODE_SKIP_SPECIAL) != 0, bytes));
        const std::string valid = replace_invalid_utf8(bytes);
        return copy_out(std::string_view(valid), text, capacity, needed);
    });
}

int32_t sluice_tokenizer_token_bytes(const sluice_tokenizer* tokenizer, int32_t id, char* bytes,
                                     uint64_t capacity, uint64_t* needed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        SLUICE_TRY(check_id(*tokenizer->object, id));
        return copy_out(tokenizer->object->bytes(id), bytes, capacity, needed);
    });
}

int32_t sluice_tokenizer_is_special(const sluice_tokenizer* tokenizer, int32_t id) {
    return tokenizer != nullptr && check_id(*tokenizer->object, id).ok() && tokenizer->object->is_special(id)
               ? 1
               : 0;
}

int32_t sluice_tokenizer_find(const sluice_tokenizer* tokenizer, const char* token, uint64_t token_size,
                              int32_t* id, sluice_error* error) {
    if (id != nullptr) *id = kNoToken;
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        SLUICE_TRY(check_pointer(id, "id"));
        SLUICE_ASSIGN(spelling, read_text_argument(token, token_size, "token"));
        *id = tokenizer->object->find(spelling);
        if (*id == kNoToken) return make_error(SLUICE_E_NOT_FOUND, "no token is spelled ", printable(spelling));
        return Nothing{};
    });
}
