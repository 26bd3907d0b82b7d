// sluice logits: what the model computes for every token of a prompt, for comparison with other programs.
#include <sluice/experimental.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

constexpr std::size_t kMaxChunk = 4096;  // of a session, session.h

struct Options {
    std::string model;
    std::string ids;
    std::string out;
    std::size_t chunk = kMaxChunk;
    std::string hidden_folder;
    KvOptions kv{0, "f32"};  // exact, unless asked for what generate does
    ActivationOptions activations{"float32"};
    EngineOptions engine;
};

// The files of one layer with experts.
struct ExpertFiles {
    std::uint32_t layer;
    OutputFile ids;
    OutputFile weights;
};

// What --hidden asks for: hidden states around every layer, experts of every layer that has some.
class Inspection {
public:
    Inspection(const sluice_model_info& model, const std::string& folder) {
        for (std::uint32_t layer = 0; layer <= model.n_layers; ++layer) {
            hidden_.emplace_back(folder + "/hidden." + std::to_string(layer) + ".f32");
        }
        if (model.n_experts == 0) return;
        for (std::uint32_t layer = model.n_dense_layers; layer < model.n_layers; ++layer) {
            const std::string number = std::to_string(layer);
            experts_.push_back({layer, OutputFile(folder + "/experts." + number + ".i32"),
                                OutputFile(folder + "/weights." + number + ".f32")});
        }
    }

    // Appends the rows of the last feed.
    void append(sluice_session* session) {
        for (std::uint32_t layer = 0; layer < hidden_.size(); ++layer) {
            const auto rows =
                sluicepp::collected<std::vector<float>>(0, sluice_session_traced_hidden, session, layer);
            hidden_[layer].write_numbers(rows.data(), rows.size());
        }
        for (ExpertFiles& files : experts_) {
            std::vector<float> weights;
            const auto ids = sluicepp::collected<std::vector<std::int32_t>>(
                0, [&](std::int32_t* out, std::uint64_t capacity, std::uint64_t* needed, sluice_error* error) {
                    weights.resize(static_cast<std::size_t>(capacity));
                    return sluice_session_traced_experts(session, files.layer, out, weights.data(), capacity,
                                                         needed, error);
                });
            files.ids.write_numbers(ids.data(), ids.size());
            files.weights.write_numbers(weights.data(), weights.size());
        }
    }

    void close() {
        for (OutputFile& file : hidden_) file.close();
        for (ExpertFiles& files : experts_) {
            files.ids.close();
            files.weights.close();
        }
    }

private:
    std::vector<OutputFile> hidden_;
    std::vector<ExpertFiles> experts_;
};

int run(const Options& options) {
    const auto ids = parse_ids(options.ids);
    const std::size_t chunk = std::min(ids.size(), options.chunk);
    const auto engine = make_engine(options.engine);
    const auto model = open_model(engine, options.model, options.activations.number());
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.capacity = std::max<std::uint64_t>(ids.size(), options.kv.capacity);
    kv.key_type = kv.value_type = options.kv.type_number();
    const sluicepp::KvCache cache(model, kv);
    sluicepp::SessionOptions session_options;
    session_options.chunk_size = static_cast<std::uint32_t>(chunk);
    sluicepp::Session session(model, cache, session_options);

    OutputFile out(options.out);
    std::optional<Inspection> inspection;
    std::uint32_t traced = SLUICE_TRACE_LOGITS;
    if (!options.hidden_folder.empty()) {
        std::filesystem::create_directories(options.hidden_folder);
        inspection.emplace(model.describe(), options.hidden_folder);
        traced |= SLUICE_TRACE_HIDDEN | SLUICE_TRACE_EXPERTS;
    }
    sluicepp::check(sluice_session_trace, session.get(), traced);

    Progress progress;
    for (std::size_t first = 0; first < ids.size(); first += chunk) {
        progress.show("computed " + count_text(first) + " of " + count_text(ids.size()) + " tokens");
        const std::size_t last = std::min(first + chunk, ids.size());
        session.feed({ids.data() + first, ids.data() + last});
        const auto rows =
            sluicepp::collected<std::vector<float>>(0, sluice_session_traced_logits, session.get());
        out.write_numbers(rows.data(), rows.size());
        if (inspection) inspection->append(session.get());
    }
    out.close();
    if (inspection) inspection->close();
    return kDone;
}

}  // namespace

Command add_logits(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("logits",
                                   "Writes the logits of every token to a file: little-endian float32, "
                                   "one row per token. Nothing is rounded on "
                                   "the way unless --activations or --kv ask for it.");
    add_model(line, options->model);
    line.add("--ids", options->ids, "token ids, for example 1,5,7").required().called("LIST");
    line.add("--out", options->out, "file to write").required().called("FILE");
    line.add("--chunk", options->chunk, "tokens computed at once; default: 4096, the most")
        .within(1, kMaxChunk)
        .called("N");
    line.add("--hidden", options->hidden_folder,
             "folder for hidden.L.f32 (L = 0: embeddings, L: after layer L, the last after the final "
             "norm) and, for layers with experts counted from 0, experts.L.i32 and weights.L.f32")
        .called("FOLDER");
    add_activations(line, options->activations);
    add_kv(line, options->kv);
    add_engine(line, options->engine);
    line.footer("Example:\n  sluice logits model.gguf --ids 1,5,7 --out logits.f32");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
