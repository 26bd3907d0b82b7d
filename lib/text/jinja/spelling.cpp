// str and repr of values.
#include "text/jinja/spelling.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/characters.h"

namespace sluice::jinja {
namespace {

void append_hex(std::string& out, std::uint32_t code, int n_digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (int shift = 4 * (n_digits - 1); shift >= 0; shift -= 4) out += kDigits[code >> shift & 15];
}

void append_text_repr(const std::string& text, std::string& out) {
    const bool has_single = text.find('\'') != std::string::npos;
    const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
    out += quote;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (point.code == static_cast<unsigned char>(quote) || point.code == '\\') {
            out += '\\';
            out += static_cast<char>(point.code);
        } else if (point.code == '\n') {
            out += "\\n";
        } else if (point.code == '\r') {
            out += "\\r";
        } else if (point.code == '\t') {
            out += "\\t";
        } else if (is_printable(point.code)) {
            out.append(text, at, point.size);
        } else if (point.code < 0x100) {
            out += "\\x";
            append_hex(out, point.code, 2);
        } else if (point.code < 0x10000) {
            out += "\\u";
            append_hex(out, point.code, 4);
        } else {
            out += "\\U";
            append_hex(out, point.code, 8);
        }
        at += point.size;
    }
    out += quote;
}

Done append_items(Meter& meter, const Sequence& sequence, std::string& out) {
    bool first = true;
    for (const Value& item : sequence.items) {
        if (!first) out += ", ";
        first = false;
        SLUICE_TRY(append_repr(meter, item, out));
    }
    return Nothing{};
}

Done append_sequence(Meter& meter, const Sequence& sequence, std::string& out) {
    switch (sequence.flavour) {
        case Flavour::kList:
            out += '[';
            SLUICE_TRY(append_items(meter, sequence, out));
            out += ']';
            break;
        case Flavour::kTuple:
            out += '(';
            SLUICE_TRY(append_items(meter, sequence, out));
            out += sequence.items.size() == 1 ? ",)" : ")";
            break;
        case Flavour::kRange:
            out += sentence("range(", sequence.start, ", ", sequence.stop);
            if (sequence.step != 1) out += sentence(", ", sequence.step);
            out += ')';
            break;
        case Flavour::kKeys:
        case Flavour::kValues:
        case Flavour::kItems:
            out += sequence.flavour == Flavour::kKeys     ? "dict_keys(["
                   : sequence.flavour == Flavour::kValues ? "dict_values(["
                                                          : "dict_items([";
            SLUICE_TRY(append_items(meter, sequence, out));
            out += "])";
            break;
        case Flavour::kIterator:
            out += "<generator object>";
            break;
    }
    return Nothing{};
}

Done append_entries(Meter& meter, const Dict& dict, std::string& out) {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : dict.entries) {
        if (!first) out += ", ";
        first = false;
        SLUICE_TRY(append_repr(meter, key, out));
        out += ": ";
        SLUICE_TRY(append_repr(meter, value, out));
    }
    out += '}';
    return Nothing{};
}

Done append_namespace(Meter& meter, const Namespace& space, std::string& out) {
    out += "<Namespace {";
    bool first = true;
    for (const auto& [name, value] : space.attributes) {
        if (!first) out += ", ";
        first = false;
        append_text_repr(name, out);
        out += ": ";
        SLUICE_TRY(append_repr(meter, value, out));
    }
    out += "}>";
    return Nothing{};
}

}  // namespace

std::string spell_float(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
    std::string_view written(buffer, static_cast<std::size_t>(end - buffer));
    std::string out;
    if (written.front() == '-') {
        out += '-';
        written.remove_prefix(1);
    }
    const std::size_t e = written.find('e');
    int exponent = 0;
    const std::string_view power = written.substr(written[e + 1] == '+' ? e + 2 : e + 1);
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    std::string digits(1, written[0]);
    if (e > 2) digits += written.substr(2, e - 2);
    const auto n_digits = static_cast<int>(digits.size());
    // Python's float.__repr__ writes a power of ten below 1e-4 and from 1e16 on.
    if (exponent < -4 || exponent >= 16) {
        out += digits[0];
        if (n_digits > 1) out += "." + digits.substr(1);
        out += exponent < 0 ? "e-" : "e+";
        const std::string size = sentence(std::abs(exponent));
        return out + (size.size() < 2 ? "0" + size : size);
    }
    if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    if (n_digits <= exponent + 1)
        return out + digits + std::string(static_cast<std::size_t>(exponent + 1 - n_digits), '0') + ".0";
    const auto point = static_cast<std::size_t>(exponent + 1);
    return out + digits.substr(0, point) + "." + digits.substr(point);
}

Done append_str(Meter& meter, const Value& value, std::string& out) {
    if (value.is_undefined()) return Nothing{};
    if (const std::string* text = value.text()) {
        SLUICE_TRY(meter.spend_growth(out.size(), text->size()));
        out += *text;
        return Nothing{};
    }
    return append_repr(meter, value, out);
}

Done append_repr(Meter& meter, const Value& value, std::string& out) {
    const Deeper deeper(meter);
    SLUICE_TRY(meter.check_depth());
    SLUICE_TRY(meter.spend(1));
    if (out.size() > meter.limits().max_output) return meter.spend_text(out.size());
    if (value.is_undefined()) {
        out += "Undefined";
    } else if (value.is_none()) {
        out += "None";
    } else if (const auto* truth = value.as<bool>()) {
        out += *truth ? "True" : "False";
    } else if (const auto* whole = value.as<std::int64_t>()) {
        append_piece(out, *whole);
    } else if (const auto* real = value.as<double>()) {
        out += spell_float(*real);
    } else if (const auto* big = value.as<BigInteger>()) {
        out += big->digits->bytes;
    } else if (const std::string* text = value.text()) {
        SLUICE_TRY(meter.spend_growth(out.size(), text->size()));
        append_text_repr(*text, out);
    } else if (const Sequence* sequence = value.sequence()) {
        return append_sequence(meter, *sequence, out);
    } else if (const Dict* dict = value.dict()) {
        return append_entries(meter, *dict, out);
    } else if (const auto* space = value.as<Namespace*>()) {
        return append_namespace(meter, **space, out);
    } else {
        // Python writes an address here, which no template can mean.
        out += sentence("<", type_name(value), ">");
    }
    return Nothing{};
}

Result<std::string> str_of(Meter& meter, const Value& value) {
    std::string out;
    SLUICE_TRY(append_str(meter, value, out));
    SLUICE_TRY(meter.spend_text(out.size()));
    return out;
}

}  // namespace sluice::jinja
