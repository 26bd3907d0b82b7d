// sluice bench: what its numbers are made of. That they are numbers of speed, only other machines can judge.
#include <algorithm>
#include <fstream>
#include <vector>

#include "run_command.h"
#include "support/catch.h"

namespace {

// The share is the second of three: what a repetition reached of what was possible around it.
void check_share(const nlohmann::json& result, const char* name) {
    REQUIRE(result["repetitions"].size() == 3);
    std::vector<double> shares;
    for (const auto& repetition : result["repetitions"]) {
        shares.push_back(repetition["reached_per_s"].get<double>() /
                         repetition["possible_per_s"].get<double>());
    }
    std::sort(shares.begin(), shares.end());
    CHECK_THAT(result[name].get<double>(), Catch::Matchers::WithinRel(shares[1], 1e-9));
}

}  // namespace

TEST_CASE("bench: speeds come with their shares of what the machine showed") {
    const Workplace place;
    const auto json = place
                          .run({"bench", place.model(), "-p", "8", "-n", "3", "-d", "0,5", "-t", "2", "-r", "3",
                                "--machine", "10", "--json"})
                          .json();
    REQUIRE(json.is_object());
    const auto& machine = json["machine"];
    CHECK(machine["bytes_per_s"] > 0);
    CHECK(machine["threads"] == 2);
    CHECK(machine["cpu"].is_string());
    // Before the prompts and after each, after each of two prompts for answers, after each answer.
    REQUIRE(machine["looks"].size() == 4 + 2 + 6);
    for (const auto& look : machine["looks"]) {
        CHECK(look["bytes_per_s"] <= machine["bytes_per_s"]);
        CHECK(look["bytes_per_s_median"] <= look["bytes_per_s"]);
    }

    const auto& prefill = json["prefill"][0];
    const double multiply_adds = json["multiply_adds_per_prompt_token"].get<double>();
    CHECK(multiply_adds > 0);
    CHECK(prefill["tokens_per_s_least"] <= prefill["tokens_per_s"]);
    CHECK(prefill["tokens_per_s"] <= prefill["tokens_per_s_most"]);
    CHECK(prefill["time_to_first_token_s"] > 0);
    if (machine["int8_multiply_adds_per_s"].is_null()) {
        CHECK(prefill["share_of_int8_peak"].is_null());
    } else {
        check_share(prefill, "share_of_int8_peak");
        CHECK(prefill["repetitions"][0]["reached_per_s"] ==
              prefill["repetitions"][0]["tokens_per_s"].get<double>() * multiply_adds);
    }

    REQUIRE(json["decode"].size() == 2);
    for (const auto& decode : json["decode"]) {
        check_share(decode, "share_of_bandwidth");
        for (const auto& repetition : decode["repetitions"]) {
            CHECK(repetition["possible_per_s"] <= machine["bytes_per_s"]);
        }
        // At least the weights are read, and not more than those and the deepest position's keys and values.
        const double weights = json["token_read_size"].get<double>();
        const double deepest =
            json["kv_bytes_per_position"].get<double>() * decode["last_position"].get<double>();
        const double least = decode["tokens_per_s_least"].get<double>() * weights / 1e9;
        const double most = decode["tokens_per_s_most"].get<double>() * (weights + deepest) / 1e9;
        CHECK(decode["gb_per_s"].get<double>() >= least);
        CHECK(decode["gb_per_s"].get<double>() <= most);
    }
    CHECK(json["decode"][1]["last_position"] == 5 + 3 * 3);
    CHECK(json["load_s"] > 0);
    CHECK(json["start_to_first_token_s"] >= json["load_s"]);
    CHECK(json["peak_memory"] > 0);
}

TEST_CASE("bench: half floats in the cache halve what a position costs") {
    const Workplace place;
    const auto cost = [&](const std::string& type) {
        return place
            .run({"bench", place.model(), "-p", "0", "-n", "1", "-r", "1", "--machine", "0", "--kv", type,
                  "--json"})
            .json()["kv_bytes_per_position"]
            .get<double>();
    };
    CHECK(cost("f32") > 0);
    CHECK(cost("f32") == 2 * cost("f16"));
    // Blocks of 32 elements take 34 and 18 bytes.
    CHECK(32 * cost("q8_0") == 17 * cost("f16"));
    CHECK(32 * cost("q4_0") == 9 * cost("f16"));
}

