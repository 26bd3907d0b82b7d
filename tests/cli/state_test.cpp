// Conversations that are saved by one process and go on in another.
#include <filesystem>
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

TEST_CASE("generate: an answer that was saved goes on in another process as if it had not stopped") {
    const Workplace place;
    const auto generate = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"generate", place.model(), "--ignore-eos",
                                              "--seed",   "3",           "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = place.run(arguments);
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        return outcome.json()["ids"].get<std::vector<std::int32_t>>();
    };
    const auto whole = generate({"--prompt", "The sea is", "-n", "12"});
    REQUIRE(whole.size() == 12);
    const std::string file = place.path("state");
    std::vector<std::int32_t> pieces = generate({"--prompt", "The sea is", "-n", "5", "--save", file});
    for (const char* n : {"1", "6"}) {
        const auto more = generate({"--resume", file, "-n", n, "--save", file});
        pieces.insert(pieces.end(), more.begin(), more.end());
    }
    CHECK(pieces == whole);
    const auto asked = generate({"--resume", file, "--prompt", " And then?", "-n", "4"});
    CHECK(asked.size() == 4);
}

TEST_CASE("generate: a conversation of another model, or cut short, is one sentence") {
    const Workplace place;
    const Workplace other("dense");
    const std::string file = place.path("state");
    REQUIRE(place.run({"generate", place.model(), "--prompt", "a", "-n", "1", "--save", file}).exit_code == 0);
    const Outcome wrong = other.run({"generate", other.model(), "--resume", file, "-n", "1"});
    CHECK(wrong.exit_code == 1);
    CHECK(wrong.err.find("another model") != std::string::npos);
    const std::string bytes = bytes_of(file);
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size() / 2));
    const Outcome cut = place.run({"generate", place.model(), "--resume", file, "-n", "1"});
    CHECK(cut.exit_code == 1);
    CHECK(cut.out.empty());
    CHECK(place.run({"generate", place.model(), "-n", "1"}).exit_code == 2);
}

TEST_CASE("generate: a disk that is full while saving leaves the old file, and nothing beside it") {
    const Workplace place;
    const std::string file = place.path("state");
    const std::vector<std::string> save = {"generate", place.model(), "--prompt", "a",
                                           "-n",       "1",           "--save",   file};
    REQUIRE(place.run(save).exit_code == 0);
    const std::string before = bytes_of(file);
    REQUIRE(before.size() > 20'000);
    {
        const FileSizeLimit limit(10'000);
        const Outcome full = place.run(save);
        CHECK(full.exit_code == 1);
        CHECK(full.err.find("cannot be written") != std::string::npos);
    }
    CHECK(bytes_of(file) == before);
    std::size_t n_files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(place.path(""))) {
        n_files += entry.path().filename().string().find("state") != std::string::npos;
    }
    CHECK(n_files == 1);
}
