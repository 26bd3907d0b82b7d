// Writes GGUF version 3: metadata, then tensors of any type as a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/tensor_type.h"
#include "model/byte_sink.h"
#include "model/gguf_metadata.h"

namespace sluice {

// First metadata and tensors are announced, then begin() writes the header, then write() takes the bytes of
// all tensors in the order they were announced, in pieces of any size. One thread.
class GgufWriter {
public:
    static constexpr std::uint64_t kAlignment = 32;

    // Keys in the order they were set; general.alignment is not one of them.
    Metadata& metadata() { return metadata_; }

    // dimensions: the first one is contiguous.
    // Errors: INVALID_ARGUMENT (a name or shape that read_gguf would refuse).
    Done announce(std::string name, TensorType type, std::vector<std::uint64_t> dimensions);

    // Errors: those of the sink.
    Done begin(std::unique_ptr<ByteSink> sink);
    // Errors: those of the sink; INVALID_ARGUMENT (more bytes than were announced).
    Done write(std::span<const std::byte> bytes);
    // Errors: those of the sink; STATE (bytes are missing).
    Done finish();

private:
    struct Tensor {
        std::string name;
        TensorType type;
        std::vector<std::uint64_t> dimensions;
        std::uint64_t size;
    };

    Done pad(std::uint64_t size);

    Metadata metadata_;
    std::vector<Tensor> tensors_;
    std::unique_ptr<ByteSink> sink_;
    std::size_t current_ = 0;    // the tensor whose bytes come next
    std::uint64_t written_ = 0;  // bytes of it that are written
};

}  // namespace sluice
