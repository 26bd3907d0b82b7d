// sluice for C++17 and later: one owning class per object of the C API, header only, nothing to link but
// the library. Failures arrive as sluicepp::Exception; all else is as the C header of the object says.
//
// The namespace is sluicepp and not sluice: inside the library lives a namespace sluice with its own Model,
// Tokenizer, Router and Session. In a program that links it statically, two classes of one name would be one
// to the linker and chaos to the program.
//
// Rules of all classes
// - Move-only; a moved-from object may only be destroyed or assigned to. An object keeps what it was made
//   from alive, so the order in which they end does not matter.
// - get() lends the C object, for what is not wrapped here; it stays the class's.
// - Options and results are the C structs, made by sized<T>(); a field left zero means its default.
#pragma once

#include <sluice/sluice.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicepp {

using TokenId = std::int32_t;

// What a failed call throws. Copying it allocates nothing.
class Exception : public std::exception {
public:
    explicit Exception(const sluice_error& error) noexcept : error_(error) {}

    // One English sentence that names the thing and the number.
    const char* what() const noexcept override { return error_.message; }
    // SLUICE_E_..., its name, the part of the library, and the place in the file or -1.
    std::int32_t status() const noexcept { return error_.status; }
    const char* status_name() const noexcept { return sluice_status_name(error_.status); }
    std::int32_t subsystem() const noexcept { return error_.subsystem; }
    std::int64_t file_offset() const noexcept { return error_.file_offset; }

private:
    sluice_error error_;
};

// A C struct with all fields zero and struct_size set: the default options, or room for a result.
template <class Struct>
Struct sized() noexcept {
    Struct value{};
    value.struct_size = static_cast<std::uint32_t>(sizeof value);
    return value;
}

namespace detail {

// Owns one C object.
template <class Object, void (*destroy)(Object*)>
class Owner {
public:
    Object* get() const noexcept { return object_.get(); }

protected:
    explicit Owner(Object* object) noexcept : object_(object) {}

private:
    struct Destroy {
        void operator()(Object* object) const noexcept { destroy(object); }
    };
    std::unique_ptr<Object, Destroy> object_;
};

}  // namespace detail

// The next four call a C function with the arguments given and those they add, and throw what went wrong; they
// serve also for functions that are not wrapped here.
template <class Call, class... Arguments>
void check(Call call, Arguments... arguments) {
    sluice_error error;
    if (call(arguments..., &error) < 0) throw Exception(error);
}

// The object that the function makes.
template <class Object, class Call, class... Arguments>
Object* made(Call call, Arguments... arguments) {
    Object* object = nullptr;
    check(call, arguments..., &object);
    return object;
}

// The struct that the function fills.
template <class Struct, class Call, class... Arguments>
Struct filled(Call call, Arguments... arguments) {
    Struct value = sized<Struct>();
    check(call, arguments..., &value);
    return value;
}

// The array that the function fills; room for guess elements is tried first.
template <class Array, class Call, class... Arguments>
Array collected(std::size_t guess, Call call, Arguments... arguments) {
    Array array(guess, typename Array::value_type{});
    std::uint64_t needed = 0;
    sluice_error error;
    std::int32_t status = call(arguments..., array.data(), array.size(), &needed, &error);
    if (status == SLUICE_E_BUFFER_TOO_SMALL || (status >= 0 && needed > array.size())) {
        array.resize(static_cast<std::size_t>(needed));
        status = call(arguments..., array.data(), array.size(), &needed, &error);
    }
    if (status < 0) throw Exception(error);
    array.resize(static_cast<std::size_t>(needed));
    return array;
}

// Receives log lines, from any thread, one at a time. It must not call back into sluice; what it throws is
// dropped.
using LogFunction = std::function<void(std::int32_t level, std::string_view line)>;

