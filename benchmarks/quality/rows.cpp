#include "quality/rows.h"

namespace quality {
namespace {

sluice_kv_cache_options cache_options(std::uint32_t window, const KvTypes& kv_types) {
    auto options = sluicepp::sized<sluice_kv_cache_options>();
    options.capacity = window;
    options.key_type = kv_types.key;
    options.value_type = kv_types.value;
    return options;
}

sluicepp::SessionOptions session_options(std::uint32_t window) {
    sluicepp::SessionOptions options;
    options.chunk_size = window;  // a traced feed is one chunk
    return options;
}

}  // namespace

Reader::Reader(const sluicepp::Engine& engine, const std::string& path, std::int32_t activations,
               const KvTypes& kv_types, std::uint32_t window)
    : path_(path),
      model_(engine, path, 0, {}, activations),
      info_(model_.describe()),
      cache_(model_, cache_options(window, kv_types)),
      session_(model_, cache_, session_options(window)) {
    sluicepp::check(sluice_session_trace, session_.get(), SLUICE_TRACE_LOGITS | SLUICE_TRACE_EXPERTS);
}

void Reader::read(const std::vector<sluicepp::TokenId>& ids) {
    session_.reset();
    session_.feed(ids);
    logits_ = sluicepp::collected<std::vector<float>>(0, sluice_session_traced_logits, session_.get());
    experts_.clear();
    const std::uint32_t first = info_.n_experts == 0 ? info_.n_layers : info_.n_dense_layers;
    const std::uint64_t n_pairs = ids.size() * info_.n_experts_used;
    std::vector<float> weights(n_pairs);
    for (std::uint32_t layer = first; layer < info_.n_layers; ++layer) {
        std::uint64_t needed = 0;
        experts_.emplace_back(n_pairs);
        sluicepp::check(sluice_session_traced_experts, session_.get(), layer, experts_.back().data(),
                        weights.data(), n_pairs, &needed);
    }
}

}  // namespace quality
