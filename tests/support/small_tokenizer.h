// A tokenizer.json of the family with every byte, a few merges and special tokens.
#pragma once

#include <string>

#include "text/byte_level.h"
#include "text/pre_tokenizer.h"

namespace sluice_test {

inline std::string json_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

// Ids: the bytes 0 to 255, then "ab", "abc", " a", " ab", then <|startoftext|> 260 and <|im_end|> 261.
inline std::string small_tokenizer_json() {
    std::string vocab;
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        vocab += json_text(sluice::letters_of_bytes({&c, 1})) + ":" + std::to_string(byte) + ",";
    }
    const std::string space = sluice::letters_of_bytes(" ");
    vocab += "\"ab\":256,\"abc\":257,\"" + space + "a\":258,\"" + space + "ab\":259";
    return "{\"added_tokens\":[{\"id\":260,\"content\":\"<|startoftext|>\",\"special\":true},"
           "{\"id\":261,\"content\":\"<|im_end|>\",\"special\":true}],"
           "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{"
           "\"Regex\":" +
           json_text(sluice::kFamilyPattern) +
           "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
           "\"trim_offsets\":true,\"use_regex\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},"
           "\"model\":{\"type\":\"BPE\",\"ignore_merges\":false,\"vocab\":{" +
           vocab + "},\"merges\":[\"a b\",\"ab c\",\"" + space + " a\",\"" + space + " ab\",\"" + space +
           "a b\"]}}";
}

}  // namespace sluice_test
