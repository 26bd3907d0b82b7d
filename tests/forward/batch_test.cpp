// Several conversations in one pass: each has the bits that it has alone, whoever computes beside it.
#include <algorithm>
#include <cstring>
#include <random>

#include "forward/oracle.h"
#include "forward/rig.h"
#include "model/random_model.h"

using namespace sluice_test;

namespace {

// Tokens that one pass computes for a conversation.
struct Part {
    std::vector<TokenId> ids;
    TokenRole role = TokenRole::kPrompt;
    std::vector<float> logits;  // of all of its tokens, computed alone
};

struct Conversation {
    std::vector<Part> parts;
    std::size_t begins = 0;  // at which pass
};

using Random = std::mt19937;

std::size_t pick(Random& random, std::size_t first, std::size_t last) {
    return first + random() % (last - first + 1);
}

// A prompt in chunks, generated tokens one or two at a time, and another prompt.
Conversation make_conversation(Random& random, std::size_t vocabulary_size) {
    Conversation conversation;
    conversation.begins = pick(random, 0, 5);
    const auto add = [&](std::size_t n_ids, TokenRole role) {
        Part part;
        part.role = role;
        for (std::size_t i = 0; i < n_ids; ++i) {
            part.ids.push_back(static_cast<TokenId>(pick(random, 20, vocabulary_size - 1)));
        }
        conversation.parts.push_back(std::move(part));
    };
    for (std::size_t i = pick(random, 1, 3); i > 0; --i) {
        add(pick(random, 1, kIsSlowBuild ? 9 : 28), TokenRole::kPrompt);
    }
    for (std::size_t i = pick(random, 1, 5); i > 0; --i) add(pick(random, 1, 2), TokenRole::kGenerated);
    add(pick(random, 1, 20), TokenRole::kPrompt);
    return conversation;
}

void compute_alone(Rig& rig, Conversation& conversation) {
    KvCache cache = rig.cache(128);
    for (Part& part : conversation.parts) {
        part.logits = rig.run(part.ids, cache, LogitRows::kAll, nullptr, part.role);
    }
}

// All of them, each from its own pass on, with different rows asked for at every pass.
void check_together(Rig& rig, const std::vector<Conversation>& conversations, Random& random) {
    const std::size_t n_logits = rig.model->config().vocabulary_size;
    std::vector<KvCache> caches;
    for (std::size_t i = 0; i < conversations.size(); ++i) caches.push_back(rig.cache(128));
    std::vector<std::size_t> next(conversations.size(), 0);
    for (std::size_t n_pass = 0; n_pass < 20; ++n_pass) {
        std::vector<Sequence> sequences;
        std::vector<const Part*> parts;
        for (const TokenRole role : {TokenRole::kGenerated, TokenRole::kPrompt}) {
            for (std::size_t i = 0; i < conversations.size(); ++i) {
                if (n_pass < conversations[i].begins || next[i] == conversations[i].parts.size()) continue;
                const Part& part = conversations[i].parts[next[i]];
                if (part.role != role || std::count(parts.begin(), parts.end(), &part) > 0) continue;
                parts.push_back(&part);
                const auto rows = static_cast<LogitRows>(random() % 3);
                sequences.push_back({part.ids, role, rows, &caches[i], {}});
            }
        }
        if (sequences.empty()) continue;
        std::size_t n_rows = 0;
        const auto rows_of = [](const Sequence& sequence) -> std::size_t {
            if (sequence.rows == LogitRows::kNone) return 0;
            return sequence.rows == LogitRows::kAll ? sequence.tokens.size() : 1;
        };
        for (const Sequence& sequence : sequences) n_rows += rows_of(sequence);
        std::vector<float> logits(n_rows * n_logits);
        const CancelFlag never = false;
        REQUIRE(rig.pass->run_batch(sequences, logits, nullptr, never));
        const float* found = logits.data();
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            CHECK(!sequences[i].failure);
            const std::size_t size = rows_of(sequences[i]) * n_logits;
            const float* expected = parts[i]->logits.data() + (parts[i]->logits.size() - size);
            INFO("pass " << n_pass << ", sequence " << i << " of " << sequences.size());
            CHECK(std::memcmp(found, expected, size * sizeof(float)) == 0);
            found += size;
        }
        for (std::size_t i = 0; i < conversations.size(); ++i) {
            if (n_pass >= conversations[i].begins && next[i] < conversations[i].parts.size()) ++next[i];
        }
    }
}

// `given` is a path or a source of bytes.
template <class Given>
void check_batches(const std::string& what, const Given& given, RigOptions options) {
    std::vector<Conversation> conversations;
    for (const std::uint32_t n_threads : {2u, 1u, 3u, 4u}) {
        if (kIsSlowBuild && n_threads != 2) continue;
        Random random(7);
        options.n_threads = n_threads;
        Rig rig(given, options);
        if (conversations.empty()) {
            for (int i = 0; i < 8; ++i) {
                conversations.push_back(make_conversation(random, rig.model->config().vocabulary_size));
                compute_alone(rig, conversations.back());
            }
        }
        for (const std::size_t n : {8u, 1u, 2u, 5u}) {
            if ((kIsSlowBuild || n_threads > 2) && n != 8) continue;
            INFO(what << ": " << n << " conversations, " << n_threads << " threads");
            check_together(rig, {conversations.begin(), conversations.begin() + static_cast<int>(n)}, random);
        }
    }
}

}  // namespace

TEST_CASE("forward: in one pass with others, prompts and generated tokens mixed, a sequence has its own bits") {
    for (const bool quantises : {true, false}) {
        for (const char* kind : {"moe", "dense", "tiny"}) {
            if (kIsSlowBuild && kind[0] != 't') continue;
            const auto bytes = random_model_bytes(kind, 5);
            REQUIRE(bytes);
            check_batches(kind, Source::from_memory(*bytes),
                          {.quantises = quantises, .kv_type = quantises ? KvType::kF16 : KvType::kF32});
        }
    }
}

TEST_CASE("forward: of the oracle's models too a sequence in one pass with others has its own bits") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    // The folder and BF16 hold floats: there prompts and generated tokens have sums of their own.
    for (const char* file :
         {"/moe", "/moe/model-BF16.gguf", "/moe/model-Q4_0.gguf", "/moe/model-Q4_K_M.gguf"}) {
        if (kIsSlowBuild && file[4] != '\0') continue;
        check_batches(file, oracle + file, {.quantises = true, .kv_type = KvType::kF16});
    }
}
