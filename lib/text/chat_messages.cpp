// The shape of messages is checked here, so that a template meets no surprise that it has no words for.
#include "text/chat_messages.h"

#include <algorithm>

#include "base/sentence.h"

namespace sluice {
namespace {

Json text_value(std::string text) {
    return Json(Json::Value(std::move(text)));
}

bool has(const Json::Object& object, std::string_view name) {
    return std::any_of(object.begin(), object.end(),
                       [&](const Json::Member& member) { return member.first == name; });
}

// "{\"city\": \"Rome\"}" becomes the object; what is no JSON object stays as it is.
void open_arguments(Json& arguments) {
    const std::string* text = arguments.string();
    if (text == nullptr) return;
    if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
        arguments = Json(Json::Value(Json::Object{}));
        return;
    }
    auto opened = Json::parse(*text, "arguments", kChatJsonLimits);
    if (opened && opened->object() != nullptr) arguments = std::move(*opened);
}

// A call is {"function": {"name": ..., "arguments": ...}} or the inner object alone.
Result<Json> read_call(const Json& call, std::size_t message, std::size_t place) {
    const Json::Object* members = call.object();
    if (members == nullptr)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", message, "].tool_calls[", place,
                          "] is not an object");
    Json::Object made = *members;
    for (auto& [name, value] : made) {
        if (name == "arguments") open_arguments(value);
        if (name != "function") continue;
        const Json::Object* function = value.object();
        if (function == nullptr)
            return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", message, "].tool_calls[", place,
                              "].function is not an object");
        Json::Object inner = *function;
        for (auto& [inner_name, inner_value] : inner) {
            if (inner_name == "arguments") open_arguments(inner_value);
        }
        value = Json(Json::Value(std::move(inner)));
    }
    return Json(Json::Value(std::move(made)));
}

Result<Json> read_calls(const Json& calls, std::size_t message) {
    if (calls.is_null()) return calls;
    const Json::Array* items = calls.array();
    if (items == nullptr)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", message, "].tool_calls is not an array");
    Json::Array made;
    for (std::size_t i = 0; i < items->size(); ++i) {
        SLUICE_ASSIGN(call, read_call((*items)[i], message, i));
        made.push_back(std::move(call));
    }
    return Json(Json::Value(std::move(made)));
}

void copy_member(Json::Object& object, std::string_view from, std::string_view to) {
    if (!has(object, from) || has(object, to)) return;
    const auto at = std::find_if(object.begin(), object.end(),
                                 [&](const Json::Member& member) { return member.first == from; });
    if (at->second.is_null()) return;
    Json copy = at->second;
    object.emplace_back(std::string(to), std::move(copy));
}

Result<Json> read_message(const Json& message, std::size_t place) {
    const Json::Object* members = message.object();
    if (members == nullptr)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", place, "] is not an object");
    const Json* role = message.find("role");
    if (role == nullptr || role->string() == nullptr)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", place, "] has no role that is a text");
    Json::Object made;
    for (const auto& [name, value] : *members) {
        if (name == "content") {
            if (value.is_null()) {
                made.emplace_back(name, text_value(""));
                continue;
            }
            if (value.string() == nullptr && value.array() == nullptr)
                return make_error(SLUICE_E_INVALID_ARGUMENT, "messages[", place,
                                  "].content is neither a text nor an array of parts");
        }
        // "tool_calls": null says that there are none, as leaving it out does.
        if (name == "tool_calls") {
            if (value.is_null()) continue;
            SLUICE_ASSIGN(calls, read_calls(value, place));
            made.emplace_back(name, std::move(calls));
            continue;
        }
        made.emplace_back(name, value);
    }
    if (has(made, "tool_calls") && !has(made, "content")) made.emplace_back("content", text_value(""));
    copy_member(made, "reasoning_content", "thinking");
    copy_member(made, "thinking", "reasoning_content");
    return Json(Json::Value(std::move(made)));
}

}  // namespace

Result<Json> read_messages(std::string_view text) {
    SLUICE_ASSIGN(json, Json::parse(text, "messages", kChatJsonLimits));
    const Json::Array* items = json.array();
    if (items == nullptr) return make_error(SLUICE_E_INVALID_ARGUMENT, "messages is not an array");
    Json::Array made;
    made.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
        SLUICE_ASSIGN(message, read_message((*items)[i], i));
        made.push_back(std::move(message));
    }
    return Json(Json::Value(std::move(made)));
}

Result<Json> read_tools(std::string_view text) {
    if (text.empty()) return Json();
    SLUICE_ASSIGN(json, Json::parse(text, "tools", kChatJsonLimits));
    if (json.is_null()) return Json();
    const Json::Array* items = json.array();
    if (items == nullptr) return make_error(SLUICE_E_INVALID_ARGUMENT, "tools is not an array");
    for (std::size_t i = 0; i < items->size(); ++i) {
        if ((*items)[i].object() == nullptr)
            return make_error(SLUICE_E_INVALID_ARGUMENT, "tools[", i, "] is not an object");
    }
    return std::move(json);
}

Result<Json> read_variables(std::string_view text) {
    if (text.empty()) return Json(Json::Value(Json::Object{}));
    SLUICE_ASSIGN(json, Json::parse(text, "variables", kChatJsonLimits));
    if (json.object() == nullptr) return make_error(SLUICE_E_INVALID_ARGUMENT, "variables is not an object");
    for (const char* name : {"messages", "tools", "add_generation_prompt"}) {
        if (json.find(name) != nullptr)
            return make_error(SLUICE_E_INVALID_ARGUMENT, "variables holds ", name,
                              ", which is given by an argument of its own");
    }
    return std::move(json);
}

}  // namespace sluice
