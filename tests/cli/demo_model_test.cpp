// The model of examples/demo_model on requests that it never saw in training. demo_model.json holds prompts and
// the only right answers; examples/demo_model/held_out.py wrote it.
#include <algorithm>

#include "run_command.h"
#include "support/catch.h"
#include "support/slow_build.h"

namespace {

nlohmann::json held_out_cases() {
    auto cases = nlohmann::json::parse(bytes_of(SLUICE_DEMO_CASES), nullptr, false);
    REQUIRE(!cases.is_discarded());
    REQUIRE(cases.size() >= 20);
    return cases;
}

// The greedy answer without the thinking in front of it.
std::string answer_to(const Workplace& place, const nlohmann::json& one,
                      const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments = {"generate", SLUICE_DEMO_MODEL, "-f", "-",  "--no-bos", "--temp",
                                          "0",        "--json",          "-n", "200"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = place.run(arguments, one["prompt"].get<std::string>());
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const auto json = outcome.json();
    CHECK(json["reason"] == "stop_token");
    const std::string text = json["text"].get<std::string>();
    constexpr std::string_view kEnd = "</think>";
    const std::size_t end = text.rfind(kEnd);
    return end == std::string::npos ? text : text.substr(end + kEnd.size());
}

}  // namespace

TEST_CASE("demo model: held-out requests get the right tool calls, answers and JSON") {
    const Workplace place("");
    const auto cases = held_out_cases();
    std::size_t n_calls = 0;
    std::size_t n_right_calls = 0;
    std::size_t n_right = 0;
    std::size_t n_asked = 0;
    for (std::size_t i = 0; i < cases.size(); i += kIsSlowBuild ? 6 : 1) {
        const auto& one = cases[i];
        const bool is_right = answer_to(place, one) == one["expected"].get<std::string>();
        const bool is_call = one["kind"] == "call";
        n_asked += 1;
        n_right += is_right ? 1 : 0;
        n_calls += is_call ? 1 : 0;
        n_right_calls += is_call && is_right ? 1 : 0;
    }
    // The cases are not chosen for their answers, so some are wrong. examples/demo_model/report.md has the
    // shares of many more: 96 % of the calls, and 87 % of everything, because sums without a calculator and
    // refusals are weak.
    INFO(n_right_calls << " of " << n_calls << " calls, " << n_right << " of " << n_asked << " in all");
    CHECK(n_calls > 0);
    // Of the few that a slow build asks one more may be among the wrong ones.
    const std::size_t luck = kIsSlowBuild ? 1 : 0;
    CHECK(10 * (n_right_calls + luck) >= 9 * n_calls);
    CHECK(10 * (n_right + luck) >= 8 * n_asked);
}

TEST_CASE("demo model: another number of threads changes no answer") {
    const Workplace place("");
    const auto cases = held_out_cases();
    for (std::size_t i = 0; i < cases.size(); i += kIsSlowBuild ? 12 : 5) {
        const std::string answer = answer_to(place, cases[i]);
        CHECK(answer_to(place, cases[i], {"-t", "1"}) == answer);
    }
}

TEST_CASE("demo model: a request that no tool of the list serves gets no call") {
    const Workplace place("");
    const auto cases = held_out_cases();
    const auto refused =
        std::find_if(cases.begin(), cases.end(), [](const auto& one) { return one["category"] == "refusal"; });
    REQUIRE(refused != cases.end());
    CHECK(answer_to(place, *refused).find("<|tool_call_start|>") == std::string::npos);
}
