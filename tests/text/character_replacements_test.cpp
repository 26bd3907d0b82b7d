// Tables of character replacements, laid out by hand.
#include "text/character_replacements.h"

#include <vector>

#include "support/catch.h"

namespace sluice {
namespace {

std::string table_of(const std::vector<std::uint32_t>& units, std::string_view replacements) {
    std::string table;
    const auto put = [&table](std::uint32_t value) {
        for (unsigned shift = 0; shift < 32; shift += 8) table += static_cast<char>(value >> shift & 0xFF);
    };
    put(static_cast<std::uint32_t>(units.size() * 4));
    for (const std::uint32_t unit : units) put(unit);
    return table.append(replacements);
}

constexpr std::uint32_t kValue = 1u << 31;
constexpr std::uint32_t kHasValue = 1u << 8;

std::uint32_t node(char label, std::uint32_t offset, std::uint32_t flags = 0) {
    return offset << 10 | flags | static_cast<unsigned char>(label);
}

// "A" becomes "a", "AB" becomes "x", and 'c' leads to itself for ever. A node's children lie at its own place
// xor its offset xor their label; its value at its own place xor its offset.
std::vector<std::uint32_t> small_trie() {
    std::vector<std::uint32_t> units(512, 0);
    units[0] = 256u << 10;
    units[256 ^ 'A'] = node('A', (256 ^ 'A') ^ 128, kHasValue);
    units[128] = kValue | 0;
    units[128 ^ 'B'] = node('B', (128 ^ 'B') ^ 129, kHasValue);
    units[129] = kValue | 2;
    units[256 ^ 'c'] = node('c', 'c');
    return units;
}

const std::string kReplacements("a\0x\0", 4);

}  // namespace

TEST_CASE("character replacements: the longest sequence is replaced, the rest stays") {
    const auto table = CharacterReplacements::read(table_of(small_trie(), kReplacements));
    REQUIRE(table);
    CHECK(table->apply("") == "");
    CHECK(table->apply("A") == "a");
    CHECK(table->apply("ABAACB") == "xaaCB");
    CHECK(table->apply("é A\xFF") == "é a\xFF");
}

TEST_CASE("character replacements: no table replaces nothing") {
    CHECK(CharacterReplacements().apply("AB") == "AB");
    const auto table = CharacterReplacements::read("");
    REQUIRE(table);
    CHECK(table->apply("AB") == "AB");
}

TEST_CASE("character replacements: sizes that contradict each other are corrupt") {
    for (const std::string& bad : {std::string("abc"), std::string("\0\0\0\0", 4),
                                   std::string("\5\0\0\0abcde", 9), std::string("\xFF\xFF\xFF\xFFzzzz")}) {
        const auto table = CharacterReplacements::read(bad);
        REQUIRE_FALSE(table);
        CHECK(table.error().status == SLUICE_E_CORRUPT);
    }
}

TEST_CASE("character replacements: a trie that lies leaves the text whole or shorter, never more is read") {
    auto units = small_trie();
    const std::string circle(100000, 'c');
    const auto honest = CharacterReplacements::read(table_of(units, kReplacements));
    REQUIRE(honest);
    CHECK(honest->apply(circle) == circle);
    units[128] = kValue | 1000;  // a replacement behind the end
    units[0] |= 1u << 9;         // children far outside the trie
    const auto outside = CharacterReplacements::read(table_of(units, kReplacements));
    REQUIRE(outside);
    CHECK(outside->apply("AB") == "AB");
    units[0] = 256u << 10;
    const auto behind = CharacterReplacements::read(table_of(units, ""));
    REQUIRE(behind);
    CHECK(behind->apply("A") == "");
}

}  // namespace sluice
