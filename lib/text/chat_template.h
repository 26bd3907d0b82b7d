// Conversations to prompts: messages and tools, given as JSON in the shape of the OpenAI API, through a model's
// Jinja template, as apply_chat_template of transformers renders them. Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/template.h"

namespace sluice {

// For models without a template: the form of the LFM2.5 family, after reference/lfm2.md 6.
extern const std::string_view kBuiltInChatTemplate;

struct ChatRequest {
    // An array of objects, each with a role. Content may be a text, an array of parts, null or left out.
    std::string_view messages;
    std::string_view tools;      // an array of objects; empty or null: none
    std::string_view variables;  // an object: more variables of the template; empty: none
    bool add_generation_prompt = true;
    std::optional<std::int64_t> local_time;  // for strftime_now, see jinja/template.h
    jinja::Limits limits;
};

class ChatTemplate {
public:
    // special_tokens are variables such as ("bos_token", "<|startoftext|>").
    // Errors, naming the line: CORRUPT, UNSUPPORTED, LIMIT.
    static Result<ChatTemplate> parse(std::string_view source,
                                      std::vector<std::pair<std::string, std::string>> special_tokens,
                                      const jinja::Limits& limits = {});

    // The prompt. Before the template sees them, messages are brought into one form:
    // - content that is null becomes ""; so does one left out beside tool_calls;
    // - reasoning_content and thinking are each copied to the other name where only one is given;
    // - the arguments of a tool call that are a text of JSON become the object that it spells, "" an empty one.
    //   A text that is not JSON stays a text.
    // Errors: CORRUPT (not JSON), INVALID_ARGUMENT (another shape, naming the message; what the template
    // refuses, naming its line), UNSUPPORTED, LIMIT (size and nesting of JSON; the budgets of `limits`).
    Result<std::string> render(const ChatRequest& request) const;

    const std::string& source() const { return source_; }

private:
    ChatTemplate(std::string source, jinja::Template parsed,
                 std::vector<std::pair<std::string, std::string>> special_tokens)
        : source_(std::move(source)),
          template_(std::move(parsed)),
          special_tokens_(std::move(special_tokens)) {}

    std::string source_;
    jinja::Template template_;
    std::vector<std::pair<std::string, std::string>> special_tokens_;
};

}  // namespace sluice