// The worker threads, the kernels, the log, the byte budget. Any thread.
class Engine : public detail::Owner<sluice_engine, sluice_engine_destroy> {
public:
    // n_threads that compute, the caller's included; 0: one per CPU. Throws as sluice_engine_create.
    explicit Engine(std::uint32_t n_threads = 0)
        : Owner(create(sized<sluice_engine_options>(), n_threads, {})) {}

    // The same with every option; a log given here takes the place of the one in options.
    explicit Engine(const sluice_engine_options& options, LogFunction log = {})
        : Owner(create(options, options.n_threads, std::move(log))) {}

    sluice_engine_info describe() const { return filled<sluice_engine_info>(sluice_engine_describe, get()); }

private:
    static sluice_engine* create(sluice_engine_options options, std::uint32_t n_threads, LogFunction log) {
        options.n_threads = n_threads;
        if (log) {
            options.log_user = new LogFunction(std::move(log));
            options.log = [](void* user, std::int32_t level, const char* text, std::uint64_t size) {
                try {
                    (*static_cast<LogFunction*>(user))(level, {text, static_cast<std::size_t>(size)});
                } catch (...) {  // a log line is not worth the host
                }
            };
            options.log_destroy = [](void* user) { delete static_cast<LogFunction*>(user); };
        }
        return made<sluice_engine>(sluice_engine_create, &options);
    }
};

// A source that names a file or a checkpoint folder; borrows path.
inline sluice_source path_source(std::string_view path) noexcept {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_PATH;
    source.path = path.data();
    source.size = path.size();
    return source;
}

// A source of size bytes in memory, borrowed until the last object made from it has ended.
inline sluice_source memory_source(const void* bytes, std::uint64_t size) noexcept {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_MEMORY;
    source.memory = bytes;
    source.size = size;
    return source;
}

// What running a model would take, in bytes, told from its header alone. Throws as sluice_model_open.
inline sluice_plan plan(const sluice_source& source,
                        const sluice_plan_options& options = sized<sluice_plan_options>()) {
    return filled<sluice_plan>(sluice_model_plan, &source, &options);
}

// Told how far opening has come, in bytes, on the opening thread; false ends it with SLUICE_E_CANCELLED.
// What it throws ends it too and leaves the constructor of Model.
using ProgressFunction = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Weights and configuration, immutable. Any thread; any number of sessions may share it.
class Model : public detail::Owner<sluice_model, sluice_model_close> {
public:
    // flags: SLUICE_MODEL_...; activations: SLUICE_ACTIVATIONS_... The source is not needed after this. Throws
    // as sluice_model_open.
    Model(const Engine& engine, const sluice_source& source, std::uint32_t flags = 0,
          const ProgressFunction& progress = {}, std::int32_t activations = SLUICE_ACTIVATIONS_DEFAULT)
        : Owner(open(engine, source, flags, progress, activations)) {}

    // A GGUF file, the first part of a split one, or a checkpoint folder.
    Model(const Engine& engine, std::string_view path, std::uint32_t flags = 0,
          const ProgressFunction& progress = {}, std::int32_t activations = SLUICE_ACTIVATIONS_DEFAULT)
        : Model(engine, path_source(path), flags, progress, activations) {}

    sluice_model_info describe() const { return filled<sluice_model_info>(sluice_model_describe, get()); }

    // The text of a metadata key of the file; nothing where the file has no such key. Throws
    // SLUICE_E_UNSUPPORTED for an array.
    std::optional<std::string> metadata(std::string_view key) const {
        try {
            return collected<std::string>(128, sluice_model_metadata, get(), key.data(), key.size());
        } catch (const Exception& failure) {
            if (failure.status() == SLUICE_E_NOT_FOUND) return std::nullopt;
            throw;
        }
    }

    // One of describe().n_tensors tensors.
    sluice_tensor_info tensor(std::uint64_t index) const {
        return filled<sluice_tensor_info>(sluice_model_tensor, get(), index);
    }

