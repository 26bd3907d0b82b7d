// A bounded cursor over a file: it reads forward and fails instead of passing the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/source.h"

namespace sluice {

// Reads little-endian data from the start of a source, from its bytes where there are any, otherwise in
// blocks. One thread. The source outlives it.
class Cursor {
public:
    // Up to `budget` bytes may be read; more than that is LIMIT.
    Cursor(const Source& source, std::uint64_t budget, std::string_view budget_name);

    std::uint64_t position() const { return position_; }
    std::uint64_t remaining() const { return source_.size() - position_; }  // bytes to the end of the file

    // The next size bytes, valid until the next take. `what` names them in messages.
    // Errors: CORRUPT when the file ends before, LIMIT, those of Source::read.
    Result<std::span<const std::byte>> take(std::uint64_t size, std::string_view what);

    template <class Number>
    Result<Number> number(std::string_view what) {
        static_assert(std::endian::native == std::endian::little, "files are little-endian");
        SLUICE_ASSIGN(bytes, take(sizeof(Number), what));
        Number value;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

private:
    const Source& source_;
    std::uint64_t budget_;
    std::string_view budget_name_;
    std::uint64_t position_ = 0;
    std::vector<std::byte> window_;  // for a source that can only be read
    std::uint64_t window_start_ = 0;
};

}  // namespace sluice
