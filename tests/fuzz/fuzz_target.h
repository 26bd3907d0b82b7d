// What the fuzz targets share: the entry point, and checks that stop the fuzzer where a promise is broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/experimental.h>
#include <sluice/sluice.h>

#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice_fuzz {

inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

// Stops unless the record is whole and the status one that this call may give.
inline std::int32_t checked(std::int32_t status, const sluice_error& error) {
    require(status == error.status && status <= 0 && status != SLUICE_E_INTERNAL);
    require(std::memchr(error.message, 0, sizeof error.message) != nullptr);
    require((status == SLUICE_OK) == (error.message[0] == '\0'));
    const std::string_view message = error.message;
    require(sluice::replace_invalid_utf8(message) == message);
    return status;
}

template <class Struct>
Struct sized() {
    Struct value = {};
    value.struct_size = sizeof value;
    return value;
}

inline sluice_source memory_source(const void* bytes, std::size_t size) {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_MEMORY;
    source.memory = bytes;
    source.size = size;
    return source;
}

// One engine for all inputs: one thread, and a budget that a header's word alone must not break.
inline sluice_engine* engine() {
    struct Owner {
        Owner() {
            auto options = sized<sluice_engine_options>();
            options.n_threads = 1;
            options.memory_budget = 64u << 20;
            require(sluice_engine_create(&options, &engine, nullptr) == SLUICE_OK);
        }
        ~Owner() { sluice_engine_destroy(engine); }
        sluice_engine* engine = nullptr;
    };
    static Owner owner;
    return owner.engine;
}

inline void require_no_memory_used() {
    auto info = sized<sluice_engine_info>();
    require(sluice_engine_describe(engine(), &info, nullptr) == SLUICE_OK);
    require(info.memory_used == 0);
}

// Text through a tokenizer and back; what must hold for every vocabulary.
inline void try_tokenizer(const sluice_tokenizer* tokenizer, std::string_view text, std::uint32_t flags) {
    auto info = sized<sluice_tokenizer_info>();
    require(sluice_tokenizer_describe(tokenizer, &info, nullptr) == SLUICE_OK);
    const auto n_tokens = static_cast<std::int32_t>(info.n_tokens);
    for (const std::int32_t id : {info.bos_id, info.eos_id, info.pad_id, info.unknown_id}) {
        require(id >= -1 && id < n_tokens);
    }
    sluice_error error;
    std::uint64_t needed = 0;
    const std::int32_t status = checked(
        sluice_tokenizer_encode(tokenizer, text.data(), text.size(), flags, nullptr, 0, &needed, &error),
        error);
    if (status != SLUICE_OK) {
        require(status == SLUICE_E_NOT_FOUND || status == SLUICE_E_OUT_OF_MEMORY);
        return;
    }
    std::vector<std::int32_t> ids(needed);
    if (ids.empty()) return;
    require(sluice_tokenizer_encode(tokenizer, text.data(), text.size(), flags, ids.data(), needed, &needed,
                                    nullptr) == SLUICE_OK);
    require(needed == ids.size());
    for (const std::int32_t id : ids) require(id >= 0 && id < n_tokens);
    require(sluice_tokenizer_decode(tokenizer, ids.data(), ids.size(), 0, nullptr, 0, &needed, nullptr) ==
            SLUICE_OK);
    std::string back(needed, '\0');
    if (back.empty()) return;
    require(sluice_tokenizer_decode(tokenizer, ids.data(), ids.size(), 0, back.data(), needed, &needed,
                                    nullptr) == SLUICE_OK);
    require(sluice::replace_invalid_utf8(back) == back);
}

}  // namespace sluice_fuzz
