// What constraints cost: compiling, the mask of every place on the way through random texts, and choosing under
// a mask. One thread, its processor time, 128,000 tokens.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/grammar/vocabulary.h"
#include "session/sampler.h"
#include "text/grammar/constraint_cache.h"

namespace {

using namespace sluice;
// Time of this thread's processor, so that other programs do not count.
double now_microseconds() {
    timespec time = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

double microseconds_since(double start) {
    return now_microseconds() - start;
}

struct Case {
    const char* name;
    grammar::ConstraintKind kind;
    const char* text;
};

constexpr Case kCases[] = {
    {"any JSON", grammar::ConstraintKind::kJsonSchema, "true"},
    {"form", grammar::ConstraintKind::kJsonSchema,
     R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},
     "email":{"type":"string","format":"email"},"tags":{"type":"array","items":{"type":"string","maxLength":20},
     "maxItems":5},"note":{"type":"string"}},"required":["name","age","note"]})"},
    {"bounded strings", grammar::ConstraintKind::kJsonSchema,
     R"({"type":"array","items":{"type":"string","minLength":10,"maxLength":200}})"},
    {"pattern", grammar::ConstraintKind::kJsonSchema,
     R"({"type":"array","items":{"type":"string","pattern":"^[A-Za-z ]{5,80}$"}})"},
    {"tree", grammar::ConstraintKind::kJsonSchema,
     R"({"$defs":{"n":{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":
     {"$ref":"#/$defs/n"}}},"required":["name","children"]}},"$ref":"#/$defs/n"})"},
    {"enum of 3", grammar::ConstraintKind::kJsonSchema,
     R"({"type":"array","items":{"enum":["positive","negative","neutral"]}})"},
    {"no comma", grammar::ConstraintKind::kRegex, "[^,]*"},
    {"arithmetic", grammar::ConstraintKind::kGrammar,
     "root ::= term ([-+*/] term)*\nterm ::= [0-9]+ | name | \"(\" root \")\"\nname ::= [a-z] [a-z0-9_]{0,15}"},
    {"tools", grammar::ConstraintKind::kTools,
     R"([{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer",
     "minimum":1,"maximum":14}},"required":["city"]}},{"name":"search","parameters":{"type":"object","properties":
     {"query":{"type":"string"},"limit":{"type":"integer"}},"required":["query"]}}])"},
};

constexpr int kTexts = 20;
constexpr int kTokens = 150;

// A token that the mask allows, drawn evenly; kNoToken where only the end is.
TokenId drawn(const grammar::TokenMask& mask, const grammar::VocabularyIndex& vocabulary,
              std::mt19937_64& random) {
    std::vector<TokenId> allowed;
    for (std::size_t w = 0; w < mask.words.size(); ++w) {
        for (std::size_t bit = 0; mask.words[w] != 0 && bit < 64; ++bit) {
            const auto id = static_cast<TokenId>(w * 64 + bit);
            if (mask.allows(id) && !vocabulary.bytes(id).empty()) allowed.push_back(id);
        }
    }
    return allowed.empty() ? kNoToken : allowed[random() % allowed.size()];
}

