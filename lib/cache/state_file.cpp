#include "cache/state_file.h"

#define XXH_STATIC_LINKING_ONLY  // the size of a running checksum
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/checked.h"
#include "base/sentence.h"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "state files hold numbers as they lie in memory");

constexpr char kMagic[8] = {'s', 'l', 'u', 'i', 'c', 'e', 'k', 'v'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kByteOrder = 0x01020304;

enum Section : std::uint32_t { kTokens, kRoles, kStates, kMore, kPages, kSections };

constexpr const char* kSectionNames[kSections] = {"tokens", "roles", "convolution inputs", "session", "pages"};

// As it stands at the beginning of the file, all fields little-endian. A section's checksum covers its bytes;
// the header's covers all that stands before it.
struct Header {
    char magic[8];
    std::uint32_t version;
    std::uint32_t byte_order;
    std::uint64_t model;
    std::uint64_t tokenizer;
    std::int32_t key_type;
    std::int32_t value_type;
    std::uint32_t n_attention_layers;
    std::uint32_t n_convolution_layers;
    std::uint32_t n_kv_heads;
    std::uint32_t head_size;
    std::uint32_t hidden_size;
    std::uint32_t convolution_width;
    std::uint64_t page_tokens;
    std::uint64_t n_tokens;
    struct {
        std::uint64_t size;
        std::uint64_t checksum;
    } sections[kSections];
    std::uint64_t checksum;
};
static_assert(sizeof(Header) == 80 + 16 * kSections + 8, "no padding");

std::uint64_t checksum_of(std::span<const std::byte> bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t checksum_of(const Header& header) {
    return XXH3_64bits(&header, offsetof(Header, checksum));
}

// XXH3 over parts, as over all of them in one piece.
class RunningChecksum {
public:
    RunningChecksum() { XXH3_64bits_reset(&state_); }
    void add(std::span<const std::byte> bytes) { XXH3_64bits_update(&state_, bytes.data(), bytes.size()); }
    std::uint64_t value() const { return XXH3_64bits_digest(&state_); }

private:
    XXH3_state_t state_;
};

template <class T>
std::span<const std::byte> bytes_of(std::span<const T> values) {
    return std::as_bytes(values);
}

std::span<const std::byte> bytes_of(const Header& header) {
    return std::as_bytes(std::span<const Header>(&header, 1));
}

// All that is the same for every cache of one model and kind.
Header header_for(const Config& config, const StateIdentity& identity, const KvCacheOptions& options) {
    Header header = {};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kVersion;
    header.byte_order = kByteOrder;
    header.model = identity.model;
    header.tokenizer = identity.tokenizer;
    header.key_type = static_cast<std::int32_t>(options.key_type);
    header.value_type = static_cast<std::int32_t>(options.value_type);
    header.n_attention_layers = config.n_attention_layers();
    header.n_convolution_layers = config.n_layers() - config.n_attention_layers();
    header.n_kv_heads = config.n_kv_heads;
    header.head_size = config.head_size;
    header.hidden_size = config.hidden_size;
    header.convolution_width = config.convolution_width;
    header.page_tokens = kPageTokens;
    return header;
}

// What stood behind the last token was forgotten, and is nobody's business in a file. Written pages may belong
// to other caches too, which remember more, so this is done on a copy.
Result<KvCache> cleared_copy(const KvCache& cache) {
    SLUICE_ASSIGN(copy, cache.fork());
    SLUICE_TRY(copy.clear_rest_of_page());
    return std::move(copy);
}

Error corrupt(const Source& source, std::string_view what) {
    return make_error(SLUICE_E_CORRUPT, source.name(), ": ", what);
}

// Everything in the header but the sections' checksums, against what it has to be.
Done check_header(const Source& source, const Header& found, const Header& wanted, std::uint64_t capacity) {
    if (std::memcmp(found.magic, kMagic, sizeof kMagic) != 0) {
        return corrupt(source, "this is no state file of sluice");
    }
    if (found.byte_order != kByteOrder)
        return corrupt(source, "its numbers have another byte order, or it is altered");
    if (found.version != kVersion) {
        return make_error(SLUICE_E_UNSUPPORTED, source.name(), ": its version is ", found.version,
                          ", known is ", kVersion);
    }
    if (found.checksum != checksum_of(found)) return corrupt(source, "its header is altered");
    if (found.model != wanted.model) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, source.name(), ": it comes from another model");
    }
    if (found.tokenizer != wanted.tokenizer) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, source.name(), ": it comes from another tokenizer");
    }
    if (found.key_type != wanted.key_type || found.value_type != wanted.value_type) {
        return make_error(SLUICE_E_UNSUPPORTED, source.name(), ": its keys and values have the types ",
                          found.key_type, " and ", found.value_type, ", those of the cache ", wanted.key_type,
                          " and ", wanted.value_type);
    }
    // A file with the right model and checksum has the right shape, unless it was made to deceive.
    if (found.n_attention_layers != wanted.n_attention_layers ||
        found.n_convolution_layers != wanted.n_convolution_layers || found.n_kv_heads != wanted.n_kv_heads ||
        found.head_size != wanted.head_size || found.hidden_size != wanted.hidden_size ||
        found.convolution_width != wanted.convolution_width || found.page_tokens != wanted.page_tokens) {
        return corrupt(source, "its shape is not that of its model");
    }
    if (found.n_tokens > capacity) {
        return make_error(SLUICE_E_LIMIT, source.name(), ": it holds ", found.n_tokens,
                          " tokens, the cache has room for ", capacity);
    }
    return Nothing{};
}

