// The vocabulary that a GGUF file carries.
#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/model_files.h"

namespace sluice {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";

// Pre-tokenizers that llama.cpp treats as one and the same rule, with ignore_merges (llama-vocab.cpp, the
// branch of "llama3"); "lfm2" is the family's name for it.
constexpr std::string_view kFamilyPreTokenizers[] = {"lfm2", "llama3", "llama-v3", "llama-bpe"};

template <class... Pieces>
Error complain(const Metadata& metadata, std::string_view key, std::int32_t status, const Pieces&... pieces) {
    const MetadataValue* value = metadata.find(key);
    return error_at(value == nullptr ? 0 : value->offset, status, "the metadata key ", key, " ", pieces...);
}

Result<TokenId> read_id(const Metadata& metadata, std::string_view key, std::size_t n_tokens) {
    SLUICE_ASSIGN(id, metadata.natural(key));
    if (!id) return kNoToken;
    if (*id >= n_tokens) {
        return complain(metadata, key, SLUICE_E_CORRUPT, "is ", *id, ", the vocabulary has ", n_tokens,
                        " tokens");
    }
    return static_cast<TokenId>(*id);
}

Done read_tokens(const Metadata& metadata, const MetadataArray& tokens, Vocabulary& vocabulary) {
    if (tokens.element_type != MetadataType::kString) {
        return complain(metadata, kTokens, SLUICE_E_CORRUPT, "is not an array of strings");
    }
    if (tokens.count == 0) return complain(metadata, kTokens, SLUICE_E_CORRUPT, "is empty");
    if (tokens.count > kMaxVocabulary) {
        return complain(metadata, kTokens, SLUICE_E_LIMIT, "has ", tokens.count, " tokens, at most ",
                        kMaxVocabulary, " are read");
    }
    vocabulary.tokens.resize(tokens.count);
    for (std::uint64_t i = 0; i < tokens.count; ++i) vocabulary.tokens[i].text = tokens.string(i);
    return Nothing{};
}

// An array with one element per token; null when absent.
Result<const MetadataArray*> per_token(const Metadata& metadata, std::string_view key, std::size_t n_tokens) {
    SLUICE_ASSIGN(array, metadata.array(key));
    if (array != nullptr && array->count != n_tokens) {
        return complain(metadata, key, SLUICE_E_CORRUPT, "has ", array->count, " elements for ", n_tokens,
                        " tokens");
    }
    return array;
}

Done read_kinds(const Metadata& metadata, Vocabulary& vocabulary) {
    constexpr std::string_view kKey = "tokenizer.ggml.token_type";
    SLUICE_ASSIGN(kinds, per_token(metadata, kKey, vocabulary.tokens.size()));
    if (kinds == nullptr) return Nothing{};
    for (std::uint64_t i = 0; i < kinds->count; ++i) {
        const auto kind = kinds->integer(i);
        if (!kind || *kind < static_cast<std::int64_t>(TokenKind::kNormal) ||
            *kind > static_cast<std::int64_t>(TokenKind::kByte)) {
            return complain(metadata, kKey, SLUICE_E_CORRUPT, "has no known type for token ", i);
        }
        vocabulary.tokens[i].kind = static_cast<TokenKind>(*kind);
    }
    return Nothing{};
}

Done read_scores(const Metadata& metadata, Vocabulary& vocabulary) {
    constexpr std::string_view kKey = "tokenizer.ggml.scores";
    SLUICE_ASSIGN(scores, per_token(metadata, kKey, vocabulary.tokens.size()));
    if (scores == nullptr) return complain(metadata, kKey, SLUICE_E_CORRUPT, "is missing");
    for (std::uint64_t i = 0; i < scores->count; ++i) {
        const auto score = scores->number(i);
        if (!score) return complain(metadata, kKey, SLUICE_E_CORRUPT, "is not an array of floats");
        vocabulary.tokens[i].score = static_cast<float>(*score);
    }
    return Nothing{};
}

Done read_merges(const Metadata& metadata, Vocabulary& vocabulary) {
    constexpr std::string_view kKey = "tokenizer.ggml.merges";
    SLUICE_ASSIGN(merges, metadata.array(kKey));
    if (merges == nullptr) return complain(metadata, kKey, SLUICE_E_CORRUPT, "is missing");
    if (merges->element_type != MetadataType::kString && merges->count > 0) {
        return complain(metadata, kKey, SLUICE_E_CORRUPT, "is not an array of strings");
    }
    if (merges->count > kMaxMerges) {
        return complain(metadata, kKey, SLUICE_E_LIMIT, "has ", merges->count, " merges, at most ", kMaxMerges,
                        " are read");
    }
    vocabulary.merges.reserve(merges->count);
    for (std::uint64_t i = 0; i < merges->count; ++i) {
        const std::string_view merge = merges->string(i);
        const std::size_t space = merge.find(' ');
        if (space == std::string_view::npos || space == 0 || space + 1 == merge.size() ||
            merge.find(' ', space + 1) != std::string_view::npos) {
            return complain(metadata, kKey, SLUICE_E_CORRUPT, "has merge ", i, ", \"", printable(merge),
                            "\", which is not a pair");
        }
        vocabulary.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    }
    return Nothing{};
}

Done check_pre_tokenizer(const Metadata& metadata) {
    constexpr std::string_view kKey = "tokenizer.ggml.pre";
    SLUICE_ASSIGN(name, metadata.text(kKey));
    // No converter that knows the family leaves it out; a file without it was made by hand, for the family.
    if (!name) return Nothing{};
    for (const std::string_view known : kFamilyPreTokenizers) {
        if (*name == known) return Nothing{};
    }
    return complain(metadata, kKey, SLUICE_E_UNSUPPORTED, "is \"", printable(*name),
                    "\", which is not a pre-tokenizer of the family");
}

Done read_special_ids(const Metadata& metadata, Vocabulary& vocabulary) {
    const std::size_t n = vocabulary.tokens.size();
    SLUICE_ASSIGN(bos, read_id(metadata, "tokenizer.ggml.bos_token_id", n));
    SLUICE_ASSIGN(eos, read_id(metadata, "tokenizer.ggml.eos_token_id", n));
    SLUICE_ASSIGN(pad, read_id(metadata, "tokenizer.ggml.padding_token_id", n));
    SLUICE_ASSIGN(unknown, read_id(metadata, "tokenizer.ggml.unknown_token_id", n));
    vocabulary.bos = bos;
    vocabulary.eos = eos;
    vocabulary.pad = pad;
    vocabulary.unknown = unknown;
    for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
        SLUICE_ASSIGN(id, read_id(metadata, key, n));
        if (id != kNoToken) vocabulary.stop_tokens.push_back(id);
    }
    add_family_stop_tokens(vocabulary);
    constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
    SLUICE_ASSIGN(add_bos, metadata.boolean(kAddBos));
    if (add_bos.value_or(false) && bos == kNoToken) {
        return complain(metadata, kAddBos, SLUICE_E_CORRUPT, "is true, but there is no bos_token_id");
    }
    vocabulary.add_bos = add_bos.value_or(bos != kNoToken);  // the default of the family (lfm2.md 5)
    return Nothing{};
}

}  // namespace

