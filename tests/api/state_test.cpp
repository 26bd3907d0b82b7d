// Sessions and caches to files and back: the next token is the one that would have come, bit for bit.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "api/folder.h"
#include "api/small_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

std::string text_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::int32_t save(const sluice_session* session, const std::string& path) {
    return sluice_session_save(session, path.data(), path.size(), nullptr);
}

std::int32_t load(sluice_session* session, const std::string& path, sluice_error* error = nullptr) {
    return sluice_session_load(session, path.data(), path.size(), error);
}

// An engine, a model and a session that know nothing of others, with a sampler that draws.
struct Place {
    explicit Place(const std::string& kind = "moe", std::int32_t type = SLUICE_KV_F16,
                   const std::string& stop = "")
        : model(open_model(engine.get(), kind)) {
        auto cache_options = sized<sluice_kv_cache_options>();
        cache_options.capacity = 128;
        cache_options.key_type = cache_options.value_type = type;
        sluice_kv_cache* made = nullptr;
        REQUIRE(sluice_kv_cache_create(model.get(), &cache_options, &made, nullptr) == SLUICE_OK);
        cache.reset(made);
        auto sampling = sized<sluice_sampling>();
        sampling.mode = SLUICE_SAMPLING_PLAIN;
        sampling.seed = 7;
        sampling.repetition_penalty = 1.2F;
        auto options = sized<sluice_session_options>();
        options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
        options.sampling = &sampling;
        const sluice_text stop_string = {stop.size(), stop.data()};
        options.stop_strings = &stop_string;
        options.n_stop_strings = stop.empty() ? 0 : 1;
        session = make_session(model.get(), options, cache.get());
    }

    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model;
    Handle<sluice_kv_cache> cache;
    Handle<sluice_session> session;
};

}  // namespace

TEST_CASE("state: saved at any token, an answer goes on elsewhere as it would have here") {
    const Folder folder;
    for (const std::int32_t type : {SLUICE_KV_F32, SLUICE_KV_F16, SLUICE_KV_Q8_0}) {
        Place here("moe", type);
        REQUIRE(feed(here.session.get(), some_ids(30)) == SLUICE_OK);
        std::vector<std::string> files;
        const auto keep = [&] {
            files.push_back(folder.file("state" + std::to_string(type) + "-" + std::to_string(files.size())));
            REQUIRE(save(here.session.get(), files.back()) == SLUICE_OK);
        };
        keep();
        std::vector<std::int32_t> answer;
        std::string text;
        std::vector<std::string> text_until;
        for (int i = 0; i < 20; ++i) {
            text_until.push_back(text);
            const NextEvent event = next(here.session.get());
            answer.push_back(event.event.token_id);
            text += event.text;
            keep();
        }
        for (std::size_t i = 0; i + 1 < files.size(); ++i) {
            Place there("moe", type);
            INFO("type " << type << ", after " << i << " tokens of the answer");
            REQUIRE(load(there.session.get(), files[i]) == SLUICE_OK);
            std::string rest = text_until[i];
            for (std::size_t k = i; k < answer.size(); ++k) {
                const NextEvent event = next(there.session.get());
                REQUIRE(event.event.token_id == answer[k]);
                REQUIRE(event.event.n_tokens == k + 1);
                rest += event.text;
            }
            REQUIRE(rest == text);
            REQUIRE(same_bits(logits_of(there.session.get()), logits_of(here.session.get())));
        }
    }
}

TEST_CASE("state: a prompt saved at every length goes on with the same logits in another engine") {
    const Folder folder;
    const std::string file = folder.file("state");
    const std::vector<std::int32_t> ids = some_ids(100);
    Place here;
    Place there;
    Place whole;
    const std::size_t step = kIsSlowBuild ? 9 : 1;
    for (std::size_t cut = 1; cut < ids.size(); cut += step) {
        const auto at = ids.begin() + static_cast<std::ptrdiff_t>(cut);
        const std::vector<std::int32_t> first(ids.begin(), at);
        REQUIRE(sluice_session_prompt(here.session.get(), first.data(), first.size(), nullptr, nullptr) ==
                SLUICE_OK);
        REQUIRE(sluice_kv_cache_save(here.cache.get(), file.data(), file.size(), nullptr) == SLUICE_OK);
        REQUIRE(load(there.session.get(), file) == SLUICE_OK);
        INFO(cut << " tokens");
        REQUIRE(same_bits(logits_of(there.session.get()), logits_of(here.session.get())));
        REQUIRE(feed(there.session.get(), {at, ids.end()}) == SLUICE_OK);
        if (cut == 1) REQUIRE(feed(whole.session.get(), ids) == SLUICE_OK);
        REQUIRE(same_bits(logits_of(there.session.get()), logits_of(whole.session.get())));
    }
}