// Reads the sections one after the other.
class SectionReader {
public:
    SectionReader(const Source& source, const Header& header) : source_(source), header_(header) {}

    // Of the size that the section must have. Errors: CORRUPT, IO.
    Done expect(Section section, std::uint64_t size) const {
        if (header_.sections[section].size == size) return Nothing{};
        return make_error(SLUICE_E_CORRUPT, source_.name(), ": its ", kSectionNames[section], " have ",
                          header_.sections[section].size, " bytes and not ", size);
    }
    Done read(std::span<std::byte> into) {
        SLUICE_TRY(source_.read(at_, into));
        at_ += into.size();
        checksum_.add(into);
        return Nothing{};
    }
    Done end(Section section) {
        if (checksum_.value() != header_.sections[section].checksum) {
            return corrupt(source_, sentence("its ", kSectionNames[section], " are altered"));
        }
        checksum_ = RunningChecksum();
        return Nothing{};
    }

private:
    const Source& source_;
    const Header& header_;
    std::uint64_t at_ = sizeof(Header);
    RunningChecksum checksum_;
};

Done check_log(const Source& source, const Config& config, const TokenLog& log) {
    for (const TokenId id : log.ids) {
        if (id < 0 || static_cast<std::uint32_t>(id) >= config.vocabulary_size) {
            return corrupt(source,
                           sentence("token ", id, " is outside the vocabulary of ", config.vocabulary_size));
        }
    }
    for (const TokenRole role : log.roles) {
        if (role != TokenRole::kPrompt && role != TokenRole::kGenerated) {
            return corrupt(source, sentence("a token has the role ", static_cast<int>(role)));
        }
    }
    return Nothing{};
}

}  // namespace

std::uint64_t fingerprint_of(const Tokenizer& tokenizer) {
    RunningChecksum checksum;
    std::string text;
    for (std::size_t i = 0; i < tokenizer.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        text.clear();
        if (!tokenizer.decode({&id, 1}, false, text)) text.clear();
        const std::uint64_t facts[] = {text.size(), static_cast<std::uint64_t>(tokenizer.token_kind(id))};
        checksum.add(std::as_bytes(std::span(facts)));
        checksum.add(std::as_bytes(std::span(text)));
    }
    return checksum.value();
}

