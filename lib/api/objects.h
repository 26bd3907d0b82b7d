// What stands behind the opaque handles. Each object keeps alive what it was made from, so a caller may
// destroy handles in any order.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sluice/sluice.h>

#include "api/user_pointer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sentence.h"
#include "base/threads.h"
#include "cache/kv_cache.h"
#include "cache/prefix_tree.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "moe/expert_counts.h"
#include "session/session.h"
#include "text/chat_template.h"
#include "text/grammar/constraint.h"
#include "text/tokenizer.h"

namespace sluice {

struct EngineObject {
    EngineObject(UserPointer its_log_user, UserPointer its_executor_user, std::int32_t log_level,
                 sluice_log_fn log_function, void* user, std::uint64_t memory_limit)
        : log_user(std::move(its_log_user)),
          executor_user(std::move(its_executor_user)),
          log(log_level, log_function, user, nullptr),
          budget(memory_limit) {}

    // First, so that they outlive what calls back.
    UserPointer log_user;
    UserPointer executor_user;
    Log log;
    MemoryBudget budget;
    std::string kernels_name;
    std::string cpu;
    const Kernels* kernels = nullptr;  // null: the Eigen reference
    std::unique_ptr<Workers> workers;
    std::atomic<std::uint64_t> n_marks = 0;  // made so far: their numbers
};

struct ModelObject {
    std::shared_ptr<EngineObject> engine;
    std::shared_ptr<const Model> model;
    std::unique_ptr<ExpertCounts> counts;  // null in a dense model
    bool quantises = false;                // activations are rounded where weights are quantised
    std::uint64_t load_nanoseconds = 0;
};

struct CacheObject {
    CacheObject(std::shared_ptr<ModelObject> its_model, KvCache its_cache)
        : model(std::move(its_model)), cache(std::move(its_cache)) {}

    std::shared_ptr<ModelObject> model;
    KvCache cache;
    std::atomic<bool> has_session = false;
    std::atomic<bool> in_use = false;  // by a call that runs on the session
};

struct PrefixTreeObject {
    PrefixTreeObject(std::shared_ptr<ModelObject> its_model, std::uint64_t most_bytes)
        : model(std::move(its_model)), tree(most_bytes) {}

    std::shared_ptr<ModelObject> model;
    PrefixTree tree;
};

struct SessionObject {
    ~SessionObject() {
        if (cache != nullptr) cache->has_session.store(false);
    }

    std::shared_ptr<ModelObject> model;
    std::shared_ptr<CacheObject> cache;
    std::shared_ptr<PrefixTreeObject> prefixes;  // may be null
    Charge charge;                               // for what the session holds beside its forward pass
    std::unique_ptr<Session> session;
};

// Holds an object, a cache and so its session for one, for the length of one call. Two calls at once are a
// fault of the caller's that is answered, not suffered.
class Turn {
public:
    explicit Turn(CacheObject& cache) : Turn(cache.in_use, "the session or its cache") {}
    // `name` outlives the turn.
    Turn(std::atomic<bool>& in_use, std::string_view name)
        : in_use_(in_use), name_(name), held_(!in_use.exchange(true, std::memory_order_acquire)) {}
    ~Turn() {
        if (held_) in_use_.store(false, std::memory_order_release);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Errors: BUSY.
    Done check() const {
        if (held_) return Nothing{};
        return make_error(SLUICE_E_BUSY, name_, " is in use on another thread");
    }

private:
    std::atomic<bool>& in_use_;
    std::string_view name_;
    bool held_;
};

}  // namespace sluice

struct sluice_engine {
    std::shared_ptr<sluice::EngineObject> object;
};
struct sluice_model {
    std::shared_ptr<sluice::ModelObject> object;
};
struct sluice_tokenizer {
    std::shared_ptr<const sluice::Tokenizer> object;
};
struct sluice_chat_template {
    sluice::ChatTemplate object;
    bool is_built_in = false;
};
struct sluice_constraint {
    std::shared_ptr<const sluice::Tokenizer> tokenizer;
    std::shared_ptr<const sluice::grammar::Constraint> object;
};
struct sluice_kv_cache {
    std::shared_ptr<sluice::CacheObject> object;
};
struct sluice_router {
    std::shared_ptr<sluice::ModelObject> model;
};
struct sluice_prefix_tree {
    std::shared_ptr<sluice::PrefixTreeObject> object;
};
struct sluice_session {
    std::unique_ptr<sluice::SessionObject> object;
};
