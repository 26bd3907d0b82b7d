#include "quality/cases.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

namespace quality {
namespace {

constexpr std::uint64_t kLongestAnswer = 300;  // tokens

std::string answer_to(sluicepp::Session& session, const std::string& prompt) {
    session.reset();
    session.feed_text(prompt);
    std::string text;
    for (const auto& event : session.events()) {
        if (event.is_text()) text += event.text;
    }
    constexpr std::string_view kEnd = "</think>";
    const std::size_t end = text.rfind(kEnd);
    return end == std::string::npos ? text : text.substr(end + kEnd.size());
}

}  // namespace

std::vector<Case> read_cases(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + " cannot be opened");
    const auto json = nlohmann::json::parse(file, nullptr, false);
    if (!json.is_array()) throw std::runtime_error(path + " is no JSON array of cases");
    std::vector<Case> cases;
    for (const auto& one : json) {
        if (!one.is_object() || !one.contains("prompt") || !one.contains("expected")) {
            throw std::runtime_error(path + ": case " + std::to_string(cases.size()) +
                                     " has no prompt or no expected answer");
        }
        cases.push_back({one.value("kind", "answer"), one["prompt"], one["expected"]});
    }
    return cases;
}

std::map<std::string, Score> ask(const sluicepp::Model& model, const std::vector<Case>& cases,
                                 const KvTypes& kv_types) {
    sluicepp::SessionOptions options;
    options.max_tokens = kLongestAnswer;
    options.sampling = sluicepp::sized<sluice_sampling>();
    options.sampling->mode = SLUICE_SAMPLING_GREEDY;
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.key_type = kv_types.key;
    kv.value_type = kv_types.value;
    const sluicepp::KvCache cache(model, kv);
    sluicepp::Session session(model, cache, options);
    std::map<std::string, Score> scores;
    for (const Case& one : cases) {
        Score& score = scores[one.kind];
        ++score.n_asked;
        if (answer_to(session, one.prompt) == one.expected) ++score.n_right;
    }
    return scores;
}

}  // namespace quality
