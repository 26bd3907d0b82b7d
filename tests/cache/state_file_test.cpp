// State files: every bit of the cache comes back, and nothing altered is taken for one.
#include "cache/state_file.h"

#include <cstring>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace sluice;

namespace {

// Small, so that every bit of its file can be flipped: a page of 256 positions has 1 KiB.
Config small_config() {
    Config config;
    config.hidden_size = 4;
    config.vocabulary_size = 300;
    config.context_size = 1000;
    config.n_heads = 1;
    config.n_kv_heads = 1;
    config.head_size = 1;
    config.convolution_width = 3;
    config.is_attention = {false, true};
    return config;
}

constexpr StateIdentity kIdentity{0x1122334455667788, 0x99AABBCCDDEEFF00};
constexpr KvCacheOptions kOptions{600, KvType::kF16, KvType::kF16};

// A cache of n tokens with something in every place.
KvCache filled(MemoryBudget& budget, std::uint64_t n_tokens, const KvCacheOptions& options = kOptions) {
    auto made = KvCache::create(small_config(), options, budget);
    REQUIRE(made);
    KvCache cache = std::move(*made);
    REQUIRE(cache.make_room(n_tokens));
    for (std::uint64_t i = 0; i < n_tokens; ++i) {
        const auto value = static_cast<float>(i + 1);
        cache.store_key(0, 0, i, &value);
        const float negative = -value;
        cache.store_value(0, 0, i, &negative);
        const auto id = static_cast<TokenId>(i % 300);
        cache.advance({&id, 1}, i % 3 == 0 ? TokenRole::kGenerated : TokenRole::kPrompt);
    }
    for (float& x : cache.convolution_state(0)) x = 0.25F * static_cast<float>(n_tokens);
    return cache;
}

std::vector<std::byte> file_of(const KvCache& cache, std::span<const std::byte> more = {}) {
    std::vector<std::byte> bytes;
    const auto sink = ByteSink::to_memory(bytes);
    REQUIRE(write_state(cache, small_config(), kIdentity, more, *sink));
    return bytes;
}

Result<LoadedState> load(const std::vector<std::byte>& bytes, MemoryBudget& budget,
                         const KvCacheOptions& options = kOptions, const Config& config = small_config(),
                         const StateIdentity& identity = kIdentity) {
    return read_state(*Source::from_memory(bytes), config, identity, options, budget);
}

std::int32_t status_of(const Result<LoadedState>& loaded) {
    return loaded ? SLUICE_OK : loaded.error().status;
}

bool are_equal(const KvCache& a, const KvCache& b) {
    if (a.position() != b.position() || a.log().ids != b.log().ids || a.log().roles != b.log().roles)
        return false;
    const auto n = static_cast<std::size_t>(a.position());
    std::vector<float> left(n);
    std::vector<float> right(n);
    a.read_keys(0, 0, 0, n, left.data());
    b.read_keys(0, 0, 0, n, right.data());
    if (left != right) return false;
    a.read_values(0, 0, 0, n, left.data());
    b.read_values(0, 0, 0, n, right.data());
    return left == right && std::equal(a.states().begin(), a.states().end(), b.states().begin());
}

}  // namespace