    // The sampling that the model's makers recommend, every field filled.
    sluice_sampling recommended_sampling() const {
        return filled<sluice_sampling>(sluice_session_recommended_sampling, get());
    }

private:
    static sluice_model* open(const Engine& engine, const sluice_source& source, std::uint32_t flags,
                              const ProgressFunction& progress, std::int32_t activations) {
        auto watched = std::make_pair(&progress, std::exception_ptr());
        auto options = sized<sluice_model_options>();
        options.flags = flags;
        options.activations = activations;
        options.progress_user = &watched;
        if (progress) {
            options.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
                auto& [told, thrown] = *static_cast<decltype(watched)*>(user);
                try {
                    return (*told)(done, total) ? 0 : 1;
                } catch (...) {
                    thrown = std::current_exception();
                    return 1;
                }
            };
        }
        sluice_error error;
        sluice_model* model = nullptr;
        const auto status = sluice_model_open(engine.get(), &source, &options, &model, &error);
        if (status < 0 && watched.second) std::rethrow_exception(watched.second);
        if (status < 0) throw Exception(error);
        return model;
    }
};

// Text to token ids and back. Immutable; any thread.
class Tokenizer : public detail::Owner<sluice_tokenizer, sluice_tokenizer_destroy> {
public:
    // Of a model. Throws SLUICE_E_NOT_FOUND when it has none.
    explicit Tokenizer(const Model& model)
        : Owner(made<sluice_tokenizer>(sluice_tokenizer_of_model, model.get())) {}

    // Alone, without the weights. Throws as sluice_tokenizer_open.
    Tokenizer(const Engine& engine, const sluice_source& source)
        : Owner(made<sluice_tokenizer>(sluice_tokenizer_open, engine.get(), &source)) {}

    sluice_tokenizer_info describe() const {
        return filled<sluice_tokenizer_info>(sluice_tokenizer_describe, get());
    }

    // flags: SLUICE_ENCODE_... Throws as sluice_tokenizer_encode.
    std::vector<TokenId> encode(std::string_view text, std::uint32_t flags = 0) const {
        return collected<std::vector<TokenId>>(text.size() / 2 + 16, sluice_tokenizer_encode, get(),
                                               text.data(), text.size(), flags);
    }

    // Valid UTF-8. flags: SLUICE_DECODE_... Throws SLUICE_E_INVALID_ARGUMENT for an id outside the vocabulary.
    std::string decode(const std::vector<TokenId>& ids, std::uint32_t flags = 0) const {
        return collected<std::string>(ids.size() * 8, sluice_tokenizer_decode, get(), ids.data(), ids.size(),
                                      flags);
    }

    // The bytes of one token; they may be part of a character.
    std::string token_bytes(TokenId id) const {
        return collected<std::string>(64, sluice_tokenizer_token_bytes, get(), id);
    }

    bool is_special(TokenId id) const noexcept { return sluice_tokenizer_is_special(get(), id) == 1; }

    // The id of the token spelled exactly so; nothing where there is none.
    std::optional<TokenId> find(std::string_view token) const {
        TokenId id = -1;
        sluice_error error;
        const auto status = sluice_tokenizer_find(get(), token.data(), token.size(), &id, &error);
        if (status == SLUICE_E_NOT_FOUND) return std::nullopt;
        if (status < 0) throw Exception(error);
        return id;
    }
};

// Everything a conversation remembers. One thread at a time: that of the session which holds it.
class KvCache : public detail::Owner<sluice_kv_cache, sluice_kv_cache_destroy> {
public:
    // Throws as sluice_kv_cache_create.
    explicit KvCache(const Model& model,
                     const sluice_kv_cache_options& options = sized<sluice_kv_cache_options>())
        : Owner(made<sluice_kv_cache>(sluice_kv_cache_create, model.get(), &options)) {}

    sluice_kv_cache_info describe() const {
        return filled<sluice_kv_cache_info>(sluice_kv_cache_describe, get());
    }

    // Tokens remembered.
    std::uint64_t position() const noexcept { return sluice_kv_cache_position(get()); }

