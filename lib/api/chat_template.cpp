#include <sluice/chat_template.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/source.h"

namespace sluice {
namespace {

using SpecialTokens = std::vector<std::pair<std::string, std::string>>;

// The names that transformers gives them in templates; what a tokenizer lacks stays undefined.
SpecialTokens special_tokens_of(const Tokenizer* tokenizer) {
    SpecialTokens tokens;
    if (tokenizer == nullptr) return tokens;
    const std::pair<const char*, TokenId> ids[] = {{"bos_token", tokenizer->bos()},
                                                   {"eos_token", tokenizer->eos()},
                                                   {"pad_token", tokenizer->pad()},
                                                   {"unk_token", tokenizer->unknown()}};
    for (const auto& [name, id] : ids) {
        if (id != kNoToken) tokens.emplace_back(name, replace_invalid_utf8(tokenizer->bytes(id)));
    }
    return tokens;
}

// An empty source asks for the built-in template.
Done make_template(std::string_view source, const Tokenizer* tokenizer, sluice_chat_template** made) {
    const bool is_built_in = source.empty();
    SLUICE_ASSIGN(
        parsed, ChatTemplate::parse(is_built_in ? kBuiltInChatTemplate : source, special_tokens_of(tokenizer)));
    *made = new sluice_chat_template{std::move(parsed), is_built_in};
    return Nothing{};
}

// What a render is asked for; borrows the caller's texts.
Result<ChatRequest> read_request(const char* messages, std::uint64_t messages_size,
                                 const sluice_render_options* given) {
    SLUICE_ASSIGN(options, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", options.reserved));
    SLUICE_TRY(check_flags("options.flags", options.flags, SLUICE_RENDER_NO_GENERATION_PROMPT));
    SLUICE_ASSIGN(messages_text, read_text_argument(messages, messages_size, "messages"));
    SLUICE_ASSIGN(tools, read_text_argument(options.tools, options.tools_size, "options.tools"));
    SLUICE_ASSIGN(variables,
                  read_text_argument(options.variables, options.variables_size, "options.variables"));
    ChatRequest request;
    request.messages = messages_text;
    request.tools = tools;
    request.variables = variables;
    request.add_generation_prompt = (options.flags & SLUICE_RENDER_NO_GENERATION_PROMPT) == 0;
    if (options.local_time != 0) request.local_time = options.local_time;
    if (options.max_steps != 0) request.limits.max_steps = options.max_steps;
    if (options.max_output != 0) request.limits.max_output = options.max_output;
    return request;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_chat_template_of_model(sluice_model* model, sluice_chat_template** chat_template,
                                      sluice_error* error) {
    if (chat_template != nullptr) *chat_template = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_CHAT, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(chat_template, "chat_template"));
        const Model& opened = *model->object->model;
        auto source = opened.metadata("tokenizer.chat_template");
        if (!source && source.error().status != SLUICE_E_NOT_FOUND) return std::move(source).error();
        return make_template(source ? *source : std::string(), opened.tokenizer().get(), chat_template);
    });
}

int32_t sluice_chat_template_open(sluice_engine* engine, const sluice_source* source,
                                  sluice_chat_template** chat_template, sluice_error* error) {
    if (chat_template != nullptr) *chat_template = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_CHAT, [&]() -> Done {
        const auto given = read_source(source, Access::kMap);
        SLUICE_TRY(check_pointer(engine, "engine"));
        SLUICE_TRY(check_pointer(chat_template, "chat_template"));
        if (!given) return given.error();
        const bool is_path = given->source == nullptr;
        SLUICE_ASSIGN(
            text, is_path ? read_chat_template_path(given->path) : read_chat_template_source(*given->source));
        auto tokenizer = is_path ? open_tokenizer_path(given->path) : open_tokenizer_source(given->source);
        if (!tokenizer && tokenizer.error().status != SLUICE_E_NOT_FOUND) return std::move(tokenizer).error();
        return make_template(text.value_or(""), tokenizer ? tokenizer->get() : nullptr, chat_template);
    });
}

int32_t sluice_chat_template_create(const char* source, uint64_t source_size, const sluice_tokenizer* tokenizer,
                                    sluice_chat_template** chat_template, sluice_error* error) {
    if (chat_template != nullptr) *chat_template = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_CHAT, [&]() -> Done {
        SLUICE_TRY(check_pointer(chat_template, "chat_template"));
        SLUICE_ASSIGN(text, read_text_argument(source, source_size, "source"));
        return make_template(text, tokenizer == nullptr ? nullptr : tokenizer->object.get(), chat_template);
    });
}

void sluice_chat_template_destroy(sluice_chat_template* chat_template) {
    delete chat_template;
}

int32_t sluice_chat_template_source(const sluice_chat_template* chat_template, char* source, uint64_t capacity,
                                    uint64_t* needed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CHAT, [&]() -> Done {
        SLUICE_TRY(check_pointer(chat_template, "chat_template"));
        return copy_out(std::string_view(chat_template->object.source()), source, capacity, needed);
    });
}

int32_t sluice_chat_template_is_built_in(const sluice_chat_template* chat_template) {
    return chat_template != nullptr && chat_template->is_built_in ? 1 : 0;
}

int32_t sluice_chat_template_render(const sluice_chat_template* chat_template, const char* messages,
                                    uint64_t messages_size, const sluice_render_options* options, char* prompt,
                                    uint64_t capacity, uint64_t* needed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CHAT, [&]() -> Done {
        SLUICE_TRY(check_pointer(chat_template, "chat_template"));
        SLUICE_ASSIGN(request, read_request(messages, messages_size, options));
        SLUICE_ASSIGN(text, chat_template->object.render(request));
        return copy_out(std::string_view(text), prompt, capacity, needed);
    });
}
