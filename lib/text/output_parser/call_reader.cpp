// A state machine with a stack of open brackets. Each state looks at one byte; a byte that only ends what stood
// before it is looked at again in the next state.
#include "text/output_parser/call_reader.h"

#include <utility>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/output_parser/characters.h"

namespace sluice {

void CallReader::begin_block(std::uint64_t offset) {
    offset_ = block_begin_ = last_end_ = offset;
    if (state_ != State::kIgnore) state_ = State::kOutside;
    block_has_prose_ = block_has_calls_ = false;
    list_depth_ = 0;
    last_byte_ = 0;
}

void CallReader::push(char byte) {
    const bool reads_call = builder_.has_call() && state_ != State::kSkip;
    if (reads_call && offset_ - builder_.call().span.offset >= limits_.max_call_size) {
        slip_here(sentence("at most ", limits_.max_call_size, " bytes in one call"));
    }
    while (!consume(byte)) {
    }
    if (!is_space(byte)) last_end_ = offset_ + 1;
    last_byte_ = byte;
    ++offset_;
}

void CallReader::end_block() {
    if (state_ == State::kIgnore) return;
    if (builder_.has_call()) {
        const bool in_string = state_ == State::kString && !string_.is_closed();
        if (state_ != State::kSkip) slip({offset_, 0}, in_string ? "the end of the string" : closers());
        end_call();
    }
    if (state_ == State::kName || state_ == State::kAfterName) block_has_prose_ = true;
    if (block_has_prose_ && !block_has_calls_ && begin_call(block_begin_, false)) {
        builder_.slip({block_begin_, offset_ - block_begin_}, "a call such as [name(argument=1)]");
        end_call();
    }
}

bool CallReader::consume(char byte) {
    switch (state_) {
        case State::kOutside:
        case State::kItem:
            return consume_outside(byte);
        case State::kProse:
            return consume_prose(byte);
        case State::kName:
        case State::kAfterName:
            return consume_name(byte);
        case State::kAfterItem:
            return consume_after_item(byte);
        case State::kArgument:
        case State::kStar:
            return consume_argument(byte);
        case State::kWord:
        case State::kAfterWord:
            return consume_word(byte);
        case State::kValue:
        case State::kElement:
            return consume_value(byte);
        case State::kString:
        case State::kAfterString:
            return consume_string(byte);
        case State::kSign:
        case State::kNumber:
            return consume_number(byte);
        case State::kAfterScalar:
            return consume_after_scalar(byte);
        case State::kAfterValue:
            return consume_after_value(byte);
        case State::kKey:
        case State::kColon:
            return consume_key(byte);
        case State::kBrace:
            return consume_brace(byte);
        case State::kAfterCandidate:
            return consume_after_candidate(byte);
        case State::kSkip:
            return consume_skip(byte);
        case State::kIgnore:
            return true;
    }
    return true;
}

bool CallReader::consume_outside(char byte) {
    const bool in_list = state_ == State::kItem;
    if (is_space(byte) || byte == ',' || (!in_list && byte == ';')) return true;
    if (byte == '[') {
        if (list_depth_++ == 0) list_has_calls_ = false;
        state_ = State::kItem;
        return true;
    }
    if (in_list && byte == ']') {
        end_list();
        return true;
    }
    if (byte == '{') return begin_object();
    if (!is_word_start(byte)) return not_a_call(byte);
    word_ = byte;
    word_begin_ = offset_;
    state_ = State::kName;
    return true;
}

bool CallReader::consume_prose(char byte) {
    if (byte == '[') {
        list_depth_ = 1;
        list_has_calls_ = false;
        state_ = State::kItem;
        return true;
    }
    if (byte == '{') return begin_object();
    // In prose only the name of a declared tool begins a call without brackets.
    if (byte == '(' && tools_.find(word_) != nullptr) return begin_named_call();
    if (!is_tool_name_byte(byte)) {
        word_.clear();
    } else if (word_.size() <= kMaxNameSize) {
        if (word_.empty()) word_begin_ = offset_;
        word_ += byte;
    }
    return true;
}

bool CallReader::consume_name(char byte) {
    if (state_ == State::kName && is_tool_name_byte(byte)) {
        if (word_.size() >= kMaxNameSize) return not_a_call(byte);
        word_ += byte;
        return true;
    }
    if (byte == '(') {
        // Outside a list, "see (this)" and words after prose are prose, unless they name a tool.
        const bool is_prose = list_depth_ == 0 && (state_ == State::kAfterName || block_has_prose_);
        if (!is_prose || tools_.find(word_) != nullptr) return begin_named_call();
    }
    if (!is_space(byte)) return not_a_call(byte);
    state_ = State::kAfterName;
    return true;
}

bool CallReader::consume_after_item(char byte) {
    if (is_space(byte)) return true;
    if (byte == ']') {
        end_list();
        return true;
    }
    state_ = State::kItem;
    return byte == ',';
}

// Among calls in a list it is a slip; before the first call the bracket was part of prose.
bool CallReader::not_a_call(char byte) {
    if (list_depth_ > 0 && list_has_calls_) {
        if (state_ != State::kName && state_ != State::kAfterName) word_begin_ = offset_;
        if (!begin_call(word_begin_, false)) return true;
        return slip(word_span(), "a call: name(argument=value)");
    }
    list_depth_ = 0;
    block_has_prose_ = true;
    if (!is_tool_name_byte(byte) || state_ != State::kName) word_.clear();
    state_ = State::kProse;
    return false;
}

// False, and everything that follows is ignored, when it would be one call too many.
bool CallReader::begin_call(std::uint64_t offset, bool is_object) {
    block_has_calls_ = list_has_calls_ = true;
    builder_.begin(offset);
    stack_.clear();
    depth_ = 0;
    is_json_ = is_object;
    has_arguments_ = has_object_name_ = reads_inner_ = false;
    n_positional_ = 0;
    role_ = Role::kValue;
    tool_ = nullptr;
    if (++n_calls_ <= limits_.max_calls) return true;
    builder_.slip({offset, 1}, sentence("at most ", limits_.max_calls, " calls in one output"));
    builder_.finish(offset + 1);
    state_ = State::kIgnore;
    return false;
}

bool CallReader::begin_named_call() {
    if (!begin_call(word_begin_, false)) return true;
    tool_ = tools_.find(word_);
    builder_.set_name(word_);
    stack_.push_back({Frame::kCall, true, 0});
    state_ = State::kArgument;
    return true;
}

bool CallReader::begin_object() {
    if (!begin_call(offset_, true)) return true;
    stack_.push_back({Frame::kCallObject, true, 0});
    state_ = State::kKey;
    return true;
}

void CallReader::end_call() {
    const ToolCall& call = builder_.call();
    const std::uint64_t end = state_ == State::kSkip || stack_.empty() ? offset_ : offset_ + 1;
    if (call.expected.empty() && !tools_.empty()) {
        if (tool_ == nullptr) {
            builder_.slip({call.span.offset, end - call.span.offset}, tools_.names());
        } else if (const auto arguments = Json::parse(call.written + '}', "arguments",
                                                      {UINT64_MAX, limits_.max_depth + 1, UINT64_MAX});
                   arguments) {
            if (auto mismatch = find_mismatch(*tool_, *arguments)) {
                OutputSpan span{call.span.offset, end - call.span.offset};
                for (const CallBuilder::Argument& argument : builder_.arguments()) {
                    if (argument.name == mismatch->argument) span = argument.span;
                }
                builder_.slip(span, std::move(mismatch->expected));
            }
        } else {
            builder_.slip({call.span.offset, end - call.span.offset}, arguments.error().message);
        }
    }
    builder_.finish(end);
    state_ = list_depth_ > 0 ? State::kAfterItem : State::kOutside;
}

void CallReader::end_list() {
    --list_depth_;
    state_ = list_depth_ > 0 ? State::kAfterItem : State::kOutside;
}

bool CallReader::consume_argument(char byte) {
    if (state_ == State::kStar) {
        if (is_space(byte)) return true;
        if (byte == '*' && n_stars_ == 1) {
            n_stars_ = 2;
            return true;
        }
        if (byte != '{' || n_stars_ != 2) return slip_here("**{...} or an argument with a name");
        state_ = State::kKey;
        return push_frame(Frame::kSpread);
    }
    if (is_space(byte)) return true;
    if (byte == ')') return close_container();
    if (byte == '*') {
        n_stars_ = 1;
        state_ = State::kStar;
        return true;
    }
    if (is_word_start(byte)) {
        word_ = byte;
        word_begin_ = offset_;
        word_may_name_ = true;
        state_ = State::kWord;
        return true;
    }
    word_begin_ = offset_;
    if (byte == ',' || byte == ']' || byte == '}') return slip_here("an argument or )");
    if (!begin_positional()) return false;
    state_ = State::kValue;
    return false;
}

// A value without a name takes the parameter at its place, if the tool is known.
bool CallReader::begin_positional() {
    if (tool_ == nullptr || n_positional_ >= tool_->parameters.size() ||
        !builder_.key(tool_->parameters[n_positional_])) {
        return slip(word_span(), "an argument with a name: name=value");
    }
    ++n_positional_;
    builder_.value_begins(word_begin_);
    return true;
}

bool CallReader::begin_named_argument() {
    if (!builder_.key(word_)) {
        return slip(word_span(), sentence("each argument once, not \"", printable(word_), "\" again"));
    }
    state_ = State::kValue;
    return true;
}

bool CallReader::consume_word(char byte) {
    if (state_ == State::kWord) {
        if (is_name_byte(byte)) {
            word_ += byte;
            return true;
        }
        if (byte == '\'' || byte == '"') {
            // r"...", u"...", f"..." and fr"..." in either case; f only without anything to fill in.
            const auto is_one_of = [&](std::string_view letters) {
                for (const char letter : word_) {
                    if (letters.find(letter) == letters.npos) return false;
                }
                return true;
            };
            if (word_.size() <= 2 && !is_json_ && is_one_of("rRuUfF")) {
                if (word_may_name_ && !begin_positional()) return false;
                is_format_ = word_.find_first_of("fF") != word_.npos;
                const bool is_raw = word_.find_first_of("rR") != word_.npos;
                string_.open(byte,
                             is_raw ? StringLiteral::Notation::kPythonRaw : StringLiteral::Notation::kPython,
                             false);
                state_ = State::kString;
                return true;
            }
        }
    }
    if (word_may_name_) {
        if (is_space(byte)) {
            state_ = State::kAfterWord;
            return true;
        }
        if (byte == '=') {
            begin_named_argument();
            return true;
        }
        if (!begin_positional()) return false;
    }
    end_word();
    return false;
}

bool CallReader::slip(OutputSpan span, std::string expected) {
    builder_.mute(false);
    builder_.slip(reads_inner_ ? inner_span_ : span, std::move(expected));
    skip_from_here();
    return false;
}

OutputSpan CallReader::word_span() const {
    return {word_begin_, last_end_ > word_begin_ ? last_end_ - word_begin_ : 1};
}

void CallReader::skip_from_here() {
    skip_depth_ = stack_.size();
    // Only a budget ends a call inside a string.
    skip_quote_ = state_ == State::kString && !string_.is_closed() ? string_.quote() : '\0';
    skip_escape_ = false;
    state_ = State::kSkip;
}

bool CallReader::consume_skip(char byte) {
    if (skip_quote_ != 0) {
        if (skip_escape_) {
            skip_escape_ = false;
        } else if (byte == '\\') {
            skip_escape_ = true;
        } else if (byte == skip_quote_) {
            skip_quote_ = 0;
        }
        return true;
    }
    // An apostrophe inside a word opens no string.
    if ((byte == '"' || byte == '\'') && !is_word_byte(last_byte_)) {
        skip_quote_ = byte;
    } else if (byte == '(' || byte == '[' || byte == '{') {
        ++skip_depth_;
    } else if (skip_depth_ == 0 && (byte == ',' || byte == ']')) {
        end_call();
        return false;
    } else if (skip_depth_ > 0 && (byte == ')' || byte == ']' || byte == '}') && --skip_depth_ == 0 &&
               !stack_.empty()) {
        ++offset_;
        end_call();
        --offset_;
    }
    return true;
}

std::string CallReader::closers() const {
    const char wanted = closer();
    return wanted == 0 ? "a call" : std::string(1, wanted);
}

}  // namespace sluice