bool run(const Case& one, const Tokenizer& tokenizer) {
    const grammar::ConstraintSource source{one.kind, one.text, false, false, false, false, {}, {}};
    const auto before_compile = now_microseconds();
    auto automaton = grammar::compile(source);
    const double compile_us = microseconds_since(before_compile);
    if (!automaton) {
        std::fprintf(stderr, "%s: %s\n", one.name, automaton.error().message.c_str());
        return false;
    }
    const std::size_t n_states = automaton->n_states();
    const auto vocabulary = tokenizer.constraints().vocabulary(tokenizer);
    const auto constraint = grammar::Constraint::create(std::move(*automaton), vocabulary);
    std::mt19937_64 random(1);
    std::vector<double> times;
    std::vector<double> accepts;
    for (int text = 0; text < kTexts; ++text) {
        grammar::Matcher matcher = constraint->matcher();
        for (int step = 0; step < kTokens; ++step) {
            const auto before = now_microseconds();
            const auto mask = matcher.mask();
            times.push_back(microseconds_since(before));
            if (!mask) return false;
            const TokenId id = drawn(**mask, *vocabulary, random);
            if (id == kNoToken) break;
            const auto before_accept = now_microseconds();
            if (!matcher.accept(id)) return false;
            accepts.push_back(microseconds_since(before_accept));
        }
    }
    std::sort(times.begin(), times.end());
    std::sort(accepts.begin(), accepts.end());
    const auto statistics = constraint->statistics();
    std::printf("%-16s %8.2f %7zu %6zu %8.1f %8.1f %8.1f %8.1f %6.1f %7.1f\n", one.name, compile_us / 1000,
                n_states, times.size(), times[times.size() / 2], times[times.size() * 99 / 100], times.back(),
                accepts.back(),
                100.0 * static_cast<double>(statistics.masks_found) / static_cast<double>(times.size()),
                static_cast<double>(statistics.memory) / (1 << 20));
    return true;
}

// Choosing from logits with and without a mask.
void time_sampler(const Tokenizer& tokenizer) {
    SamplingOptions options;
    options.temperature = 0.7F;
    options.min_p = 0.05F;
    options.seed = 1;
    Sampler sampler(options, tokenizer.size(), 1);
    std::mt19937_64 random(2);
    std::vector<float> logits(tokenizer.size());
    for (float& logit : logits) logit = static_cast<float>(random() % 10'000) * 1e-3F;
    const auto vocabulary = tokenizer.constraints().vocabulary(tokenizer);
    const auto constraint = grammar::Constraint::create(
        *grammar::compile({grammar::ConstraintKind::kJsonSchema, "true", false, false, false, false, {}, {}}),
        vocabulary);
    grammar::Matcher matcher = constraint->matcher();
    if (!matcher.accept("\"")) return;
    const auto mask = *matcher.mask();
    constexpr int kRepeats = 200;
    for (const auto* with : {static_cast<const grammar::TokenMask*>(nullptr), mask.get()}) {
        std::vector<double> times;
        for (int i = 0; i < kRepeats; ++i) {
            const auto before = now_microseconds();
            if (!sampler.choose(logits, with)) return;
            times.push_back(microseconds_since(before));
        }
        std::sort(times.begin(), times.end());
        std::printf("choosing a token %s a mask: %.1f us (median of %d)\n",
                    with == nullptr ? "without" : "with", times[kRepeats / 2], kRepeats);
    }
}

}  // namespace

int main() {
    const auto tokenizer = made_vocabulary();
    if (tokenizer == nullptr) return 1;
    const auto before = now_microseconds();
    const auto vocabulary = tokenizer->constraints().vocabulary(*tokenizer);
    std::printf("vocabulary: %zu tokens, prepared in %.0f ms, %.1f MiB\n", tokenizer->size(),
                microseconds_since(before) / 1000, static_cast<double>(vocabulary->memory()) / (1 << 20));
    for (const auto& slice : vocabulary->slices())
        std::printf("  slice of up to %zu characters: %zu tokens\n", slice.max_characters, slice.n_tokens);
    std::printf("\n%-16s %8s %7s %6s %8s %8s %8s %8s %6s %7s\n", "constraint", "compile", "states", "masks",
                "median", "p99", "worst", "accept", "found", "memory");
    std::printf("%-16s %8s %7s %6s %8s %8s %8s %8s %6s %7s\n", "", "ms", "", "", "us", "us", "us", "worst us",
                "%", "MiB");
    bool is_good = true;
    for (const Case& one : kCases) is_good = run(one, *tokenizer) && is_good;
    std::printf("\n");
    time_sampler(*tokenizer);
    return is_good ? 0 : 1;
}
