// The half of CallReader that reads values: literals, containers, and the members of a call's object.
#include "base/sentence.h"
#include "base/utf8.h"
#include "text/output_parser/call_reader.h"
#include "text/output_parser/characters.h"
#include "text/output_parser/number_literal.h"

namespace sluice {

bool CallReader::consume_value(char byte) {
    if (is_space(byte)) return true;
    const bool closes = byte == ')' || byte == ']' || byte == '}';
    if (closes && state_ == State::kElement && byte == closer()) return close_container();
    if (stack_.back().frame == Frame::kCallObject && role_ == Role::kValue) {
        if (!begin_member_value(byte)) return false;
        if (state_ == State::kKey) return true;
    }
    const Frame frame = stack_.back().frame;
    if (role_ == Role::kValue &&
        (frame == Frame::kCall || frame == Frame::kSpread || frame == Frame::kArguments))
        builder_.value_begins(here().offset);
    if (byte == '"' || byte == '\'')
        return open_string(byte, is_json_ ? StringLiteral::Notation::kJson : StringLiteral::Notation::kPython);
    if (byte == '[' || byte == '{' || (byte == '(' && !is_json_)) return open_container(byte);
    word_begin_ = offset_;
    is_negative_ = byte == '-';
    word_.clear();
    if (byte == '+' || byte == '-') {
        state_ = State::kSign;
        return true;
    }
    if (is_decimal_digit(byte) || byte == '.') {
        state_ = State::kNumber;
        return false;
    }
    if (!is_word_start(byte)) return slip_here("a value");
    word_may_name_ = false;
    state_ = State::kWord;
    return false;
}

bool CallReader::open_string(char quote, StringLiteral::Notation notation) {
    is_format_ = false;
    word_begin_ = offset_;
    string_.open(quote, notation, false);
    state_ = State::kString;
    return true;
}

bool CallReader::consume_string(char byte) {
    if (state_ == State::kString) {
        if (string_.push(byte)) return true;
        state_ = State::kAfterString;
        return false;
    }
    if (is_space(byte)) return true;
    if ((byte == '"' || byte == '\'') && !is_json_) {
        string_.open(byte, StringLiteral::Notation::kPython, true);
        state_ = State::kString;
        return true;
    }
    return end_string(byte);
}

bool CallReader::consume_number(char byte) {
    if (state_ == State::kSign) {
        if (is_space(byte)) return true;
        if (!is_decimal_digit(byte) && byte != '.') return slip_here("a finite number");
        state_ = State::kNumber;
    }
    const bool is_hexadecimal = word_.size() > 1 && (word_[1] == 'x' || word_[1] == 'X');
    const bool may_sign = !word_.empty() && (word_.back() == 'e' || word_.back() == 'E') && !is_hexadecimal;
    if (is_word_byte(byte) || byte == '.' || ((byte == '+' || byte == '-') && may_sign)) {
        word_ += byte;
        return true;
    }
    if (const auto number = json_number(is_negative_, word_)) return end_literal(*number);
    return slip(word_span(), "a finite number");
}

bool CallReader::end_word() {
    if (word_ == "True" || word_ == "true") return end_literal("true");
    if (word_ == "False" || word_ == "false") return end_literal("false");
    if (word_ == "None" || word_ == "null") return end_literal("null");
    const OutputSpan span{word_begin_, word_.size()};
    if (word_ == "NaN" || word_ == "nan" || word_ == "Infinity" || word_ == "inf")
        return slip(span, "a finite number");
    return slip(span, "a value; text stands in quotes");
}

// False: the byte that ended the word or number is still to be looked at.
bool CallReader::end_literal(std::string json) {
    scalar_ = std::move(json);
    scalar_end_ = last_end_;
    state_ = State::kAfterScalar;
    return false;
}

// After a value comes a comma or the bracket that closes: "1" in "1 + 2" is no value.
bool CallReader::can_follow(char byte) const {
    return role_ != Role::kValue || byte == ',' || byte == closer();
}

bool CallReader::consume_after_scalar(char byte) {
    if (is_space(byte)) return true;
    if (!can_follow(byte)) return slip_here(sentence("a comma or ", closer()));
    if (role_ == Role::kCandidate) {
        candidate_ = scalar_;
        candidate_is_string_ = false;
        candidate_end_ = scalar_end_;
        state_ = State::kAfterCandidate;
    } else if (role_ == Role::kKey) {
        put_key(scalar_);
    } else if (stack_.back().frame == Frame::kCallObject) {
        end_member(nullptr, scalar_);
    } else {
        begin_element();
        builder_.scalar(scalar_, scalar_end_);
        end_element();
    }
    return false;
}

bool CallReader::end_string(char next) {
    if (!can_follow(next)) return slip_here(sentence("a comma or ", closer()));
    const std::string& text = string_.text();
    if (is_format_ && text.find_first_of("{}") != text.npos)
        return slip(word_span(), "a string with nothing to fill in");
    if (role_ == Role::kCandidate) {
        candidate_ = text;
        candidate_is_string_ = true;
        candidate_end_ = last_end_;
        state_ = State::kAfterCandidate;
        return false;
    }
    if (role_ == Role::kKey) {
        put_key(text);
        return false;
    }
    if (stack_.back().frame == Frame::kCallObject) {
        const std::string moved = std::move(string_.text());
        end_member(&moved, {});
        return false;
    }
    begin_element();
    builder_.string(text, last_end_);
    end_element();
    return false;
}

void CallReader::begin_element() {
    Open& top = stack_.back();
    ++top.n_values;
    if (top.frame == Frame::kArray || top.frame == Frame::kTuple || top.frame == Frame::kSet)
        builder_.element();
}

void CallReader::end_element() {
    state_ = State::kAfterValue;
    if (stack_.back().frame == Frame::kCallObject) builder_.mute(false);
}

bool CallReader::push_frame(Frame frame, bool is_decided) {
    const bool counts = frame != Frame::kArguments && frame != Frame::kSpread;
    if (counts && depth_ >= limits_.max_depth)
        return slip_here(sentence("at most ", limits_.max_depth, " brackets around a value"));
    if (counts) ++depth_;
    stack_.push_back({frame, is_decided, 0});
    return true;
}

bool CallReader::open_container(char bracket) {
    const Frame frame = bracket == '[' ? Frame::kArray : bracket == '(' ? Frame::kTuple : Frame::kUndecided;
    if (stack_.back().frame != Frame::kCallObject) begin_element();
    if (!push_frame(frame, frame != Frame::kTuple)) return false;
    state_ = frame == Frame::kUndecided ? State::kBrace : State::kElement;
    role_ = Role::kValue;
    if (frame == Frame::kUndecided) return true;
    builder_.open('[');
    if (frame == Frame::kTuple) builder_.hold();
    return true;
}

// At the closing bracket of the innermost frame.
bool CallReader::close_container() {
    const Open top = stack_.back();
    const std::uint64_t end = here().offset + here().size;
    switch (top.frame) {
        case Frame::kCall:
            end_call();
            return true;
        case Frame::kCallObject:
            if (stack_.size() > 1) break;
            if (!has_object_name_) builder_.slip({builder_.call().span.offset, 1}, "a \"name\" in the object");
            end_call();
            return true;
        case Frame::kTuple:
            if (!top.is_decided && top.n_values == 1) {
                builder_.unwrap(end);
                break;
            }
            if (!top.is_decided) builder_.release();
            builder_.close(']', end);
            break;
        case Frame::kArray:
        case Frame::kSet:
            builder_.close(']', end);
            break;
        case Frame::kUndecided:
            builder_.open('{');
            [[fallthrough]];
        case Frame::kDict:
            builder_.close('}', end);
            break;
        case Frame::kSpread:
        case Frame::kArguments:
            break;
    }
    if (top.frame != Frame::kArguments && top.frame != Frame::kSpread) --depth_;
    stack_.pop_back();
    end_element();
    return true;
}

char CallReader::closer() const {
    if (stack_.empty()) return 0;
    switch (stack_.back().frame) {
        case Frame::kCall:
        case Frame::kTuple:
            return ')';
        case Frame::kArray:
            return ']';
        default:
            return '}';
    }
}

bool CallReader::consume_after_value(char byte) {
    if (is_space(byte)) return true;
    if (byte == closer()) return close_container();
    if (byte != ',') return slip_here(sentence("a comma or ", closer()));
    Open& top = stack_.back();
    switch (top.frame) {
        case Frame::kCall:
            state_ = State::kArgument;
            break;
        case Frame::kTuple:
            if (!top.is_decided) builder_.release();
            top.is_decided = true;
            [[fallthrough]];
        case Frame::kArray:
        case Frame::kSet:
            state_ = State::kElement;
            break;
        default:
            state_ = State::kKey;
            break;
    }
    return true;
}

bool CallReader::consume_key(char byte) {
    if (is_space(byte)) return true;
    if (state_ == State::kColon) {
        if (byte != ':') return slip_here("a colon");
        state_ = State::kValue;
        return true;
    }
    if (byte == '}') return close_container();
    const bool is_literal = is_word_start(byte) || is_decimal_digit(byte) || byte == '-';
    const bool takes_literals = stack_.back().frame == Frame::kDict && !is_json_;
    if (byte != '"' && byte != '\'' && !(is_literal && takes_literals))
        return slip_here("a key in quotes or }");
    role_ = Role::kKey;
    state_ = State::kValue;
    return false;
}

bool CallReader::put_key(std::string_view key) {
    role_ = Role::kValue;
    state_ = State::kColon;
    if (stack_.back().frame == Frame::kCallObject) {
        member_ = key;
        return true;
    }
    if (builder_.key(key)) return true;
    return slip(word_span(), sentence("each key once, not \"", printable(key), "\" again"));
}

// {} is an object, {"a": 1} too, {"a"} and {[1]} are sets.
bool CallReader::consume_brace(char byte) {
    if (is_space(byte)) return true;
    if (byte == '}') return close_container();
    if (byte == '[' || byte == '(' || byte == '{') {
        if (is_json_) return slip_here("a key in quotes or }");
        stack_.back().frame = Frame::kSet;
        builder_.open('[');
        state_ = State::kElement;
        return false;
    }
    if (is_json_ && byte != '"' && byte != '\'') return slip_here("a key in quotes or }");
    role_ = Role::kCandidate;
    state_ = State::kValue;
    return false;
}

bool CallReader::consume_after_candidate(char byte) {
    if (is_space(byte)) return true;
    if (byte == ':') {
        decide_candidate(Frame::kDict);
        return true;
    }
    if (is_json_ || (byte != ',' && byte != '}')) return slip_here("a colon");
    decide_candidate(Frame::kSet);
    return false;
}

void CallReader::decide_candidate(Frame frame) {
    role_ = Role::kValue;
    stack_.back().frame = frame;
    if (frame == Frame::kDict) {
        builder_.open('{');
        builder_.key(candidate_);
        state_ = State::kValue;
        return;
    }
    builder_.open('[');
    begin_element();
    if (candidate_is_string_) {
        builder_.string(candidate_, candidate_end_);
    } else {
        builder_.scalar(candidate_, candidate_end_);
    }
    end_element();
}

// The first byte of a member's value in the object of a call. State kKey afterwards: the byte has been used up.
bool CallReader::begin_member_value(char byte) {
    const bool is_string = byte == '"' || byte == '\'';
    if (member_ == "name" || (member_ == "function" && is_string)) {
        if (has_object_name_) return slip_here("one \"name\"");
        return is_string || slip_here("the name in quotes");
    }
    if (member_ == "function" && byte == '{') {
        state_ = State::kKey;
        return push_frame(Frame::kCallObject);
    }
    if (member_ == "arguments" || member_ == "parameters") {
        if (has_arguments_) return slip_here("the arguments once");
        has_arguments_ = true;
        if (is_string || byte == 'n') return true;
        if (byte != '{') return slip_here("the arguments as an object");
        state_ = State::kKey;
        return push_frame(Frame::kArguments);
    }
    builder_.mute(true);
    return true;
}

// A scalar member of the object of a call.
bool CallReader::end_member(const std::string* string, std::string_view json) {
    end_element();
    if (member_ == "name" || (member_ == "function" && string != nullptr)) {
        if (string->empty() || string->size() > kMaxNameSize)
            return slip(word_span(), sentence("a name of 1 to ", kMaxNameSize, " bytes"));
        has_object_name_ = true;
        tool_ = tools_.find(*string);
        builder_.set_name(*string);
        return true;
    }
    if (member_ != "arguments" && member_ != "parameters") return true;
    if (string != nullptr) return read_inner_arguments(*string);
    return json == "null" || slip(word_span(), "the arguments as an object");
}

// Arguments that came as a string: its text goes the same way. Their place in the output is that of the string.
bool CallReader::read_inner_arguments(const std::string& text) {
    const std::size_t n_open = stack_.size();
    inner_span_ = word_span();
    reads_inner_ = true;
    has_arguments_ = false;
    state_ = State::kValue;
    const auto is_outside = [&] { return stack_.size() == n_open; };
    for (const char byte : text) {
        if (is_outside() && !is_space(byte) && (state_ != State::kValue || byte != '{')) {
            slip_here("one JSON object in the string");
            break;
        }
        while (state_ != State::kSkip && !consume(byte)) {
        }
        if (state_ == State::kSkip) break;
    }
    if (state_ == State::kValue && is_outside()) state_ = State::kAfterValue;  // nothing: no arguments
    if (state_ != State::kSkip && !is_outside()) slip_here("a whole JSON object in the string");
    reads_inner_ = false;
    has_arguments_ = true;
    if (state_ != State::kSkip) return true;
    stack_.resize(n_open);
    skip_from_here();
    return false;
}

}  // namespace sluice
