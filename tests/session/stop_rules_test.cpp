// Stop strings: against a matcher that looks at the whole text each time, cut at every border.
#include "session/stop_rules.h"

#include "base/utf8.h"
#include "session/random.h"
#include "support/catch.h"
#include "support/counted_allocations.h"

namespace {

using sluice::StopStrings;

// The same promises, carried out by search through all that is held back.
class NaiveStopStrings {
public:
    explicit NaiveStopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {}

    std::optional<std::uint32_t> push(const std::string& text, std::string& out) {
        held_ += text;
        std::optional<std::uint32_t> best;
        std::size_t best_begin = std::string::npos;
        for (std::uint32_t k = 0; k < strings_.size(); ++k) {
            const std::size_t begin = held_.find(strings_[k]);
            if (begin == std::string::npos || begin > best_begin) continue;
            if (begin == best_begin && strings_[k].size() <= strings_[*best].size()) continue;
            best = k;
            best_begin = begin;
        }
        std::size_t n_certain = best ? best_begin : 0;
        while (!best && n_certain < held_.size() && !may_begin(held_.substr(n_certain))) ++n_certain;
        out += held_.substr(0, n_certain);
        held_ = best ? "" : held_.substr(n_certain);
        return best;
    }

    std::string held() const { return held_; }

private:
    bool may_begin(const std::string& tail) const {
        for (const std::string& string : strings_) {
            if (string.compare(0, tail.size(), tail) == 0) return true;
        }
        return false;
    }

    std::vector<std::string> strings_;
    std::string held_;
};

StopStrings made(std::vector<std::string> strings) {
    auto result = StopStrings::create(std::move(strings));
    REQUIRE(result.ok());
    return std::move(result).value();
}

std::string random_text(sluice::Random& random, std::size_t n_characters,
                        const std::vector<std::string>& alphabet) {
    std::string text;
    for (std::size_t i = 0; i < n_characters; ++i) text += alphabet[random.next() % alphabet.size()];
    return text;
}

}  // namespace

TEST_CASE("stop strings: text before the stop string passes, the rest is dropped") {
    StopStrings stop = made({"END"});
    std::string out;
    CHECK_FALSE(stop.push("hello E", out));
    CHECK(out == "hello ");
    CHECK_FALSE(stop.push("N", out));
    CHECK(out == "hello ");
    CHECK(stop.push("D and more", out) == 0U);
    CHECK(out == "hello ");
    stop.finish(out);
    CHECK(out == "hello ");
}

TEST_CASE("stop strings: only what may begin a stop string is held back") {
    StopStrings stop = made({"aab"});
    std::string out;
    CHECK_FALSE(stop.push("aaa", out));
    CHECK(out == "a");
    CHECK_FALSE(stop.push("c", out));
    CHECK(out == "aaac");
    CHECK_FALSE(stop.push("a", out));
    stop.finish(out);
    CHECK(out == "aaaca");
    CHECK_FALSE(stop.push("ab", out));  // what was given out cannot be part of a stop string any more
    CHECK(out == "aaacaab");
    CHECK_FALSE(stop.push("aa", out));
    stop.reset();
    stop.finish(out);
    CHECK(out == "aaacaab");
}

TEST_CASE("stop strings: the one that begins first wins, then the longest, then the lower index") {
    std::string out;
    CHECK(made({"bc", "abcd"}).push("xabcd", out) == 1U);
    CHECK(out == "x");
    out.clear();
    CHECK(made({"ab", "abc", "abc"}).push("zabc", out) == 1U);
    CHECK(out == "z");
    out.clear();
    StopStrings stop = made({"bc", "abcd"});
    CHECK(stop.push("xabc", out) == 0U);  // complete now; "abcd" may never come
    CHECK(out == "xa");
    out.clear();
    CHECK_FALSE(stop.push("d", out));  // a match leaves nothing behind
    CHECK(out == "d");
}

