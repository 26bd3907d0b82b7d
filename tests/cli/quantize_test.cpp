// sluice quantize as a user runs it: files, messages, exit codes, and what is left behind.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

namespace {

std::vector<std::string> files_of(const Workplace& place) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(place.path(""))) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

// One sentence on one line of standard error, nothing on standard output, exit code 1.
void check_failure(const Outcome& outcome, const std::string& in_message) {
    INFO(outcome.err);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.rfind("sluice: ", 0) == 0);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.find(in_message) != std::string::npos);
}

}  // namespace

TEST_CASE("quantize: the file opens, and tells what it is") {
    const Workplace place("dense");
    const std::string out = place.path("out.gguf");
    const Outcome first = place.run({"quantize", place.model(), out, "--type", "Q6_K", "--json"});
    INFO(first.err);
    REQUIRE(first.exit_code == 0);
    const auto json = first.json();
    REQUIRE(json.is_object());
    CHECK(json["type"] == "Q6_K");
    CHECK(json["file_bytes"] == bytes_of(out).size());
    CHECK(json["weights_bytes_read"].get<double>() > 0);
    const auto info = place.run({"info", out, "--json"}).json();
    REQUIRE(info.is_object());
    CHECK(info.dump().find("Q6_K") != std::string::npos);
    const Outcome words = place.run({"generate", out, "--prompt", "a", "-n", "4"});
    CHECK(words.exit_code == 0);
    const Outcome again = place.run({"quantise", place.model(), out, "--type", "q8_0"});
    CHECK(again.exit_code == 0);
    CHECK(again.out.find("out.gguf: Q8_0") != std::string::npos);
}

TEST_CASE("quantize: bad input is one sentence, and no file") {
    const Workplace place("dense");
    const std::string out = place.path("out.gguf");
    check_failure(place.run({"quantize", place.path("none"), out}), "none");
    check_failure(place.run({"quantize", place.model(), place.model()}), "is a file of the model that is read");
    check_failure(place.run({"quantize", place.model(), place.path("no/such/folder.gguf")}),
                  "cannot be created");
    std::ofstream(place.path("cut.gguf"), std::ios::binary) << bytes_of(place.model()).substr(0, 100000);
    check_failure(place.run({"quantize", place.path("cut.gguf"), out}), "tensor");
    CHECK(place.run({"quantize", place.model(), out, "--type", "Q3_K"}).exit_code == 2);
    CHECK(place.run({"quantize", place.model()}).exit_code == 2);
    CHECK(files_of(place) == std::vector<std::string>{"cut.gguf", "err", "in", "model.gguf", "out"});
}

TEST_CASE("quantize: a file that cannot grow any more is a failure that leaves nothing") {
    const Workplace place("moe");
    const std::string out = place.path("out.gguf");
    const std::uint64_t whole = bytes_of(place.model()).size();
    for (const std::uint64_t size : {whole / 16, whole / 2}) {
        Outcome outcome;
        {
            const FileSizeLimit limit(size);
            outcome = place.run({"quantize", place.model(), out, "--type", "F32"});
        }
        // The sentence that the model is quantised already comes first.
        INFO(outcome.err);
        CHECK(outcome.exit_code == 1);
        CHECK(outcome.err.find("out.gguf cannot be written: File too large") != std::string::npos);
        CHECK(files_of(place) == std::vector<std::string>{"err", "in", "model.gguf", "out"});
    }
}

TEST_CASE("imatrix: what it writes is what quantize reads") {
    const Workplace place("moe");
    const std::string floats = place.path("floats.gguf");
    REQUIRE(place.run({"quantize", place.model(), floats, "--type", "F32"}).exit_code == 0);
    std::ofstream(place.path("text.txt")) << "The sea is deep, and the ship is small. ";
    const std::string matrix = place.path("matrix.gguf");
    const Outcome made = place.run({"imatrix", floats, "--text", place.path("text.txt"), "-o", matrix});
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    CHECK(made.out.find("tokens") != std::string::npos);
    REQUIRE(place.run({"quantize", floats, place.path("plain.gguf")}).exit_code == 0);
    const Outcome weighed = place.run({"quantize", floats, place.path("weighed.gguf"), "--imatrix", matrix});
    INFO(weighed.err);
    REQUIRE(weighed.exit_code == 0);
    CHECK(bytes_of(place.path("plain.gguf")).size() == bytes_of(place.path("weighed.gguf")).size());
    CHECK((bytes_of(place.path("plain.gguf")) != bytes_of(place.path("weighed.gguf"))));
    check_failure(place.run({"quantize", floats, place.path("none.gguf"), "--imatrix", floats}),
                  "is not an importance matrix");
    check_failure(place.run({"imatrix", floats, "--text", "-", "-o", place.path("none.gguf")}),
                  "the text is empty");
    CHECK_FALSE(std::filesystem::exists(place.path("none.gguf")));
}

TEST_CASE("oracle: quantize to 8 bits keeps the logits of the folder") {
    const char* oracle = std::getenv("SLUICE_ORACLE_DIR");
    if (oracle == nullptr) {
        WARN("skipped: SLUICE_ORACLE_DIR is not set");
        return;
    }
    const Workplace place("");
    for (const std::string kind : {"moe", "dense"}) {
        const std::string folder = std::string(oracle) + "/" + kind;
        const auto logits = [&](const std::string& model) {
            const Outcome outcome =
                place.run({"logits", model, "--ids", "1,50,300,70,999,1200,33", "--out", place.path("logits")});
            INFO(outcome.err);
            REQUIRE(outcome.exit_code == 0);
            return numbers_of<float>(place.path("logits"));
        };
        const auto expected = logits(folder);
        struct Case {
            std::string type;
            double most;
        };
        for (const Case& test : {Case{"F32", 0.0}, Case{"BF16", 0.0}, Case{"Q8_0", 0.06}}) {
            const std::string out = place.path(test.type + ".gguf");
            const Outcome outcome = place.run({"quantize", folder, out, "--type", test.type});
            INFO(outcome.err);
            REQUIRE(outcome.exit_code == 0);
            const double distance = relative_distance(logits(out), expected);
            // What llama-quantize's file of that type loses bounds what ours may.
            const std::string theirs = folder + "/model-" + test.type + ".gguf";
            INFO(kind << " " << test.type << " " << distance);
            CHECK(distance <= test.most);
            if (test.type == "Q8_0") CHECK(distance < relative_distance(logits(theirs), expected) * 1.02);
        }
    }
}
