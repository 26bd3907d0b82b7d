// Files that lie: each is refused with the right status and a message, or loads, and nothing else happens.
#include <array>
#include <cstring>
#include <functional>

#include "model/model.h"
#include "model/random_model.h"
#include "support/catch.h"
#include "support/malformed_gguf.h"

namespace sluice {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

Result<std::shared_ptr<const Model>> open_bytes(std::span<const std::byte> bytes, Access access) {
    static MemoryBudget budget;  // outlives every model
    ModelOptions options;
    options.access = access;
    return Model::open_source(Source::from_memory(bytes), options, budget, Log());
}

void check(const MalformedCase& malformed, const Result<std::shared_ptr<const Model>>& result) {
    INFO(malformed.name);
    const int status = result ? 0 : result.error().status;
    INFO("status " << status << ": " << (result ? "" : result.error().message));
    if (malformed.outcome == Outcome::kAnyError) {
        CHECK(status < 0);
        CHECK(status != SLUICE_E_INTERNAL);
    } else {
        CHECK(status == static_cast<int>(malformed.outcome));
    }
    if (result) return;
    CHECK_FALSE(result.error().message.empty());
    CHECK(result.error().message.find(malformed.in_message) != std::string::npos);
}

void check_all(const std::vector<MalformedCase>& cases, std::size_t at_least) {
    CHECK(cases.size() >= at_least);
    for (const MalformedCase& malformed : cases) {
        check(malformed, open_bytes(bytes_of(malformed.bytes), Access::kMap));
    }
}

Source::ReadAt reading_from(std::span<const std::byte> bytes) {
    return [bytes](std::uint64_t offset, void* buffer, std::uint64_t size) {
        const std::uint64_t n = std::min<std::uint64_t>({size, 1000, bytes.size() - offset});
        std::memcpy(buffer, bytes.data() + offset, n);
        return static_cast<std::int64_t>(n);
    };
}

}  // namespace

TEST_CASE("gguf: a container that is cut, swapped or of another version is refused") {
    check_all(malformed_containers(), 100);
}

TEST_CASE("gguf: key-values that lie about types, counts and sizes are refused") {
    check_all(malformed_metadata(), 150);
}

TEST_CASE("gguf: tensors that wrap, overlap, repeat or leave the file are refused") {
    check_all(malformed_tensors(), 70);
}

TEST_CASE("gguf: a model that contradicts itself is refused, an odd one loads") {
    check_all(malformed_models(), 200);
}

TEST_CASE("gguf: a vocabulary that contradicts itself is refused") {
    check_all(malformed_tokenizers(), 40);
}

TEST_CASE("gguf: read in blocks, every malformed file has the same outcome") {
    for (const auto& make : {malformed_containers, malformed_metadata, malformed_tensors, malformed_models}) {
        for (const MalformedCase& malformed : make()) {
            const auto bytes = bytes_of(malformed.bytes);
            MemoryBudget budget;
            check(malformed, Model::open_source(Source::from_callback(bytes.size(), reading_from(bytes)), {},
                                                budget, Log()));
            CHECK(budget.used() == 0);
        }
    }
}

TEST_CASE("gguf: an error tells the byte where the file is wrong") {
    RawGguf file = raw_model();
    file.keys.push_back({"odd", 99, ""});
    const std::string text = file.build();
    auto result = open_bytes(bytes_of(text), Access::kMap);
    REQUIRE_FALSE(result);
    const auto offset = static_cast<std::size_t>(result.error().file_offset);
    REQUIRE(offset < text.size());
    CHECK(text[offset] == 99);
}

TEST_CASE("gguf: a shape that is wrong is told beside the one expected") {
    RawGguf file = raw_model();
    file.reshape("blk.1.ffn_gate_exps.weight", {32, 95, 4});
    const std::string text = file.build();
    auto result = open_bytes(bytes_of(text), Access::kMap);
    REQUIRE_FALSE(result);
    CHECK(result.error().message.find(
              "tensor blk.1.ffn_gate_exps.weight has shape 32x95x4, expected 32x96x4") == 0);
}

TEST_CASE("gguf: a model cut at any byte is refused") {
    const auto bytes = random_model_bytes("tiny", 1);
    REQUIRE(bytes);
    const std::span<const std::byte> whole(*bytes);
    std::size_t n_loaded = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A copy of exact size, so that a sanitizer sees a read behind the end.
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto result = open_bytes(cut, Access::kMap);
        n_loaded += result.ok();
    }
    // The padding behind the last tensor may be missing.
    CHECK(n_loaded < 32);
    CHECK(open_bytes(whole, Access::kMap));
}

TEST_CASE("gguf: a flipped bit gives an error or a model, never anything else") {
    auto bytes = random_model_bytes("tiny", 1);
    REQUIRE(bytes);
    std::size_t n_loaded = 0;
    std::size_t n_refused = 0;
    for (std::size_t bit = 0; bit < 4096 * 8; ++bit) {
        std::byte& byte = (*bytes)[bit / 8];
        const std::byte flip = std::byte{1} << static_cast<int>(bit % 8);
        byte ^= flip;
        const auto result = open_bytes(*bytes, Access::kMap);
        byte ^= flip;
        ++(result ? n_loaded : n_refused);
        if (result) continue;
        const std::int32_t status = result.error().status;
        const bool is_expected = status == SLUICE_E_CORRUPT || status == SLUICE_E_UNSUPPORTED ||
                                 status == SLUICE_E_LIMIT || status == SLUICE_E_NOT_FOUND;
        if (!is_expected) FAIL("bit " << bit << ": " << status << " " << result.error().message);
    }
    CHECK(n_loaded > 0);
    CHECK(n_refused > 1000);
}

}  // namespace sluice
