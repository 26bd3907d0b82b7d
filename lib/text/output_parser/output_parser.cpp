// Every marker begins with '<' and holds no other one. So a byte that breaks a possible marker can at most
// begin the next, and what was held is data.
#include "text/output_parser/output_parser.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/output_parser/characters.h"

namespace sluice {

OutputParser::OutputParser(DeclaredTools tools, const OutputParserOptions& options)
    : tools_(std::move(tools)), options_(options), calls_(tools_, options_.limits, events_) {
    if (options_.thinking_is_unknown) mode_ = Mode::kUndecided;
    if (options_.thinking_is_open) mode_ = Mode::kThinking;
}

Done OutputParser::push(std::string_view bytes) {
    if (is_finished_) return Error{SLUICE_E_STATE, "the output has been finished"};
    for (const char byte : bytes) push_byte(byte);
    return Nothing{};
}

Done OutputParser::finish() {
    if (is_finished_) return Error{SLUICE_E_STATE, "the output has been finished already"};
    is_finished_ = true;
    for (const char byte : std::exchange(held_, {})) push_data(byte);
    if (mode_ == Mode::kUndecided) decide(Mode::kText);
    if (mode_ != Mode::kOver) {
        // An output of nothing but white space is text.
        if (space_rule_ == Space::kLeading) settle_space(true);
        end_message();
    }
    OutputEventQueue::Entry entry;
    entry.kind = OutputEventKind::kEnd;
    entry.open_thinking = ended_in_thinking_;
    entry.open_calls = ended_in_calls_;
    events_.push(std::move(entry));
    return Nothing{};
}

void OutputParser::push_byte(char byte) {
    if (mode_ == Mode::kOver) return;
    if (held_.empty() && byte != '<') return push_data(byte);
    held_ += byte;
    const Marker* whole = nullptr;
    if (begins_marker(&whole)) {
        if (whole == nullptr) return;
        const Marker marker = *whole;
        held_.clear();
        return see(marker);
    }
    held_.pop_back();
    for (const char earlier : std::exchange(held_, {})) push_data(earlier);
    if (byte == '<') {
        held_ = byte;
    } else {
        push_data(byte);
    }
}

bool OutputParser::begins_marker(const Marker** whole) const {
    struct Spelling {
        std::string_view text;
        Marker marker;
    };
    static constexpr std::array<Spelling, 5> kSpellings = {{{"<think>", Marker::kThink},
                                                            {"</think>", Marker::kEndThink},
                                                            {"<|tool_call_start|>", Marker::kCalls},
                                                            {"<|tool_call_end|>", Marker::kEndCalls},
                                                            {"<|im_end|>", Marker::kEndMessage}}};
    for (const Spelling& spelling : kSpellings) {
        if (!is_active(spelling.marker) || spelling.text.substr(0, held_.size()) != held_) continue;
        if (spelling.text.size() == held_.size()) *whole = &spelling.marker;
        return true;
    }
    return false;
}

bool OutputParser::is_active(Marker marker) const {
    const bool is_tag = marker == Marker::kThink || marker == Marker::kEndThink;
    if (mode_ == Mode::kCalls) return !is_tag;
    if (mode_ == Mode::kThinking) return is_tag || marker == Marker::kEndMessage || options_.calls_in_thinking;
    return true;
}

// What a byte that belongs to no marker is. offset_ is moved where bytes are counted: here and in see().
void OutputParser::push_data(char byte) {
    if (mode_ == Mode::kCalls) {
        calls_.push(byte);
        // A body that is too long to be kept is given up at once.
        if (body_.size() <= kMaxEchoSize && (!body_.empty() || !is_space(byte))) body_ += byte;
    } else if (mode_ == Mode::kThinking) {
        show(byte);
    } else if (mode_ == Mode::kUndecided && undecided_.size() < kMaxUndecidedSize) {
        undecided_ += byte;
    } else {
        if (mode_ == Mode::kUndecided) decide(Mode::kText);
        push_answer(byte);
    }
    ++offset_;
}

// What has waited turns out to be text or thinking.
void OutputParser::decide(Mode mode) {
    mode_ = mode;
    for (const char byte : std::exchange(undecided_, {})) {
        if (mode == Mode::kThinking) {
            show(byte);
        } else {
            push_answer(byte);
        }
    }
}

void OutputParser::push_answer(char byte) {
    if (space_rule_ == Space::kShown) return show(byte);
    if (space_rule_ == Space::kAfterCalls && push_echo(byte)) return;
    if (is_space(byte) && space_rule_ != Space::kShown && space_.size() < kMaxHeldSpace) {
        if (space_rule_ != Space::kAfterThinking) space_ += byte;
        return;
    }
    settle_space(true);
    show(byte);
}

// Whether the byte goes on with a repetition of the body that stands before.
bool OutputParser::push_echo(char byte) {
    if (n_echoed_ == 0 && is_space(byte)) return false;
    if (n_echoed_ < body_.size() && byte == body_[n_echoed_]) {
        ++n_echoed_;
        return true;
    }
    if (n_echoed_ > 0 && n_echoed_ == body_.size() && is_space(byte) && echo_space_.size() < kMaxHeldSpace) {
        echo_space_ += byte;
        return true;
    }
    release_echo();
    return false;
}

// It was text after all.
void OutputParser::release_echo() {
    if (n_echoed_ == 0) return;
    settle_space(true);
    for (std::size_t i = 0; i < n_echoed_; ++i) show(body_[i]);
    for (const char byte : echo_space_) show(byte);
    n_echoed_ = 0;
    echo_space_.clear();
}

void OutputParser::see(Marker marker) {
    constexpr std::array<std::uint64_t, 5> kSizes = {7, 8, 19, 17, 10};
    if (mode_ == Mode::kUndecided) decide(marker == Marker::kEndThink ? Mode::kThinking : Mode::kText);
    if (mode_ == Mode::kText) {
        // A whole repetition is dropped before any marker, a part of one was text.
        if (n_echoed_ == body_.size()) {
            n_echoed_ = 0;
            echo_space_.clear();
        }
        release_echo();
        if (space_rule_ != Space::kShown) settle_space(false);
    }
    flush_character();
    offset_ += kSizes[static_cast<std::size_t>(marker)];
    switch (marker) {
        case Marker::kThink:
            mode_ = Mode::kThinking;
            break;
        case Marker::kEndThink:
            end_thinking();
            break;
        case Marker::kCalls:
            begin_calls();
            break;
        case Marker::kEndCalls:
            end_calls(true);
            break;
        case Marker::kEndMessage:
            end_message();
            break;
    }
}

void OutputParser::end_thinking() {
    mode_ = Mode::kText;
    space_rule_ = Space::kAfterThinking;
}

void OutputParser::begin_calls() {
    if (mode_ == Mode::kCalls) end_calls(false);
    calls_are_in_thinking_ = mode_ == Mode::kThinking;
    mode_ = Mode::kCalls;
    body_.clear();
    calls_.begin_block(offset_);
}

void OutputParser::end_calls(bool can_repeat) {
    if (mode_ != Mode::kCalls) return;
    calls_.end_block();
    mode_ = calls_are_in_thinking_ ? Mode::kThinking : Mode::kText;
    space_rule_ = Space::kAfterCalls;
    n_echoed_ = 0;
    if (!can_repeat || body_.size() > kMaxEchoSize) body_.clear();
    while (!body_.empty() && is_space(body_.back())) body_.pop_back();
}

void OutputParser::end_message() {
    ended_in_thinking_ = mode_ == Mode::kThinking || (mode_ == Mode::kCalls && calls_are_in_thinking_);
    ended_in_calls_ = mode_ == Mode::kCalls;
    if (mode_ == Mode::kCalls) calls_.end_block();
    if (mode_ == Mode::kText && n_echoed_ < body_.size()) release_echo();
    flush_character();
    mode_ = Mode::kOver;
}

// White space that waited comes before text; without text it is dropped.
void OutputParser::settle_space(bool text_follows) {
    const std::string space = std::exchange(space_, {});
    const bool is_shown = text_follows && space_rule_ != Space::kAfterThinking;
    if (text_follows) space_rule_ = Space::kShown;
    if (!is_shown) return;
    for (const char byte : space) show(byte);
}

void OutputParser::show(char byte) {
    const auto kind = mode_ == Mode::kThinking ? OutputEventKind::kThinking : OutputEventKind::kText;
    if (character_.empty() && static_cast<unsigned char>(byte) < 0x80) {
        events_.text_of(kind) += byte;
        return;
    }
    character_ += byte;
    const std::size_t certain = complete_utf8_size(character_);
    if (certain == 0) return;
    append_valid_utf8(events_.text_of(kind), std::string_view(character_).substr(0, certain));
    character_.erase(0, certain);
}

void OutputParser::flush_character() {
    if (character_.empty()) return;
    const auto kind = mode_ == Mode::kThinking ? OutputEventKind::kThinking : OutputEventKind::kText;
    append_valid_utf8(events_.text_of(kind), character_);
    character_.clear();
}

}  // namespace sluice
