// Reading forward with a bound; block reads for sources without bytes.
#include "model/cursor.h"

#include <algorithm>

#include "base/sentence.h"

namespace sluice {
namespace {

constexpr std::uint64_t kBlockSize = 256u << 10;

}  // namespace

Cursor::Cursor(const Source& source, std::uint64_t budget, std::string_view budget_name)
    : source_(source), budget_(budget), budget_name_(budget_name) {}

Result<std::span<const std::byte>> Cursor::take(std::uint64_t size, std::string_view what) {
    if (size > remaining()) {
        return error_at(position_, SLUICE_E_CORRUPT, "the file ends inside ", what, ": ", size,
                        " bytes are needed, ", remaining(), " remain");
    }
    if (size > budget_ - std::min(budget_, position_)) {
        return error_at(position_, SLUICE_E_LIMIT, what, " passes the budget of ", budget_, " bytes for ",
                        budget_name_);
    }
    const std::uint64_t start = position_;
    position_ += size;
    const std::span<const std::byte> bytes = source_.bytes();
    if (!bytes.empty()) return bytes.subspan(start, size);
    const bool is_inside = start >= window_start_ && start - window_start_ <= window_.size() &&
                           size <= window_.size() - (start - window_start_);
    if (!is_inside) {
        window_.resize(std::min(std::max(size, kBlockSize), source_.size() - start));
        window_start_ = start;
        Done done = source_.read(start, window_);
        if (!done) {
            window_.clear();
            position_ = start;
            return std::move(done).error();
        }
    }
    return std::span<const std::byte>(window_).subspan(start - window_start_, size);
}

}  // namespace sluice
