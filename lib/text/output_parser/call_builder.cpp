// JSON text grows at its end only, so a value is a range of it that stays valid. unwrap() is the exception,
// which is why events inside an undecided array wait.
#include "text/output_parser/call_builder.h"

#include <utility>

#include "base/utf8.h"
#include "text/output_parser/characters.h"

namespace sluice {
namespace {

void append_json_string(std::string& json, std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    json += '"';
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        const bool is_control = static_cast<unsigned char>(byte) < 0x20;
        if (!is_control && byte != '"' && byte != '\\') continue;
        append_valid_utf8(json, text.substr(begin, at - begin));
        begin = at + 1;
        json += '\\';
        switch (byte) {
            case '\n':
                json += 'n';
                break;
            case '\t':
                json += 't';
                break;
            case '\r':
                json += 'r';
                break;
            case '\b':
                json += 'b';
                break;
            case '\f':
                json += 'f';
                break;
            default:
                if (is_control) {
                    json += "u00";
                    json += kDigits[byte >> 4];
                    json += kDigits[byte & 15];
                } else {
                    json += byte;
                }
        }
    }
    append_valid_utf8(json, text.substr(begin));
    json += '"';
}

bool is_plain_key(std::string_view key) {
    if (key.empty() || !is_word_start(key.front())) return false;
    for (const char byte : key) {
        if (!is_word_byte(byte)) return false;
    }
    return true;
}

}  // namespace

void CallBuilder::begin(std::uint64_t offset) {
    call_ = std::make_shared<ToolCall>();
    call_->index = n_calls_++;
    call_->span.offset = offset;
    has_name_ = false;
    muted_ = false;
    n_held_ = 0;
    path_.clear();
    levels_.clear();
    levels_.emplace_back();
    waiting_.clear();
    arguments_.clear();
    whole_size_ = call_->written.size();
}

void CallBuilder::set_name(std::string name) {
    call_->name = replace_invalid_utf8(name);
    has_name_ = true;
    events_.push({OutputEventKind::kToolCallBegin, {}, call_, 0, 0, false, false});
    if (n_held_ == 0) publish_waiting();
}

void CallBuilder::slip(OutputSpan span, std::string expected) {
    if (!call_->expected.empty()) return;
    call_->slip = span;
    call_->expected = std::move(expected);
}

void CallBuilder::finish(std::uint64_t end) {
    call_->span.size = end - call_->span.offset;
    call_->arguments = call_->written.substr(0, whole_size_) + '}';
    events_.push({OutputEventKind::kToolCallEnd, {}, call_, 0, 0, false, false});
    call_ = nullptr;
    waiting_.clear();
}

bool CallBuilder::key(std::string_view name) {
    if (muted_) return true;
    Level& level = levels_.back();
    std::string valid = replace_invalid_utf8(name);
    if (!level.keys.insert(valid).second) return false;
    if (level.n_values++ > 0) call_->written += ',';
    append_json_string(call_->written, valid);
    call_->written += ':';
    if (levels_.size() == 1) {
        path_ = valid;
        arguments_.push_back({std::move(valid), {}});
    } else if (is_plain_key(valid)) {
        path_ += '.';
        path_ += valid;
    } else {
        path_ += '[';
        append_json_string(path_, valid);
        path_ += ']';
    }
    return true;
}

void CallBuilder::element() {
    if (muted_) return;
    Level& level = levels_.back();
    if (level.n_values > 0) call_->written += ',';
    path_ += '[' + std::to_string(level.n_values++) + ']';
}

void CallBuilder::value_begins(std::uint64_t offset) {
    if (!muted_ && levels_.size() == 1 && !arguments_.empty()) arguments_.back().span.offset = offset;
}

void CallBuilder::scalar(std::string_view json, std::uint64_t end) {
    if (muted_) return;
    const std::size_t begin = call_->written.size();
    call_->written += json;
    end_value(begin, end);
}

void CallBuilder::string(std::string_view text, std::uint64_t end) {
    if (muted_) return;
    const std::size_t begin = call_->written.size();
    append_json_string(call_->written, text);
    end_value(begin, end);
}

void CallBuilder::open(char bracket) {
    if (muted_) return;
    levels_.push_back({call_->written.size(), path_.size(), 0, waiting_.size(), {}});
    call_->written += bracket;
}

void CallBuilder::close(char bracket, std::uint64_t end) {
    if (muted_) return;
    const std::size_t begin = levels_.back().json_begin;
    levels_.pop_back();
    call_->written += bracket;
    end_value(begin, end);
}

void CallBuilder::hold() {
    if (!muted_) ++n_held_;
}

void CallBuilder::release() {
    if (muted_) return;
    --n_held_;
    if (n_held_ == 0 && has_name_) publish_waiting();
}

void CallBuilder::unwrap(std::uint64_t end) {
    if (muted_) return;
    const Level& level = levels_.back();
    const std::size_t begin = level.json_begin;
    // What was the first element moves up by a bracket, and its path loses "[0]".
    for (std::size_t i = level.n_waiting; i < waiting_.size(); ++i) {
        waiting_[i].text.erase(level.path_size, 3);
        --waiting_[i].value_begin;
    }
    // The element itself is given once more, as the value that it now is.
    if (waiting_.size() > level.n_waiting && waiting_.back().text.size() == level.path_size)
        waiting_.pop_back();
    levels_.pop_back();
    call_->written.erase(begin, 1);
    --n_held_;
    if (n_held_ == 0 && has_name_) publish_waiting();
    end_value(begin, end);
}

void CallBuilder::end_value(std::size_t json_begin, std::uint64_t end) {
    if (n_argument_events_ < kMaxArgumentEvents && path_.size() <= kMaxPathSize) {
        ++n_argument_events_;
        OutputEventQueue::Entry entry{OutputEventKind::kToolCallArgument, path_, call_, json_begin,
                                      call_->written.size() - json_begin, false, false};
        if (has_name_ && n_held_ == 0) {
            events_.push(std::move(entry));
        } else {
            waiting_.push_back(std::move(entry));
        }
    }
    path_.resize(levels_.back().path_size);
    if (levels_.size() > 1) return;
    whole_size_ = call_->written.size();
    arguments_.back().span.size = end - arguments_.back().span.offset;
}

void CallBuilder::publish_waiting() {
    for (OutputEventQueue::Entry& entry : waiting_) events_.push(std::move(entry));
    waiting_.clear();
}

}  // namespace sluice
