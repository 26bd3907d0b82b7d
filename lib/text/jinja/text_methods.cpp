// Methods of str that look at a text or change its characters.
#include <algorithm>
#include <iterator>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/methods.h"
#include "text/jinja/text_search.h"

namespace sluice::jinja {
namespace {

template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        visit(point.code);
        at += point.size;
    }
}

Result<Value> changed(Runtime& runtime, const std::string& text, const CallArguments& arguments,
                      std::string (*change)(std::string_view)) {
    SLUICE_TRY(bind("the method", arguments, {}));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    return make_text(runtime, change(text));
}

std::string titled(std::string_view text) {
    std::string out;
    bool inside = false;
    each_character(text, [&](std::uint32_t code) {
        inside ? append_lower(out, code) : append_title(out, code);
        inside = is_upper(code) || is_lower(code) || is_letter(code);
    });
    return out;
}

std::string swapped(std::string_view text) {
    std::string out;
    each_character(
        text, [&](std::uint32_t code) { is_upper(code) ? append_lower(out, code) : append_upper(out, code); });
    return out;
}

template <std::string (*Change)(std::string_view)>
Result<Value> change_with(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    return changed(runtime, text, arguments, Change);
}

// Whether the text is not empty and all of its characters are so.
template <bool (*Is)(std::uint32_t)>
Result<Value> all_are(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_TRY(bind("the method", arguments, {}));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    bool all = !text.empty();
    each_character(text, [&](std::uint32_t code) { all = all && Is(code); });
    return Value::truth(all);
}

bool is_letter_or_number(std::uint32_t code) {
    return is_letter(code) || is_numeric(code);
}

bool is_ascii(std::uint32_t code) {
    return code < 0x80;
}

// Whether there is a letter of one case and none of the other.
template <bool (*Wanted)(std::uint32_t), bool (*Other)(std::uint32_t)>
Result<Value> cased(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_TRY(bind("the method", arguments, {}));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    bool some = false;
    bool none = true;
    each_character(text, [&](std::uint32_t code) {
        some = some || Wanted(code);
        none = none && !Other(code);
    });
    return Value::truth(some && none);
}

template <bool Left, bool Right>
Result<Value> strip(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("strip", arguments, {"chars"}));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    std::string_view rest = text;
    if (given[0] == nullptr || given[0]->is_none()) {
        if (Left) rest = strip_left(rest);
        if (Right) rest = strip_right(rest);
    } else {
        SLUICE_ASSIGN(set, text_argument("strip", given[0], ""));
        // Each character of the text is looked for in the set.
        SLUICE_TRY(runtime.meter.spend(text.size() / 64 * (1 + set.size())));
        if (Left) rest = strip_left(rest, set);
        if (Right) rest = strip_right(rest, set);
    }
    return make_text(runtime, std::string(rest));
}

bool starts(std::string_view text, std::string_view part) {
    return text.substr(0, part.size()) == part;
}

bool ends(std::string_view text, std::string_view part) {
    return text.size() >= part.size() && text.substr(text.size() - part.size()) == part;
}

// The part of the text between two positions of characters, as Python's optional start and end mean them.
Result<std::string_view> window(std::string_view text, const Value* start, const Value* end,
                                std::size_t& first_character) {
    const auto n = static_cast<std::int64_t>(count_characters(text));
    const auto at = [&](const Value* given, std::int64_t otherwise) -> Result<std::int64_t> {
        if (given == nullptr || given->is_none()) return otherwise;
        SLUICE_ASSIGN(position, integer_argument("the method", given, otherwise));
        return position < 0 ? std::max<std::int64_t>(position + n, 0) : position;
    };
    SLUICE_ASSIGN(from, at(start, 0));
    SLUICE_ASSIGN(to, at(end, n));
    first_character = static_cast<std::size_t>(from);
    if (from > n) return std::string_view(nullptr, 0);
    const std::size_t begin = byte_of_character(text, static_cast<std::size_t>(from));
    const std::size_t stop = byte_of_character(text, static_cast<std::size_t>(std::min(to, n)));
    return to < from ? std::string_view(nullptr, 0) : text.substr(begin, stop - begin);
}

