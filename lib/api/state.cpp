#include "api/state.h"

#include <string>

#include "api/options.h"
#include "model/byte_sink.h"

namespace sluice {
namespace {

StateIdentity identity_of(const CacheObject& cache) {
    const Model& model = *cache.model->model;
    const auto& tokenizer = model.tokenizer();
    return {model.fingerprint(), tokenizer == nullptr ? 0 : fingerprint_of(*tokenizer)};
}

Result<std::string> read_path(const char* path, std::uint64_t path_size) {
    SLUICE_ASSIGN(given, read_text_argument(path, path_size, "path"));
    return std::string(given);
}

}  // namespace

Done save_state(const CacheObject& cache, std::span<const std::byte> more, const char* path,
                std::uint64_t path_size) {
    SLUICE_ASSIGN(name, read_path(path, path_size));
    SLUICE_ASSIGN(sink, ByteSink::to_file(name, ByteSink::Readers::kOwner));
    return write_state(cache.cache, cache.model->model->config(), identity_of(cache), more, *sink);
}

Result<LoadedState> load_state(const CacheObject& cache, const char* path, std::uint64_t path_size) {
    SLUICE_ASSIGN(name, read_path(path, path_size));
    SLUICE_ASSIGN(source, Source::open_path(name, Access::kRead));
    return read_state(*source, cache.model->model->config(), identity_of(cache), cache.cache.options(),
                      cache.model->engine->budget);
}

}  // namespace sluice