    // Forgets everything. A cache that a session holds is reset by Session::reset; here it is refused.
    void reset() { check(sluice_kv_cache_reset, get()); }
};

struct ExpertCounts {
    std::vector<std::uint64_t> counts;  // how often each expert of a layer was woken
    std::vector<double> weights;        // sum of the mixing weights it was given
};

// Which experts of a model were woken. Any thread.
class Router : public detail::Owner<sluice_router, sluice_router_destroy> {
public:
    // Throws SLUICE_E_NOT_FOUND for a dense model.
    explicit Router(const Model& model) : Owner(made<sluice_router>(sluice_router_of_model, model.get())) {}

    sluice_router_info describe() const { return filled<sluice_router_info>(sluice_router_describe, get()); }

    // One number per expert; zeros for a layer without experts.
    ExpertCounts counts(std::uint32_t layer) const {
        const std::uint64_t n_experts = describe().n_experts;
        ExpertCounts result{std::vector<std::uint64_t>(n_experts), std::vector<double>(n_experts)};
        std::uint64_t needed = 0;
        check(sluice_router_counts, get(), layer, result.counts.data(), result.weights.data(), n_experts,
              &needed);
        return result;
    }

    void reset() { check(sluice_router_reset, get()); }
};

// The options of a session; see sluice_session_options. All is copied when given.
struct SessionOptions {
    std::uint32_t flags = 0;                    // SLUICE_SESSION_...
    std::uint64_t max_tokens = 0;               // generated after a feed; 0: as many as fit
    std::uint32_t chunk_size = 0;               // tokens computed at once in prefill; 0: 512
    std::uint32_t n_top_log_probabilities = 0;  // kept for each token
    std::vector<TokenId> stop_tokens{};         // besides the model's own
    std::vector<std::string> stop_strings{};    // never shown
    std::optional<sluice_sampling> sampling{};  // nothing: as the model's makers recommend
};

// One step of an answer. New kinds may come: skip those that you do not know.
struct Event {
    std::int32_t kind;          // SLUICE_EVENT_...
    TokenId token_id;           // of a text event, -1 for text held back until now; of the end: the stop
                                // token or -1
    std::int32_t reason;        // of the end: SLUICE_END_...
    float log_probability;      // natural, before penalties and temperature; 0 without top log-probabilities
    std::uint32_t stop_string;  // of an end by stop string: its index
    std::uint64_t n_tokens;     // generated since the last feed
    std::string_view text;      // whole UTF-8 characters; lives until the next call on the session

    bool is_text() const noexcept { return kind == SLUICE_EVENT_TEXT; }
    bool is_end() const noexcept { return kind == SLUICE_EVENT_END; }
};

struct TokenProbability {
    TokenId id = -1;
    float log_probability = 0.0F;  // natural logarithm
};

// A conversation: feed, then pull events. One thread at a time; only cancel may come from any thread, while
// the session lives and is not being moved.
class Session : public detail::Owner<sluice_session, sluice_session_destroy> {
public:
    // With a cache of its own. Throws as sluice_session_create.
    explicit Session(const Model& model, const SessionOptions& options = {})
        : Owner(made<sluice_session>(sluice_session_create, model.get(), nullptr, COptions(options).get())) {}

    // With a cache of the caller's, which one session at a time can hold.
    Session(const Model& model, const KvCache& cache, const SessionOptions& options = {})
        : Owner(
              made<sluice_session>(sluice_session_create, model.get(), cache.get(), COptions(options).get())) {}

    // Appends tokens to the conversation and computes them. A failed feed changes nothing.
    // Throws as sluice_session_feed.
    void feed(const std::vector<TokenId>& ids) { check(sluice_session_feed, get(), ids.data(), ids.size()); }

    // Encodes text with SLUICE_ENCODE_... flags and feeds it.
    void feed_text(std::string_view text, std::uint32_t flags = 0) {
        check(sluice_session_feed_text, get(), text.data(), text.size(), flags);
    }

