// Reads the oracle: small checkpoints and what transformers computes from them (README.md in its folder,
// which SLUICE_ORACLE_DIR names).
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "support/catch.h"
#include "support/slow_build.h"

namespace sluice_test {

using namespace sluice;

// Empty, with a warning that counts as skipped, when there is no oracle.
inline std::string oracle_folder() {
    const char* folder = std::getenv("SLUICE_ORACLE_DIR");
    if (folder == nullptr) WARN("skipped: SLUICE_ORACLE_DIR is not set");
    return folder == nullptr ? "" : folder;
}

inline std::vector<std::byte> read_file(const std::string& path) {
    const auto source = Source::open_path(path, Access::kRead);
    REQUIRE(source);
    std::vector<std::byte> bytes((*source)->size());
    REQUIRE((*source)->read(0, bytes));
    return bytes;
}

// Tensors of a safetensors file as floats (or int32, by bits).
class Expected {
public:
    explicit Expected(const std::string& path) : bytes_(read_file(path)) {
        const auto source = Source::open_path(path, Access::kRead);
        REQUIRE(source);
        auto entries = read_safetensors(**source);
        REQUIRE(entries);
        entries_ = std::move(*entries);
    }

    template <class T>
    std::vector<T> numbers(const std::string& name) const {
        for (const TensorEntry& entry : entries_) {
            if (entry.name != name) continue;
            std::vector<T> values(entry.size / sizeof(T));
            std::memcpy(values.data(), bytes_.data() + entry.offset, entry.size);
            return values;
        }
        FAIL("no tensor " << name);
        return {};
    }

private:
    std::vector<std::byte> bytes_;
    std::vector<TensorEntry> entries_;
};

struct OracleCase {
    std::vector<TokenId> ids;
    std::vector<TokenId> greedy;
};

inline std::vector<OracleCase> oracle_cases(const std::string& folder) {
    const auto bytes = read_file(folder + "/cases.json");
    const auto json = Json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "cases.json");
    REQUIRE(json);
    std::vector<OracleCase> cases;
    const auto ids_of = [](const Json& one, const char* key) {
        std::vector<TokenId> ids;
        for (const Json& id : *one.find(key)->array()) ids.push_back(static_cast<TokenId>(*id.integer()));
        return ids;
    };
    for (const Json& one : *json->array()) cases.push_back({ids_of(one, "ids"), ids_of(one, "greedy")});
    return cases;
}

// The files of quantised weights, each in the folder of its checkpoint.
struct QuantisedFile {
    const char* checkpoint;
    const char* type;
};
constexpr QuantisedFile kQuantisedFiles[] = {
    {"/moe", "BF16"}, {"/moe", "Q8_0"},   {"/moe", "Q4_0"},   {"/moe", "Q4_K_M"}, {"/moe", "Q5_K_M"},
    {"/moe", "Q6_K"}, {"/dense", "BF16"}, {"/dense", "Q8_0"}, {"/dense", "Q4_0"}, {"/dense", "Q4_K_M"},
};

// Whether a case is to be computed: in a slow build, the two short ones and the first text.
inline bool is_wanted(std::size_t number) {
    return !kIsSlowBuild || number == 0 || number == 5 || number == 6;
}

inline std::shared_ptr<const Model> open_model(const std::string& path, MemoryBudget& budget) {
    const Log log;
    auto model = Model::open_path(path, {}, budget, log);
    INFO(path << ": " << (model ? "" : model.error().message));
    REQUIRE(model);
    return *model;
}

}  // namespace sluice_test
