// The layout of a GGUF file, written in one pass.
#include "model/gguf_writer.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/gguf.h"

namespace sluice {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint32_t kVersion = 3;

class Bytes {
public:
    template <class Number>
    void add(Number number) {
        text_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    void add_text(std::string_view text) {
        add(std::uint64_t{text.size()});
        text_ += text;
    }
    void add_bytes(std::span<const std::byte> bytes) {
        text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void add_value(const MetadataValue& value);
    std::span<const std::byte> all() const { return std::as_bytes(std::span(text_)); }

private:
    // Little-endian: the low bytes come first.
    void add_integer(MetadataType type, std::uint64_t bits) {
        text_.append(reinterpret_cast<const char*>(&bits), size_of(type));
    }

    std::string text_;
};

void Bytes::add_value(const MetadataValue& value) {
    add(static_cast<std::uint32_t>(value.type));
    if (const auto* natural = std::get_if<std::uint64_t>(&value.content)) add_integer(value.type, *natural);
    if (const auto* integer = std::get_if<std::int64_t>(&value.content)) {
        add_integer(value.type, static_cast<std::uint64_t>(*integer));
    }
    if (const auto* number = std::get_if<double>(&value.content)) {
        if (value.type == MetadataType::kFloat32) {
            add(static_cast<float>(*number));
        } else {
            add(*number);
        }
    }
    if (const auto* flag = std::get_if<bool>(&value.content)) add(std::uint8_t{*flag});
    if (const auto* text = std::get_if<std::string>(&value.content)) add_text(*text);
    if (const auto* array = std::get_if<MetadataArray>(&value.content)) {
        add(static_cast<std::uint32_t>(array->element_type));
        add(array->count);
        add_bytes(array->numbers);
        if (array->element_type != MetadataType::kString) return;
        for (std::uint64_t i = 0; i < array->count; ++i) add_text(array->string(i));
    }
}

// Bytes from size up to the next multiple of the alignment.
std::uint64_t padding(std::uint64_t size) {
    return (GgufWriter::kAlignment - size % GgufWriter::kAlignment) % GgufWriter::kAlignment;
}

}  // namespace

Done GgufWriter::announce(std::string name, TensorType type, std::vector<std::uint64_t> dimensions) {
    const TensorTypeInfo& info = info_of(type);
    std::uint64_t size = 0;
    bool is_valid = !name.empty() && name.size() <= kMaxTensorNameSize && is_utf8(name) &&
                    !dimensions.empty() && dimensions.size() <= 4;
    if (is_valid) {
        std::uint64_t n_elements = 1;
        for (const std::uint64_t dimension : dimensions) {
            const auto product = checked_mul(n_elements, dimension);
            is_valid = is_valid && dimension > 0 && product.has_value();
            n_elements = product.value_or(0);
        }
        const auto total = checked_mul(n_elements / info.block_count, info.block_size);
        is_valid = is_valid && total && dimensions[0] % info.block_count == 0;
        size = total.value_or(0);
    }
    if (!is_valid) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "tensor ", printable(name), " of type ", info.name,
                          " and shape ", shape_text(dimensions), " cannot be written");
    }
    tensors_.push_back({std::move(name), type, std::move(dimensions), size});
    return Nothing{};
}

Done GgufWriter::begin(std::unique_ptr<ByteSink> sink) {
    sink_ = std::move(sink);
    Bytes header;
    header.add(kMagic);
    header.add(kVersion);
    header.add(std::uint64_t{tensors_.size()});
    header.add(std::uint64_t{metadata_.members().size()});
    for (const auto& [key, value] : metadata_.members()) {
        header.add_text(key);
        header.add_value(value);
    }
    std::uint64_t offset = 0;
    for (const Tensor& tensor : tensors_) {
        header.add_text(tensor.name);
        header.add(static_cast<std::uint32_t>(tensor.dimensions.size()));
        for (const std::uint64_t dimension : tensor.dimensions) header.add(dimension);
        header.add(static_cast<std::uint32_t>(tensor.type));
        header.add(offset);
        offset += tensor.size + padding(tensor.size);
    }
    SLUICE_TRY(sink_->write(header.all()));
    return pad(header.all().size());
}

Done GgufWriter::pad(std::uint64_t size) {
    constexpr std::byte kZeros[kAlignment] = {};
    return sink_->write(std::span(kZeros).first(padding(size)));
}

Done GgufWriter::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (current_ == tensors_.size()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, bytes.size(), " bytes more than the tensors have");
        }
        const std::uint64_t size = tensors_[current_].size;
        const auto piece = bytes.first(std::min<std::uint64_t>(bytes.size(), size - written_));
        SLUICE_TRY(sink_->write(piece));
        bytes = bytes.subspan(piece.size());
        written_ += piece.size();
        if (written_ < size) continue;
        SLUICE_TRY(pad(size));
        ++current_;
        written_ = 0;
    }
    return Nothing{};
}

Done GgufWriter::finish() {
    if (current_ != tensors_.size()) {
        return make_error(SLUICE_E_STATE, "tensor ", printable(tensors_[current_].name), " has ", written_,
                          " of its ", tensors_[current_].size, " bytes");
    }
    return sink_->commit();
}

}  // namespace sluice
