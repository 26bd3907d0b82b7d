// Text in and out: tokenize, detokenize, logits, generate on a random model.
#include <algorithm>
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

namespace {

using Ids = std::vector<std::int32_t>;

Ids ids_of(const Outcome& outcome) {
    const auto json = outcome.json();
    REQUIRE(json.is_array());
    return json.get<Ids>();
}

}  // namespace

TEST_CASE("tokenize: detokenize gives the text back, byte for byte") {
    const Workplace place;
    for (const std::string text :
         {"Hello, world!", " spaces  kept \n", "\r\n\t", "naïve 日本語 🙂", "a\n\n\nb", ""}) {
        const Outcome tokenized = place.run({"tokenize", place.model()}, text);
        CHECK(tokenized.exit_code == 0);
        CHECK(std::count(tokenized.out.begin(), tokenized.out.end(), '\n') == 1);
        const Outcome again = place.run({"detokenize", place.model()}, tokenized.out);
        CHECK(again.exit_code == 0);
        CHECK(again.out == text);
    }
}

TEST_CASE("tokenize: a special token is one id, and only text with --plain") {
    const Workplace place;
    const auto info = place.run({"info", place.model(), "--json"}).json()["tokenizer"];
    const Ids special = ids_of(place.run({"tokenize", place.model()}, "<|im_end|>"));
    CHECK(special == Ids{info["eos_id"].get<std::int32_t>()});
    const Ids plain = ids_of(place.run({"tokenize", place.model(), "--plain"}, "<|im_end|>"));
    CHECK(plain.size() > 1);
    CHECK(std::find(plain.begin(), plain.end(), special[0]) == plain.end());
    Ids with_bos = ids_of(place.run({"tokenize", place.model(), "--bos"}, "<|im_end|>"));
    CHECK(with_bos == Ids{info["bos_id"].get<std::int32_t>(), special[0]});
    CHECK(place.run({"detokenize", place.model(), "--skip-special"}, "[1,7]").out.empty());
}

TEST_CASE("logits: one row of the vocabulary per id, the same bits in any chunks") {
    const Workplace place;
    const std::size_t n_words =
        place.run({"info", place.model(), "--json"}).json()["vocabulary_size"].get<std::size_t>();
    const std::string ids = "1,5,7,11,300,42,42,9";
    REQUIRE(place.run({"logits", place.model(), "--ids", ids, "--out", place.path("whole")}).exit_code == 0);
    CHECK(numbers_of<float>(place.path("whole")).size() == 8 * n_words);
    for (const std::string chunk : {"1", "3", "8", "100"}) {
        INFO(chunk);
        REQUIRE(place
                    .run({"logits", place.model(), "--ids", ids, "--out", place.path("some"), "--chunk", chunk,
                          "--threads", "1"})
                    .exit_code == 0);
        CHECK(bytes_of(place.path("some")) == bytes_of(place.path("whole")));
    }
    CHECK(place.run({"logits", place.model(), "--ids", "[1, 5, 7]", "--out", place.path("some")}).exit_code ==
          0);
    CHECK(numbers_of<float>(place.path("some")).size() == 3 * n_words);
}

TEST_CASE("logits: hidden states of every layer and the experts of those that have some") {
    const Workplace place;
    const auto info = place.run({"info", place.model(), "--json"}).json();
    const auto number = [&](const char* key) { return info[key].get<std::size_t>(); };
    const std::string folder = place.path("hidden");
    REQUIRE(place
                .run({"logits", place.model(), "--ids", "1,5,7", "--out", place.path("f"), "--chunk", "2",
                      "--hidden", folder})
                .exit_code == 0);
    for (std::size_t layer = 0; layer <= number("n_layers"); ++layer) {
        const std::string path = folder + "/hidden." + std::to_string(layer) + ".f32";
        CHECK(numbers_of<float>(path).size() == 3 * number("hidden_size"));
    }
    for (std::size_t layer = 0; layer < number("n_layers"); ++layer) {
        INFO(layer);
        const std::string experts = folder + "/experts." + std::to_string(layer) + ".i32";
        CHECK(std::filesystem::exists(experts) == (layer >= number("n_dense_layers")));
        if (layer < number("n_dense_layers")) continue;
        const auto ids = numbers_of<std::int32_t>(experts);
        const auto weights = numbers_of<float>(folder + "/weights." + std::to_string(layer) + ".f32");
        const std::size_t n_used = number("n_experts_used");
        REQUIRE(ids.size() == 3 * n_used);
        CHECK(weights.size() == ids.size());
        for (std::size_t row = 0; row < ids.size(); row += n_used) {
            CHECK(
                std::is_sorted(ids.begin() + std::ptrdiff_t(row), ids.begin() + std::ptrdiff_t(row + n_used)));
        }
    }
}

