// The frame of a GGUF file: magic, version, counts, alignment, and the check of all tensors against the size.
#include "model/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;         // "GGUF"
constexpr std::uint32_t kSwappedMagic = 0x47475546;  // "FUGG"
constexpr std::uint64_t kMinKeySize = 8 + 4 + 1;     // size, type and one byte of value
constexpr std::uint64_t kMinTensorInfoSize = 8 + 4 + 8 + 4 + 8;

std::uint32_t swapped(std::uint32_t value) {
    return value >> 24 | (value >> 8 & 0xFF00u) | (value << 8 & 0xFF0000u) | value << 24;
}

Result<std::uint32_t> read_version(Cursor& cursor) {
    SLUICE_ASSIGN(magic, cursor.number<std::uint32_t>("the magic number"));
    if (magic == kSwappedMagic) {
        return error_at(0, SLUICE_E_UNSUPPORTED, "the file is GGUF in big-endian byte order");
    }
    if (magic != kMagic) {
        return error_at(0, SLUICE_E_CORRUPT, "the file is not GGUF: it begins with \"",
                        printable({reinterpret_cast<const char*>(&magic), sizeof magic}), "\"");
    }
    SLUICE_ASSIGN(version, cursor.number<std::uint32_t>("the version"));
    if (version == 2 || version == 3) return version;
    if (swapped(version) >= 1 && swapped(version) <= 3) {
        return error_at(4, SLUICE_E_UNSUPPORTED, "the file is GGUF version ", swapped(version),
                        " in big-endian byte order");
    }
    if (version == 0) return error_at(4, SLUICE_E_CORRUPT, "the file claims GGUF version 0");
    return error_at(4, SLUICE_E_UNSUPPORTED, "the file is GGUF version ", version,
                    "; versions 2 and 3 are read");
}

Result<std::uint64_t> read_count(Cursor& cursor, std::uint64_t min_size, std::uint64_t limit,
                                 std::string_view what) {
    const std::uint64_t offset = cursor.position();
    SLUICE_ASSIGN(count, cursor.number<std::uint64_t>(what));
    if (count > cursor.remaining() / min_size) {
        return error_at(offset, SLUICE_E_CORRUPT, "the file claims ", count, " ", what, ", but only ",
                        cursor.remaining(), " bytes remain");
    }
    if (count > limit) {
        return error_at(offset, SLUICE_E_LIMIT, "the file has ", count, " ", what, ", at most ", limit,
                        " are read");
    }
    return count;
}

Result<std::uint64_t> read_alignment(const Metadata& metadata) {
    SLUICE_ASSIGN(alignment, metadata.natural("general.alignment"));
    if (!alignment) return std::uint64_t{32};
    if (*alignment < kMinAlignment || *alignment > kMaxAlignment || !std::has_single_bit(*alignment)) {
        return error_at(metadata.find("general.alignment")->offset, SLUICE_E_CORRUPT, "general.alignment is ",
                        *alignment, ", not a power of two from ", kMinAlignment, " to ", kMaxAlignment);
    }
    return *alignment;
}

// Turns offsets into places in the file, each compared with the file's size.
Done place_tensors(const Source& source, GgufFile& file) {
    const std::uint64_t data_size = source.size() - file.data_offset;
    std::uint64_t sum = 0;
    std::uint64_t last_end = 0;
    for (TensorEntry& entry : file.tensors) {
        if (entry.offset % file.alignment != 0) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name),
                            " has the offset ", entry.offset, ", not a multiple of the alignment ",
                            file.alignment);
        }
        if (entry.offset > data_size || entry.size > data_size - entry.offset) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " of ",
                            entry.size, " bytes at offset ", entry.offset, " passes the end of the data, ",
                            data_size, " bytes; the file is perhaps cut short");
        }
        const auto total = checked_add(sum, entry.size);
        if (!total) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT,
                            "the sizes of the tensors add up to more than 64 bits at ", printable(entry.name));
        }
        sum = *total;
        last_end = std::max(last_end, entry.offset + entry.size);
        entry.offset += file.data_offset;
    }
    SLUICE_TRY(check_no_overlap(file.tensors));
    const auto padded_end = checked_align(last_end, file.alignment);
    if (padded_end && *padded_end < data_size) {
        file.warnings.push_back(sentence(data_size - *padded_end, " bytes follow the last tensor"));
    }
    if (last_end - sum > file.tensors.size() * file.alignment) {
        file.warnings.push_back(sentence(last_end - sum, " bytes lie between the tensors"));
    }
    return Nothing{};
}

}  // namespace

