// Functions that a template may call by name.
#include "text/jinja/functions.h"

#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

// MAX_RANGE of jinja2.sandbox.
constexpr std::uint64_t kMaxRange = 100'000;

Result<Value> make_range(Runtime& runtime, const CallArguments& arguments) {
    if (!arguments.named.empty()) return wrong_value("range takes no named arguments");
    SLUICE_ASSIGN(given, bind("range", arguments, {"start", "stop", "step"}));
    SLUICE_ASSIGN(first_value, required("range", given[0], "stop"));
    SLUICE_ASSIGN(first, integer_argument("range", first_value, 0));
    SLUICE_ASSIGN(second, integer_argument("range", given[1], first));
    SLUICE_ASSIGN(step, integer_argument("range", given[2], 1));
    const std::int64_t start = given[1] == nullptr ? 0 : first;
    if (step == 0) return wrong_value("the step of range is 0");
    const bool any = step > 0 ? start < second : start > second;
    // As unsigned, because the distance of two int64 may need 64 bits.
    const auto distance = any ? step > 0
                                    ? static_cast<std::uint64_t>(second) - static_cast<std::uint64_t>(start)
                                    : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(second)
                              : 0;
    const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    const std::uint64_t count = any ? (distance - 1) / stride + 1 : 0;
    if (count > kMaxRange)
        return make_error(SLUICE_E_LIMIT, "range has ", count, " numbers, more than ", kMaxRange);
    SLUICE_TRY(runtime.meter.spend_items(count));
    std::vector<Value> items;
    items.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i)
        items.push_back(Value::integer(start + static_cast<std::int64_t>(i) * step));
    auto range = std::make_shared<Sequence>(&runtime.meter, Flavour::kRange, std::move(items));
    range->start = start;
    range->stop = second;
    range->step = step;
    return Value(Value::Content(SequenceRef(std::move(range))));
}

// dict(pairs, a=1) and namespace(pairs, a=1) take the same.
Result<std::vector<Dict::Entry>> entries_of(Runtime& runtime, std::string_view what,
                                            const CallArguments& arguments) {
    if (arguments.positional.size() > 1) return wrong_value(what, " takes at most one argument without a name");
    std::vector<Dict::Entry> entries;
    if (arguments.positional.size() == 1) {
        const Value& from = arguments.positional[0];
        if (const Dict* dict = from.dict()) {
            SLUICE_TRY(runtime.meter.spend_items(dict->entries.size()));
            entries = dict->entries;
        } else {
            SLUICE_ASSIGN(pairs, items_of(runtime.meter, from));
            for (const Value& pair : pairs->items) {
                SLUICE_ASSIGN(both, items_of(runtime.meter, pair));
                if (both->items.size() != 2) return wrong_value(what, " needs pairs of a key and a value");
                entries.emplace_back(both->items[0], both->items[1]);
            }
        }
    }
    for (const auto& [name, value] : arguments.named) entries.emplace_back(make_text(runtime, name), value);
    return entries;
}

Result<Value> make_namespace(Runtime& runtime, const CallArguments& arguments) {
    SLUICE_ASSIGN(entries, entries_of(runtime, "namespace", arguments));
    SLUICE_ASSIGN(dict, make_dict(runtime.meter, std::move(entries)));
    Namespace space;
    for (const auto& [key, value] : dict.dict()->entries) {
        const std::string* name = key.text();
        if (name == nullptr) return wrong_value("a namespace's attribute needs a name");
        space.attributes.emplace_back(*name, value);
    }
    // What stays for the whole rendering stays counted.
    runtime.meter.take(sizeof(Namespace) + 64);
    SLUICE_TRY(runtime.meter.spend(1));
    runtime.namespaces.push_back(std::move(space));
    return Value(Value::Content(&runtime.namespaces.back()));
}

Result<Value> make_cycler(Runtime& runtime, const CallArguments& arguments) {
    if (!arguments.named.empty() || arguments.positional.empty())
        return wrong_value("cycler needs items, without names");
    // Made as a list first: that checks its depth.
    SLUICE_TRY(make_list(runtime.meter, arguments.positional));
    return Value(Value::Content(CyclerRef(
        new Cycler{arguments.positional, 0,
                   Taken(&runtime.meter, sizeof(Cycler) + arguments.positional.size() * sizeof(Value))})));
}

Result<Value> make_joiner(Runtime& runtime, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("joiner", arguments, {"sep"}));
    SLUICE_ASSIGN(separator, text_argument("joiner", given[0], ", "));
    return Value(Value::Content(std::make_shared<Joiner>(
        Joiner{std::make_shared<const Text>(&runtime.meter, std::move(separator)), false})));
}

Result<Value> raise(Runtime& runtime, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("raise_exception", arguments, {"message"}));
    SLUICE_ASSIGN(message, required("raise_exception", given[0], "message"));
    SLUICE_ASSIGN(text, str_of(runtime.meter, *message));
    return wrong_value("the template refuses: ", text);
}

Result<Value> strftime_now(Runtime& runtime, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("strftime_now", arguments, {"format"}));
    SLUICE_ASSIGN(form_value, required("strftime_now", given[0], "format"));
    SLUICE_ASSIGN(form, text_argument("strftime_now", form_value, ""));
    SLUICE_ASSIGN(text, format_time(runtime, runtime.local_time.value_or(0), form));
    return make_text(runtime, std::move(text));
}

}  // namespace

std::vector<NamedFunction> functions_of(const Runtime& runtime) {
    std::vector<NamedFunction> functions = {
        {"range", Function::kRange},   {"dict", Function::kDict},     {"namespace", Function::kNamespace},
        {"cycler", Function::kCycler}, {"joiner", Function::kJoiner}, {"raise_exception", Function::kRaise},
    };
    if (runtime.local_time) functions.push_back({"strftime_now", Function::kStrftimeNow});
    return functions;
}

Result<Value> call_function(Runtime& runtime, Function function, const CallArguments& arguments) {
    switch (function) {
        case Function::kRange:
            return make_range(runtime, arguments);
        case Function::kDict: {
            SLUICE_ASSIGN(entries, entries_of(runtime, "dict", arguments));
            return make_dict(runtime.meter, std::move(entries));
        }
        case Function::kNamespace:
            return make_namespace(runtime, arguments);
        case Function::kCycler:
            return make_cycler(runtime, arguments);
        case Function::kJoiner:
            return make_joiner(runtime, arguments);
        case Function::kRaise:
            return raise(runtime, arguments);
        case Function::kStrftimeNow:
            return strftime_now(runtime, arguments);
    }
    return make_error(SLUICE_E_INTERNAL, "an unknown function");
}

}  // namespace sluice::jinja