TEST_CASE("generate: the same seed gives the same answer, on any number of threads") {
    const Workplace place;
    const std::vector<std::string> arguments = {"generate", place.model(), "--prompt", "Once",        "-n",
                                                "16",       "--temp",      "1",        "--ignore-eos"};
    const auto with = [&](std::initializer_list<std::string> more) {
        auto all = arguments;
        all.insert(all.end(), more);
        const Outcome outcome = place.run(all);
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        return outcome;
    };
    const std::string first = with({"--seed", "5"}).out;
    CHECK(with({"--seed", "5"}).out == first);
    CHECK(with({"--seed", "5", "--threads", "1"}).out == first);
    CHECK(with({"--seed", "6"}).out != first);
    const auto json = with({"--seed", "5", "--json"}).json();
    REQUIRE(json.is_object());
    CHECK(json["text"] == first);
    CHECK(json["seed"] == 5);
    CHECK(json["tokens"] == 16);
    CHECK(json["reason"] == "max_tokens");
    // A fresh seed is told, and gives the answer again.
    const auto fresh = with({"--json"}).json();
    CHECK(with({"--json", "--seed", std::to_string(fresh["seed"].get<std::uint64_t>())}).json()["ids"] ==
          fresh["ids"]);
}

TEST_CASE("generate: temperature 0 takes the most likely token each time") {
    const Workplace place;
    const auto json =
        place
            .run({"generate", place.model(), "--ids", "1,5,7", "-n", "6", "--temp", "0", "--ignore-eos",
                  "--json", "--top", "2", "--activations", "float32", "--kv", "f32"})
            .json();
    REQUIRE(json.is_object());
    const Ids ids = json["ids"].get<Ids>();
    REQUIRE(ids.size() == 6);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        CHECK(json["top"][i][0]["id"] == ids[i]);
        CHECK(json["top"][i][0]["log_probability"] >= json["top"][i][1]["log_probability"]);
        CHECK(json["log_probabilities"][i] == json["top"][i][0]["log_probability"]);
    }
    // The same as taking the best of the logits by hand.
    Ids prompt = {1, 5, 7};
    const auto n_tokens =
        place.run({"info", place.model(), "--json"}).json()["tokenizer"]["n_tokens"].get<std::ptrdiff_t>();
    for (const std::int32_t id : ids) {
        REQUIRE(place.run({"logits", place.model(), "--ids", list_of(prompt), "--out", place.path("f")})
                    .exit_code == 0);
        const auto rows = numbers_of<float>(place.path("f"));
        const auto last = rows.end() - static_cast<std::ptrdiff_t>(rows.size() / prompt.size());
        CHECK(std::max_element(last, last + n_tokens) - last == id);
        prompt.push_back(id);
    }
}

TEST_CASE("generate: ends before a stop string, which is not shown") {
    const Workplace place;
    const std::vector<std::string> arguments = {"generate", place.model(), "--ids",        "1",     "-n", "40",
                                                "--temp",   "0",           "--ignore-eos", "--json"};
    const std::string whole = place.run(arguments).json()["text"];
    // A piece of the text from its middle, of whole characters.
    std::size_t begin = whole.size() / 2;
    while (begin < whole.size() && (whole[begin] & 0x80) != 0) ++begin;
    REQUIRE(begin < whole.size());
    const std::string stop = whole.substr(begin, 1);
    auto stopping = arguments;
    stopping.insert(stopping.end(), {"--stop", "never in the text", "--stop", stop});
    const auto json = place.run(stopping).json();
    REQUIRE(json.is_object());
    CHECK(json["reason"] == "stop_string");
    CHECK(json["stop_string"] == stop);
    CHECK(json["text"] == whole.substr(0, whole.find(stop)));
}

TEST_CASE("generate: a prompt, a file and ids say the same") {
    const Workplace place;
    const std::string text = "Hello <|im_end|>";
    std::ofstream(place.path("prompt")) << text;
    // Tokens of the prompt, and of the answer.
    const auto answer = [&](std::initializer_list<std::string> more) {
        std::vector<std::string> all = {"generate", place.model(), "-n", "8", "--temp", "0", "--json"};
        all.insert(all.end(), more);
        const auto json = place.run(all, text).json();
        REQUIRE(json.is_object());
        return std::make_pair(json["prompt_tokens"].get<std::size_t>(), json["ids"].get<Ids>());
    };
    const Ids ids = ids_of(place.run({"tokenize", place.model(), "--bos"}, text));
    const auto expected = answer({"--ids", list_of(ids)});
    CHECK(expected.first == ids.size());
    CHECK(answer({"--prompt", text, "--bos"}) == expected);
    CHECK(answer({"--prompt", text}) == expected);  // the model asks for a beginning
    CHECK(answer({"--file", place.path("prompt")}) == expected);
    CHECK(answer({"--file", "-"}) == expected);
    CHECK(answer({"--prompt", text, "--no-bos"}) == answer({"--ids", list_of({ids.begin() + 1, ids.end()})}));
    CHECK(answer({"--prompt", text, "--plain"}).first > ids.size());
}

TEST_CASE("generate: a full context ends the answer") {
    const Workplace place;
    const auto json = place
                          .run({"generate", place.model(), "--ids", "1,5", "--ctx", "10", "--temp", "0",
                                "--ignore-eos", "--json"})
                          .json();
    REQUIRE(json.is_object());
    CHECK(json["reason"] == "context_full");
    CHECK(json["tokens"] <= 9);
}

TEST_CASE("generate: an interrupt ends the answer with what has come") {
    const Workplace place;
    const Outcome outcome =
        place.interrupt({"generate", place.model(), "--ids", "1", "--temp", "0", "--ignore-eos"});
    CHECK(outcome.exit_code == 130);
    CHECK(!outcome.out.empty());
    CHECK(outcome.err.empty());
}