TEST_CASE("state: an answer that had ended has ended, and text held back is held back") {
    const Folder folder;
    const std::string file = folder.file("state");
    Place here("moe");
    REQUIRE(feed(here.session.get(), some_ids(20)) == SLUICE_OK);
    std::string text;
    for (int i = 0; i < 12; ++i) text += next(here.session.get()).text;
    REQUIRE(text.size() > 6);
    const std::string stop = text.substr(text.size() - 4, 4);

    // The stop string is complete after some token; every token before it is a place to save at.
    Place first("moe", SLUICE_KV_F16, stop);
    REQUIRE(feed(first.session.get(), some_ids(20)) == SLUICE_OK);
    std::string shown;
    for (int i = 0; i < 13; ++i) {
        REQUIRE(save(first.session.get(), file) == SLUICE_OK);
        Place second("moe", SLUICE_KV_F16, stop);
        REQUIRE(load(second.session.get(), file) == SLUICE_OK);
        const NextEvent a = next(first.session.get());
        const NextEvent b = next(second.session.get());
        CHECK(a.event.kind == b.event.kind);
        CHECK(a.event.reason == b.event.reason);
        CHECK(a.event.token_id == b.event.token_id);
        CHECK(a.text == b.text);
        if (a.event.kind == SLUICE_EVENT_END) {
            CHECK(a.event.reason == SLUICE_END_STOP_STRING);
            return;
        }
    }
    FAIL("the stop string did not come");
}

TEST_CASE("state: files that are not for this cache are refused, and the conversation stays") {
    const Folder folder;
    const std::string good = folder.file("good");
    Place here;
    REQUIRE(feed(here.session.get(), some_ids(40)) == SLUICE_OK);
    REQUIRE(save(here.session.get(), good) == SLUICE_OK);
    const std::string bytes = text_of_file(good);
    struct stat info = {};
    REQUIRE(stat(good.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(folder.n_files() == 1);

    Place there;
    REQUIRE(feed(there.session.get(), some_ids(10, 4)) == SLUICE_OK);
    const std::vector<float> before = logits_of(there.session.get());
    const auto refuses = [&](const std::string& path, std::int32_t status) {
        sluice_error error = dirty_error();
        CHECK(load(there.session.get(), path, &error) == status);
        CHECK(is_whole(error, status));
        CHECK(sluice_kv_cache_position(there.cache.get()) == 10);
        CHECK(same_bits(logits_of(there.session.get()), before));
    };
    refuses(folder.file("missing"), SLUICE_E_NOT_FOUND);
    refuses("", SLUICE_E_INVALID_ARGUMENT);
    const std::string bad = folder.file("bad");
    for (const std::size_t size : {std::size_t{0}, std::size_t{7}, bytes.size() / 2, bytes.size() - 1}) {
        write_file(bad, bytes.substr(0, size));
        refuses(bad, SLUICE_E_CORRUPT);
    }
    for (const std::size_t place : {std::size_t{1}, std::size_t{100}, bytes.size() / 3, bytes.size() - 2}) {
        std::string altered = bytes;
        altered[place] = static_cast<char>(altered[place] ^ 4);
        write_file(bad, altered);
        refuses(bad, SLUICE_E_CORRUPT);
    }
    {
        Place other("dense");
        REQUIRE(feed(other.session.get(), some_ids(5)) == SLUICE_OK);
        REQUIRE(save(other.session.get(), bad) == SLUICE_OK);
        refuses(bad, SLUICE_E_INVALID_ARGUMENT);
        Place wide("moe", SLUICE_KV_F32);
        REQUIRE(feed(wide.session.get(), some_ids(5)) == SLUICE_OK);
        REQUIRE(save(wide.session.get(), bad) == SLUICE_OK);
        refuses(bad, SLUICE_E_UNSUPPORTED);
    }
    CHECK(sluice_kv_cache_load(there.cache.get(), good.data(), good.size(), nullptr) == SLUICE_E_BUSY);
    CHECK(load(there.session.get(), good) == SLUICE_OK);
    CHECK(same_bits(logits_of(there.session.get()), logits_of(here.session.get())));
    CHECK(save(there.session.get(), folder.file("no such folder/state")) == SLUICE_E_NOT_FOUND);
    CHECK(save(there.session.get(), "") == SLUICE_E_INVALID_ARGUMENT);
}

// A child writes one of two states after the other until it is killed. Whatever the moment, the file is one of
// both, so a kill that comes sooner or later than thought tests another moment, and is never wrong.
TEST_CASE("state: killed while saving, the file is the old or the new one") {
    const Folder folder;
    const std::string file = folder.file("state");
    Place less;
    Place more;
    REQUIRE(feed(less.session.get(), some_ids(30)) == SLUICE_OK);
    REQUIRE(feed(more.session.get(), some_ids(45)) == SLUICE_OK);
    REQUIRE(save(less.session.get(), file) == SLUICE_OK);
    Place there;
    std::size_t n_more = 0;
    const int n_kills = kIsSlowBuild ? 20 : 200;
    for (int i = 0; i < n_kills; ++i) {
        const ::pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            for (;;) {
                if (save(more.session.get(), file) != SLUICE_OK) _exit(1);
                if (save(less.session.get(), file) != SLUICE_OK) _exit(1);
            }
        }
        ::usleep(static_cast<::useconds_t>(300 + i * 37 % 5000));
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        INFO("kill " << i);
        REQUIRE(load(there.session.get(), file) == SLUICE_OK);
        const std::uint64_t position = sluice_kv_cache_position(there.cache.get());
        REQUIRE((position == 30 || position == 45));
        n_more += position == 45;
    }
    INFO(n_more << " of " << n_kills << " had the state with more tokens");
    CHECK(same_bits(logits_of(there.session.get()),
                    logits_of(sluice_kv_cache_position(there.cache.get()) == 45 ? more.session.get()
                                                                                : less.session.get())));
}
