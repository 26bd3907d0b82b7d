// json.dumps of Python, as transformers' filter tojson calls it: nothing is escaped for HTML.
#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

class JsonWriter {
public:
    JsonWriter(Meter& meter, const JsonStyle& style) : meter_(meter), style_(style) {}

    Done write(const Value& value, std::size_t level) {
        const Deeper deeper(meter_);
        SLUICE_TRY(meter_.check_depth());
        SLUICE_TRY(meter_.spend(1));
        if (out_.size() > meter_.limits().max_output) return meter_.spend_text(out_.size());
        if (const std::string* text = value.text()) return write_text(*text);
        if (const Sequence* sequence = value.sequence();
            sequence != nullptr &&
            (sequence->flavour == Flavour::kList || sequence->flavour == Flavour::kTuple))
            return write_items(*sequence, level);
        if (const Dict* dict = value.dict()) return write_entries(*dict, level);
        SLUICE_ASSIGN(word, plain(value));
        out_ += word;
        return Nothing{};
    }

    std::string take() { return std::move(out_); }

private:
    // What needs no quotes: null, truth, numbers.
    Result<std::string> plain(const Value& value) {
        if (value.is_none()) return std::string("null");
        if (const auto* truth = value.as<bool>()) return std::string(*truth ? "true" : "false");
        if (const auto* real = value.as<double>()) {
            if (std::isnan(*real)) return std::string("NaN");
            if (std::isinf(*real)) return std::string(*real < 0 ? "-Infinity" : "Infinity");
            return spell_float(*real);
        }
        if (value.as<std::int64_t>() != nullptr || value.as<BigInteger>() != nullptr)
            return str_of(meter_, value);
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a value of type ", type_name(value),
                          " cannot be written as JSON");
    }

    void write_unit(std::uint32_t unit) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        out_ += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out_ += kDigits[unit >> shift & 15];
    }

    void write_character(std::string_view bytes, std::uint32_t code) {
        switch (code) {
            case '"':
                out_ += "\\\"";
                return;
            case '\\':
                out_ += "\\\\";
                return;
            case '\n':
                out_ += "\\n";
                return;
            case '\r':
                out_ += "\\r";
                return;
            case '\t':
                out_ += "\\t";
                return;
            case '\b':
                out_ += "\\b";
                return;
            case '\f':
                out_ += "\\f";
                return;
            default:
                break;
        }
        if (code < 0x20 || (style_.ascii_only && code >= 0x7F && code < 0x10000)) {
            write_unit(code);
        } else if (style_.ascii_only && code >= 0x10000) {
            write_unit(0xD800 + ((code - 0x10000) >> 10));
            write_unit(0xDC00 + ((code - 0x10000) & 0x3FF));
        } else {
            out_ += bytes;
        }
    }

    Done write_text(const std::string& text) {
        SLUICE_TRY(meter_.spend_growth(out_.size(), text.size()));
        out_ += '"';
        for (std::size_t at = 0; at < text.size();) {
            const CodePoint point = code_point_at(text, at);
            write_character(std::string_view(text).substr(at, point.size), point.code);
            at += point.size;
        }
        out_ += '"';
        return Nothing{};
    }

    Done new_line(std::size_t level) {
        if (!style_.has_indent) return Nothing{};
        SLUICE_TRY(meter_.spend_growth(out_.size(), style_.indent.size() * level));
        out_ += '\n';
        for (std::size_t i = 0; i < level; ++i) out_ += style_.indent;
        return Nothing{};
    }

    Done write_items(const Sequence& sequence, std::size_t level) {
        if (sequence.items.empty()) {
            out_ += "[]";
            return Nothing{};
        }
        out_ += '[';
        bool first = true;
        for (const Value& item : sequence.items) {
            if (!first) SLUICE_TRY(separate());
            first = false;
            SLUICE_TRY(new_line(level + 1));
            SLUICE_TRY(write(item, level + 1));
        }
        SLUICE_TRY(new_line(level));
        out_ += ']';
        return Nothing{};
    }

    Done separate() {
        SLUICE_TRY(meter_.spend_growth(out_.size(), style_.item_separator.size()));
        out_ += style_.item_separator;
        return Nothing{};
    }

    Result<std::string> key_text(const Value& key) {
        if (const std::string* text = key.text()) return *text;
        if (key.is_none() || key.number() || key.as<BigInteger>() != nullptr) return plain(key);
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a key of type ", type_name(key),
                          " cannot be written as JSON");
    }

    Done write_entries(const Dict& dict, std::size_t level) {
        if (dict.entries.empty()) {
            out_ += "{}";
            return Nothing{};
        }
        std::vector<const Dict::Entry*> entries;
        for (const Dict::Entry& entry : dict.entries) entries.push_back(&entry);
        if (style_.sort_keys) {
            for (const Dict::Entry* entry : entries)
                SLUICE_TRY(order(meter_, entries.front()->first, entry->first, "<"));
            std::stable_sort(entries.begin(), entries.end(), [](const Dict::Entry* a, const Dict::Entry* b) {
                return key_order(a->first, b->first) < 0;
            });
        }
        out_ += '{';
        bool first = true;
        for (const Dict::Entry* entry : entries) {
            if (!first) SLUICE_TRY(separate());
            first = false;
            SLUICE_TRY(new_line(level + 1));
            SLUICE_ASSIGN(key, key_text(entry->first));
            SLUICE_TRY(write_text(key));
            SLUICE_TRY(meter_.spend_growth(out_.size(), style_.key_separator.size()));
            out_ += style_.key_separator;
            SLUICE_TRY(write(entry->second, level + 1));
        }
        SLUICE_TRY(new_line(level));
        out_ += '}';
        return Nothing{};
    }

    Meter& meter_;
    const JsonStyle& style_;
    std::string out_;
};

}  // namespace

Result<std::string> json_of(Meter& meter, const Value& value, const JsonStyle& style) {
    JsonWriter writer(meter, style);
    SLUICE_TRY(writer.write(value, 0));
    std::string out = writer.take();
    SLUICE_TRY(meter.spend_text(out.size()));
    return out;
}

}  // namespace sluice::jinja