Result<std::optional<Vocabulary>> vocabulary_from_gguf(const Metadata& metadata) {
    constexpr std::string_view kModel = "tokenizer.ggml.model";
    SLUICE_ASSIGN(model, metadata.text(kModel));
    SLUICE_ASSIGN(tokens, metadata.array(kTokens));
    if (tokens == nullptr) {
        if (!model || *model == "none" || *model == "no_vocab") return std::optional<Vocabulary>();
        return complain(metadata, kTokens, SLUICE_E_CORRUPT, "is missing");
    }
    if (!model) return complain(metadata, kModel, SLUICE_E_CORRUPT, "is missing");
    Vocabulary vocabulary;
    if (*model == "gpt2") {
        vocabulary.kind = VocabularyKind::kByteLevelBpe;
    } else if (*model == "llama") {
        vocabulary.kind = VocabularyKind::kSentencePiece;
        vocabulary.byte_fallback = true;
    } else {
        return complain(metadata, kModel, SLUICE_E_UNSUPPORTED, "is \"", printable(*model),
                        "\"; gpt2 (byte-level BPE) and llama (SentencePiece) are read");
    }
    SLUICE_TRY(read_tokens(metadata, *tokens, vocabulary));
    SLUICE_TRY(read_kinds(metadata, vocabulary));
    if (vocabulary.kind == VocabularyKind::kByteLevelBpe) {
        SLUICE_TRY(check_pre_tokenizer(metadata));
        SLUICE_TRY(read_merges(metadata, vocabulary));
    } else {
        SLUICE_TRY(read_scores(metadata, vocabulary));
        SLUICE_ASSIGN(prefix, metadata.boolean("tokenizer.ggml.add_space_prefix"));
        vocabulary.add_space_prefix = prefix.value_or(true);
    }
    SLUICE_TRY(read_special_ids(metadata, vocabulary));
    return std::optional<Vocabulary>(std::move(vocabulary));
}

}  // namespace sluice
