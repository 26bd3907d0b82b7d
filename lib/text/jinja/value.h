// Values of templates, as Python has them: None, bool, int, float, str, list, tuple, dict, and the few objects
// that Jinja adds. Values are immutable, but for namespaces, loops, cyclers, joiners and one-time iterators.
// They live as long as the rendering whose Meter they are charged to; those of a parsed template are charged
// to none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/jinja/meter.h"

namespace sluice::jinja {

class Value;
struct MacroDefinition;
struct Scope;

// What Jinja gives where nothing was found. Printing and looping see nothing; using it otherwise is an error.
struct Undefined {
    std::shared_ptr<const std::string> why;  // "'x' is undefined"
};

struct None {};

struct Text {
    Text(Meter* meter, std::string its_bytes)
        : bytes(std::move(its_bytes)), taken(meter, bytes.capacity() + sizeof(Text) + 16) {}
    const std::string bytes;  // valid UTF-8
    Taken taken;
};
using TextRef = std::shared_ptr<const Text>;

// An integer of a JSON text that 64 bits with a sign cannot hold: it can be printed and compared.
struct BigInteger {
    TextRef digits;
};

enum class Flavour : std::uint8_t { kList, kTuple, kRange, kKeys, kValues, kItems, kIterator };

// Everything that holds items in order. A kIterator (Python's generators) gives them once.
struct Sequence {
    Sequence(Meter* meter, Flavour its_flavour, std::vector<Value> its_items);
    const Flavour flavour;
    std::uint32_t depth = 1;  // of lists and dicts inside each other
    mutable bool consumed = false;
    const std::vector<Value> items;
    std::int64_t start = 0, stop = 0, step = 1;  // of a kRange
    Taken taken;
};
using SequenceRef = std::shared_ptr<const Sequence>;

// A dict in the order of insertion, with keys of any kind that Python can hash.
struct Dict {
    using Entry = std::pair<Value, Value>;
    // Of equal keys the last one's value stays, at the first one's place.
    Dict(Meter* meter, std::vector<Entry> its_entries);
    const Value* find(const Value& key) const;
    const Value* find(std::string_view key) const;

    std::vector<std::uint32_t> sorted;  // entries by key; only where there are many
    const std::vector<Entry> entries;
    std::uint32_t depth = 1;
    Taken taken;
};
using DictRef = std::shared_ptr<const Dict>;

// A namespace belongs to the rendering, so that one which holds itself is freed too.
struct Namespace {
    std::vector<std::pair<std::string, Value>> attributes;
};

struct LoopState {
    SequenceRef items;
    std::size_t index = 0;
    std::uint32_t depth = 1;
    std::vector<Value> changed;  // what loop.changed saw last
    bool has_changed = false;
};
// Weak: a loop that is over is no longer there, and one that is kept inside itself is freed.
using LoopRef = std::weak_ptr<LoopState>;

struct Macro {
    const MacroDefinition* definition;
    std::weak_ptr<Scope> scope;  // where it was defined
};
using MacroRef = std::shared_ptr<const Macro>;

enum class Function : std::uint8_t { kRange, kDict, kNamespace, kCycler, kJoiner, kRaise, kStrftimeNow };

struct Method;
using MethodRef = std::shared_ptr<const Method>;

struct Cycler {
    std::vector<Value> items;
    std::size_t position = 0;
    Taken taken;
};
using CyclerRef = std::shared_ptr<Cycler>;

struct Joiner {
    TextRef separator;
    bool used = false;
};
using JoinerRef = std::shared_ptr<Joiner>;

class Value {
public:
    using Content =
        std::variant<Undefined, None, bool, std::int64_t, double, BigInteger, TextRef, SequenceRef, DictRef,
                     Namespace*, LoopRef, MacroRef, Function, MethodRef, CyclerRef, JoinerRef>;

    Value() = default;  // undefined
    Value(Content content) : content_(std::move(content)) {}
    static Value none() { return Value(Content(None{})); }
    static Value truth(bool value) { return Value(Content(value)); }
    static Value integer(std::int64_t value) { return Value(Content(value)); }
    static Value real(double value) { return Value(Content(value)); }
    static Value undefined(std::string why) {
        return Value(Content(Undefined{std::make_shared<const std::string>(std::move(why))}));
    }
    static Value text(Meter* meter, std::string bytes) {
        return Value(Content(TextRef(std::make_shared<const Text>(meter, std::move(bytes)))));
    }

    const Content& content() const { return content_; }
    template <class Kind>
    const Kind* as() const {
        return std::get_if<Kind>(&content_);
    }
    bool is_undefined() const { return as<Undefined>() != nullptr; }
    bool is_none() const { return as<None>() != nullptr; }
    const std::string* text() const {
        const auto* ref = as<TextRef>();
        return ref == nullptr ? nullptr : &(*ref)->bytes;
    }
    const Sequence* sequence() const {
        const auto* ref = as<SequenceRef>();
        return ref == nullptr ? nullptr : ref->get();
    }
    const Dict* dict() const {
        const auto* ref = as<DictRef>();
        return ref == nullptr ? nullptr : ref->get();
    }
    // bool counts as a number, as in Python.
    std::optional<std::int64_t> whole() const;
    std::optional<double> number() const;

private:
    Content content_;
};

// A method that was looked up and not yet called: "abc".upper
struct Method {
    Value self;
    std::string name;
};

// Errors of all of these: LIMIT (nested deeper than the budget, too many items).
Result<Value> make_sequence(Meter& meter, Flavour flavour, std::vector<Value> items);
Result<Value> make_dict(Meter& meter, std::vector<Dict::Entry> entries);
inline Result<Value> make_list(Meter& meter, std::vector<Value> items) {
    return make_sequence(meter, Flavour::kList, std::move(items));
}

// A tree of JSON as values. Errors: LIMIT.
Result<Value> from_json(Meter& meter, const Json& json);

// The name of a value's type in Python: "str", "NoneType".
std::string_view type_name(const Value& value);

bool is_true(const Value& value);

// Whether Python could use it as the key of a dict.
bool is_hashable(const Value& value);

// A total order of hashable values that agrees with their equality; for finding keys.
int key_order(const Value& a, const Value& b);

// Python's ==. Errors: LIMIT (steps).
Result<bool> equals(Meter& meter, const Value& a, const Value& b);

// Python's < on two values: below 0, 0, above 0; 2 where a NaN takes part.
// Errors: INVALID_ARGUMENT (types that have no order), LIMIT.
Result<int> order(Meter& meter, const Value& a, const Value& b, std::string_view sign);

// What a loop over the value sees. Errors: INVALID_ARGUMENT (not iterable), LIMIT.
Result<SequenceRef> items_of(Meter& meter, const Value& value);

// len(). Errors: INVALID_ARGUMENT (has none).
Result<std::int64_t> length_of(const Value& value);

// An undefined value was used where that is not allowed.
Error undefined_error(const Value& value);

}  // namespace sluice::jinja
