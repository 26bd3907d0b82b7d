// A template, the variables that transformers gives it, and the template for models that have none.
#include "text/chat_template.h"

#include "text/chat_messages.h"

namespace sluice {

const std::string_view kBuiltInChatTemplate = R"jinja({{- bos_token }}
{%- macro words_of(content) %}
    {%- if content is string %}
        {{- content }}
    {%- elif content %}
        {%- for part in content %}
            {%- if part.type == "text" %}
                {{- part.text }}
            {%- elif part.type in ("image", "image_url") %}
                {{- "<image>" }}
            {%- else %}
                {{- part | tojson }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endmacro %}
{%- macro python_call(call) %}
    {{- call.name + "(" }}
    {%- if call.arguments is mapping %}
        {%- for name, value in call.arguments.items() %}
            {{- name + "=" }}
            {{- value | tojson if value is mapping else ([value] | string)[1:-1] }}
            {{- "" if loop.last else ", " }}
        {%- endfor %}
    {%- elif call.arguments %}
        {{- call.arguments }}
    {%- endif %}
    {{- ")" }}
{%- endmacro %}
{%- set leads = messages and messages[0].role == "system" %}
{%- set system = words_of(messages[0].content) if leads else "" %}
{%- if tools %}
    {%- set system = system + ("\n" if system else "") + "List of tools: [" + (tools | map("tojson") | join(", ")) + "]" %}
{%- endif %}
{%- if system %}
    {{- "<|im_start|>system\n" + system + "<|im_end|>\n" }}
{%- endif %}
{%- set seen = namespace(user=-1) %}
{%- for message in messages %}
    {%- if message.role == "user" %}
        {%- set seen.user = loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if loop.first and leads %}
        {%- continue %}
    {%- endif %}
    {{- "<|im_start|>" + message.role + "\n" }}
    {%- set words = words_of(message.content) %}
    {%- if message.role == "assistant" %}
        {%- set keeps = preserve_thinking or loop.index0 > seen.user %}
        {%- if keeps and message.thinking %}
            {{- "<think>" + message.thinking + "</think>" }}
        {%- endif %}
        {{- words if keeps or "</think>" not in words else words.split("</think>")[-1] | trim }}
        {%- if message.tool_calls %}
            {{- "<|tool_call_start|>[" }}
            {%- for call in message.tool_calls %}
                {{- python_call(call.function or call) + ("" if loop.last else ", ") }}
            {%- endfor %}
            {{- "]<|tool_call_end|>" }}
        {%- endif %}
    {%- else %}
        {{- words }}
    {%- endif %}
    {{- "<|im_end|>\n" }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|im_start|>assistant\n" }}
{%- endif %})jinja";

Result<ChatTemplate> ChatTemplate::parse(std::string_view source,
                                         std::vector<std::pair<std::string, std::string>> special_tokens,
                                         const jinja::Limits& limits) {
    SLUICE_ASSIGN(parsed, jinja::Template::parse(source, limits));
    return ChatTemplate(std::string(source), std::move(parsed), std::move(special_tokens));
}

Result<std::string> ChatTemplate::render(const ChatRequest& request) const {
    SLUICE_ASSIGN(messages, read_messages(request.messages));
    SLUICE_ASSIGN(tools, read_tools(request.tools));
    SLUICE_ASSIGN(more, read_variables(request.variables));
    std::vector<std::pair<std::string, Json>> variables;
    const Json no_documents;
    const Json adds_prompt{Json::Value(request.add_generation_prompt)};
    for (const auto& [name, text] : special_tokens_) {
        const Json spelling{Json::Value(text)};
        variables.emplace_back(name, spelling);
    }
    variables.emplace_back("documents", no_documents);
    for (const auto& [name, value] : *more.object()) variables.emplace_back(name, value);
    variables.emplace_back("messages", std::move(messages));
    variables.emplace_back("tools", std::move(tools));
    variables.emplace_back("add_generation_prompt", adds_prompt);
    return template_.render(variables, {request.limits, request.local_time});
}

}  // namespace sluice
