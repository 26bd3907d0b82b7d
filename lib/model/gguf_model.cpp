// A model from its GGUF file, or from the parts of a split one.
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/config_readers.h"
#include "model/model_files.h"

namespace sluice {
namespace {

// Names the file in an error, where there are several.
Error in_part(Error error, const Source& source, std::size_t n_parts) {
    if (n_parts > 1) error.message = sentence(printable(source.name()), ": ", error.message);
    return error;
}

// A key that later parts may repeat but not contradict.
Done check_same(const Metadata& first, const Metadata& other, std::string_view key) {
    SLUICE_ASSIGN(mine, first.text(key));
    SLUICE_ASSIGN(theirs, other.text(key));
    if (!theirs || mine == theirs) return Nothing{};
    return make_error(SLUICE_E_CORRUPT, "it is a part of another model: ", key, " is \"", printable(*theirs),
                      "\"");
}

// llama.cpp, tools/gguf-split: split.no counts from 0, split.count and split.tensors.count are of the whole.
Done check_part(const GgufFile& first, const GgufFile& part, std::size_t index, std::size_t n_parts) {
    SLUICE_ASSIGN(number, part.metadata.natural("split.no"));
    SLUICE_ASSIGN(count, part.metadata.natural("split.count"));
    if (n_parts == 1) {
        if (count.value_or(1) <= 1) return Nothing{};
        return make_error(SLUICE_E_UNSUPPORTED, "the file is part ", number.value_or(0) + 1, " of ", *count,
                          "; a split model is opened by a path that ends in -00001-of-00003.gguf or the like");
    }
    if (!number || !count) {
        return make_error(SLUICE_E_CORRUPT, "the file is named as part ", index + 1, " of ", n_parts,
                          ", but has no split.no and split.count");
    }
    if (*count != n_parts) {
        return make_error(SLUICE_E_CORRUPT, "split.count is ", *count, ", the file is named as one of ",
                          n_parts);
    }
    if (*number != index) {
        return make_error(SLUICE_E_CORRUPT, "split.no is ", *number, ", expected ", index,
                          ": the file is another part than its name says");
    }
    SLUICE_TRY(check_same(first.metadata, part.metadata, "general.architecture"));
    SLUICE_TRY(check_same(first.metadata, part.metadata, "general.name"));
    SLUICE_ASSIGN(mine, first.metadata.natural("split.tensors.count"));
    SLUICE_ASSIGN(theirs, part.metadata.natural("split.tensors.count"));
    if (mine != theirs) {
        return make_error(SLUICE_E_CORRUPT, "it is a part of another model: split.tensors.count is ",
                          theirs.value_or(0), ", in the first part ", mine.value_or(0));
    }
    return Nothing{};
}

Done add_tensors(GgufFile& part, std::uint32_t index, TensorTable& table) {
    for (TensorEntry& entry : part.tensors) {
        entry.file = index;
        if (table.entries().size() == kMaxGgufTensors) {
            return error_at(entry.header_offset, SLUICE_E_LIMIT, "the parts have more than ", kMaxGgufTensors,
                            " tensors");
        }
        SLUICE_TRY(table.add(std::move(entry)));
    }
    return Nothing{};
}

}  // namespace

Result<ModelFiles> read_gguf_model(std::vector<std::shared_ptr<const Source>> parts) {
    ModelFiles files;
    GgufFile first;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto part = read_gguf(*parts[i]);
        if (!part) return in_part(std::move(part).error(), *parts[i], parts.size());
        if (i == 0) first = std::move(*part);
        GgufFile& here = i == 0 ? first : *part;
        Done done = check_part(first, here, i, parts.size());
        if (done) done = add_tensors(here, static_cast<std::uint32_t>(i), files.tensors);
        if (!done) return in_part(std::move(done).error(), *parts[i], parts.size());
        files.warnings.insert(files.warnings.end(), here.warnings.begin(), here.warnings.end());
    }
    files.format = sentence("GGUF v", first.version);
    SLUICE_ASSIGN(n_expected, first.metadata.natural("split.tensors.count"));
    if (parts.size() > 1 && n_expected && *n_expected != files.tensors.entries().size()) {
        return make_error(SLUICE_E_CORRUPT, "the parts have ", files.tensors.entries().size(),
                          " tensors, split.tensors.count is ", *n_expected);
    }
    SLUICE_ASSIGN(embedding, files.names().find(Part::kEmbedding));
    std::optional<std::uint64_t> rows;
    if (embedding != nullptr && embedding->dimensions.size() > 1) rows = embedding->dimensions[1];
    SLUICE_ASSIGN(config, config_from_gguf(first.metadata, rows));
    files.config = std::move(config);
    SLUICE_ASSIGN(vocabulary, vocabulary_from_gguf(first.metadata));
    files.vocabulary = std::move(vocabulary);
    for (const auto& [key, value] : first.metadata.members()) files.metadata.emplace(key, value.to_text());
    files.sources = std::move(parts);
    return files;
}

}  // namespace sluice
