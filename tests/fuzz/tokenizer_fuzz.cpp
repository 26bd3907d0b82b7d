// The input is a vocabulary and a text: a byte that says which vocabulary (0: one with every byte; 1: a
// tokenizer.json; 2: a SentencePiece model), flags, the vocabulary's size in 16 bits, the vocabulary, the text.
#include <span>

#include "base/source.h"
#include "fuzz/fuzz_target.h"
#include "model/model.h"
#include "support/small_tokenizer.h"
#include "text/detokenizer.h"

using namespace sluice_fuzz;
using sluice::TokenId;
using sluice::Tokenizer;
using sluice_test::small_tokenizer_json;

namespace {

std::shared_ptr<const Tokenizer> open(std::string_view bytes) {
    const auto source = sluice::Source::from_memory(std::as_bytes(std::span(bytes.data(), bytes.size())));
    auto opened = sluice::open_tokenizer_source(source);
    return opened ? *opened : nullptr;
}

const std::shared_ptr<const Tokenizer>& complete_tokenizer() {
    static const std::shared_ptr<const Tokenizer> made = open(small_tokenizer_json());
    require(made != nullptr);
    return made;
}

// Whole and streamed decoding say the same.
void check_stream(const Tokenizer& tokenizer, std::span<const TokenId> ids, bool skip_special) {
    std::string whole;
    require(tokenizer.decode(ids, skip_special, whole).ok());
    sluice::Detokenizer detokenizer(tokenizer, skip_special);
    std::string streamed;
    for (const TokenId id : ids) {
        std::string piece;
        detokenizer.push(id, piece);
        require(sluice::is_utf8(piece));
        streamed += piece;
    }
    detokenizer.finish(streamed);
    require(streamed == sluice::replace_invalid_utf8(whole));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 4, size - 4);
    const std::string_view vocabulary = rest.substr(0, data[2] + std::size_t{256} * data[3]);
    std::string_view text = rest.substr(vocabulary.size());
    const bool is_complete = data[0] == 0;
    if (is_complete) text = rest;
    const std::shared_ptr<const Tokenizer> tokenizer = is_complete ? complete_tokenizer() : open(vocabulary);
    if (tokenizer == nullptr) return 0;

    const sluice::EncodeOptions options{(data[1] & 1) != 0, (data[1] & 2) != 0};
    std::vector<TokenId> ids = {-7};
    const sluice::Done done = tokenizer->encode(text, options, ids);
    require(done.ok() || (!is_complete && ids.size() == 1));
    require(ids.front() == -7);
    ids.erase(ids.begin());
    const bool is_byte_level = tokenizer->kind() == sluice::VocabularyKind::kByteLevelBpe;
    if (is_byte_level) require(ids.size() <= text.size() + 1);
    for (const TokenId id : ids) require(id >= 0 && static_cast<std::size_t>(id) < tokenizer->size());
    if (done.ok() && is_byte_level) {
        const std::span<const TokenId> said(ids);
        std::string back;
        const bool has_bos = options.add_bos && tokenizer->bos() != sluice::kNoToken;
        require(tokenizer->decode(has_bos ? said.subspan(1) : said, false, back).ok());
        require(back == text);
    }
    check_stream(*tokenizer, ids, false);
    check_stream(*tokenizer, ids, true);

    // Any ids, in any order.
    ids.clear();
    for (std::size_t i = 0; i + 1 < text.size() && tokenizer->size() > 0; i += 2) {
        const std::size_t number =
            static_cast<unsigned char>(text[i]) * std::size_t{256} + static_cast<unsigned char>(text[i + 1]);
        ids.push_back(static_cast<TokenId>(number % tokenizer->size()));
    }
    check_stream(*tokenizer, ids, (data[1] & 4) != 0);
    for (const TokenId id : ids) {
        const TokenId found = tokenizer->find(tokenizer->bytes(id));
        require(tokenizer->bytes(id).empty() || found != sluice::kNoToken);
    }
    return 0;
}
