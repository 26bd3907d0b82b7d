// Methods of str that cut a text or put one together.
#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/methods.h"
#include "text/jinja/spelling.h"
#include "text/jinja/text_search.h"

namespace sluice::jinja {
namespace {

Result<Value> list_of(Runtime& runtime, const std::vector<std::string_view>& pieces) {
    std::vector<Value> items;
    items.reserve(pieces.size());
    for (const std::string_view piece : pieces) items.push_back(make_text(runtime, std::string(piece)));
    return make_list(runtime.meter, std::move(items));
}

// Between white space; `count` cuts at most, all where it is negative.
std::vector<std::string_view> words(std::string_view text, std::int64_t count) {
    std::vector<std::string_view> pieces;
    for (text = strip_left(text); !text.empty(); text = strip_left(text)) {
        if (count >= 0 && static_cast<std::int64_t>(pieces.size()) == count) {
            pieces.push_back(text);
            break;
        }
        std::size_t end = 0;
        while (end < text.size() && !is_space(code_point_at(text, end).code))
            end += code_point_at(text, end).size;
        pieces.push_back(text.substr(0, end));
        text = text.substr(end);
    }
    return pieces;
}

std::vector<std::string_view> words_from_right(std::string_view text, std::int64_t count) {
    std::vector<std::string_view> pieces = words(text, -1);
    const auto n = static_cast<std::int64_t>(pieces.size());
    if (count < 0 || n <= count) return pieces;
    // What is left keeps the white space in front of it.
    std::vector<std::string_view> kept;
    const auto first_kept = static_cast<std::size_t>(n - count);
    const std::string_view last = pieces[first_kept - 1];
    kept.push_back(text.substr(0, static_cast<std::size_t>(last.data() + last.size() - text.data())));
    kept.insert(kept.end(), pieces.begin() + static_cast<std::ptrdiff_t>(first_kept), pieces.end());
    return kept;
}

std::vector<std::string_view> cut(std::string_view text, std::string_view separator, std::int64_t count) {
    std::vector<std::string_view> pieces;
    std::size_t from = 0;
    while (count < 0 || static_cast<std::int64_t>(pieces.size()) < count) {
        const std::size_t at = find_text(text, separator, from);
        if (at == std::string_view::npos) break;
        pieces.push_back(text.substr(from, at - from));
        from = at + separator.size();
    }
    pieces.push_back(text.substr(from));
    return pieces;
}

std::vector<std::string_view> cut_from_right(std::string_view text, std::string_view separator,
                                             std::int64_t count) {
    std::vector<std::string_view> pieces;
    while (count < 0 || static_cast<std::int64_t>(pieces.size()) < count) {
        const std::size_t at = text.rfind(separator);
        if (at == std::string_view::npos) break;
        pieces.push_back(text.substr(at + separator.size()));
        text = text.substr(0, at);
    }
    pieces.push_back(text);
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
}

Result<Value> split_either(Runtime& runtime, const std::string& text, const CallArguments& arguments,
                           bool from_right) {
    SLUICE_ASSIGN(given, bind("split", arguments, {"sep", "maxsplit"}));
    SLUICE_ASSIGN(count, integer_argument("split", given[1], -1));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    if (given[0] == nullptr || given[0]->is_none()) {
        SLUICE_TRY(runtime.meter.spend(text.size() / 4));
        return list_of(runtime, from_right ? words_from_right(text, count) : words(text, count));
    }
    SLUICE_ASSIGN(separator, text_argument("split", given[0], ""));
    if (separator.empty()) return wrong_value("the separator of split is empty");
    // As many pieces as there may be, and searches that look again at a long separator.
    SLUICE_TRY(runtime.meter.spend(text.size() / (4 * separator.size()) + text.size() / 16));
    const bool quadratic = from_right && separator.size() > 8;
    if (quadratic) SLUICE_TRY(runtime.meter.spend(text.size() / 64 * separator.size()));
    return list_of(runtime, from_right ? cut_from_right(text, separator, count) : cut(text, separator, count));
}

Result<Value> parts_of_three(Runtime& runtime, std::string_view a, std::string_view b, std::string_view c) {
    std::vector<Value> parts;
    for (const std::string_view part : {a, b, c}) parts.push_back(make_text(runtime, std::string(part)));
    return make_sequence(runtime.meter, Flavour::kTuple, std::move(parts));
}

Result<Value> partition_either(Runtime& runtime, const std::string& text, const CallArguments& arguments,
                               bool from_right) {
    SLUICE_ASSIGN(given, bind("partition", arguments, {"sep"}));
    SLUICE_ASSIGN(value, required("partition", given[0], "sep"));
    SLUICE_ASSIGN(separator, text_argument("partition", value, ""));
    if (separator.empty()) return wrong_value("the separator of partition is empty");
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    const std::string_view whole = text;
    const std::size_t at = from_right ? find_last_text(whole, separator) : find_text(whole, separator);
    if (at == std::string_view::npos)
        return from_right ? parts_of_three(runtime, "", "", whole) : parts_of_three(runtime, whole, "", "");
    return parts_of_three(runtime, whole.substr(0, at), separator, whole.substr(at + separator.size()));
}

bool ends_line(std::uint32_t code) {
    return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
           code == 0x2029;
}

// One field of str.format between its braces: a position, a name, and attributes or items after it.
Result<Value> field(Runtime& runtime, std::string_view name, const CallArguments& arguments,
                    std::size_t& next_position) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    const std::string_view first = name.substr(0, end);
    if (end < name.size())
        return make_error(SLUICE_E_UNSUPPORTED,
                          "format with attributes or items in a field: ", printable(name));
    if (first.empty() || first.find_first_not_of("0123456789") == std::string_view::npos) {
        std::size_t position = next_position;
        if (first.empty()) {
            ++next_position;
        } else {
            position = 0;
            for (const char digit : first.substr(0, 9))
                position = position * 10 + static_cast<std::size_t>(digit - '0');
        }
        if (position >= arguments.positional.size()) return wrong_value("format has no argument ", position);
        SLUICE_TRY(runtime.meter.spend(1));
        return arguments.positional[position];
    }
    for (const auto& [its_name, value] : arguments.named) {
        if (its_name == first) return value;
    }
    return wrong_value("format has no argument ", printable(first));
}

}  // namespace

