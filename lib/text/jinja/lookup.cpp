// What the sandbox lets a template see of a value.
#include "text/jinja/lookup.h"

#include <algorithm>
#include <span>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/methods.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

std::string object_name(const Value& value) {
    return value.is_none() ? "None" : sentence(type_name(value), " object");
}

Value no_attribute(const Value& value, std::string_view name) {
    return Value::undefined(sentence("'", object_name(value), "' has no attribute '", printable(name), "'"));
}

Result<Value> no_element(Runtime& runtime, const Value& value, const Value& key) {
    if (const std::string* name = key.text()) return no_attribute(value, *name);
    std::string spelled;
    SLUICE_TRY(append_repr(runtime.meter, key, spelled));
    return Value::undefined(sentence(object_name(value), " has no element ", printable(spelled)));
}

Value forbidden(const Value& value, std::string_view name) {
    return Value::undefined(
        sentence("access to attribute '", printable(name), "' of '", object_name(value), "' is unsafe"));
}

Value loop_attribute(const Value& value, const LoopState& loop, const std::string& name) {
    const auto index = static_cast<std::int64_t>(loop.index);
    const auto length = static_cast<std::int64_t>(loop.items->items.size());
    if (name == "index") return Value::integer(index + 1);
    if (name == "index0") return Value::integer(index);
    if (name == "revindex") return Value::integer(length - index);
    if (name == "revindex0") return Value::integer(length - index - 1);
    if (name == "first") return Value::truth(index == 0);
    if (name == "last") return Value::truth(index + 1 == length);
    if (name == "length") return Value::integer(length);
    if (name == "depth") return Value::integer(loop.depth);
    if (name == "depth0") return Value::integer(std::int64_t{loop.depth} - 1);
    if (name == "previtem")
        return index == 0 ? Value::undefined("there is no previous item") : loop.items->items[loop.index - 1];
    if (name == "nextitem")
        return index + 1 == length ? Value::undefined("there is no next item")
                                   : loop.items->items[loop.index + 1];
    return no_attribute(value, name);
}

// What Python's getattr finds; nothing where it fails.
std::optional<Value> attribute(const Value& value, const std::string& name) {
    if (name.size() > 4 && name.compare(0, 2, "__") == 0 && name.compare(name.size() - 2, 2, "__") == 0)
        return forbidden(value, name);
    if (changes_its_object(value, name)) return forbidden(value, name);
    if (has_method(value, name))
        return Value(Value::Content(MethodRef(std::make_shared<const Method>(Method{value, name}))));
    if (const auto* space = value.as<Namespace*>()) {
        for (const auto& [its_name, its_value] : (*space)->attributes) {
            if (its_name == name) return its_value;
        }
        return std::nullopt;
    }
    if (const auto* loop = value.as<LoopRef>()) {
        const auto state = loop->lock();
        if (state == nullptr) return Value::undefined("the loop is over");
        return loop_attribute(value, *state, name);
    }
    if (const auto* cycler = value.as<CyclerRef>(); cycler != nullptr && name == "current")
        return (*cycler)->items[(*cycler)->position];
    return std::nullopt;
}

// An index from either end; nothing when it is outside.
std::optional<std::size_t> place(std::int64_t index, std::size_t count) {
    const auto n = static_cast<std::int64_t>(count);
    if (index < 0) index += n;
    if (index < 0 || index >= n) return std::nullopt;
    return static_cast<std::size_t>(index);
}

// value[key] of Python; nothing where it fails.
Result<std::optional<Value>> item(Runtime& runtime, const Value& value, const Value& key) {
    using Found = std::optional<Value>;
    if (const Dict* dict = value.dict()) {
        if (!is_hashable(key)) return Found();
        const Value* found = dict->find(key);
        return found == nullptr ? Found() : Found(*found);
    }
    const auto index = key.whole();
    if (!index) return Found();
    if (const std::string* text = value.text()) {
        SLUICE_TRY(runtime.meter.spend(1 + text->size() / 64));
        const auto at = place(*index, count_characters(*text));
        if (!at) return Found();
        const std::size_t byte = byte_of_character(*text, *at);
        return Found(make_text(runtime, text->substr(byte, code_point_at(*text, byte).size)));
    }
    if (const Sequence* sequence = value.sequence();
        sequence != nullptr && (sequence->flavour == Flavour::kList || sequence->flavour == Flavour::kTuple ||
                                sequence->flavour == Flavour::kRange)) {
        const auto at = place(*index, sequence->items.size());
        return at ? Found(sequence->items[*at]) : Found();
    }
    return Found();
}

struct Bounds {
    std::int64_t start = 0;
    std::int64_t step = 1;
    std::int64_t count = 0;
};

std::int64_t clamped(std::int64_t bound, std::int64_t count, std::int64_t least, std::int64_t most) {
    if (bound < 0) bound += count;  // count is small, so this cannot overflow
    return std::clamp(bound, least, most);
}