Done write_state(const KvCache& cache, const Config& config, const StateIdentity& identity,
                 std::span<const std::byte> more, ByteSink& sink) {
    if (more.size() > kMaxMoreState) {
        return make_error(SLUICE_E_LIMIT, more.size(), " bytes of a session are more than ", kMaxMoreState);
    }
    SLUICE_ASSIGN(copy, cleared_copy(cache));
    const std::span<const std::byte> parts[] = {bytes_of(std::span<const TokenId>(copy.log().ids)),
                                                bytes_of(std::span<const TokenRole>(copy.log().roles)),
                                                bytes_of(copy.states()), more};
    Header header = header_for(config, identity, cache.options());
    header.n_tokens = cache.position();
    for (std::size_t i = 0; i < std::size(parts); ++i) {
        header.sections[i] = {parts[i].size(), checksum_of(parts[i])};
    }
    RunningChecksum pages;
    for (std::size_t i = 0; i < copy.n_pages(); ++i) pages.add(copy.page(i));
    header.sections[kPages] = {copy.n_pages() * copy.page_size(), pages.value()};
    header.checksum = checksum_of(header);

    SLUICE_TRY(sink.write(bytes_of(header)));
    for (const std::span<const std::byte> part : parts) SLUICE_TRY(sink.write(part));
    for (std::size_t i = 0; i < copy.n_pages(); ++i) SLUICE_TRY(sink.write(copy.page(i)));
    return sink.commit();
}

Result<LoadedState> read_state(const Source& source, const Config& config, const StateIdentity& identity,
                               const KvCacheOptions& options, MemoryBudget& budget) {
    Header header;
    if (source.size() < sizeof header) return corrupt(source, "it is cut short, or no state file of sluice");
    SLUICE_TRY(source.read(0, std::as_writable_bytes(std::span<Header>(&header, 1))));
    SLUICE_TRY(check_header(source, header, header_for(config, identity, options), options.capacity));

    SLUICE_ASSIGN(cache, KvCache::create(config, options, budget));
    const std::uint64_t n_tokens = header.n_tokens;  // at most the capacity
    const std::uint64_t n_pages = (n_tokens + kPageTokens - 1) / kPageTokens;
    SectionReader reader(source, header);
    SLUICE_TRY(reader.expect(kTokens, n_tokens * sizeof(TokenId)));
    SLUICE_TRY(reader.expect(kRoles, n_tokens * sizeof(TokenRole)));
    SLUICE_TRY(reader.expect(kStates, cache.states().size_bytes()));
    if (header.sections[kMore].size > kMaxMoreState) return corrupt(source, "its session is too large");
    SLUICE_TRY(reader.expect(kPages, n_pages * cache.page_size()));
    std::uint64_t size = sizeof header;  // cannot overflow: every part of it is known to be small enough
    for (const auto& section : header.sections) size += section.size;
    if (source.size() != size) {
        return make_error(SLUICE_E_CORRUPT, source.name(), ": it has ", source.size(), " bytes and not ", size);
    }

    TokenLog log;
    log.ids.resize(static_cast<std::size_t>(n_tokens));
    log.roles.resize(static_cast<std::size_t>(n_tokens));
    LoadedState loaded{std::move(cache), {}};
    loaded.more.resize(static_cast<std::size_t>(header.sections[kMore].size));
    SLUICE_TRY(reader.read(std::as_writable_bytes(std::span(log.ids))));
    SLUICE_TRY(reader.end(kTokens));
    SLUICE_TRY(reader.read(std::as_writable_bytes(std::span(log.roles))));
    SLUICE_TRY(reader.end(kRoles));
    SLUICE_TRY(check_log(source, config, log));
    SLUICE_TRY(loaded.cache.become(log));
    SLUICE_TRY(reader.read(std::as_writable_bytes(loaded.cache.states_to_fill())));
    SLUICE_TRY(reader.end(kStates));
    SLUICE_TRY(reader.read(loaded.more));
    SLUICE_TRY(reader.end(kMore));
    for (std::size_t i = 0; i < loaded.cache.n_pages(); ++i)
        SLUICE_TRY(reader.read(loaded.cache.page_to_fill(i)));
    SLUICE_TRY(reader.end(kPages));
    return loaded;
}

}  // namespace sluice
