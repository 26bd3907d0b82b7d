// The input is what a model wrote, behind a byte of flags and one that tells where to cut: 1 thinking is open,
// 2 calls count in thinking, 4 with tools, 8 with small budgets, 16 nobody knows whether thinking is open. Any
// bytes give whole events, the same however they are cut.
#include <sluice/output_parser.h>

#include "base/json.h"
#include "fuzz/fuzz_target.h"

using namespace sluice_fuzz;

namespace {

constexpr std::string_view kTools = R"([
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "required": ["a"],
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", [1], {"y": null}]},
                       "c": {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, {"const": 1}]}}}}}},
    {"name": "g.h", "parameters": {"additionalProperties": {"type": "object", "additionalProperties": false}}},
    {"name": "i"}])";

void require_json(std::string_view text, bool is_object) {
    const auto json = sluice::Json::parse(text, "json", {UINT64_MAX, 100, UINT64_MAX});
    require(json.ok());
    require(!is_object || json->object() != nullptr);
}

std::string_view view(const char* data, std::uint64_t size) {
    require(size == 0 || data != nullptr);
    const std::string_view text(data, static_cast<std::size_t>(size));
    require(sluice::is_utf8(text));
    return text;
}

// All events as text; neighbouring text is one event.
class Reader {
public:
    Reader(std::string_view output, std::uint8_t flags) : output_(output) {
        auto options = sized<sluice_output_parser_options>();
        options.flags = flags & 3u;
        if ((flags & 17) == 16) options.flags |= SLUICE_OUTPUT_THINKING_UNKNOWN;
        if ((flags & 4) != 0) {
            options.tools = kTools.data();
            options.tools_size = kTools.size();
        }
        if ((flags & 8) != 0) {
            options.max_depth = 3;
            options.max_calls = 4;
            options.max_call_size = 40;
        }
        require(sluice_output_parser_create(&options, &parser_, nullptr) == SLUICE_OK);
    }
    ~Reader() { sluice_output_parser_destroy(parser_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void push(std::string_view bytes) {
        require(sluice_output_parser_push(parser_, bytes.data(), bytes.size(), nullptr) == SLUICE_OK);
        pull();
    }
    std::string finish() {
        require(sluice_output_parser_finish(parser_, nullptr) == SLUICE_OK);
        pull();
        require(is_over_);
        return said_;
    }

private:
    void pull() {
        for (;;) {
            auto event = sized<sluice_output_event>();
            require(sluice_output_parser_next(parser_, &event, nullptr) == SLUICE_OK);
            if (event.kind == SLUICE_EVENT_NONE) return;
            require(!is_over_);
            take(event);
            last_kind_ = event.kind;
        }
    }

    void take(const sluice_output_event& event) {
        const std::string_view text = view(event.text, event.text_size);
        const std::string_view name = view(event.name, event.name_size);
        const std::string_view path = view(event.path, event.path_size);
        const std::string_view expected = view(event.expected, event.expected_size);
        const bool is_text = event.kind == SLUICE_EVENT_TEXT || event.kind == SLUICE_EVENT_THINKING;
        if (!is_text || event.kind != last_kind_) said_ += "\n" + std::to_string(event.kind) + " ";
        if (is_text) {
            require(!text.empty());
            said_ += text;
            return;
        }
        for (const std::string_view part : {name, path, text, expected}) {
            said_ += part;
            said_ += '\t';
        }
        for (const std::uint64_t number :
             {event.call_index, event.call_offset, event.call_size, event.slip_offset, event.slip_size}) {
            said_ += std::to_string(number) + " ";
        }
        said_ += std::to_string(event.open);
        switch (event.kind) {
            case SLUICE_EVENT_TOOL_CALL_BEGIN:
                require(!is_in_call_ && !name.empty());
                is_in_call_ = true;
                break;
            case SLUICE_EVENT_TOOL_CALL_ARGUMENT:
                require(is_in_call_);
                require_json(text, false);
                break;
            case SLUICE_EVENT_TOOL_CALL_END:
                require(is_in_call_ || (name.empty() && event.valid == 0));
                is_in_call_ = false;
                require_json(text, true);
                require((event.valid == 1) == expected.empty());
                require(event.call_offset + event.call_size <= output_.size());
                require(event.slip_offset + event.slip_size <= output_.size());
                require(event.call_size > 0);
                break;
            case SLUICE_EVENT_END:
                require(!is_in_call_);
                is_over_ = true;
                break;
            default:
                require(false);
        }
    }

    std::string_view output_;
    sluice_output_parser* parser_ = nullptr;
    std::string said_;
    std::int32_t last_kind_ = 0;
    bool is_in_call_ = false;
    bool is_over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view output(reinterpret_cast<const char*>(data) + 2, size - 2);
    Reader whole(output, data[0]);
    whole.push(output);
    const std::string said = whole.finish();

    Reader bytewise(output, data[0]);
    for (std::size_t at = 0; at < output.size(); ++at) bytewise.push(output.substr(at, 1));
    require(bytewise.finish() == said);

    Reader halves(output, data[0]);
    const std::size_t cut = output.size() * data[1] / 256;
    halves.push(output.substr(0, cut));
    halves.push(output.substr(cut));
    require(halves.finish() == said);
    return 0;
}
