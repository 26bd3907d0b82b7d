// The input changes a tiny random model, which is then run: a byte for the kind of model, three for the tokens,
// then pieces of an offset (24 bits), a length (8 bits, at most 16 count) and the bytes that replace what was
// there.
#include <algorithm>
#include <span>

#include "fuzz/fuzz_target.h"
#include "model/random_model.h"

using namespace sluice_fuzz;

namespace {

const std::vector<std::byte>& original() {
    static const std::vector<std::byte> bytes = [] {
        auto made = sluice::random_model_bytes("tiny", 11);
        require(made.ok());
        return std::move(*made);
    }();
    return bytes;
}

std::vector<std::byte> changed(std::span<const std::uint8_t> changes) {
    std::vector<std::byte> bytes = original();
    while (changes.size() > 4) {
        const std::size_t offset =
            (changes[0] + std::size_t{256} * changes[1] + std::size_t{65536} * changes[2]) % bytes.size();
        std::size_t n = std::min<std::size_t>(changes[3] % 16 + 1, changes.size() - 4);
        n = std::min(n, bytes.size() - offset);
        std::memcpy(bytes.data() + offset, changes.data() + 4, n);
        changes = changes.subspan(4 + n);
    }
    return bytes;
}

void run(sluice_model* model, std::span<const std::uint8_t> tokens, bool has_half_cache) {
    auto info = sized<sluice_model_info>();
    require(sluice_model_describe(model, &info, nullptr) == SLUICE_OK);
    auto cache_options = sized<sluice_kv_cache_options>();
    cache_options.capacity = std::min<std::uint64_t>(8, info.context_size);
    cache_options.key_type = cache_options.value_type = has_half_cache ? SLUICE_KV_F16 : SLUICE_KV_F32;
    sluice_error error;
    sluice_kv_cache* cache = nullptr;
    checked(sluice_kv_cache_create(model, &cache_options, &cache, &error), error);
    auto sampling = sized<sluice_sampling>();
    sampling.seed = 1;
    auto options = sized<sluice_session_options>();
    options.chunk_size = 2;
    options.n_top_log_probabilities = 1;
    options.sampling = &sampling;
    sluice_session* session = nullptr;
    if (cache != nullptr) checked(sluice_session_create(model, cache, &options, &session, &error), error);
    if (session != nullptr) {
        std::vector<std::int32_t> ids;
        for (const std::uint8_t token : tokens)
            ids.push_back(static_cast<std::int32_t>(token % info.vocabulary_size));
        const std::int32_t fed = checked(sluice_session_feed(session, ids.data(), ids.size(), &error), error);
        require(fed == SLUICE_OK || fed == SLUICE_E_NUMERIC || fed == SLUICE_E_CONTEXT_FULL);
        require(sluice_kv_cache_position(cache) == (fed == SLUICE_OK ? ids.size() : 0));
        for (int i = 0; i < 2 && fed == SLUICE_OK; ++i) {
            auto event = sized<sluice_event>();
            const std::int32_t status = checked(sluice_session_next(session, &event, &error), error);
            if (status != SLUICE_OK) break;
            require(event.token_id < static_cast<std::int32_t>(info.vocabulary_size));
            const std::string_view text(event.text == nullptr ? "" : event.text, event.text_size);
            require(sluice::replace_invalid_utf8(text) == text);
        }
    }
    sluice_session_destroy(session);
    sluice_kv_cache_destroy(cache);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const std::vector<std::byte> bytes = changed({data + 4, size - 4});
    const sluice_source source = memory_source(bytes.data(), bytes.size());
    sluice_error error;
    sluice_model* model = nullptr;
    checked(sluice_model_open(engine(), &source, nullptr, &model, &error), error);
    if (model != nullptr) run(model, {data + 1, 3}, (data[0] & 1) != 0);
    sluice_model_close(model);
    require_no_memory_used();
    return 0;
}
