// Beginnings that sessions share: found, kept within a budget, and never seen in the logits.
#include <thread>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

struct Place {
    Place() {
        sluice_tokenizer* made = nullptr;
        REQUIRE(sluice_tokenizer_of_model(model.get(), &made, nullptr) == SLUICE_OK);
        const Handle<sluice_tokenizer> tokenizer(made);
        const std::string_view text = "<|im_start|>";
        REQUIRE(sluice_tokenizer_find(tokenizer.get(), text.data(), text.size(), &begin, nullptr) == SLUICE_OK);
    }
    Handle<sluice_prefix_tree> tree(std::uint64_t most_bytes) const {
        sluice_prefix_tree* made = nullptr;
        REQUIRE(sluice_prefix_tree_create(model.get(), most_bytes, &made, nullptr) == SLUICE_OK);
        return Handle<sluice_prefix_tree>(made);
    }
    Handle<sluice_session> session(sluice_prefix_tree* tree) const {
        auto made = make_session(model.get());
        REQUIRE(sluice_session_share_prefixes(made.get(), tree, nullptr) == SLUICE_OK);
        return made;
    }
    std::vector<std::int32_t> message(std::size_t size, std::int32_t first) const {
        std::vector<std::int32_t> ids = {begin};
        const auto more = some_ids(size - 1, first);
        ids.insert(ids.end(), more.begin(), more.end());
        return ids;
    }

    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model = open_model(engine.get(), "moe");
    std::int32_t begin = -1;
};

std::vector<std::int32_t> chat(std::initializer_list<std::vector<std::int32_t>> messages) {
    std::vector<std::int32_t> ids;
    for (const auto& message : messages) ids.insert(ids.end(), message.begin(), message.end());
    return ids;
}

std::uint64_t prompt(sluice_session* session, const std::vector<std::int32_t>& ids) {
    std::uint64_t n_reused = 0;
    REQUIRE(sluice_session_prompt(session, ids.data(), ids.size(), &n_reused, nullptr) == SLUICE_OK);
    return n_reused;
}

std::vector<float> fresh_logits(const Place& place, const std::vector<std::int32_t>& ids) {
    const auto session = make_session(place.model.get());
    REQUIRE(feed(session.get(), ids) == SLUICE_OK);
    return logits_of(session.get());
}

sluice_prefix_tree_info info_of(const sluice_prefix_tree* tree) {
    auto info = sized<sluice_prefix_tree_info>();
    REQUIRE(sluice_prefix_tree_describe(tree, &info, nullptr) == SLUICE_OK);
    return info;
}

}  // namespace

TEST_CASE("prefix tree: a session takes what another one left, and its logits are as without it") {
    const Place place;
    const auto tree = place.tree(64 << 20);
    const auto system = place.message(300, 1);
    const auto question = place.message(40, 2);
    const auto answer = place.message(50, 3);
    {
        const auto first = place.session(tree.get());
        CHECK(prompt(first.get(), chat({system, question, answer})) == 0);
        CHECK(info_of(tree.get()).n_prefixes == 2);
    }
    const auto ids = chat({system, place.message(33, 4)});
    const auto second = place.session(tree.get());
    CHECK(prompt(second.get(), ids) == 301);  // the token that begins a message is common too
    CHECK(same_bits(logits_of(second.get()), fresh_logits(place, ids)));
    CHECK(generate(second.get(), 3).size() == 3);

    const auto longer = chat({system, question, place.message(12, 5), place.message(20, 6)});
    const auto third = place.session(tree.get());
    CHECK(prompt(third.get(), longer) == 340);
    CHECK(same_bits(logits_of(third.get()), fresh_logits(place, longer)));

    // In the middle of what is kept.
    const auto shorter = chat({std::vector<std::int32_t>(system.begin(), system.begin() + 111), answer});
    const auto fourth = place.session(tree.get());
    CHECK(prompt(fourth.get(), shorter) == 111);
    CHECK(same_bits(logits_of(fourth.get()), fresh_logits(place, shorter)));

    const auto alone = place.session(nullptr);
    CHECK(prompt(alone.get(), ids) == 0);
}

TEST_CASE("prefix tree: the budget holds, and what was used last stays") {
    const Place place;
    std::uint64_t one = 0;
    {
        const auto tree = place.tree(64 << 20);
        const auto session = place.session(tree.get());
        prompt(session.get(), some_ids(200, 1));
        one = info_of(tree.get()).size;
    }
    const auto tree = place.tree(2 * one + one / 2);
    for (const std::int32_t first : {1, 2, 1, 3, 4}) {
        const auto session = place.session(tree.get());
        prompt(session.get(), some_ids(200, first));
        CHECK(info_of(tree.get()).size <= 2 * one + one / 2);
    }
    CHECK(info_of(tree.get()).n_prefixes == 2);
    const auto reused = [&](std::int32_t first) {
        const auto session = make_session(place.model.get());
        REQUIRE(sluice_session_share_prefixes(session.get(), tree.get(), nullptr) == SLUICE_OK);
        return prompt(session.get(), some_ids(150, first));
    };
    CHECK(reused(4) == 149);
    CHECK(reused(2) == 0);
}

TEST_CASE("prefix tree: it gives its memory back, and belongs to its model") {
    const Place place;
    const std::uint64_t before = memory_used(place.engine.get());
    {
        const auto tree = place.tree(64 << 20);
        const auto session = place.session(tree.get());
        prompt(session.get(), some_ids(300));
        CHECK(memory_used(place.engine.get()) > before);
    }
    CHECK(memory_used(place.engine.get()) == before);

    const auto other = open_model(place.engine.get(), "dense");
    const auto session = make_session(other.get());
    const auto tree = place.tree(1 << 20);
    CHECK(sluice_session_share_prefixes(session.get(), tree.get(), nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_session_share_prefixes(nullptr, tree.get(), nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_prefix_tree_describe(nullptr, nullptr, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    sluice_prefix_tree* made = nullptr;
    CHECK(sluice_prefix_tree_create(place.model.get(), 0, &made, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(made == nullptr);
}

TEST_CASE("prefix tree: sessions of several threads share one") {
    const Place place;
    const auto tree = place.tree(1 << 20);
    const auto system = place.message(60, 1);
    std::vector<std::vector<float>> expected;
    for (std::int32_t i = 0; i < 4; ++i)
        expected.push_back(fresh_logits(place, chat({system, some_ids(9, i + 2)})));
    std::vector<int> n_wrong(4, 0);
    std::vector<std::thread> threads;
    for (std::int32_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 5; ++round) {
                const auto ids = chat({system, some_ids(9, i + 2)});
                const auto options = sized<sluice_session_options>();
                sluice_session* made = nullptr;
                std::int32_t status =
                    sluice_session_create(place.model.get(), nullptr, &options, &made, nullptr);
                const Handle<sluice_session> session(made);
                status |= sluice_session_share_prefixes(session.get(), tree.get(), nullptr);
                status |= sluice_session_prompt(session.get(), ids.data(), ids.size(), nullptr, nullptr);
                std::vector<float> logits(expected[0].size());
                status |= sluice_session_logits(session.get(), logits.data(), logits.size(), nullptr, nullptr);
                n_wrong[static_cast<std::size_t>(i)] +=
                    status != SLUICE_OK || !same_bits(logits, expected[static_cast<std::size_t>(i)]);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(n_wrong == std::vector<int>(4, 0));
}
