// Gathers what identifies a model and hashes it once.
#include "model/fingerprint.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice {
namespace {

constexpr std::size_t kSampleSize = 4096;
constexpr std::size_t kSamples = 16;  // spread evenly over the tensors, which are sorted by name

class Gatherer {
public:
    void add(std::uint64_t number) { add_bytes(&number, sizeof number); }
    void add(float number) { add_bytes(&number, sizeof number); }
    void add(std::string_view text) {
        add(std::uint64_t{text.size()});
        add_bytes(text.data(), text.size());
    }
    void add_bytes(const void* data, std::size_t size) { text_.append(static_cast<const char*>(data), size); }
    std::uint64_t hash() const { return XXH3_64bits(text_.data(), text_.size()); }

private:
    std::string text_;
};

// Every field by itself: padding and the name would make equal models differ.
void add_config(const Config& config, Gatherer& gatherer) {
    gatherer.add(config.architecture);
    for (const std::uint32_t number :
         {config.hidden_size, config.vocabulary_size, config.context_size, config.n_heads, config.n_kv_heads,
          config.head_size, config.convolution_width, std::uint32_t{config.convolution_bias},
          config.feed_forward_size, config.expert_feed_forward_size, config.n_experts, config.n_experts_used,
          config.n_dense_layers, std::uint32_t{config.normalise_expert_weights},
          std::uint32_t{config.use_expert_bias}, config.n_layers()}) {
        gatherer.add(std::uint64_t{number});
    }
    for (const float number : {config.expert_weights_scale, config.norm_epsilon, config.rope_theta}) {
        gatherer.add(number);
    }
    for (const bool is_attention : config.is_attention) gatherer.add(std::uint64_t{is_attention});
}

}  // namespace

Result<std::uint64_t> fingerprint_of(const Config& config, const TensorTable& table,
                                     std::span<const std::shared_ptr<const Source>> files) {
    Gatherer gatherer;
    add_config(config, gatherer);
    std::vector<const TensorEntry*> order;
    for (const TensorEntry& entry : table.entries()) order.push_back(&entry);
    std::sort(order.begin(), order.end(),
              [](const TensorEntry* a, const TensorEntry* b) { return a->name < b->name; });
    for (const TensorEntry* entry : order) {
        gatherer.add(entry->name);
        gatherer.add(entry->type_name);
        for (const std::uint64_t dimension : entry->dimensions) gatherer.add(dimension);
    }
    std::vector<std::byte> sample;
    const std::size_t step = std::max<std::size_t>(1, order.size() / kSamples);
    for (std::size_t i = 0; i < order.size(); i += step) {
        const TensorEntry& entry = *order[i];
        sample.resize(std::min<std::uint64_t>(kSampleSize, entry.size));
        SLUICE_TRY(files[entry.file]->read(entry.offset, sample));
        gatherer.add_bytes(sample.data(), sample.size());
    }
    return gatherer.hash();
}

}  // namespace sluice
