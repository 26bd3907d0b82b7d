// What several commands take from their command line.
#include "options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace command {

void add_model(CommandLine line, std::string& path) {
    line.add("MODEL", path, "a GGUF file or a checkpoint folder").required();
}

void add_json(CommandLine line, bool& json) {
    line.flag("--json", json, "print one JSON object");
}

void add_engine(CommandLine line, EngineOptions& options) {
    line.add("-t,--threads", options.n_threads, "threads that compute; default: one per core").called("N");
    line.add("--kernels", options.kernels,
             "kernel table, for example scalar or reference; default: the best one")
        .called("NAME");
}

sluicepp::Engine make_engine(const EngineOptions& options) {
    auto c_options = sluicepp::sized<sluice_engine_options>();
    c_options.n_threads = options.n_threads;
    c_options.kernels = options.kernels.empty() ? nullptr : options.kernels.data();
    c_options.kernels_size = options.kernels.size();
    return sluicepp::Engine(c_options, [](std::int32_t, std::string_view line) {
        std::fprintf(stderr, "sluice: %s\n", visible(line).c_str());
    });
}

sluicepp::Model open_model(const sluicepp::Engine& engine, const std::string& path, std::int32_t activations) {
    Progress progress;
    const auto show = [&](std::uint64_t done, std::uint64_t total) {
        const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
        progress.show("loading " + number_text(100 * share, 0) + " %");
        return true;
    };
    return sluicepp::Model(engine, path, 0, show, activations);
}

std::int32_t ActivationOptions::number() const {
    if (type == "float32") return SLUICE_ACTIVATIONS_FLOAT32;
    return type == "int8" ? SLUICE_ACTIVATIONS_INT8 : SLUICE_ACTIVATIONS_DEFAULT;
}

void add_activations(CommandLine line, ActivationOptions& options) {
    const std::string unsaid = options.type.empty() ? "what the kernels are faster with" : options.type;
    line.add("--activations", options.type,
             "what quantised matrices are multiplied with: float32 or int8; default: " + unsaid)
        .one_of({"float32", "int8"})
        .called("TYPE");
}

sluicepp::Tokenizer open_tokenizer(const sluicepp::Engine& engine, const std::string& path) {
    return sluicepp::Tokenizer(engine, sluicepp::path_source(path));
}

void add_kv(CommandLine line, KvOptions& options) {
    line.add("--ctx", options.capacity, "tokens that the KV cache has room for").not_negative().called("N");
    line.add("--kv", options.type,
             "how keys and values are stored: f32, f16, q8_0 or q4_0; default: " + options.type)
        .one_of({"f32", "f16", "q8_0", "q4_0"})
        .called("TYPE");
}

std::int32_t KvOptions::type_number() const {
    if (type == "q8_0") return SLUICE_KV_Q8_0;
    if (type == "q4_0") return SLUICE_KV_Q4_0;
    return type == "f16" ? SLUICE_KV_F16 : SLUICE_KV_F32;
}

std::vector<sluicepp::TokenId> parse_ids(const std::string& text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    const auto skip = [&](const char* at, const char* end) { return std::find_if_not(at, end, is_space); };
    const char* at = skip(text.data(), text.data() + text.size());
    const char* end = text.data() + text.size();
    while (end > at && is_space(end[-1])) --end;
    if (end - at >= 2 && *at == '[' && end[-1] == ']') {
        at = skip(at + 1, --end);
        while (end > at && is_space(end[-1])) --end;
    }
    std::vector<sluicepp::TokenId> ids;
    while (at < end) {
        sluicepp::TokenId id = 0;
        const auto [after, problem] = std::from_chars(at, end, id);
        if (problem != std::errc()) break;
        ids.push_back(id);
        at = skip(after, end);
        if (at == end) return ids;
        if (*at != ',') break;
        at = skip(at + 1, end);
    }
    throw UsageFailure("--ids takes token ids like 1,5,7, and not \"" + visible(text.substr(0, 60)) + "\"");
}

const char* reason_name(std::int32_t reason) {
    switch (reason) {
        case SLUICE_END_STOP_TOKEN:
            return "stop_token";
        case SLUICE_END_STOP_STRING:
            return "stop_string";
        case SLUICE_END_CONSTRAINT:
            return "constraint";
        case SLUICE_END_MAX_TOKENS:
            return "max_tokens";
        case SLUICE_END_CONTEXT_FULL:
            return "context_full";
        case SLUICE_END_CANCELLED:
            return "cancelled";
        default:
            return "other";
    }
}

std::optional<double> rate(std::uint64_t n_tokens, std::uint64_t nanoseconds) {
    if (n_tokens == 0 || nanoseconds == 0) return std::nullopt;
    return static_cast<double>(n_tokens) * 1e9 / static_cast<double>(nanoseconds);
}

}  // namespace command
