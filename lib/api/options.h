// Structs that cross the boundary: from callers older and newer than this library, and back to them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {

// More than any struct of this library will ever have: a larger number is a struct that was not initialised.
constexpr std::uint32_t kMaxStructSize = 4096;

inline bool is_struct_size(std::uint32_t size) {
    return size >= 8 && size <= kMaxStructSize && size % 4 == 0;
}

inline Done check_struct_size(std::uint32_t size, std::string_view name) {
    if (is_struct_size(size)) return Nothing{};
    return make_error(SLUICE_E_INVALID_ARGUMENT, name, ".struct_size is ", size,
                      "; set it to sizeof the struct");
}

// What both sides know, also of a struct that read_options refuses; zeros where its size is none.
template <class Options>
Options known_part(const Options* given) {
    Options options = {};
    std::uint32_t size = 0;
    if (given != nullptr) std::memcpy(&size, given, sizeof size);
    if (is_struct_size(size)) std::memcpy(&options, given, std::min<std::size_t>(size, sizeof options));
    options.struct_size = sizeof options;
    return options;
}

// Copies what both sides know, takes what is missing as zero, refuses what is unknown and not zero.
// NULL means all defaults.
template <class Options>
Result<Options> read_options(const Options* given, std::string_view name) {
    if (given == nullptr) return known_part(given);
    std::uint32_t size = 0;
    std::memcpy(&size, given, sizeof size);
    SLUICE_TRY(check_struct_size(size, name));
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    if (std::any_of(bytes + std::min<std::size_t>(size, sizeof(Options)), bytes + size,
                    [](unsigned char byte) { return byte != 0; })) {
        return make_error(SLUICE_E_UNSUPPORTED, name,
                          " has fields set that this version of sluice does not know");
    }
    return known_part(given);
}

// A reserved field that is not zero is a field of a newer version.
template <class... Fields>
Done check_reserved(std::string_view name, const Fields&... fields) {
    const auto is_zero = [](const auto& field) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(&field);
        return std::all_of(bytes, bytes + sizeof field, [](unsigned char byte) { return byte == 0; });
    };
    if ((is_zero(fields) && ...)) return Nothing{};
    return make_error(SLUICE_E_UNSUPPORTED, name, " has a reserved field that is not zero");
}

// Flags that this version does not know are refused.
inline Done check_flags(std::string_view name, std::uint32_t flags, std::uint32_t known) {
    if ((flags & ~known) == 0) return Nothing{};
    return make_error(SLUICE_E_UNSUPPORTED, name, " ", flags,
                      " has bits that this version of sluice does not know");
}

inline Done check_pointer(const void* pointer, std::string_view name) {
    if (pointer != nullptr) return Nothing{};
    return make_error(SLUICE_E_INVALID_ARGUMENT, name, " is NULL");
}

// Gives a result struct to a caller who may know more or fewer fields.
template <class Info>
Done write_info(Info* out, const Info& filled, std::string_view name) {
    SLUICE_TRY(check_pointer(out, name));
    const std::uint32_t size = out->struct_size;
    SLUICE_TRY(check_struct_size(size, name));
    std::memset(out, 0, size);
    std::memcpy(out, &filled, std::min<std::size_t>(size, sizeof filled));
    out->struct_size = size;
    return Nothing{};
}

// Gives an array in the caller's buffer, or tells the capacity that would do.
template <class Item>
Done copy_out(std::span<const Item> items, Item* buffer, std::uint64_t capacity, std::uint64_t* needed) {
    if (needed != nullptr) *needed = items.size();
    if (buffer == nullptr && capacity == 0) return check_pointer(needed, "needed, with no buffer,");
    SLUICE_TRY(check_pointer(buffer, "the buffer"));
    if (items.size() > capacity) {
        return make_error(SLUICE_E_BUFFER_TOO_SMALL, "the buffer has room for ", capacity, ", needed is ",
                          items.size());
    }
    std::copy(items.begin(), items.end(), buffer);
    return Nothing{};
}

inline Done copy_out(std::string_view text, char* buffer, std::uint64_t capacity, std::uint64_t* needed) {
    return copy_out(std::span<const char>(text), buffer, capacity, needed);
}

// Text as the caller gives it; NULL is allowed for the empty one.
inline Result<std::string_view> read_text_argument(const char* text, std::uint64_t size,
                                                   std::string_view name) {
    if (size == 0) return std::string_view();
    SLUICE_TRY(check_pointer(text, name));
    return std::string_view(text, static_cast<std::size_t>(size));
}

// A fixed field of a result struct: zero-terminated, cut at a character border.
template <std::size_t Size>
void write_text(char (&field)[Size], std::string_view text) {
    std::string_view kept = text.substr(0, Size - 1);
    if (kept.size() < text.size()) kept = kept.substr(0, complete_utf8_size(kept));
    std::copy(kept.begin(), kept.end(), field);
    field[kept.size()] = '\0';
}

}  // namespace sluice