Result<GgufFile> read_gguf(const Source& source) {
    if (source.size() == 0) return error_at(0, SLUICE_E_CORRUPT, "the file is empty");
    Cursor cursor(source, kMaxMetadataSize, "metadata");
    GgufFile file;
    SLUICE_ASSIGN(version, read_version(cursor));
    file.version = version;
    SLUICE_ASSIGN(n_tensors, read_count(cursor, kMinTensorInfoSize, kMaxGgufTensors, "tensors"));
    SLUICE_ASSIGN(n_keys, read_count(cursor, kMinKeySize, kMaxKeys, "metadata keys"));
    SLUICE_ASSIGN(metadata, read_metadata(cursor, n_keys));
    file.metadata = std::move(metadata);
    SLUICE_ASSIGN(alignment, read_alignment(file.metadata));
    file.alignment = alignment;
    SLUICE_ASSIGN(tensors, read_tensor_infos(cursor, n_tensors));
    file.tensors = std::move(tensors);
    const auto data_offset = checked_align(cursor.position(), alignment);
    if (!data_offset || *data_offset > source.size()) {
        // A vocabulary file has no data, and need not be padded for it.
        if (!file.tensors.empty()) {
            return error_at(cursor.position(), SLUICE_E_CORRUPT,
                            "the file ends before the data of its tensors begins");
        }
        file.data_offset = source.size();
        return file;
    }
    file.data_offset = *data_offset;
    SLUICE_TRY(place_tensors(source, file));
    return file;
}

Result<std::vector<std::string>> gguf_part_paths(const std::string& path) {
    // "-00001-of-00003.gguf" (llama.cpp, tools/gguf-split)
    constexpr std::string_view kSuffix = "-00001-of-00003.gguf";
    const auto digits_at = [&](std::size_t start) -> std::optional<std::uint64_t> {
        std::uint64_t value = 0;
        for (std::size_t i = start; i < start + 5; ++i) {
            if (path[i] < '0' || path[i] > '9') return std::nullopt;
            value = value * 10 + static_cast<std::uint64_t>(path[i] - '0');
        }
        return value;
    };
    if (path.size() <= kSuffix.size()) return std::vector{path};
    const std::size_t start = path.size() - kSuffix.size();
    const auto part = digits_at(start + 1);
    const auto n_parts = digits_at(start + 10);
    const bool fits = part && n_parts && path[start] == '-' && path.compare(start + 6, 4, "-of-") == 0 &&
                      path.compare(start + 15, 5, ".gguf") == 0;
    if (!fits) return std::vector{path};
    if (*part == 0 || *part > *n_parts) {
        return make_error(SLUICE_E_CORRUPT, printable(path), " is named as part ", *part, " of ", *n_parts);
    }
    if (*n_parts > kMaxParts) {
        return make_error(SLUICE_E_LIMIT, printable(path), " is one of ", *n_parts, " parts, at most ",
                          kMaxParts, " are read");
    }
    std::vector<std::string> paths;
    for (std::uint64_t i = 1; i <= *n_parts; ++i) {
        std::string digits = sentence(i);
        digits.insert(0, 5 - digits.size(), '0');
        paths.push_back(path.substr(0, start + 1) + digits + path.substr(start + 6));
    }
    return paths;
}

}  // namespace sluice
