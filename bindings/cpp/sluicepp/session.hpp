// Sessions: feed or prompt, then pull events.
#pragma once

#include <sluice/sluice.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base.hpp"
#include "kv_cache.hpp"
#include "model.hpp"

namespace sluicepp {

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
    std::uint64_t prompt_done = 0;   // of progress: tokens of a queued prompt that are computed
    std::uint64_t prompt_to_go = 0;  // and that are not

    bool is_text() const noexcept { return kind == SLUICE_EVENT_TEXT; }
    bool is_end() const noexcept { return kind == SLUICE_EVENT_END; }
    bool is_progress() const noexcept { return kind == SLUICE_EVENT_PROGRESS; }
};

namespace detail {

inline Event to_event(const sluice_event& raw) {
    const auto size = static_cast<std::size_t>(raw.text_size);
    return {raw.kind,
            raw.token_id,
            raw.reason,
            raw.log_probability,
            raw.stop_string,
            raw.n_tokens,
            std::string_view(size > 0 ? raw.text : "", size),
            raw.prompt_done,
            raw.prompt_to_go};
}

}  // namespace detail

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

    // Makes the conversation these tokens: what the cache holds of their beginning stays, the rest is computed.
    // The number of tokens that stayed. Throws as sluice_session_prompt.
    std::uint64_t prompt(const std::vector<TokenId>& ids) {
        std::uint64_t n_reused = 0;
        check(sluice_session_prompt, get(), ids.data(), ids.size(), &n_reused);
        return n_reused;
    }
    std::uint64_t prompt_text(std::string_view text, std::uint32_t flags = 0) {
        std::uint64_t n_reused = 0;
        check(sluice_session_prompt_text, get(), text.data(), text.size(), flags, &n_reused);
        return n_reused;
    }

    // Goes back to the first tokens of the conversation. Throws as sluice_session_rewind.
    void rewind(std::uint64_t position) { check(sluice_session_rewind, get(), position); }

    // To a file and back, at any token. Throws as sluice_session_save and _load.
    void save(std::string_view path) const { check(sluice_session_save, get(), path.data(), path.size()); }
    void load(std::string_view path) { check(sluice_session_load, get(), path.data(), path.size()); }

    // Appends tokens to a prompt that the steps of a batch, or the next call that needs it, compute.
    // Throws as sluice_session_queue.
    void queue(const std::vector<TokenId>& ids) { check(sluice_session_queue, get(), ids.data(), ids.size()); }

    // Encodes text with SLUICE_ENCODE_... flags and queues it.
    void queue_text(std::string_view text, std::uint32_t flags = 0) {
        check(sluice_session_queue_text, get(), text.data(), text.size(), flags);
    }

    // Generates one token. Throws as sluice_session_next.
    Event next() { return detail::to_event(filled<sluice_event>(sluice_session_next, get())); }

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