template <bool (*Has)(std::string_view, std::string_view)>
Result<Value> has_part(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("startswith or endswith", arguments, {"part", "start", "end"}));
    SLUICE_ASSIGN(parts, required("startswith or endswith", given[0], "part"));
    SLUICE_TRY(runtime.meter.spend(1 + text.size() / 64));
    std::size_t first = 0;
    SLUICE_ASSIGN(inside, window(text, given[1], given[2], first));
    const bool is_outside = inside.data() == nullptr;
    if (const Sequence* several = parts->sequence(); several && several->flavour == Flavour::kTuple) {
        for (const Value& part : several->items) {
            SLUICE_ASSIGN(one, text_argument("startswith or endswith", &part, ""));
            SLUICE_TRY(runtime.meter.spend(1 + one.size() / 64));
            if (!is_outside && Has(inside, one)) return Value::truth(true);
        }
        return Value::truth(false);
    }
    SLUICE_ASSIGN(one, text_argument("startswith or endswith", parts, ""));
    return Value::truth(!is_outside && Has(inside, one));
}

enum class Want : std::uint8_t { kFirst, kLast, kCount };

template <Want What, bool Must>
Result<Value> find(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("find, index or count", arguments, {"part", "start", "end"}));
    SLUICE_ASSIGN(part_value, required("find, index or count", given[0], "part"));
    SLUICE_ASSIGN(part, text_argument("find, index or count", part_value, ""));
    SLUICE_TRY(runtime.meter.spend(1 + (text.size() + part.size()) / 16));
    std::size_t first = 0;
    SLUICE_ASSIGN(inside, window(text, given[1], given[2], first));
    const bool is_outside = inside.data() == nullptr;
    if (What == Want::kCount) {
        if (is_outside) return Value::integer(0);
        if (part.empty()) return Value::integer(static_cast<std::int64_t>(count_characters(inside)) + 1);
        std::int64_t count = 0;
        for (std::size_t at = find_text(inside, part); at != std::string_view::npos;
             at = find_text(inside, part, at + part.size()))
            ++count;
        return Value::integer(count);
    }
    const std::size_t at = is_outside             ? std::string_view::npos
                           : What == Want::kFirst ? find_text(inside, part)
                                                  : find_last_text(inside, part);
    if (at == std::string_view::npos) {
        if (Must) return wrong_value("the part is not in the text");
        return Value::integer(-1);
    }
    return Value::integer(static_cast<std::int64_t>(first + count_characters(inside.substr(0, at))));
}

template <bool Prefix>
Result<Value> remove_part(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("removeprefix or removesuffix", arguments, {"part"}));
    SLUICE_ASSIGN(part_value, required("removeprefix or removesuffix", given[0], "part"));
    SLUICE_ASSIGN(part, text_argument("removeprefix or removesuffix", part_value, ""));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    if (Prefix && starts(text, part)) return make_text(runtime, text.substr(part.size()));
    if (!Prefix && ends(text, part)) return make_text(runtime, text.substr(0, text.size() - part.size()));
    return make_text(runtime, text);
}

template <Side Stands>
Result<Value> pad(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("ljust, rjust or center", arguments, {"width", "fillchar"}));
    SLUICE_ASSIGN(width_value, required("ljust, rjust or center", given[0], "width"));
    SLUICE_ASSIGN(width, integer_argument("ljust, rjust or center", width_value, 0));
    SLUICE_ASSIGN(fill, text_argument("ljust, rjust or center", given[1], " "));
    if (count_characters(fill) != 1) return wrong_value("the filling character must be one character long");
    SLUICE_ASSIGN(out, padded(runtime, text, width, fill, Stands));
    return make_text(runtime, std::move(out));
}

