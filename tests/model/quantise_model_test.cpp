// Whole files: what is in them, and what is refused with nothing left behind.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "model/quantised_files.h"
#include "support/slow_build.h"

namespace sluice {

using namespace test;

TEST_CASE("quantise: every type gives a file that opens with the same configuration") {
    const Tiny tiny;
    const auto original = open(tiny.gguf);
    for (const std::string type : {"Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16", "BF16", "F32"}) {
        INFO(type);
        const std::string out = tiny.folder.file("out.gguf");
        require_done(write_as(tiny.gguf, out, type));
        const auto model = open(out);
        CHECK(model->config().is_attention == original->config().is_attention);
        CHECK(model->config().n_experts == original->config().n_experts);
        CHECK(*model->metadata("tokenizer.chat_template") == *original->metadata("tokenizer.chat_template"));
        CHECK(*model->metadata("general.name") == *original->metadata("general.name"));
        CHECK(model->tokenizer()->size() == original->tokenizer()->size());
        CHECK(model->tensors().size() == original->tensors().size());
        CHECK(decoded(model->weights().embedding).size() == decoded(original->weights().embedding).size());
    }
}

TEST_CASE("quantise: rows that a type cannot hold get the type that llama-quantize takes") {
    const Tiny tiny;  // all rows have 32 elements
    struct Case {
        std::string type, base, embedding;
    };
    for (const Case& test : {Case{"Q4_K_M", "Q5_0", "Q8_0"}, Case{"Q5_K_M", "Q5_1", "Q8_0"},
                             Case{"Q6_K", "Q8_0", "Q8_0"}, Case{"Q4_0", "Q4_0", "Q8_0"}}) {
        std::string told;
        const Log log(
            SLUICE_LOG_WARNING,
            [](void* user, std::int32_t, const char* text, std::uint64_t size) {
                static_cast<std::string*>(user)->append(text, size) += '\n';
            },
            &told, nullptr);
        const std::string out = tiny.folder.file("out.gguf");
        require_done(write_as(tiny.gguf, out, test.type, 1, log));
        auto types = types_of(out);
        CHECK(types["blk.0.ffn_gate.weight"] == test.base + " 32x32");
        CHECK(types["token_embd.weight"] == test.embedding + " 32x288");
        CHECK(types["blk.0.attn_norm.weight"] == "F32 32");
        CHECK(types["blk.1.ffn_gate_inp.weight"] == "F32 32x4");
        CHECK(types["blk.0.shortconv.conv.weight"] == "F32 3x32");
        CHECK((told.find("token_embd.weight has rows of 32, which Q6_K cannot hold: stored as Q8_0") !=
               std::string::npos));
    }
}

TEST_CASE("quantise: a folder and a file of the same weights give the same tensors") {
    const Tiny tiny;
    const std::string from_file = tiny.folder.file("a.gguf");
    require_done(write_as(tiny.gguf, from_file, "F32"));
    for (const ExpertLayout experts : {ExpertLayout::kSingle, ExpertLayout::kFused, ExpertLayout::kMlx}) {
        Layout layout;
        layout.experts = experts;
        const std::string folder = tiny.checkpoint("checkpoint", tiny.tensors(layout));
        for (const std::string type : {"F32", "Q8_0", "Q4_0"}) {
            const std::string out = tiny.folder.file("b.gguf");
            require_done(write_as(folder, out, type));
            require_done(write_as(from_file, tiny.folder.file("c.gguf"), type));
            CHECK(types_of(out) == types_of(tiny.folder.file("c.gguf")));
            const auto a = open(out);
            const auto b = open(tiny.folder.file("c.gguf"));
            CHECK(decoded(a->weights().embedding) == decoded(b->weights().embedding));
            const auto& left = std::get<ExpertFeedForward>(a->weights().layers[2].feed_forward);
            const auto& right = std::get<ExpertFeedForward>(b->weights().layers[2].feed_forward);
            CHECK(left.bias == right.bias);
            CHECK(decoded(left.router) == decoded(right.router));
            for (std::size_t e = 0; e < 4; ++e) {
                CHECK(decoded(left.gate[e]) == decoded(right.gate[e]));
                CHECK(decoded(left.up[e]) == decoded(right.up[e]));
                CHECK(decoded(left.down[e]) == decoded(right.down[e]));
            }
        }
    }
}

TEST_CASE("quantise: the number of threads does not show in the file") {
    const Tiny tiny;
    const std::string model = tiny.folder.file("moe.gguf");
    REQUIRE(write_random_model(model, "moe", 5));
    for (const std::string type : {"Q4_0", "Q4_K_M", "Q6_K"}) {
        if (kIsSlowBuild && type != "Q4_0") continue;
        require_done(write_as(model, tiny.folder.file("1.gguf"), type, 1));
        for (const std::uint32_t n_threads : {2u, 3u, 4u}) {
            require_done(write_as(model, tiny.folder.file("n.gguf"), type, n_threads));
            CHECK((bytes_of(tiny.folder.file("1.gguf")) == bytes_of(tiny.folder.file("n.gguf"))));
        }
    }
}

TEST_CASE("quantise: what has the wanted type already keeps its bytes") {
    const Tiny tiny;
    require_done(write_as(tiny.gguf, tiny.folder.file("a.gguf"), "Q4_0"));
    require_done(write_as(tiny.folder.file("a.gguf"), tiny.folder.file("b.gguf"), "Q4_0"));
    CHECK((bytes_of(tiny.folder.file("a.gguf")) == bytes_of(tiny.folder.file("b.gguf"))));
}

TEST_CASE("quantise: a weight that is no number is named, and nothing is left behind") {
    const Tiny tiny;
    struct Case {
        std::string tensor;
        std::size_t element;
        float value;
        std::string type, in_message;
    };
    const float kInfinity = std::numeric_limits<float>::infinity();
    for (const Case& test :
         {Case{"model.layers.1.feed_forward.experts.2.w3.weight", 77, std::nanf(""), "Q8_0",
               " has nan as element 77"},
          Case{"model.layers.0.operator_norm.weight", 31, kInfinity, "Q4_K_M", " has inf as element 31"},
          Case{"model.embed_tokens.weight", 9215, -kInfinity, "F32", " has -inf as element 9215"},
          Case{"model.layers.2.conv.in_proj.weight", 40, 70000.0F, "Q4_0",
               "element 40, more than Q4_0 can hold"},
          Case{"model.layers.2.conv.in_proj.weight", 40, -70000.0F, "F16",
               "element 40, more than F16 can hold"}}) {
        auto tensors = tiny.tensors();
        const auto tensor = std::find_if(tensors.begin(), tensors.end(), [&](const StoredTensor& stored) {
            return stored.name == test.tensor;
        });
        REQUIRE(tensor != tensors.end());
        std::memcpy(tensor->bytes.data() + test.element * sizeof(float), &test.value, sizeof test.value);
        const std::string folder = tiny.checkpoint("checkpoint", tensors);
        TemporaryFolder target;
        target.write("out.gguf", "as it was");
        const auto done = write_as(folder, target.file("out.gguf"), test.type, 2);
        INFO(message_of(done));
        REQUIRE_FALSE(done);
        CHECK(done.error().status == SLUICE_E_NUMERIC);
        CHECK((done.error().message.find(test.tensor) != std::string::npos));
        CHECK((done.error().message.find(test.in_message) != std::string::npos));
        CHECK(bytes_of(target.file("out.gguf")) == "as it was");
        CHECK(files_of(target.path()) == std::vector<std::string>{"out.gguf"});
    }
}

TEST_CASE("quantise: a missing shard and a tensor of the wrong shape are named, and nothing is left behind") {
    const Tiny tiny;
    const auto tensors = tiny.tensors();
    const TemporaryFolder target;
    const auto check_refused = [&](const std::string& folder, std::int32_t status,
                                   const std::string& in_message) {
        const auto done = write_as(folder, target.file("out.gguf"), "Q8_0");
        INFO(message_of(done));
        REQUIRE_FALSE(done);
        CHECK(done.error().status == status);
        CHECK((done.error().message.find(in_message) != std::string::npos));
        CHECK(files_of(target.path()).empty());
    };
    auto wrong = tensors;
    wrong[1].shape.push_back(1);
    wrong[1].shape.front() = 16;
    wrong[1].bytes.resize(64);
    check_refused(tiny.checkpoint("shape", wrong), SLUICE_E_CORRUPT,
                  wrong[1].name + " has shape 1x16, expected 32");
    auto lacking = tensors;
    lacking.pop_back();
    check_refused(tiny.checkpoint("lacking", lacking), SLUICE_E_CORRUPT, "is missing");

    const std::string folder = tiny.folder.file("sharded");
    std::filesystem::create_directories(folder);
    tiny.folder.write("sharded/config.json", tiny_config());
    const std::vector<StoredTensor> first(tensors.begin(), tensors.begin() + 5);
    const std::vector<StoredTensor> second(tensors.begin() + 5, tensors.end());
    std::string map;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        map += (i == 0 ? "\"" : ",\"") + tensors[i].name + "\":\"" + (i < 5 ? "a" : "b") + ".safetensors\"";
    }
    tiny.folder.write("sharded/model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
    tiny.folder.write("sharded/a.safetensors", stored_file(first));
    check_refused(folder, SLUICE_E_NOT_FOUND, "b.safetensors");
    tiny.folder.write("sharded/b.safetensors", stored_file(second));
    require_done(write_as(folder, target.file("sharded.gguf"), "Q8_0"));
    require_done(write_as(tiny.checkpoint("whole", tensors), target.file("whole.gguf"), "Q8_0"));
    CHECK(types_of(target.file("sharded.gguf")) == types_of(target.file("whole.gguf")));
}

TEST_CASE("quantise: BF16 and F32 hold what float16 cannot") {
    const Tiny tiny;
    auto tensors = tiny.tensors();
    const float large = 1e9F;
    std::memcpy(tensors.front().bytes.data(), &large, sizeof large);
    const std::string folder = tiny.checkpoint("checkpoint", tensors);
    require_done(write_as(folder, tiny.folder.file("a.gguf"), "BF16"));
    require_done(write_as(folder, tiny.folder.file("b.gguf"), "F32"));
    CHECK(decoded(open(tiny.folder.file("b.gguf"))->weights().embedding).front() == large);
}

TEST_CASE("quantise: the output is not a file of the source, by any name") {
    const Tiny tiny;
    const std::string before = bytes_of(tiny.gguf);
    const std::string link = tiny.folder.file("link.gguf");
    const std::string hard = tiny.folder.file("hard.gguf");
    std::filesystem::create_symlink(tiny.gguf, link);
    std::filesystem::create_hard_link(tiny.gguf, hard);
    for (const std::string& out : {tiny.gguf, link, hard, tiny.folder.path() + "/./tiny.gguf"}) {
        const auto done = write_as(tiny.gguf, out, "Q8_0");
        INFO(out << ": " << message_of(done));
        REQUIRE_FALSE(done);
        CHECK(done.error().status == SLUICE_E_INVALID_ARGUMENT);
        CHECK((done.error().message.find("is a file of the model that is read") != std::string::npos));
    }
    const std::string folder = tiny.checkpoint("checkpoint", tiny.tensors());
    for (const std::string name : {"/model.safetensors", "/config.json"}) {
        const std::string stored = bytes_of(folder + name);
        CHECK_FALSE(write_as(folder, folder + name, "Q8_0"));
        CHECK((bytes_of(folder + name) == stored));
    }
    CHECK((message_of(write_as(tiny.gguf, folder, "Q8_0")).find("is a folder") != std::string::npos));
    CHECK((bytes_of(tiny.gguf) == before));
    CHECK(files_of(tiny.folder.path()) ==
          std::vector<std::string>{"checkpoint", "hard.gguf", "link.gguf", "tiny.gguf"});
}

TEST_CASE("quantise: a cancelled call leaves nothing behind and says how far it came") {
    const Tiny tiny;
    quantise::QuantiseOptions options;
    std::uint64_t last = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(done > last);
        CHECK(done <= total);
        last = done;
        return done * 2 > total ? 1 : 0;
    };
    const auto done = write_as(tiny.gguf, tiny.folder.file("out.gguf"), "Q8_0", 1, Log(), options);
    REQUIRE_FALSE(done);
    CHECK(done.error().status == SLUICE_E_CANCELLED);
    CHECK(files_of(tiny.folder.path()) == std::vector<std::string>{"tiny.gguf"});
    std::uint64_t end = 0;
    options.progress = [&](std::uint64_t now, std::uint64_t total) {
        end = total;
        last = now;
        return 0;
    };
    last = 0;
    require_done(write_as(tiny.gguf, tiny.folder.file("out.gguf"), "Q8_0", 1, Log(), options));
    CHECK(last == end);
}

