// Filters that make texts and numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/methods.h"
#include "text/jinja/number_text.h"
#include "text/jinja/operators.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

template <std::string (*Change)(std::string_view)>
Result<Value> changed(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("the filter", arguments, {}));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    return make_text(runtime, Change(text));
}

// Words begin after white space, hyphens and opening brackets: _word_beginning_split_re of jinja2.filters.
std::string titled(std::string_view text) {
    std::string out;
    bool begins = true;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        begins ? append_upper(out, point.code) : append_lower(out, point.code);
        begins = is_space(point.code) || point.code == '-' || point.code == '(' || point.code == '{' ||
                 point.code == '[' || point.code == '<';
        at += point.size;
    }
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char byte : text) {
        switch (byte) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&#34;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += byte;
        }
    }
    return out;
}

std::string unchanged(std::string_view text) {
    return std::string(text);
}

Result<Value> trim(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("trim", arguments, {"chars"}));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    if (given[0] == nullptr || given[0]->is_none())
        return make_text(runtime, std::string(strip_right(strip_left(text))));
    SLUICE_ASSIGN(set, text_argument("trim", given[0], ""));
    SLUICE_TRY(runtime.meter.spend(text.size() / 64 * (1 + set.size())));
    return make_text(runtime, std::string(strip_right(strip_left(text, set), set)));
}

Result<Value> replace(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("replace", arguments, {"old", "new", "count"}));
    SLUICE_ASSIGN(old_value, required("replace", given[0], "old"));
    SLUICE_ASSIGN(new_value, required("replace", given[1], "new"));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    SLUICE_ASSIGN(old, str_of(runtime.meter, *old_value));
    SLUICE_ASSIGN(by, str_of(runtime.meter, *new_value));
    const bool no_count = given[2] == nullptr || given[2]->is_none();
    SLUICE_ASSIGN(count, integer_argument("replace", no_count ? nullptr : given[2], -1));
    SLUICE_ASSIGN(out, replaced(runtime, text, old, by, count));
    return make_text(runtime, std::move(out));
}

Result<Value> indent(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("indent", arguments, {"width", "first", "blank"}));
    std::string margin;
    if (given[0] != nullptr && given[0]->text() != nullptr) {
        margin = *given[0]->text();
    } else {
        SLUICE_ASSIGN(width, integer_argument("indent", given[0], 4));
        SLUICE_ASSIGN(spaces, padded(runtime, "", width, " ", Side::kLeft));
        margin = std::move(spaces);
    }
    SLUICE_ASSIGN(text, text_argument("indent", &value, ""));
    SLUICE_TRY(runtime.meter.spend(1 + text.size() / 4));
    const bool blank = truth_argument(given[2], false);
    std::string out = truth_argument(given[1], false) ? margin : "";
    text += '\n';  // so that the text has a line, and one more where it ends with a newline
    bool first = true;
    for (const std::string_view line : lines_of(text)) {
        SLUICE_TRY(runtime.meter.spend_growth(out.size(), line.size() + margin.size() + 1));
        if (!first) out += '\n';
        if (!first && (blank || !line.empty())) out += margin;
        out += line;
        first = false;
    }
    return make_text(runtime, std::move(out));
}

Result<Value> center(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("center", arguments, {"width"}));
    SLUICE_ASSIGN(width, integer_argument("center", given[0], 80));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    SLUICE_ASSIGN(out, padded(runtime, text, width, " ", Side::kBoth));
    return make_text(runtime, std::move(out));
}