namespace text_method {

Result<Value> split(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    return split_either(runtime, text, arguments, false);
}

Result<Value> rsplit(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    return split_either(runtime, text, arguments, true);
}

Result<Value> splitlines(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("splitlines", arguments, {"keepends"}));
    if (truth_argument(given[0], false))
        return make_error(SLUICE_E_UNSUPPORTED, "splitlines that keeps the ends of lines");
    SLUICE_TRY(runtime.meter.spend(1 + text.size() / 4));
    return list_of(runtime, lines_of(text));
}

Result<Value> partition(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    return partition_either(runtime, text, arguments, false);
}

Result<Value> rpartition(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    return partition_either(runtime, text, arguments, true);
}

Result<Value> join(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("join", arguments, {"items"}));
    SLUICE_ASSIGN(value, required("join", given[0], "items"));
    SLUICE_ASSIGN(items, items_of(runtime.meter, *value));
    std::string out;
    for (std::size_t i = 0; i < items->items.size(); ++i) {
        SLUICE_ASSIGN(item, text_argument("join", &items->items[i], ""));
        SLUICE_TRY(runtime.meter.spend_growth(out.size(), item.size() + text.size()));
        if (i > 0) out += text;
        out += item;
    }
    return make_text(runtime, std::move(out));
}

Result<Value> replace(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("replace", arguments, {"old", "new", "count"}));
    SLUICE_ASSIGN(old_value, required("replace", given[0], "old"));
    SLUICE_ASSIGN(new_value, required("replace", given[1], "new"));
    SLUICE_ASSIGN(old, text_argument("replace", old_value, ""));
    SLUICE_ASSIGN(by, text_argument("replace", new_value, ""));
    SLUICE_ASSIGN(count, integer_argument("replace", given[2], -1));
    SLUICE_ASSIGN(out, replaced(runtime, text, old, by, count));
    return make_text(runtime, std::move(out));
}

Result<Value> format(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    std::string out;
    std::size_t next_position = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        if (byte != '{' && byte != '}') {
            out += byte;
            continue;
        }
        if (at + 1 < text.size() && text[at + 1] == byte) {
            out += byte;
            ++at;
            continue;
        }
        const std::size_t end = text.find('}', at);
        if (byte == '}' || end == std::string::npos)
            return wrong_value("a single ", byte, " in the text of format");
        const std::string_view inside = std::string_view(text).substr(at + 1, end - at - 1);
        if (inside.find_first_of(":!{") != std::string_view::npos)
            return make_error(SLUICE_E_UNSUPPORTED, "format with a width or a conversion: ", printable(inside));
        SLUICE_ASSIGN(value, field(runtime, inside, arguments, next_position));
        SLUICE_TRY(append_str(runtime.meter, value, out));
        at = end;
    }
    SLUICE_TRY(runtime.meter.spend_text(out.size()));
    return make_text(runtime, std::move(out));
}

}  // namespace text_method

Result<std::string> replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view by,
                             std::int64_t count) {
    SLUICE_TRY(runtime.meter.spend(1 + (text.size() + old.size()) / 16));
    std::string out;
    std::size_t from = 0;
    std::int64_t n_done = 0;
    // An empty part stands before each character and at the end.
    while (from <= text.size() && (count < 0 || n_done < count)) {
        const std::size_t at = old.empty() ? from : find_text(text, old, from);
        if (at == std::string_view::npos) break;
        SLUICE_TRY(runtime.meter.spend_growth(out.size(), at - from + by.size()));
        out += text.substr(from, at - from);
        out += by;
        ++n_done;
        if (old.empty()) {
            if (at == text.size()) return out;
            const std::size_t size = code_point_at(text, at).size;
            out += text.substr(at, size);
            from = at + size;
        } else {
            from = at + old.size();
        }
    }
    SLUICE_TRY(runtime.meter.spend_growth(out.size(), text.size() - from));
    out += text.substr(from);
    return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        at += point.size;
        if (!ends_line(point.code)) continue;
        lines.push_back(text.substr(from, at - point.size - from));
        if (point.code == '\r' && at < text.size() && text[at] == '\n') ++at;
        from = at;
    }
    if (from < text.size()) lines.push_back(text.substr(from));
    return lines;
}

}  // namespace sluice::jinja