TEST_CASE("quantise: a folder that cannot be written to, a type that is none, a budget that is too small") {
    const Tiny tiny;
    CHECK((message_of(write_as(tiny.gguf, tiny.folder.file("no/such/out.gguf"), "Q8_0"))
               .find("cannot be created") != std::string::npos));
    for (const std::string type : {"", "Q4", "Q4_K_S", "IQ4_XS", "q8_0 "}) {
        CHECK((message_of(write_as(tiny.gguf, tiny.folder.file("out.gguf"), type)).find("the types are Q4_0") !=
               std::string::npos));
    }
    CHECK(write_as(tiny.gguf, tiny.folder.file("out.gguf"), "q4_k_m"));
    auto files = read_model_path(tiny.gguf, Access::kRead);
    REQUIRE(files);
    MemoryBudget budget(1000);
    Workers workers(1, Log());
    quantise::QuantiseOptions options;
    options.type = "Q8_0";
    const auto done = quantise::quantise_model(std::move(*files), tiny.folder.file("small.gguf"), options,
                                               workers, budget, Log());
    REQUIRE_FALSE(done);
    CHECK(done.error().status == SLUICE_E_OUT_OF_MEMORY);
    CHECK(files_of(tiny.folder.path()) == std::vector<std::string>{"out.gguf", "tiny.gguf"});
}

