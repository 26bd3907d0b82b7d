// You will be able to keep a program responsive while a model loads and writes two answers: embed_loop MODEL
#include <sluice/sluice.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// An answer that advances whenever the loop has time for it.
class Answer {
public:
    Answer(const sluicepp::Model& model, const std::string& prompt, std::uint64_t max_tokens)
        : session_(model, {.max_tokens = max_tokens}),
          prompt_(sluicepp::Tokenizer(model).encode(prompt, SLUICE_ENCODE_BOS)) {}

    // Reads some of the prompt or writes some of the answer until the slice of time is used up.
    void advance(std::chrono::milliseconds slice) {
        for (const auto end = Clock::now() + slice; !over_ && Clock::now() < end;) {
            if (!prompt_.empty()) {
                const auto some = prompt_.begin() + std::min<std::ptrdiff_t>(16, std::ssize(prompt_));
                session_.feed({prompt_.begin(), some});
                prompt_.erase(prompt_.begin(), some);
                continue;
            }
            const sluicepp::Event event = session_.next();
            text_ += event.text;
            n_written_ = event.n_tokens;
            over_ = event.is_end();
            cancelled_ = over_ && event.reason == SLUICE_END_CANCELLED;
        }
    }

    void cancel() { session_.cancel(); }                    // any thread
    std::uint64_t n_written() const { return n_written_; }  // any thread
    bool over() const { return over_; }
    bool cancelled() const { return cancelled_; }
    const std::string& text() const { return text_; }

private:
    sluicepp::Session session_;
    std::vector<sluicepp::TokenId> prompt_;  // what is still to be read
    std::string text_;
    std::atomic<std::uint64_t> n_written_{0};
    bool over_ = false;
    bool cancelled_ = false;
};

int main(int argc, char** argv) try {
    const sluicepp::Engine engine;
    std::atomic<std::uint64_t> n_loaded{0};
    auto opening = std::async(std::launch::async, [&] {
        return sluicepp::Model(engine, argc > 1 ? argv[1] : "model.gguf", 0,
                               [&](std::uint64_t done, std::uint64_t) { return n_loaded = done, true; });
    });
    int n_frames = 0;
    for (; opening.wait_for(16ms) != std::future_status::ready; ++n_frames) {
        std::printf("frame %d: %.1f MB of the model are open\n", n_frames, static_cast<double>(n_loaded) / 1e6);
    }
    const sluicepp::Model model = opening.get();

    Answer first(model, "The sea is", 40);
    Answer second(model, "Once upon a time", 0);  // would go on for long, if nobody stopped it
    const std::jthread stop_button([&](const std::stop_token& closing) {
        while (second.n_written() < 12 && !closing.stop_requested()) std::this_thread::sleep_for(1ms);
        second.cancel();
    });
    for (; !first.over() || !second.over(); ++n_frames) {
        first.advance(4ms);
        second.advance(4ms);
        std::printf("frame %d: %d and %d tokens\n", n_frames, static_cast<int>(first.n_written()),
                    static_cast<int>(second.n_written()));
    }
    for (const Answer* answer : {&first, &second}) {
        std::printf("%s%s\n", answer->text().c_str(), answer->cancelled() ? " [stopped]" : "");
    }
} catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
}
