// The streaming detokenizer: bytes wait only while they may still become a character.
#include "text/detokenizer.h"

#include "base/utf8.h"
#include "text/decode_step.h"

namespace sluice {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special) {}

void Detokenizer::push(TokenId id, std::string& text) {
    if (id < 0 || static_cast<std::size_t>(id) >= tokenizer_.size()) return;
    std::string_view bytes = decode_step(tokenizer_, id, skip_special_, at_start_);
    if (!held_.empty()) {
        // Three more bytes decide about a character that has begun; so the string stays too short for the heap.
        const std::size_t n_held = held_.size();
        held_ += bytes.substr(0, 3);
        const std::size_t certain = complete_utf8_size(held_);
        if (certain < n_held) return;
        append_valid_utf8(text, std::string_view(held_).substr(0, certain));
        bytes.remove_prefix(certain - n_held);
        held_.clear();
    }
    const std::size_t certain = complete_utf8_size(bytes);
    append_valid_utf8(text, bytes.substr(0, certain));
    held_ = bytes.substr(certain);
}

void Detokenizer::finish(std::string& text) {
    append_valid_utf8(text, held_);
    reset();
}

void Detokenizer::reset() {
    held_.clear();
    at_start_ = true;
}

}  // namespace sluice
