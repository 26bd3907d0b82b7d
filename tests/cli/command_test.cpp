// What every user of the command may rely on: exit codes, one sentence for a failure, help, JSON.
#include <algorithm>
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

namespace {

const std::vector<std::string> kCommands = {"tokenize", "detokenize", "generate", "logits",
                                            "info",     "doctor",     "bench",    "random-model"};

// "sluice: ...\n" and nothing else, on one line.
bool is_one_sentence(const std::string& text) {
    return text.rfind("sluice: ", 0) == 0 && text.size() > 10 &&
           std::count(text.begin(), text.end(), '\n') == 1 && text.back() == '\n';
}

void expect_failure(const Outcome& outcome, int exit_code) {
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == exit_code);
    CHECK(is_one_sentence(outcome.err));
    CHECK(outcome.out.empty());
}

}  // namespace

TEST_CASE("command: help of every command has an example and succeeds") {
    const Workplace place("");
    const Outcome all = place.run({"--help"});
    CHECK(all.exit_code == 0);
    CHECK(all.err.empty());
    for (const std::string& command : kCommands) {
        INFO(command);
        CHECK(all.out.find("  " + command) != std::string::npos);
        const Outcome one = place.run({command, "--help"});
        CHECK(one.exit_code == 0);
        CHECK(one.err.empty());
        CHECK(one.out.find("Example:") != std::string::npos);
        CHECK(one.out.find("sluice " + command) != std::string::npos);
    }
}

TEST_CASE("command: says its version") {
    const Outcome outcome = Workplace("").run({"--version"});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.rfind("sluice ", 0) == 0);
}

TEST_CASE("command: wrong usage is exit code 2 and one sentence") {
    const Workplace place;
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"frobnicate"},
        {"tokenize"},
        {"tokenize", place.model(), "--nope"},
        {"generate", place.model()},
        {"generate", place.model(), "--prompt", "a", "--ids", "1"},
        {"generate", place.model(), "--ids", "1,x"},
        {"generate", place.model(), "--ids", ""},
        {"generate", place.model(), "--ids", "1", "-n", "many"},
        {"generate", place.model(), "--ids", "1", "-n", "-1"},
        {"generate", place.model(), "--ids", "1", "--kv", "q9"},
        {"generate", place.model(), "--ids", "1", "--top", "3"},
        {"generate", place.model(), "--ids", "1", "--top-p", "0"},
        {"generate", place.model(), "--ids", "1", "--seed", "-1"},
        {"generate", place.model(), "--ids", "1", "--bos"},
        {"logits", place.model(), "--ids", "1"},
        {"logits", place.model(), "--ids", "1", "--out", place.path("f"), "--chunk", "0"},
        {"bench", place.model(), "-r", "0"},
        {"random-model", place.path("x"), "--kind", "tiny"},
    };
    for (const auto& arguments : wrong) {
        INFO((arguments.empty() ? std::string("(none)") : arguments.front() + " " + arguments.back()));
        expect_failure(place.run(arguments), 2);
    }
}

TEST_CASE("command: what fails is exit code 1 and one sentence") {
    const Workplace place;
    std::ofstream(place.path("broken.gguf")) << "GGUF, or so it says";
    std::ofstream(place.path("cut.gguf")) << bytes_of(place.model()).substr(0, 3000);
    for (const std::string model : {"missing.gguf", "broken.gguf", "cut.gguf", "."}) {
        const std::string path = place.path(model);
        INFO(model);
        expect_failure(place.run({"info", path}), 1);
        expect_failure(place.run({"doctor", path}), 1);
        expect_failure(place.run({"tokenize", path}, "text"), 1);
        expect_failure(place.run({"generate", path, "--prompt", "text"}), 1);
    }
    expect_failure(place.run({"generate", place.model(), "--ids", "1,100000"}), 1);
    expect_failure(place.run({"generate", place.model(), "--ids", "1", "--kernels", "none such"}), 1);
    expect_failure(place.run({"generate", place.model(), "--ids", "1", "--temp", "-1"}), 1);
    expect_failure(place.run({"generate", place.model(), "--ids", "1", "--ctx", "1000000000"}), 1);
    expect_failure(place.run({"generate", place.model(), "--file", place.path("none")}), 1);
    expect_failure(place.run({"logits", place.model(), "--ids", "1", "--out", place.path("no/file")}), 1);
    expect_failure(place.run({"random-model", place.path("no/model.gguf")}), 1);
    for (const std::string text : {"x", "{}", "[1, \"a\"]", "[-1]", "[1.5]", "[99999999999]", "[100000]", ""}) {
        INFO(text);
        expect_failure(place.run({"detokenize", place.model()}, text), 1);
    }
}