TEST_CASE("stop strings: every border of a text gives what a search through all of it gives") {
    const std::vector<std::string> strings = {"ab", "bab", "abba",
                                              "\xC3\xA9"
                                              "a"};
    const std::string text =
        "xab\xC3\xA9yabbab\xC3\xA9"
        "abab";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        StopStrings stop = made(strings);
        NaiveStopStrings naive(strings);
        std::string out;
        std::string expected;
        for (const std::string& piece : {text.substr(0, cut), text.substr(cut)}) {
            const auto found = stop.push(piece, out);
            CHECK(found == naive.push(piece, expected));
            CHECK(out == expected);
        }
    }
}

TEST_CASE("stop strings: agree with a naive matcher on random texts, and give out whole characters") {
    sluice::Random random(11);
    const std::vector<std::string> alphabet = {"a", "b", "\xC3\xA9", "\xC3\xA8", "\xE2\x82\xAC"};
    std::size_t n_found = 0;
    std::size_t n_held = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::size_t n_letters = 2 + random.next() % (alphabet.size() - 1);
        const std::vector<std::string> letters(alphabet.begin(),
                                               alphabet.begin() + static_cast<std::ptrdiff_t>(n_letters));
        std::vector<std::string> strings;
        for (std::size_t n = random.next() % 6; n > 0; --n) {
            strings.push_back(random_text(random, 1 + random.next() % 7, letters));
        }
        StopStrings stop = made(strings);
        NaiveStopStrings naive(strings);
        std::string all;
        std::string all_expected;
        for (int piece = 0; piece < 20; ++piece) {
            const std::string text = random_text(random, random.next() % 4, letters);
            std::string out;
            std::string expected;
            const auto found = stop.push(text, out);
            REQUIRE(found == naive.push(text, expected));
            REQUIRE(out == expected);
            REQUIRE(sluice::is_utf8(out));
            n_found += found.has_value() ? 1 : 0;
            n_held += naive.held().empty() ? 0 : 1;
        }
        std::string rest;
        stop.finish(rest);
        REQUIRE(rest == naive.held());
    }
    CHECK(n_found > 1000);
    CHECK(n_held > 1000);
}

TEST_CASE("stop strings: none lets everything pass at once") {
    StopStrings stop = made({});
    std::string out;
    CHECK_FALSE(stop.push("anything", out));
    CHECK(out == "anything");
}

TEST_CASE("stop strings: refused ones are named with their number") {
    const auto status = [](std::vector<std::string> strings) {
        return StopStrings::create(std::move(strings)).error().status;
    };
    CHECK(status({"a", ""}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(StopStrings::create({"a", ""}).error().message == "stop string 1 is empty");
    CHECK(status({"\xC3"}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(StopStrings::create({"\xA9"}).error().message == "stop string 0 is not UTF-8");
    CHECK(status({std::string(4097, 'a')}) == SLUICE_E_LIMIT);
    CHECK(StopStrings::create({std::string(4097, 'a')}).error().message ==
          "stop string 0 has 4097 bytes, more than 4096");
    CHECK(status(std::vector<std::string>(65, "a")) == SLUICE_E_LIMIT);
    CHECK(StopStrings::create(std::vector<std::string>(64, std::string(4096, 'a'))).ok());
}

TEST_CASE("stop strings: the largest set works on the most repetitive text, without allocation") {
    std::vector<std::string> strings;
    for (std::size_t i = 0; i < 64; ++i) strings.push_back(std::string(4095 - i, 'a') + "b");
    StopStrings stop = made(strings);
    CHECK(stop.memory() >= 64 * 4096);
    std::string out;
    out.reserve(20000);
    const auto before = sluice_test::n_allocations();
    bool found = false;
    for (int i = 0; i < 5000; ++i) found |= stop.push("a", out).has_value();
    const auto index = stop.push("b", out);
    CHECK(sluice_test::n_allocations() == before);
    CHECK_FALSE(found);
    CHECK(index == 0U);
    CHECK(out == std::string(5000 - 4095, 'a'));
}
