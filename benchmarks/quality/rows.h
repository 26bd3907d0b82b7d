// What a model says after every token of a text: logits and the experts that were woken.
#pragma once

#include <sluice/experimental.h>

#include <cstdint>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

namespace quality {

// How keys and values are stored, each SLUICE_KV_...
struct KvTypes {
    std::int32_t key = SLUICE_KV_F16;
    std::int32_t value = SLUICE_KV_F16;
};

// An open model, read window by window.
class Reader {
public:
    // activations: SLUICE_ACTIVATIONS_... Throws sluicepp::Exception, as everything here.
    Reader(const sluicepp::Engine& engine, const std::string& path, std::int32_t activations,
           const KvTypes& kv_types, std::uint32_t window);

    // Reads a window from an empty cache. At most as many ids as the window has.
    void read(const std::vector<sluicepp::TokenId>& ids);

    std::uint32_t vocabulary_size() const { return info_.vocabulary_size; }
    // Of the last window: vocabulary_size floats for each id.
    const std::vector<float>& logits() const { return logits_; }
    // Of the last window, layer after layer with experts: n_experts_used ids for each id read, ascending.
    const std::vector<std::vector<std::int32_t>>& experts() const { return experts_; }
    std::uint32_t n_experts_used() const { return info_.n_experts_used; }
    const std::string& path() const { return path_; }
    std::uint64_t file_size() const { return info_.file_size; }
    sluicepp::Tokenizer tokenizer() const { return sluicepp::Tokenizer(model_); }
    const sluicepp::Model& model() const { return model_; }

private:
    std::string path_;
    sluicepp::Model model_;
    sluice_model_info info_;
    sluicepp::KvCache cache_;
    sluicepp::Session session_;
    std::vector<float> logits_;
    std::vector<std::vector<std::int32_t>> experts_;
};

}  // namespace quality
