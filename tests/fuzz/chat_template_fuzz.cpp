// The input is a template, a zero byte, messages as JSON, and perhaps another zero byte and tools as JSON.
#include "fuzz/fuzz_target.h"

using namespace sluice_fuzz;

namespace {

std::string_view take_part(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest = rest.substr(std::min(end + 1, rest.size()));
    return part;
}

void try_render(const sluice_chat_template* chat_template, std::string_view messages, std::string_view tools) {
    auto options = sized<sluice_render_options>();
    options.tools = tools.data();
    options.tools_size = tools.size();
    options.local_time = 1'700'000'000;
    // Less than the defaults: the fuzzer finds more in the same time.
    options.max_steps = 200'000;
    options.max_output = 1u << 20;
    sluice_error error;
    std::uint64_t needed = 0;
    const std::int32_t status =
        checked(sluice_chat_template_render(chat_template, messages.data(), messages.size(), &options, nullptr,
                                            0, &needed, &error),
                error);
    if (status != SLUICE_OK) return;
    require(needed <= options.max_output);
    std::string prompt(needed, '\0');
    if (prompt.empty()) return;
    require(sluice_chat_template_render(chat_template, messages.data(), messages.size(), &options,
                                        prompt.data(), needed, &needed, nullptr) == SLUICE_OK);
    require(needed == prompt.size());
    require(sluice::replace_invalid_utf8(prompt) == prompt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string_view source = take_part(rest);
    const std::string_view messages = take_part(rest);
    sluice_chat_template* chat_template = nullptr;
    sluice_error error;
    if (checked(sluice_chat_template_create(source.data(), source.size(), nullptr, &chat_template, &error),
                error) != SLUICE_OK) {
        require(chat_template == nullptr);
        return 0;
    }
    try_render(chat_template, messages, rest);
    sluice_chat_template_destroy(chat_template);
    return 0;
}