TEST_CASE("command: control characters of a name do not reach the terminal") {
    const Outcome outcome = Workplace("").run({"info", "no\x1b[31m\nsuch"});
    expect_failure(outcome, 1);
    CHECK(outcome.err.find('\x1b') == std::string::npos);
}

TEST_CASE("command: a full disk is a failure and not a short file") {
    if (!std::filesystem::exists("/dev/full")) {
        WARN("skipped: there is no /dev/full");
        return;
    }
    const Workplace place;
    expect_failure(place.run({"logits", place.model(), "--ids", "1", "--out", "/dev/full"}), 1);
}

TEST_CASE("info: tells the shape of the model, for eyes and for programs") {
    const Workplace place;
    const Outcome text = place.run({"info", place.model(), "--tensors"});
    CHECK(text.exit_code == 0);
    CHECK(text.out.find("lfm2moe") != std::string::npos);
    CHECK(text.out.find("token_embd.weight") != std::string::npos);
    const auto json = place.run({"info", place.model(), "--json", "--tensors"}).json();
    REQUIRE(json.is_object());
    CHECK(json["architecture"] == "lfm2moe");
    CHECK(json["n_layers"] == json["n_attention_layers"].get<int>() + json["n_convolution_layers"].get<int>());
    CHECK(json["n_experts_used"] < json["n_experts"]);
    CHECK(json["tensors"].size() == json["n_tensors"]);
    CHECK(json["file_size"] == std::filesystem::file_size(place.model()));
    CHECK(json["tokenizer"]["n_tokens"] <= json["vocabulary_size"]);

    const Workplace dense("dense");
    CHECK(dense.run({"info", dense.model(), "--json"}).json()["n_experts"] == 0);
}

TEST_CASE("doctor: its parts sum to its total, and a longer context takes more") {
    const Workplace place;
    const auto small = place.run({"doctor", place.model(), "--ctx", "256", "--json"}).json();
    const auto half = place.run({"doctor", place.model(), "--ctx", "4096", "--json"}).json();
    const auto large = place.run({"doctor", place.model(), "--ctx", "4096", "--kv", "f32", "--json"}).json();
    REQUIRE(small.is_object());
    for (const auto& json : {small, large, half}) {
        std::uint64_t sum = 0;
        for (const char* part : {"mapped_weights", "model_memory", "cache_memory", "session_memory"}) {
            sum += json[part].get<std::uint64_t>();
        }
        CHECK(json["total"] == sum);
        CHECK((json["fits"].is_boolean() || json["fits"].is_null()));
    }
    CHECK(small["cache_memory"] < half["cache_memory"]);
    CHECK(half["cache_memory"] < large["cache_memory"]);
    const Outcome text = place.run({"doctor", place.model()});
    CHECK(text.exit_code == 0);
    CHECK(text.out.find("fits") != std::string::npos);
}

TEST_CASE("bench: measures every length that is asked for") {
    const Workplace place;
    const std::vector<std::string> arguments = {"bench", place.model(), "-p", "4,8", "-n", "3",     "-d",
                                                "0,5",   "-t",          "1",  "-r",  "2",  "--json"};
    const auto json = place.run(arguments).json();
    REQUIRE(json.is_object());
    REQUIRE(json["prefill"].size() == 2);
    CHECK(json["prefill"][0]["tokens"] == 4);
    CHECK(json["prefill"][1]["tokens"] == 8);
    CHECK(json["prefill"][1]["tokens_per_s"] > 0);
    REQUIRE(json["decode"].size() == 2);
    CHECK(json["decode"][1]["depth"] == 5);
    CHECK(json["decode"][1]["tokens"] == 3);
    CHECK(json["decode"][1]["gb_per_s"] > 0);
    CHECK(json["threads"] == 1);
    CHECK(json["peak_memory"] > 0);
}

TEST_CASE("random-model: the same seed gives the same file, another one another") {
    const Workplace place;
    REQUIRE(place.run({"random-model", place.path("a"), "--seed", "1"}).exit_code == 0);
    REQUIRE(place.run({"random-model", place.path("b"), "--seed", "2"}).exit_code == 0);
    CHECK(bytes_of(place.path("a")) == bytes_of(place.model()));
    CHECK(bytes_of(place.path("a")) != bytes_of(place.path("b")));
}