    // Generates one token. Throws as sluice_session_next.
    Event next() {
        const auto raw = filled<sluice_event>(sluice_session_next, get());
        const auto size = static_cast<std::size_t>(raw.text_size);
        const std::string_view text(size > 0 ? raw.text : "", size);
        return {raw.kind, raw.token_id, raw.reason, raw.log_probability, raw.stop_string, raw.n_tokens, text};
    }

    // The events of one answer, the end included: for (const Event& event : session.events()) ...
    // An input range: to advance is to generate, and leaves the text of the event before behind.
    class Events {
    public:
        struct Sentinel {};
        class Iterator {
        public:
            using iterator_category = std::input_iterator_tag;
            using value_type = Event;
            using difference_type = std::ptrdiff_t;
            using pointer = const Event*;
            using reference = const Event&;

            explicit Iterator(Session& session) : session_(&session), event_(session.next()) {}
            reference operator*() const noexcept { return event_; }
            pointer operator->() const noexcept { return &event_; }
            Iterator& operator++() {
                over_ = event_.is_end();
                if (!over_) event_ = session_->next();
                return *this;
            }
            void operator++(int) { ++*this; }
            friend bool operator==(const Iterator& it, Sentinel) noexcept { return it.over_; }
            friend bool operator!=(const Iterator& it, Sentinel) noexcept { return !it.over_; }

        private:
            Session* session_;
            Event event_;
            bool over_ = false;
        };

        explicit Events(Session& session) noexcept : session_(session) {}
        Iterator begin() const { return Iterator(session_); }
        Sentinel end() const noexcept { return {}; }

    private:
        Session& session_;
    };
    Events events() noexcept { return Events(*this); }

    // Ends the call that is running, or else the next feed or next. Any thread; returns at once.
    void cancel() noexcept { sluice_session_cancel(get()); }

    // Forgets the conversation; options and seed stay, the random stream starts anew.
    void reset() { check(sluice_session_reset, get()); }

    // Other sampling or limits from the next token on. Throws as sluice_session_configure.
    void configure(const SessionOptions& options) {
        check(sluice_session_configure, get(), COptions(options).get());
    }

    // The logits that the next token will be chosen from: vocabulary_size of them, before penalties.
    std::vector<float> logits() { return collected<std::vector<float>>(0, sluice_session_logits, get()); }

    // The most likely tokens at the place of the last token, best first, before penalties and temperature.
    std::vector<TokenProbability> top_log_probabilities() {
        TokenId ids[64];
        float values[64];
        std::uint64_t n = 0;
        check(sluice_session_top_log_probabilities, get(), ids, values, std::uint64_t{64}, &n);
        std::vector<TokenProbability> result;
        for (std::size_t i = 0; i < n; ++i) result.push_back({ids[i], values[i]});
        return result;
    }

    sluice_statistics statistics() { return filled<sluice_statistics>(sluice_session_statistics, get()); }

private:
    // The C struct of options; borrows them.
    struct COptions {
        explicit COptions(const SessionOptions& options) : texts(options.stop_strings.size()) {
            for (std::size_t i = 0; i < texts.size(); ++i) {
                texts[i].data = options.stop_strings[i].data();
                texts[i].size = options.stop_strings[i].size();
            }
            value.flags = options.flags;
            value.max_tokens = options.max_tokens;
            value.chunk_size = options.chunk_size;
            value.n_top_log_probabilities = options.n_top_log_probabilities;
            value.n_stop_tokens = static_cast<std::uint32_t>(options.stop_tokens.size());
            value.stop_tokens = options.stop_tokens.data();
            value.n_stop_strings = static_cast<std::uint32_t>(texts.size());
            value.stop_strings = texts.data();
            value.sampling = options.sampling ? &*options.sampling : nullptr;
        }
        const sluice_session_options* get() const noexcept { return &value; }

        std::vector<sluice_text> texts;
        sluice_session_options value = sized<sluice_session_options>();
    };
};

}  // namespace sluicepp