TEST_CASE("quantise: what GGUF cannot say of a checkpoint is refused") {
    const Tiny tiny;
    for (const std::string extra : {R"(,"norm_topk_prob":false)", R"(,"routed_scaling_factor":2.5)"}) {
        const std::string folder = tiny.checkpoint("checkpoint", tiny.tensors(), extra);
        const auto done = write_as(folder, tiny.folder.file("out.gguf"), "Q8_0");
        INFO(message_of(done));
        REQUIRE_FALSE(done);
        CHECK(done.error().status == SLUICE_E_UNSUPPORTED);
    }
}

TEST_CASE("oracle: per-tensor types are those of llama-quantize's files") {
    const char* oracle = std::getenv("SLUICE_ORACLE_DIR");
    if (oracle == nullptr) {
        WARN("SLUICE_ORACLE_DIR is not set: skipped");
        return;
    }
    const TemporaryFolder folder;
    for (const std::string kind : {"moe", "dense"}) {
        std::vector<std::string> types = {"BF16", "Q8_0", "Q4_K_M", "Q4_0"};
        if (kind == "moe") types.insert(types.end(), {"Q5_K_M", "Q6_K"});
        for (const std::string& type : types) {
            if (kIsSlowBuild && type != "Q4_0") continue;
            INFO(kind << " " << type);
            require_done(write_as(std::string(oracle) + "/" + kind, folder.file("out.gguf"), type, 2));
            CHECK(types_of(folder.file("out.gguf")) ==
                  types_of(std::string(oracle) + "/" + kind + "/model-" + type + ".gguf"));
        }
    }
}

}  // namespace sluice