TEST_CASE("state file: all of a cache comes back, at any length") {
    MemoryBudget budget;
    for (const std::uint64_t n_tokens : {0u, 1u, 15u, 16u, 255u, 256u, 257u, 512u, 600u}) {
        const KvCache cache = filled(budget, n_tokens);
        const std::vector<std::byte> more(17, std::byte{0x5A});
        const auto loaded = load(file_of(cache, more), budget);
        INFO(n_tokens << " tokens: " << (loaded ? "" : loaded.error().message));
        REQUIRE(loaded);
        CHECK(are_equal(cache, loaded->cache));
        CHECK(loaded->more == more);
        CHECK(loaded->cache.capacity() == 600);
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("state file: what was forgotten is not written, and stays in caches that remember it") {
    MemoryBudget budget;
    KvCache cache = filled(budget, 200);
    const auto fork = cache.fork();
    REQUIRE(fork);
    REQUIRE(cache.rewind(100));
    TokenLog again;
    again.ids.assign(fork->log().ids.begin() + 96, fork->log().ids.begin() + 100);
    cache.advance(std::span(again.ids).last(100 - cache.position()), TokenRole::kPrompt);
    const KvCache fresh = filled(budget, 100);
    const std::vector<std::byte> bytes = file_of(cache);
    const auto loaded = load(bytes, budget);
    REQUIRE(loaded);
    const auto page = loaded->cache.page(0);
    const auto expected = fresh.page(0);
    CHECK(std::equal(page.begin(), page.end(), expected.begin()));
    CHECK(are_equal(*fork, filled(budget, 200)));
}

TEST_CASE("state file: cut short anywhere, or longer than it is, it is refused") {
    MemoryBudget budget;
    const std::vector<std::byte> bytes = file_of(filled(budget, 20), std::vector<std::byte>(8));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        INFO(size << " of " << bytes.size() << " bytes");
        REQUIRE(status_of(load(cut, budget)) == SLUICE_E_CORRUPT);
    }
    std::vector<std::byte> longer = bytes;
    longer.push_back(std::byte{0});
    CHECK(status_of(load(longer, budget)) == SLUICE_E_CORRUPT);
    CHECK(budget.used() == 0);
}

TEST_CASE("state file: with any bit flipped it is refused") {
    MemoryBudget budget;
    std::vector<std::byte> bytes = file_of(filled(budget, 20), std::vector<std::byte>(8));
    std::size_t n_taken = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        const std::byte mask{static_cast<unsigned char>(1u << bit % 8)};
        bytes[bit / 8] ^= mask;
        n_taken += load(bytes, budget).ok();
        bytes[bit / 8] ^= mask;
    }
    CHECK(n_taken == 0);
    CHECK(load(bytes, budget));
}

TEST_CASE("state file: of another model, tokenizer, type or size it is refused, and the error says so") {
    MemoryBudget budget;
    const std::vector<std::byte> bytes = file_of(filled(budget, 300));
    const Config config = small_config();
    CHECK(status_of(load(bytes, budget, kOptions, config, {kIdentity.model + 1, kIdentity.tokenizer})) ==
          SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_of(load(bytes, budget, kOptions, config, {kIdentity.model, 0})) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_of(load(bytes, budget, {600, KvType::kF32, KvType::kF16})) == SLUICE_E_UNSUPPORTED);
    CHECK(status_of(load(bytes, budget, {600, KvType::kF16, KvType::kF32})) == SLUICE_E_UNSUPPORTED);
    const auto small = load(bytes, budget, {299, KvType::kF16, KvType::kF16});
    REQUIRE(status_of(small) == SLUICE_E_LIMIT);
    CHECK(small.error().message.find("300") != std::string::npos);
    CHECK(small.error().message.find("299") != std::string::npos);
    CHECK(load(bytes, budget, {300, KvType::kF16, KvType::kF16}));

    Config other = config;
    other.head_size = 2;
    CHECK(status_of(load(bytes, budget, kOptions, other)) == SLUICE_E_CORRUPT);
    other = config;
    other.vocabulary_size = 299;  // token 299 is in the file
    CHECK(status_of(load(bytes, budget, kOptions, other)) == SLUICE_E_CORRUPT);
    std::vector<std::byte> too_much(kMaxMoreState + 1);
    std::vector<std::byte> out;
    CHECK(
        write_state(filled(budget, 1), config, kIdentity, too_much, *ByteSink::to_memory(out)).error().status ==
        SLUICE_E_LIMIT);
}

TEST_CASE("state file: without memory for it, it is refused") {
    MemoryBudget unlimited;
    const std::vector<std::byte> bytes = file_of(filled(unlimited, 300));
    MemoryBudget budget(1500);
    CHECK(status_of(load(bytes, budget)) == SLUICE_E_OUT_OF_MEMORY);
    CHECK(budget.used() == 0);
}
