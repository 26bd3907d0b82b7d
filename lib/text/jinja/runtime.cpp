// Arguments by the names of their parameters.
#include "text/jinja/runtime.h"

#include <algorithm>

#include "base/utf8.h"

namespace sluice::jinja {

Result<std::vector<const Value*>> bind(std::string_view what, const CallArguments& arguments,
                                       std::initializer_list<std::string_view> parameters) {
    if (arguments.positional.size() > parameters.size())
        return wrong_value(what, " takes at most ", parameters.size(), " arguments, given are ",
                           arguments.positional.size());
    std::vector<const Value*> bound(parameters.size(), nullptr);
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = &arguments.positional[i];
    for (const auto& [name, value] : arguments.named) {
        const auto at = std::find(parameters.begin(), parameters.end(), name);
        if (at == parameters.end()) return wrong_value(what, " has no parameter ", printable(name, 32));
        const auto i = static_cast<std::size_t>(at - parameters.begin());
        if (bound[i] != nullptr) return wrong_value(what, " is given ", printable(name, 32), " twice");
        bound[i] = &value;
    }
    return bound;
}

Result<const Value*> required(std::string_view what, const Value* given, std::string_view parameter) {
    if (given == nullptr) return wrong_value(what, " needs its argument ", parameter);
    return given;
}

Result<std::int64_t> integer_argument(std::string_view what, const Value* given, std::int64_t otherwise) {
    if (given == nullptr) return otherwise;
    if (given->is_undefined()) return undefined_error(*given);
    if (const auto whole = given->whole()) return *whole;
    return wrong_value(what, " needs an integer, given is a ", type_name(*given));
}

Result<std::string> text_argument(std::string_view what, const Value* given, std::string_view otherwise) {
    if (given == nullptr) return std::string(otherwise);
    if (given->is_undefined()) return undefined_error(*given);
    if (const std::string* text = given->text()) return *text;
    return wrong_value(what, " needs a text, given is a ", type_name(*given));
}

}  // namespace sluice::jinja
