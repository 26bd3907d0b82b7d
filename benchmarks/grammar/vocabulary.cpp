// Making a vocabulary: kinds of tokens in turn, until there are enough different ones.
#include "benchmarks/grammar/vocabulary.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/utf8.h"
#include "text/byte_level.h"

namespace {

using namespace sluice;

constexpr std::size_t kSize = 128'000;
constexpr std::size_t kControl = 16;

class Maker {
public:
    std::shared_ptr<const Tokenizer> make() {
        for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
        for (int n = 2; n <= 80; ++n) {
            add(std::string(static_cast<std::size_t>(n), ' '));
            if (n <= 16) add(std::string(static_cast<std::size_t>(n), '\n'));
            add("\n" + std::string(static_cast<std::size_t>(n), ' '));
        }
        for (int n = 0; n < 1000; ++n) add(std::to_string(n));
        while (vocabulary_.tokens.size() < kSize - kControl) {
            const std::uint32_t kind = below(100);
            if (kind < 62) {
                add(word());
            } else if (kind < 80) {
                add(letters(below(3)));
            } else if (kind < 92) {
                add(punctuation());
            } else if (kind < 98) {
                add(punctuation() + word());
            } else {
                const std::string text = letters(2);
                add(text.substr(below(2) + 1));  // ends or begins within a character
            }
        }
        for (std::size_t i = 0; i < kControl; ++i)
            vocabulary_.tokens.push_back({"<|control_" + std::to_string(i) + "|>", TokenKind::kControl, 0.0F});
        vocabulary_.eos = static_cast<TokenId>(kSize - 1);
        vocabulary_.stop_tokens = {vocabulary_.eos};
        auto made = make_tokenizer(vocabulary_);
        return made ? *made : nullptr;
    }

private:
    // Knuth's MMIX generator; the high bits.
    std::uint32_t below(std::uint32_t n) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>((state_ >> 33) % n);
    }
    void add(const std::string& bytes) {
        if (known_.insert(bytes).second) vocabulary_.tokens.push_back({letters_of_bytes(bytes)});
    }
    std::string word() {
        static constexpr std::array<std::string_view, 24> kSyllables{
            "a",   "in",   "er",  "on",   "re", "th", "st",  "al", "en", "ti", "or",  "com",
            "pro", "ment", "ing", "tion", "ly", "de", "con", "u",  "s",  "ed", "ver", "ab"};
        std::string text;
        for (std::uint32_t n = 1 + below(4); n > 0; --n) text += kSyllables[below(kSyllables.size())];
        if (below(5) == 0) text[0] = static_cast<char>(text[0] - 'a' + 'A');
        return below(2) == 0 ? " " + text : text;
    }
    // 0: Latin with accents, 1: Cyrillic, 2: ideographs.
    std::string letters(std::uint32_t script) {
        constexpr std::array<std::uint32_t, 3> kFirst{0xE0, 0x430, 0x4E00};
        constexpr std::array<std::uint32_t, 3> kCount{32, 32, 4000};
        std::string text = below(4) == 0 ? " " : "";
        for (std::uint32_t n = 1 + below(script == 2 ? 3 : 6); n > 0; --n)
            append_utf8(text, kFirst[script] + below(kCount[script]));
        return text;
    }
    std::string punctuation() {
        static constexpr std::string_view kMarks = "\"\"',:;.{}[]()<>=+-*/\\_!?#&|$%@~^` \n\t";
        std::string text;
        for (std::uint32_t n = 1 + below(4); n > 0; --n) text += kMarks[below(kMarks.size())];
        return text;
    }

    std::uint64_t state_ = 1;
    Vocabulary vocabulary_;
    std::unordered_set<std::string> known_;
};

}  // namespace

std::shared_ptr<const Tokenizer> made_vocabulary() {
    return Maker().make();
}
