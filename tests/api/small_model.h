// What every test of the C API needs: handles that close themselves, and a random model in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/experimental.h>
#include <sluice/sluice.h>

#include "model/random_model.h"
#include "support/catch.h"

namespace sluice_test {

struct Closes {
    void operator()(sluice_engine* engine) const { sluice_engine_destroy(engine); }
    void operator()(sluice_model* model) const { sluice_model_close(model); }
    void operator()(sluice_tokenizer* tokenizer) const { sluice_tokenizer_destroy(tokenizer); }
    void operator()(sluice_kv_cache* cache) const { sluice_kv_cache_destroy(cache); }
    void operator()(sluice_router* router) const { sluice_router_destroy(router); }
    void operator()(sluice_constraint* constraint) const { sluice_constraint_destroy(constraint); }
    void operator()(sluice_session* session) const { sluice_session_destroy(session); }
    void operator()(sluice_prefix_tree* tree) const { sluice_prefix_tree_destroy(tree); }
    void operator()(sluice_batch* batch) const { sluice_batch_destroy(batch); }
    void operator()(sluice_output_parser* parser) const { sluice_output_parser_destroy(parser); }
};
template <class Object>
using Handle = std::unique_ptr<Object, Closes>;

// A struct of the API with its size filled in and all else zero.
template <class Struct>
Struct sized() {
    Struct value = {};
    value.struct_size = sizeof value;
    return value;
}

// Bytes of the random model of a kind (see model/random_model.h), made once.
inline const std::vector<std::byte>& model_bytes(const std::string& kind) {
    static std::map<std::string, std::vector<std::byte>> made;
    auto found = made.find(kind);
    if (found == made.end()) {
        auto bytes = sluice::random_model_bytes(kind, 11);
        REQUIRE(bytes.ok());
        found = made.emplace(kind, std::move(*bytes)).first;
    }
    return found->second;
}

inline sluice_source memory_source(const std::vector<std::byte>& bytes) {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_MEMORY;
    source.memory = bytes.data();
    source.size = bytes.size();
    return source;
}

inline sluice_engine_options engine_options(std::uint32_t n_threads = 1) {
    auto options = sized<sluice_engine_options>();
    options.n_threads = n_threads;
    return options;
}

inline Handle<sluice_engine> make_engine(const sluice_engine_options& options) {
    sluice_engine* engine = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_engine_create(&options, &engine, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_engine>(engine);
}

inline Handle<sluice_engine> make_engine(std::uint32_t n_threads = 1) {
    return make_engine(engine_options(n_threads));
}

inline Handle<sluice_model> open_model(sluice_engine* engine, const std::string& kind, std::uint32_t flags = 0,
                                       std::int32_t activations = 0) {
    const sluice_source source = memory_source(model_bytes(kind));
    auto options = sized<sluice_model_options>();
    options.flags = flags;
    options.activations = activations;
    sluice_model* model = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_model_open(engine, &source, &options, &model, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_model>(model);
}

inline Handle<sluice_session> make_session(sluice_model* model, const sluice_session_options& options,
                                           sluice_kv_cache* cache = nullptr) {
    sluice_session* session = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_session_create(model, cache, &options, &session, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_session>(session);
}

inline sluice_sampling greedy() {
    auto sampling = sized<sluice_sampling>();
    sampling.mode = SLUICE_SAMPLING_GREEDY;
    return sampling;
}

// Greedy, and nothing ends generation but what the test asks for.
inline Handle<sluice_session> make_session(sluice_model* model, std::uint32_t chunk_size = 0,
                                           sluice_kv_cache* cache = nullptr) {
    const sluice_sampling sampling = greedy();
    auto options = sized<sluice_session_options>();
    options.chunk_size = chunk_size;
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.sampling = &sampling;
    return make_session(model, options, cache);
}

inline Handle<sluice_kv_cache> make_cache(sluice_model* model, std::uint64_t capacity) {
    auto options = sized<sluice_kv_cache_options>();
    options.capacity = capacity;
    sluice_kv_cache* cache = nullptr;
    REQUIRE(sluice_kv_cache_create(model, &options, &cache, nullptr) == SLUICE_OK);
    return Handle<sluice_kv_cache>(cache);
}

// n ids that every random model has, none of them special, different for different first.
inline std::vector<std::int32_t> some_ids(std::size_t n, std::int32_t first = 1) {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < n; ++i) {
        ids.push_back(20 + (first * 37 + static_cast<std::int32_t>(i) * 29) % 240);
    }
    return ids;
}

inline std::int32_t feed(sluice_session* session, const std::vector<std::int32_t>& ids,
                         sluice_error* error = nullptr) {
    return sluice_session_feed(session, ids.data(), ids.size(), error);
}

inline std::vector<float> logits_of(sluice_session* session) {
    std::uint64_t needed = 0;
    REQUIRE(sluice_session_logits(session, nullptr, 0, &needed, nullptr) == SLUICE_OK);
    std::vector<float> logits(needed);
    REQUIRE(sluice_session_logits(session, logits.data(), needed, &needed, nullptr) == SLUICE_OK);
    return logits;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct NextEvent {
    std::int32_t status = SLUICE_OK;
    sluice_event event = {};
    std::string text;
};

inline NextEvent next(sluice_session* session) {
    NextEvent result;
    result.event.struct_size = sizeof result.event;
    result.status = sluice_session_next(session, &result.event, nullptr);
    if (result.status == SLUICE_OK) {
        result.text.assign(result.event.text == nullptr ? "" : result.event.text, result.event.text_size);
        result.event.text = nullptr;
    }
    return result;
}

// The ids of the next n tokens.
inline std::vector<std::int32_t> generate(sluice_session* session, std::size_t n) {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < n; ++i) {
        const NextEvent found = next(session);
        REQUIRE(found.status == SLUICE_OK);
        REQUIRE(found.event.kind == SLUICE_EVENT_TEXT);
        ids.push_back(found.event.token_id);
    }
    return ids;
}

inline std::uint64_t memory_used(const sluice_engine* engine) {
    auto info = sized<sluice_engine_info>();
    REQUIRE(sluice_engine_describe(engine, &info, nullptr) == SLUICE_OK);
    return info.memory_used;
}

// A sluice_error that holds what a fallible call must never leave behind.
inline sluice_error dirty_error() {
    sluice_error error;
    std::memset(&error, 0x5A, sizeof error);
    return error;
}

// True when the record is whole: as the status says, terminated, a message exactly when it failed.
inline bool is_whole(const sluice_error& error, std::int32_t status) {
    const bool is_terminated = std::memchr(error.message, 0, sizeof error.message) != nullptr;
    if (error.status != status || !is_terminated || error.reserved != 0) return false;
    if (status == SLUICE_OK) return error.subsystem == 0 && error.message[0] == '\0';
    return error.subsystem >= SLUICE_SUBSYSTEM_API && error.subsystem <= SLUICE_SUBSYSTEM_SESSION &&
           error.message[0] != '\0' && error.file_offset >= -1;
}

}  // namespace sluice_test