Result<Value> truncate(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
    SLUICE_ASSIGN(text, text_argument("truncate", &value, ""));
    SLUICE_ASSIGN(length, integer_argument("truncate", given[0], 255));
    SLUICE_ASSIGN(end, text_argument("truncate", given[2], "..."));
    SLUICE_ASSIGN(leeway, integer_argument("truncate", given[3], 5));
    const auto end_length = static_cast<std::int64_t>(count_characters(end));
    if (length < end_length || leeway < 0)
        return wrong_value("truncate needs a length of at least ", end_length, " and a leeway of at least 0");
    SLUICE_TRY(runtime.meter.spend_text(text.size()));
    const auto size = static_cast<std::int64_t>(count_characters(text));
    if (size <= length || size - length <= leeway) return make_text(runtime, text);
    std::string kept = text.substr(0, byte_of_character(text, static_cast<std::size_t>(length - end_length)));
    const std::size_t space = kept.rfind(' ');
    if (!truth_argument(given[1], false) && space != std::string::npos) kept.resize(space);
    return make_text(runtime, kept + end);
}

Result<Value> wordcount(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("wordcount", arguments, {}));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    std::int64_t count = 0;
    bool inside = false;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        const bool word = is_word(point.code);
        count += word && !inside ? 1 : 0;
        inside = word;
        at += point.size;
    }
    return Value::integer(count);
}

Result<Value> format(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(form, str_of(runtime.meter, value));
    if (!arguments.positional.empty() && !arguments.named.empty())
        return wrong_value("format takes arguments with names or without, not both");
    if (!arguments.named.empty()) {
        std::vector<Dict::Entry> entries;
        for (const auto& [name, its_value] : arguments.named)
            entries.emplace_back(make_text(runtime, name), its_value);
        SLUICE_ASSIGN(values, make_dict(runtime.meter, std::move(entries)));
        return format_percent(runtime, form, values);
    }
    SLUICE_ASSIGN(values, make_sequence(runtime.meter, Flavour::kTuple, arguments.positional));
    return format_percent(runtime, form, values);
}

// The indent of json.dumps: a number of spaces, or a text.
Done read_indent(const Value* given, JsonStyle& style) {
    if (given == nullptr || given->is_none()) return Nothing{};
    style.has_indent = true;
    style.item_separator = ",";
    if (const std::string* text = given->text()) {
        style.indent = *text;
        return Nothing{};
    }
    SLUICE_ASSIGN(width, integer_argument("tojson", given, 0));
    constexpr std::int64_t kMaxIndent = 1000;
    if (width > kMaxIndent)
        return make_error(SLUICE_E_LIMIT, "tojson is asked for an indent of ", width, ", more than ",
                          kMaxIndent);
    style.indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    return Nothing{};
}

Result<Value> tojson(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
    JsonStyle style;
    style.ascii_only = truth_argument(given[0], false);
    style.sort_keys = truth_argument(given[3], false);
    SLUICE_TRY(read_indent(given[1], style));
    if (given[2] != nullptr && !given[2]->is_none()) {
        SLUICE_ASSIGN(pair, items_of(runtime.meter, *given[2]));
        if (pair->items.size() != 2 || pair->items[0].text() == nullptr || pair->items[1].text() == nullptr)
            return wrong_value("tojson needs two texts as separators");
        style.item_separator = *pair->items[0].text();
        style.key_separator = *pair->items[1].text();
    }
    if (value.is_undefined()) return undefined_error(value);
    SLUICE_ASSIGN(text, json_of(runtime.meter, value, style));
    return make_text(runtime, std::move(text));
}

Result<Value> to_int(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("int", arguments, {"default", "base"}));
    SLUICE_ASSIGN(base, integer_argument("int", given[1], 10));
    const Value otherwise = given[0] == nullptr ? Value::integer(0) : *given[0];
    if (value.is_undefined()) return undefined_error(value);
    if (value.as<BigInteger>() != nullptr) return value;
    if (const auto whole = value.whole()) return Value::integer(*whole);
    std::optional<double> real = value.number();
    if (const std::string* text = value.text()) {
        SLUICE_TRY(runtime.meter.spend_text(text->size()));
        const WholeText whole = read_whole(*text, base);
        if (whole.is_too_large)
            return make_error(SLUICE_E_LIMIT, "the integer ", printable(*text, 32), " does not fit in 64 bits");
        if (whole.value) return Value::integer(*whole.value);
        real = read_real(*text);
    }
    if (!real || !std::isfinite(*real)) return otherwise;
    if (std::abs(*real) >= 0x1p63)
        return make_error(SLUICE_E_LIMIT, "the integer ", *real, " does not fit in 64 bits");
    return Value::integer(static_cast<std::int64_t>(*real));
}

