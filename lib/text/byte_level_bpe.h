// Byte-level byte-pair encoding, as GPT-2 made it and the LFM2 family uses it.
#pragma once

#include <memory>

#include "text/tokenizer.h"

namespace sluice {

// A vocabulary of kind kByteLevelBpe. Tolerated, because real files have them: several tokens with the same
// bytes (the lowest id is the one that counts), repeated merges (the first counts), merges whose parts or
// result are no tokens (they count for nothing). Control, user-defined, unknown and unused tokens never come
// out of merges or of ignore_merges; only a user-defined token of a single byte does, where no other has it.
// Errors: CORRUPT (an empty part of a merge, "<0xGG>" as a byte token, all that Tokenizer::initialise finds),
// LIMIT, UNSUPPORTED (a pre-tokenizer other than "lfm2").
Result<std::shared_ptr<const Tokenizer>> make_byte_level_bpe(const Vocabulary& vocabulary);

}  // namespace sluice
