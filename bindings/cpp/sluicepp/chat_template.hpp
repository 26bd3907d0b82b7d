// Chat templates: a conversation as JSON becomes a prompt.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base.hpp"
#include "engine.hpp"
#include "model.hpp"
#include "tokenizer.hpp"

namespace sluicepp {

// What a prompt is made of besides messages. All texts are JSON and borrowed for the call.
struct RenderOptions {
    std::string_view tools;      // an array of objects; empty: none
    std::string_view variables;  // an object; empty: none
    bool add_generation_prompt = true;
    std::int64_t local_time = 0;  // what strftime_now tells; 0: the template has no such function
};

class ChatTemplate : public detail::Owner<sluice_chat_template, sluice_chat_template_destroy> {
public:
    // Of a model, or the built-in one where it has none. Throws as sluice_chat_template_of_model.
    explicit ChatTemplate(const Model& model)
        : Owner(made<sluice_chat_template>(sluice_chat_template_of_model, model.get())) {}

    // The same without the weights. Throws as sluice_chat_template_open.
    ChatTemplate(const Engine& engine, const sluice_source& source)
        : Owner(made<sluice_chat_template>(sluice_chat_template_open, engine.get(), &source)) {}

    // From its source. tokenizer gives the special tokens and may be null.
    explicit ChatTemplate(std::string_view source, const Tokenizer* tokenizer = nullptr)
        : Owner(made<sluice_chat_template>(sluice_chat_template_create, source.data(),
                                           std::uint64_t{source.size()},
                                           tokenizer == nullptr ? nullptr : tokenizer->get())) {}

    // The prompt for messages, which are a JSON array. Throws as sluice_chat_template_render.
    std::string render(std::string_view messages, const RenderOptions& options = {}) const {
        auto given = sized<sluice_render_options>();
        given.flags = options.add_generation_prompt ? 0 : SLUICE_RENDER_NO_GENERATION_PROMPT;
        given.tools = options.tools.data();
        given.tools_size = options.tools.size();
        given.variables = options.variables.data();
        given.variables_size = options.variables.size();
        given.local_time = options.local_time;
        return collected<std::string>(messages.size() * 2 + 4096, sluice_chat_template_render, get(),
                                      messages.data(), std::uint64_t{messages.size()}, &given);
    }

    std::string source() const { return collected<std::string>(4096, sluice_chat_template_source, get()); }

    bool is_built_in() const noexcept { return sluice_chat_template_is_built_in(get()) == 1; }
};

}  // namespace sluicepp