Result<Value> to_float(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("float", arguments, {"default"}));
    if (value.is_undefined()) return undefined_error(value);
    if (const auto number = value.number()) return Value::real(*number);
    if (const std::string* text = value.text()) {
        SLUICE_TRY(runtime.meter.spend_text(text->size()));
        if (const auto real = read_real(*text)) return Value::real(*real);
    }
    return given[0] == nullptr ? Value::real(0) : *given[0];
}

Result<Value> absolute(Runtime&, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("abs", arguments, {}));
    const auto number = value.number();
    return number && *number < 0 ? negate(value) : posit(value);
}

// Python rounds the exact decimal value of a double, and halves to the even neighbour.
double rounded(double value, std::int64_t precision) {
    if (!std::isfinite(value) || precision > 308) return value;
    if (precision < -308) return std::copysign(0.0, value);
    if (precision <= 0) {
        const double power = std::pow(10.0, static_cast<double>(-precision));
        return std::nearbyint(value / power) * power;
    }
    char buffer[800];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed,
                                   static_cast<int>(precision))
                         .ptr;
    double result = value;
    std::from_chars(buffer, end, result);
    return result;
}

Result<Value> round_number(Runtime&, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("round", arguments, {"precision", "method"}));
    SLUICE_ASSIGN(precision, integer_argument("round", given[0], 0));
    SLUICE_ASSIGN(method, text_argument("round", given[1], "common"));
    if (value.is_undefined()) return undefined_error(value);
    const auto number = value.number();
    if (!number) return wrong_value("round needs a number, given is a ", type_name(value));
    if (method == "common") {
        if (value.whole() && precision >= 0) return Value::integer(*value.whole());
        if (value.whole()) {
            const double result = rounded(*number, precision);
            if (std::abs(result) >= 0x1p63) return make_error(SLUICE_E_LIMIT, "a rounded integer is too large");
            return Value::integer(static_cast<std::int64_t>(result));
        }
        return Value::real(rounded(*number, precision));
    }
    if (method != "ceil" && method != "floor")
        return wrong_value("round knows the methods common, ceil and floor, given is ", printable(method, 32));
    const double power = std::pow(10.0, static_cast<double>(precision));
    const double scaled = *number * power;
    return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / power);
}

constexpr NamedFilter kFilters[] = {
    {"upper", changed<to_upper>},
    {"lower", changed<to_lower>},
    {"title", changed<titled>},
    {"capitalize", changed<capitalized>},
    {"string", changed<unchanged>},
    {"safe", changed<unchanged>},
    {"escape", changed<escaped>},
    {"e", changed<escaped>},
    {"forceescape", changed<escaped>},
    {"trim", trim},
    {"replace", replace},
    {"indent", indent},
    {"center", center},
    {"truncate", truncate},
    {"wordcount", wordcount},
    {"format", format},
    {"tojson", tojson},
    {"int", to_int},
    {"float", to_float},
    {"abs", absolute},
    {"round", round_number},
};

}  // namespace

Filter find_text_filter(std::string_view name) {
    const auto at = std::find_if(std::begin(kFilters), std::end(kFilters),
                                 [&](const NamedFilter& named) { return named.name == name; });
    return at == std::end(kFilters) ? nullptr : at->filter;
}

Filter find_filter(std::string_view name) {
    if (const Filter filter = find_text_filter(name)) return filter;
    if (const Filter filter = find_list_filter(name)) return filter;
    return find_choice_filter(name);
}

}  // namespace sluice::jinja
