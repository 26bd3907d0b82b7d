#include "base/memory.h"
#include "base/checked.h"
#include "support/catch.h"

using namespace sluice;

TEST_CASE("checked: arithmetic that does not fit says so") {
    constexpr std::uint64_t most = ~std::uint64_t{0};
    CHECK(checked_add(most, 0) == most);
    CHECK_FALSE(checked_add(most, 1));
    CHECK(checked_mul(most, 1) == most);
    CHECK(checked_mul(most, 0) == 0u);
    CHECK_FALSE(checked_mul(most / 2 + 1, 2));
    CHECK_FALSE(checked_product({1ull << 32, 1ull << 32}));
    CHECK(checked_product({}) == 1u);
    CHECK(checked_align(65, 64) == 128u);
    CHECK(checked_align(0, 64) == 0u);
    CHECK_FALSE(checked_align(most, 64));
    CHECK_FALSE(checked_cast<std::int32_t>(std::uint64_t{1} << 31));
    CHECK_FALSE(checked_cast<std::uint32_t>(-1));
}

TEST_CASE("memory: a block is aligned, zeroed, and charged while it lives") {
    MemoryBudget budget(1000);
    {
        auto block = Block::allocate(budget, 1000, "the test");
        REQUIRE(block.ok());
        CHECK(reinterpret_cast<std::uintptr_t>(block->data()) % 64 == 0);
        for (std::size_t i = 0; i < 1000; ++i) REQUIRE(block->data()[i] == std::byte{0});
        CHECK(budget.used() == 1000);
        const Block moved = std::move(*block);
        CHECK(budget.used() == 1000);
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("memory: what the budget refuses is not charged, and the message has the numbers") {
    MemoryBudget budget(1000);
    const auto first = Block::allocate(budget, 600, "the first");
    const auto second = Block::allocate(budget, 401, "the second");
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().status == SLUICE_E_OUT_OF_MEMORY);
    CHECK(second.error().message.find("the second") != std::string::npos);
    CHECK(second.error().message.find("401") != std::string::npos);
    CHECK(budget.used() == 600);
}

TEST_CASE("memory: a charge is given back once") {
    MemoryBudget budget(1000);
    {
        auto charge = Charge::take(budget, 700, "the test");
        REQUIRE(charge.ok());
        const Charge moved = std::move(*charge);
        CHECK(budget.used() == 700);
        CHECK_FALSE(Charge::take(budget, 301, "too much").ok());
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("memory: a size that no system has is refused without a limit too") {
    MemoryBudget budget;
    CHECK_FALSE(Block::allocate(budget, ~std::uint64_t{0}, "everything").ok());
    CHECK_FALSE(Block::allocate(budget, std::uint64_t{1} << 60, "nearly everything").ok());
    CHECK(budget.used() == 0);
}

TEST_CASE("memory: a counting carver and a carving one agree") {
    MemoryBudget budget;
    Carver counted;
    CHECK(counted.take<float>(3).empty());
    counted.take<std::int32_t>(17);
    auto block = Block::allocate(budget, counted.used(), "the test");
    REQUIRE(block.ok());
    Carver carver(&*block);
    const auto first = carver.take<float>(3);
    const auto second = carver.take<std::int32_t>(17);
    CHECK(first.size() == 3);
    CHECK(second.size() == 17);
    CHECK(reinterpret_cast<std::byte*>(second.data()) == block->data() + 64);
    CHECK(carver.used() == counted.used());
}
