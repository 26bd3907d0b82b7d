// Opening, planning, writing: where a model comes from must not matter, and a failure leaves nothing behind.
#include <fcntl.h>

#include <cmath>
#include <limits>

#include "model/checkpoint_files.h"
#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/random_model.h"

namespace sluice {
namespace {

using namespace test;

using Opened = Result<std::shared_ptr<const Model>>;

std::vector<std::byte> tiny() {
    auto bytes = random_model_bytes("tiny", 5);
    REQUIRE(bytes);
    return *bytes;
}

Opened open_bytes(std::span<const std::byte> bytes, MemoryBudget& budget, const ModelOptions& options = {}) {
    return Model::open_source(Source::from_memory(bytes), options, budget, Log());
}

Source::ReadAt reading_from(const std::vector<std::byte>& bytes) {
    return [&bytes](std::uint64_t offset, void* buffer, std::uint64_t size) {
        const std::uint64_t n = std::min<std::uint64_t>(size, bytes.size() - offset);
        std::memcpy(buffer, bytes.data() + offset, n);
        return static_cast<std::int64_t>(n);
    };
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// The place of a tensor's bytes in the file.
std::uint64_t offset_of(const Model& model, const std::string& name) {
    for (const TensorRecord& record : model.tensors()) {
        if (record.name == name) return record.offset;
    }
    FAIL("no tensor " << name);
    return 0;
}

// The tensors of a file as a split model: part i of n takes every n-th.
void write_parts(const TemporaryFolder& folder, const std::vector<std::byte>& whole, std::uint64_t n,
                 const std::function<void(std::uint64_t part, Metadata& metadata)>& change = {}) {
    const auto source = Source::from_memory(whole);
    const auto file = read_gguf(*source);
    REQUIRE(file);
    for (std::uint64_t part = 0; part < n; ++part) {
        GgufWriter writer;
        if (part == 0) {
            for (const auto& [key, value] : file->metadata.members()) writer.metadata().set(key, value);
        }
        writer.metadata().set("split.no", MetadataValue::uint32(static_cast<std::uint32_t>(part)));
        writer.metadata().set("split.count", MetadataValue::uint32(static_cast<std::uint32_t>(n)));
        writer.metadata().set("split.tensors.count",
                              MetadataValue::uint32(static_cast<std::uint32_t>(file->tensors.size())));
        if (change) change(part, writer.metadata());
        for (std::size_t i = part; i < file->tensors.size(); i += n) {
            const TensorEntry& entry = file->tensors[i];
            REQUIRE(writer.announce(entry.name, *entry.type, entry.dimensions));
        }
        auto sink = ByteSink::to_file(
            folder.file("m-0000" + std::to_string(part + 1) + "-of-0000" + std::to_string(n) + ".gguf"));
        REQUIRE(sink);
        REQUIRE(writer.begin(std::move(*sink)));
        for (std::size_t i = part; i < file->tensors.size(); i += n) {
            const TensorEntry& entry = file->tensors[i];
            REQUIRE(writer.write(source->bytes().subspan(entry.offset, entry.size)));
        }
        REQUIRE(writer.finish());
    }
}

}  // namespace

TEST_CASE("random model: the same seed gives the same bytes, another seed others") {
    for (const char* kind : {"moe", "dense", "tiny"}) {
        const auto a = random_model_bytes(kind, 1);
        const auto b = random_model_bytes(kind, 1);
        const auto c = random_model_bytes(kind, 2);
        REQUIRE((a && b && c));
        CHECK(*a == *b);
        CHECK(*a != *c);
        MemoryBudget budget;
        ModelOptions options;
        options.scan = true;
        const auto opened = open_bytes(*a, budget, options);
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        REQUIRE((*opened)->tokenizer() != nullptr);
        CHECK((*opened)->tokenizer()->size() == (*opened)->config().vocabulary_size);
        CHECK((*opened)->format() == "GGUF v3");
    }
    CHECK(tiny().size() < 200000);
    const auto unknown = random_model_bytes("large", 1);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().status == SLUICE_E_INVALID_ARGUMENT);
}

TEST_CASE("random model: the file appears whole or not at all") {
    const TemporaryFolder folder;
    REQUIRE(write_random_model(folder.file("m.gguf"), "tiny", 5));
    const auto n_files = std::distance(std::filesystem::directory_iterator(folder.path()), {});
    CHECK(n_files == 1);
    std::ifstream file(folder.file("m.gguf"), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto bytes = tiny();
    CHECK(text == std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    const auto refused = write_random_model(folder.file("none/m.gguf"), "tiny", 5);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == SLUICE_E_NOT_FOUND);
}

TEST_CASE("model: path, descriptor, memory and callback are one model") {
    const TemporaryFolder folder;
    const auto bytes = tiny();
    const std::string path = folder.file("m.gguf");
    write_file(path, bytes);
    const std::string inside = folder.file("inside.bin");
    std::vector<std::byte> padded(100);
    padded.insert(padded.end(), bytes.begin(), bytes.end());
    padded.resize(padded.size() + 33);
    write_file(inside, padded);
    MemoryBudget budget;
    for (const Access access : {Access::kMap, Access::kRead}) {
        ModelOptions options;
        options.access = access;
        const auto first = Model::open_path(path, options, budget, Log());
        REQUIRE(first);
        const std::uint64_t fingerprint = (*first)->fingerprint();
        CHECK(fingerprint != 0);
        const auto expected = decoded((*first)->weights().head);
        const int descriptor = ::open(inside.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(descriptor >= 0);
        std::vector<std::shared_ptr<const Source>> sources;
        sources.push_back(Source::from_memory(bytes));
        sources.push_back(Source::from_callback(bytes.size(), reading_from(bytes)));
        auto from_descriptor = Source::open_descriptor(descriptor, 100, bytes.size(), access);
        REQUIRE(from_descriptor);
        sources.push_back(*from_descriptor);
        for (auto& source : sources) {
            const auto opened = Model::open_source(source, options, budget, Log());
            REQUIRE(opened);
            CHECK((*opened)->fingerprint() == fingerprint);
            CHECK(decoded((*opened)->weights().head) == expected);
            const bool maps = access == Access::kMap && !source->bytes().empty();
            CHECK(((*opened)->sizes().mapped > 0) == maps);
        }
        ::close(descriptor);
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("model: the budget counts what was read, and gives it back") {
    const auto bytes = tiny();
    ModelOptions options;
    options.access = Access::kRead;
    MemoryBudget budget;
    std::uint64_t used = 0;
    {
        const auto opened = open_bytes(bytes, budget, options);
        REQUIRE(opened);
        used = budget.used();
        CHECK(used >= (*opened)->sizes().memory);
        CHECK((*opened)->sizes().mapped == 0);
    }
    CHECK(budget.used() == 0);
    MemoryBudget small(used / 2);
    const auto refused = open_bytes(bytes, small, options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == SLUICE_E_OUT_OF_MEMORY);
    CHECK(small.used() == 0);
}

TEST_CASE("model: a plan has the sizes of the open model and touches no weight") {
    const auto bytes = tiny();
    MemoryBudget budget;
    std::uint64_t highest = 0;
    const auto read_at = [&](std::uint64_t offset, void* buffer, std::uint64_t size) {
        highest = std::max(highest, offset);
        return reading_from(bytes)(offset, buffer, size);
    };
    const auto planned = Model::plan_source(Source::from_callback(bytes.size(), read_at), Access::kRead);
    REQUIRE(planned);
    CHECK(highest == 0);  // one block holds the header of so small a file
    ModelOptions options;
    options.access = Access::kRead;
    const auto opened = open_bytes(bytes, budget, options);
    REQUIRE(opened);
    const ModelSizes& a = (*planned)->sizes();
    const ModelSizes& b = (*opened)->sizes();
    CHECK(a.memory == b.memory);
    CHECK(a.weights == b.weights);
    CHECK(a.token_read == b.token_read);
    CHECK(a.files == bytes.size());
    CHECK(a.parameters_used < a.parameters);
    CHECK((*planned)->fingerprint() == 0);
    CHECK((*planned)->tensors().size() == (*opened)->tensors().size());
}

TEST_CASE("model: a scan finds a NaN and an infinity, and names tensor and element") {
    auto bytes = tiny();
    MemoryBudget budget;
    const auto clean = open_bytes(bytes, budget);
    REQUIRE(clean);
    const auto poison = [&](const std::string& name, std::uint64_t at, std::vector<std::uint8_t> with,
                            const std::string& in_message) {
        auto poisoned = bytes;
        std::memcpy(poisoned.data() + offset_of(**clean, name) + at, with.data(), with.size());
        ModelOptions options;
        CHECK(open_bytes(poisoned, budget, options));
        options.scan = true;
        const auto refused = open_bytes(poisoned, budget, options);
        REQUIRE_FALSE(refused);
        INFO(refused.error().message);
        CHECK(refused.error().status == SLUICE_E_NUMERIC);
        CHECK(refused.error().message.find(name) != std::string::npos);
        CHECK(refused.error().message.find(in_message) != std::string::npos);
    };
    poison("blk.1.ffn_gate_exps.weight", 18 * 5, {0x00, 0x7C}, "inf");
    poison("token_embd.weight", 34 * 3, {0x00, 0x7E}, "element 96");
    poison("blk.1.attn_v.weight", 2 * 7, {0x01, 0xFC}, "element 7");
    poison("token_embd_norm.weight", 4 * 9, {0x00, 0x00, 0x80, 0xFF}, "element 9");
}

TEST_CASE("model: opening can be cancelled at every step") {
    const auto bytes = tiny();
    ModelOptions options;
    options.scan = true;
    options.access = Access::kRead;
    int n_calls = 0;
    std::uint64_t last = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(done >= last);
        CHECK(done <= total);
        last = done;
        ++n_calls;
        return 0;
    };
    MemoryBudget budget;
    REQUIRE(open_bytes(bytes, budget, options));
    CHECK(n_calls > 10);
    for (int stop = 1; stop <= n_calls; ++stop) {
        int n = 0;
        options.progress = [&](std::uint64_t, std::uint64_t) { return ++n == stop ? 1 : 0; };
        const auto cancelled = open_bytes(bytes, budget, options);
        REQUIRE_FALSE(cancelled);
        CHECK(cancelled.error().status == SLUICE_E_CANCELLED);
        CHECK(budget.used() == 0);
    }
}

TEST_CASE("model: metadata is text, an array has none") {
    const auto bytes = tiny();
    MemoryBudget budget;
    const auto opened = open_bytes(bytes, budget);
    REQUIRE(opened);
    const Model& model = **opened;
    CHECK(*model.metadata("general.architecture") == "lfm2moe");
    CHECK(*model.metadata("lfm2moe.block_count") == "3");
    CHECK(*model.metadata("tokenizer.ggml.add_bos_token") == "true");
    CHECK(*model.metadata("lfm2moe.attention.layer_norm_rms_epsilon") == "1e-05");
    CHECK(model.metadata("tokenizer.ggml.tokens").error().status == SLUICE_E_UNSUPPORTED);
    CHECK(model.metadata("general.none").error().status == SLUICE_E_NOT_FOUND);
}

TEST_CASE("split model: its parts are one model, whichever of them is named") {
    const auto whole = tiny();
    const TemporaryFolder folder;
    write_parts(folder, whole, 3);
    MemoryBudget budget;
    const auto single = open_bytes(whole, budget);
    REQUIRE(single);
    for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf"}) {
        const auto opened = Model::open_path(folder.file(name), {}, budget, Log());
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        CHECK((*opened)->fingerprint() == (*single)->fingerprint());
        CHECK((*opened)->sizes().weights == (*single)->sizes().weights);
        CHECK(decoded((*opened)->weights().layers[2].mixer.index() == 1
                          ? std::get<ShortConvolution>((*opened)->weights().layers[2].mixer).input
                          : (*opened)->weights().head) ==
              decoded(std::get<ShortConvolution>((*single)->weights().layers[2].mixer).input));
    }
}

TEST_CASE("split model: parts that are missing, repeated or of another model are refused") {
    const auto whole = tiny();
    MemoryBudget budget;
    const auto check = [&](const TemporaryFolder& folder, std::int32_t status, const std::string& in_message) {
        const auto result = Model::open_path(folder.file("m-00001-of-00003.gguf"), {}, budget, Log());
        REQUIRE_FALSE(result);
        INFO(result.error().message);
        CHECK(result.error().status == status);
        CHECK(result.error().message.find(in_message) != std::string::npos);
    };
    const auto copy = [](const TemporaryFolder& folder, const std::string& from, const std::string& to) {
        std::filesystem::copy_file(folder.file(from), folder.file(to),
                                   std::filesystem::copy_options::overwrite_existing);
    };
    const TemporaryFolder folder;
    write_parts(folder, whole, 3);
    copy(folder, "m-00002-of-00003.gguf", "saved");
    copy(folder, "m-00003-of-00003.gguf", "m-00002-of-00003.gguf");
    check(folder, SLUICE_E_CORRUPT, "split.no is 2, expected 1");
    std::filesystem::remove(folder.file("m-00002-of-00003.gguf"));
    check(folder, SLUICE_E_NOT_FOUND, "m-00002-of-00003.gguf");
    const TemporaryFolder other;
    write_parts(other, whole, 2);
    std::filesystem::copy_file(other.file("m-00002-of-00002.gguf"), folder.file("m-00002-of-00003.gguf"));
    check(folder, SLUICE_E_CORRUPT, "split.count is 2");
    write_file(folder.file("m-00002-of-00003.gguf"), whole);
    check(folder, SLUICE_E_CORRUPT, "split.no");
    const auto with = [&](const std::string& key, const MetadataValue& value) {
        write_parts(folder, whole, 3, [&](std::uint64_t part, Metadata& metadata) {
            if (part == 1) metadata.set(key, value);
        });
    };
    with("split.tensors.count", MetadataValue::uint32(7));
    check(folder, SLUICE_E_CORRUPT, "another model");
    with("general.name", MetadataValue::string("someone else"));
    check(folder, SLUICE_E_CORRUPT, "another model");
    const auto alone = Source::open_path(folder.file("m-00001-of-00003.gguf"), Access::kMap);
    REQUIRE(alone);
    CHECK(Model::open_source(*alone, {}, budget, Log()).error().status == SLUICE_E_UNSUPPORTED);
    CHECK(gguf_part_paths("m-00004-of-00003.gguf").error().status == SLUICE_E_CORRUPT);
    CHECK(gguf_part_paths("m-00000-of-00003.gguf").error().status == SLUICE_E_CORRUPT);
    CHECK(gguf_part_paths("m-00001-of-99999.gguf").error().status == SLUICE_E_LIMIT);
    CHECK(gguf_part_paths("m-0001-of-0003.gguf")->size() == 1);
}

TEST_CASE("gguf writer: what was written is read again, value by value") {
    GgufWriter writer;
    writer.metadata().set("a.text", MetadataValue::string("grün"));
    writer.metadata().set("a.float", MetadataValue::float32(0.1F));
    writer.metadata().set("a.bool", MetadataValue::boolean(true));
    writer.metadata().set("a.texts", MetadataValue::strings({"", "x", "yz"}));
    writer.metadata().set("a.floats", MetadataValue::float32s({1.5F, -2.0F}));
    REQUIRE(writer.announce("one", TensorType::kQ8_0, {32, 3}));
    REQUIRE(writer.announce("two", TensorType::kF32, {5}));
    CHECK_FALSE(writer.announce("", TensorType::kF32, {5}));
    CHECK_FALSE(writer.announce("bad", TensorType::kQ4_K, {32}));
    CHECK_FALSE(writer.announce("bad", TensorType::kF32, {0}));
    CHECK_FALSE(writer.announce("bad", TensorType::kF32, {1ull << 62, 4}));
    std::vector<std::byte> bytes;
    REQUIRE(writer.begin(ByteSink::to_memory(bytes)));
    const std::vector<std::byte> data(34 * 3 + 20, std::byte{7});
    REQUIRE(writer.write(std::span(data).first(50)));
    CHECK(writer.finish().error().status == SLUICE_E_STATE);
    REQUIRE(writer.write(std::span(data).subspan(50)));
    CHECK(writer.write(std::span(data).first(1)).error().status == SLUICE_E_INVALID_ARGUMENT);
    REQUIRE(writer.finish());
    const auto file = read_gguf(*Source::from_memory(bytes));
    REQUIRE(file);
    CHECK(**file->metadata.text("a.text") == "grün");
    CHECK(**file->metadata.number("a.float") == double{0.1F});
    CHECK(**file->metadata.boolean("a.bool"));
    CHECK((*file->metadata.array("a.texts"))->string(2) == "yz");
    CHECK(*(*file->metadata.array("a.floats"))->number(1) == -2.0);
    REQUIRE(file->tensors.size() == 2);
    CHECK(file->tensors[1].offset - file->tensors[0].offset == 128);
    CHECK(bytes[file->tensors[1].offset + 19] == std::byte{7});
}

}  // namespace sluice