Result<Value> zfill(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("zfill", arguments, {"width"}));
    SLUICE_ASSIGN(width_value, required("zfill", given[0], "width"));
    SLUICE_ASSIGN(width, integer_argument("zfill", width_value, 0));
    const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+');
    SLUICE_ASSIGN(out, padded(runtime, has_sign ? text.substr(1) : text, has_sign ? width - 1 : width, "0",
                              Side::kRight));
    return make_text(runtime, has_sign ? text[0] + out : out);
}

struct Named {
    std::string_view name;
    TextMethod method;
};

constexpr Named kMethods[] = {
    {"upper", change_with<to_upper>},
    {"lower", change_with<to_lower>},
    {"casefold", change_with<to_lower>},
    {"title", change_with<titled>},
    {"capitalize", change_with<capitalized>},
    {"swapcase", change_with<swapped>},
    {"strip", strip<true, true>},
    {"lstrip", strip<true, false>},
    {"rstrip", strip<false, true>},
    {"split", text_method::split},
    {"rsplit", text_method::rsplit},
    {"splitlines", text_method::splitlines},
    {"partition", text_method::partition},
    {"rpartition", text_method::rpartition},
    {"join", text_method::join},
    {"replace", text_method::replace},
    {"format", text_method::format},
    {"startswith", has_part<starts>},
    {"endswith", has_part<ends>},
    {"find", find<Want::kFirst, false>},
    {"rfind", find<Want::kLast, false>},
    {"index", find<Want::kFirst, true>},
    {"rindex", find<Want::kLast, true>},
    {"count", find<Want::kCount, false>},
    {"removeprefix", remove_part<true>},
    {"removesuffix", remove_part<false>},
    {"ljust", pad<Side::kLeft>},
    {"rjust", pad<Side::kRight>},
    {"center", pad<Side::kBoth>},
    {"zfill", zfill},
    {"isspace", all_are<is_space>},
    {"isalpha", all_are<is_letter>},
    {"isalnum", all_are<is_letter_or_number>},
    {"isdigit", all_are<is_digit>},
    {"isdecimal", all_are<is_decimal>},
    {"isnumeric", all_are<is_numeric>},
    {"isupper", cased<is_upper, is_lower>},
    {"islower", cased<is_lower, is_upper>},
};

Result<Value> isascii(Runtime& runtime, const std::string& text, const CallArguments& arguments) {
    SLUICE_TRY(bind("isascii", arguments, {}));
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    bool all = true;
    each_character(text, [&](std::uint32_t code) { all = all && is_ascii(code); });
    return Value::truth(all);
}

}  // namespace

TextMethod find_text_method(std::string_view name) {
    if (name == "isascii") return isascii;
    const auto at = std::find_if(std::begin(kMethods), std::end(kMethods),
                                 [&](const Named& named) { return named.name == name; });
    return at == std::end(kMethods) ? nullptr : at->method;
}

std::string capitalized(std::string_view text) {
    std::string out;
    bool first = true;
    each_character(text, [&](std::uint32_t code) {
        first ? append_title(out, code) : append_lower(out, code);
        first = false;
    });
    return out;
}

Result<std::string> padded(Runtime& runtime, const std::string& text, std::int64_t width, std::string_view fill,
                           Side text_stands) {
    const auto n = static_cast<std::int64_t>(count_characters(text));
    const std::int64_t missing = width > n ? width - n : 0;
    SLUICE_TRY(runtime.meter.spend_text(static_cast<std::uint64_t>(missing)));
    SLUICE_TRY(runtime.meter.spend_text(text.size() + static_cast<std::uint64_t>(missing) * fill.size()));
    // CPython's center puts the odd one to the left where the width is odd.
    const std::int64_t before = text_stands == Side::kLeft    ? 0
                                : text_stands == Side::kRight ? missing
                                                              : missing / 2 + (missing & width & 1);
    std::string out;
    for (std::int64_t i = 0; i < before; ++i) out += fill;
    out += text;
    for (std::int64_t i = before; i < missing; ++i) out += fill;
    return out;
}

}  // namespace sluice::jinja