TEST_CASE("bench: random histories are as deep as was asked, or as the cache has room for") {
    const Workplace place;
    const auto decodes = [&](const std::string& depths, const std::string& fill) {
        return place
            .run({"bench", place.model(), "-p", "0", "-n", "3", "-r", "2", "--machine", "0", "-d", depths,
                  "--ctx", "300", "--fill", fill, "--json"})
            .json()["decode"];
    };
    const auto random = decodes("0,270,300", "random");
    REQUIRE(random.size() == 3);
    CHECK(random[0]["depth"] == 0);
    CHECK(random[1]["depth"] == 270);
    CHECK(random[1]["last_position"] == 270 + 2 * 3);
    CHECK(random[2]["depth"] == 300 - 2 * 3 - 2);
    CHECK(random[2]["last_position"] == 300 - 2);
    CHECK(decodes("20", "prompt")[0]["last_position"] == 20 + 2 * 3);
}

TEST_CASE("bench: without a look at the machine there are no shares") {
    const Workplace place;
    const auto json =
        place.run({"bench", place.model(), "-p", "4", "-n", "2", "-r", "1", "--machine", "0", "--json"}).json();
    REQUIRE(json.is_object());
    CHECK(json["machine"]["bytes_per_s"].is_null());
    CHECK(json["machine"]["looks"].empty());
    CHECK(json["prefill"][0]["share_of_int8_peak"].is_null());
    CHECK(json["decode"][0]["share_of_bandwidth"].is_null());
    CHECK(json["decode"][0]["gb_per_s"] > 0);
}

TEST_CASE("bench: feeds the tokens of a text, and again from its beginning where it is too short") {
    const Workplace place;
    std::ofstream(place.path("text")) << "The sea is calm tonight.";
    const std::vector<std::string> arguments = {"bench", place.model(), "-p",        "40", "-n",    "2",
                                                "-r",    "1",           "--machine", "0",  "--json"};
    auto with_text = arguments;
    with_text.insert(with_text.end(), {"--text", place.path("text")});
    const auto json = place.run(with_text).json();
    REQUIRE(json.is_object());
    CHECK(json["text_tokens"] > 0);
    CHECK(json["text_tokens"] < 40);
    CHECK(json["prefill"][0]["tokens"] == 40);
    CHECK(place.run(arguments).json()["text_tokens"] == 0);

    std::ofstream(place.path("empty")) << "";
    with_text.back() = place.path("empty");
    const Outcome outcome = place.run(with_text);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.err.find("has no text") != std::string::npos);
}

TEST_CASE("bench: where the cache is too small for all repetitions, the prompt is fed again") {
    const Workplace place;
    const auto json = place
                          .run({"bench", place.model(), "-p", "0", "-n", "10", "-d", "50", "-r", "4", "--ctx",
                                "66", "--machine", "0", "--json"})
                          .json();
    REQUIRE(json.is_object());
    CHECK(json["decode"][0]["tokens_per_s"] > 0);
    CHECK(json["decode"][0]["last_position"] == 60);
}

TEST_CASE("bench: a batch answers with all its sessions, beside how many experts that wakes") {
    const Workplace place;
    const std::vector<std::string> arguments = {"bench",   place.model(), "-p",    "0", "-n",        "3",
                                                "-d",      "5",           "-r",    "2", "--machine", "0",
                                                "--batch", "1,4",         "--ctx", "20"};
    auto with_json = arguments;
    with_json.push_back("--json");
    const auto batches = place.run(with_json).json()["batch"];
    REQUIRE(batches.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(batches[i]["sessions"] == (i == 0 ? 1 : 4));
        CHECK(batches[i]["tokens"] == 3);
        CHECK(batches[i]["depth"] == 5);
        REQUIRE(batches[i]["repetitions"].size() == 2);
        CHECK(batches[i]["tokens_per_s_least"] <= batches[i]["tokens_per_s"]);
        CHECK(batches[i]["tokens_per_s"] <= batches[i]["tokens_per_s_most"]);
    }
    CHECK(batches[0]["times_first"] == 1.0);
    // One token wakes as many experts as the model uses, several wake at least those.
    CHECK(batches[0]["experts_woken"] == 2.0);
    CHECK(batches[1]["experts_woken"] >= 2.0);
    CHECK(place.run(arguments).out.find("batch of 4") != std::string::npos);
    CHECK(place.run({"bench", place.model(), "-r", "1", "--batch", "257"}).exit_code == 1);
}

TEST_CASE("bench: tells the same for eyes") {
    const Workplace place;
    const Outcome outcome =
        place.run({"bench", place.model(), "-p", "4", "-n", "2", "-r", "1", "--machine", "5", "-t", "1"});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.find("prompt of 4") != std::string::npos);
    CHECK(outcome.out.find("answer of 2 at 0") != std::string::npos);
    CHECK(outcome.out.find("machine at best") != std::string::npos);
    CHECK(outcome.out.find("% of the bandwidth") != std::string::npos);
}