// PySlice_AdjustIndices of CPython.
Result<Bounds> bounds_of(std::size_t size, const Value& start, const Value& stop, const Value& step) {
    for (const Value* bound : {&start, &stop, &step}) {
        if (!bound->is_none() && !bound->whole())
            return wrong_value("a bound of a slice is a ", type_name(*bound), ", not an integer");
    }
    Bounds bounds;
    const auto count = static_cast<std::int64_t>(size);
    bounds.step = step.whole().value_or(1);
    if (bounds.step == 0) return wrong_value("the step of a slice is 0");
    bounds.step = std::max(bounds.step, -INT64_MAX);
    const bool forward = bounds.step > 0;
    const std::int64_t least = forward ? 0 : -1;
    const std::int64_t most = forward ? count : count - 1;
    bounds.start = start.whole() ? clamped(*start.whole(), count, least, most) : forward ? 0 : count - 1;
    const std::int64_t end = stop.whole() ? clamped(*stop.whole(), count, least, most) : forward ? count : -1;
    const std::int64_t span = forward ? end - bounds.start : bounds.start - end;
    const std::int64_t stride = forward ? bounds.step : -bounds.step;
    bounds.count = span <= 0 ? 0 : (span - 1) / stride + 1;
    return bounds;
}

Result<Value> slice_text(Runtime& runtime, const std::string& text, const Bounds& bounds) {
    const std::size_t n_characters = count_characters(text);
    if (bounds.count == 0) return make_text(runtime, "");
    if (bounds.step == 1) {
        const std::size_t from = byte_of_character(text, static_cast<std::size_t>(bounds.start));
        const std::string_view rest = std::string_view(text).substr(from);
        return make_text(runtime, std::string(rest.substr(
                                      0, byte_of_character(rest, static_cast<std::size_t>(bounds.count)))));
    }
    std::vector<std::uint32_t> begins;  // the byte of each character, and the end
    begins.reserve(n_characters + 1);
    for (std::size_t at = 0; at < text.size(); at += code_point_at(text, at).size)
        begins.push_back(static_cast<std::uint32_t>(at));
    begins.push_back(static_cast<std::uint32_t>(text.size()));
    std::string out;
    std::int64_t at = bounds.start;
    for (std::int64_t i = 0; i < bounds.count; ++i) {
        const auto character = static_cast<std::size_t>(at);
        out.append(text, begins[character], begins[character + 1] - begins[character]);
        if (i + 1 < bounds.count) at += bounds.step;
    }
    return make_text(runtime, std::move(out));
}

}  // namespace

Result<Value> get_attribute(Runtime& runtime, const Value& value, const Value& name) {
    if (value.is_undefined()) return undefined_error(value);
    if (auto found = attribute(value, *name.text())) return std::move(*found);
    if (value.dict() != nullptr) {
        SLUICE_ASSIGN(found, item(runtime, value, name));
        if (found) return std::move(*found);
    }
    return no_attribute(value, *name.text());
}

Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key) {
    if (value.is_undefined()) return undefined_error(value);
    SLUICE_ASSIGN(found, item(runtime, value, key));
    if (found) return std::move(*found);
    if (const std::string* name = key.text()) {
        if (auto its = attribute(value, *name)) return std::move(*its);
    }
    return no_element(runtime, value, key);
}

Result<Value> get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                        const Value& step) {
    if (value.is_undefined()) return undefined_error(value);
    const std::string* text = value.text();
    const Sequence* sequence = value.sequence();
    if (sequence != nullptr && sequence->flavour != Flavour::kList && sequence->flavour != Flavour::kTuple &&
        sequence->flavour != Flavour::kRange)
        sequence = nullptr;
    if (text == nullptr && sequence == nullptr) return wrong_value("a ", type_name(value), " has no slices");
    if (text != nullptr) SLUICE_TRY(runtime.meter.spend(1 + text->size() / 16));
    const std::size_t size = text != nullptr ? count_characters(*text) : sequence->items.size();
    SLUICE_ASSIGN(bounds, bounds_of(size, start, stop, step));
    if (text != nullptr) return slice_text(runtime, *text, bounds);
    SLUICE_TRY(runtime.meter.spend_items(static_cast<std::uint64_t>(bounds.count)));
    std::vector<Value> items;
    std::int64_t at = bounds.start;
    for (std::int64_t i = 0; i < bounds.count; ++i) {
        items.push_back(sequence->items[static_cast<std::size_t>(at)]);
        if (i + 1 < bounds.count) at += bounds.step;
    }
    return make_sequence(runtime.meter, sequence->flavour == Flavour::kTuple ? Flavour::kTuple : Flavour::kList,
                         std::move(items));
}

}  // namespace sluice::jinja
