// Tokenizers.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base.hpp"
#include "model.hpp"

namespace sluicepp {

// Text to token ids and back. Immutable; any thread.
class Tokenizer : public detail::Owner<sluice_tokenizer, sluice_tokenizer_destroy> {
public:
    // Of a model. Throws SLUICE_E_NOT_FOUND when it has none.
    explicit Tokenizer(const Model& model)
        : Owner(made<sluice_tokenizer>(sluice_tokenizer_of_model, model.get())) {}

    // Alone, without the weights. Throws as sluice_tokenizer_open.
    Tokenizer(const Engine& engine, const sluice_source& source)
        : Owner(made<sluice_tokenizer>(sluice_tokenizer_open, engine.get(), &source)) {}

    sluice_tokenizer_info describe() const {
        return filled<sluice_tokenizer_info>(sluice_tokenizer_describe, get());
    }

    // flags: SLUICE_ENCODE_... Throws as sluice_tokenizer_encode.
    std::vector<TokenId> encode(std::string_view text, std::uint32_t flags = 0) const {
        return collected<std::vector<TokenId>>(text.size() / 2 + 16, sluice_tokenizer_encode, get(),
                                               text.data(), text.size(), flags);
    }

    // Valid UTF-8. flags: SLUICE_DECODE_... Throws SLUICE_E_INVALID_ARGUMENT for an id outside the vocabulary.
    std::string decode(const std::vector<TokenId>& ids, std::uint32_t flags = 0) const {
        return collected<std::string>(ids.size() * 8, sluice_tokenizer_decode, get(), ids.data(), ids.size(),
                                      flags);
    }

    // The bytes of one token; they may be part of a character.
    std::string token_bytes(TokenId id) const {
        return collected<std::string>(64, sluice_tokenizer_token_bytes, get(), id);
    }

    bool is_special(TokenId id) const noexcept { return sluice_tokenizer_is_special(get(), id) == 1; }

    // The id of the token spelled exactly so; nothing where there is none.
    std::optional<TokenId> find(std::string_view token) const {
        TokenId id = -1;
        sluice_error error;
        const auto status = sluice_tokenizer_find(get(), token.data(), token.size(), &id, &error);
        if (status == SLUICE_E_NOT_FOUND) return std::nullopt;
        if (status < 0) throw Exception(error);
        return id;
    }
};

}  // namespace sluicepp
