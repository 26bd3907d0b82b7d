// What transformers computes, through the command. The oracle's place comes from SLUICE_ORACLE_DIR.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "run_command.h"
#include "support/catch.h"
#include "support/slow_build.h"

namespace {

using Ids = std::vector<std::int32_t>;

std::string oracle_folder() {
    const char* folder = std::getenv("SLUICE_ORACLE_DIR");
    if (folder == nullptr) WARN("skipped: SLUICE_ORACLE_DIR is not set");
    return folder == nullptr ? "" : folder;
}

nlohmann::json json_file(const std::string& path) {
    auto json = nlohmann::json::parse(bytes_of(path), nullptr, false);
    REQUIRE(!json.is_discarded());
    return json;
}

// A tensor of 4-byte numbers of a safetensors file: 8 bytes of header size, the header in JSON, the numbers.
template <class Number>
std::vector<Number> tensor_of(const std::string& file, const std::string& name) {
    std::uint64_t header_size = 0;
    REQUIRE(file.size() > 8);
    std::memcpy(&header_size, file.data(), 8);
    const auto header = nlohmann::json::parse(file.substr(8, header_size), nullptr, false);
    REQUIRE(header.contains(name));
    const auto begin = header[name]["data_offsets"][0].get<std::size_t>();
    const auto end = header[name]["data_offsets"][1].get<std::size_t>();
    std::vector<Number> numbers((end - begin) / 4);
    std::memcpy(numbers.data(), file.data() + 8 + header_size + begin, end - begin);
    return numbers;
}

}  // namespace

TEST_CASE("oracle: generate gives the greedy tokens of every case, from both formats") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    const Workplace place("");
    for (const std::string kind : {"moe", "dense"}) {
        const auto cases = json_file(oracle + "/" + kind + "/cases.json");
        REQUIRE(!cases.empty());
        for (const std::string file : {"", "/model-BF16.gguf"}) {
            const std::string model = oracle + "/" + kind + file;
            for (std::size_t i = 0; i < cases.size(); i += kIsSlowBuild ? 5 : 1) {
                INFO(kind << file << " case " << i);
                // Some of these ids are rows of the embedding that stand for no token: greedy is greedy.
                const Ids expected = cases[i]["greedy"].get<Ids>();
                CHECK(expected.size() == 24);
                const Outcome outcome =
                    place.run({"generate", model, "--ids", list_of(cases[i]["ids"].get<Ids>()), "-n",
                               std::to_string(expected.size()), "--temp", "0", "--ignore-eos", "--json"});
                INFO(outcome.err);
                REQUIRE(outcome.exit_code == 0);
                CHECK(outcome.json()["ids"].get<Ids>() == expected);
            }
        }
    }
}

TEST_CASE("oracle: logits, hidden states and experts are those of the reference") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    const Workplace place("");
    for (const std::string kind : {"moe", "dense"}) {
        const std::string folder = oracle + "/" + kind;
        const auto ids = json_file(folder + "/cases.json")[0]["ids"].get<Ids>();
        const std::string expected = bytes_of(folder + "/expected.safetensors");
        INFO(kind);
        const Outcome outcome = place.run({"logits", folder, "--ids", list_of(ids), "--out", place.path("f"),
                                           "--hidden", place.path("hidden"), "--chunk", "7"});
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        // 1e-4: both sides compute in float32 and differ in the order of sums, through five layers.
        CHECK(relative_distance(numbers_of<float>(place.path("f")),
                                tensor_of<float>(expected, "case0.logits")) < 1e-4);
        const auto info = place.run({"info", folder, "--json"}).json();
        const auto n_layers = info["n_layers"].get<std::uint32_t>();
        for (std::uint32_t layer = 0; layer <= n_layers; ++layer) {
            const std::string number = std::to_string(layer);
            INFO("hidden " << layer);
            CHECK(relative_distance(numbers_of<float>(place.path("hidden/hidden." + number + ".f32")),
                                    tensor_of<float>(expected, "case0.hidden." + number)) < 1e-4);
        }
        if (info["n_experts"] == 0) continue;
        for (auto layer = info["n_dense_layers"].get<std::uint32_t>(); layer < n_layers; ++layer) {
            const std::string number = std::to_string(layer);
            INFO("experts " << layer);
            CHECK(numbers_of<std::int32_t>(place.path("hidden/experts." + number + ".i32")) ==
                  tensor_of<std::int32_t>(expected, "case0.experts." + number));
            CHECK(relative_distance(numbers_of<float>(place.path("hidden/weights." + number + ".f32")),
                                    tensor_of<float>(expected, "case0.weights." + number)) < 1e-4);
        }
    }
}

TEST_CASE("oracle: tokenize and detokenize agree with Hugging Face") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    const Workplace place("");
    for (const std::string model : {"/moe", "/dense/model-Q4_0.gguf"}) {
        const std::string folder = oracle + (model == "/moe" ? "/moe" : "/dense");
        const auto cases = json_file(folder + "/tokenizer_cases.json");
        const std::size_t stride = kIsSlowBuild ? 200 : 20;       // the tokenizer's own tests take them all
        for (std::size_t i = 0; i < cases.size(); i += stride) {  // the tokenizer's own tests take them all
            INFO(model << " case " << i);
            CHECK(place.run({"tokenize", oracle + model}, cases[i]["text"].get<std::string>()).json() ==
                  cases[i]["ids"]);
            CHECK(place.run({"detokenize", oracle + model}, cases[i]["ids"].dump()).out ==
                  cases[i]["decoded"].get<std::string>());
        }
    }
}
