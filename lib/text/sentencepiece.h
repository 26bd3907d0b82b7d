// SentencePiece vocabularies, encoded by the sentencepiece library.
#pragma once

#include <memory>

#include "text/tokenizer.h"

namespace sluice {

// A vocabulary of kind kSentencePiece: pieces with scores, merged as BPE, as GGUF files of the model "llama"
// mean them. Tolerated: several tokens with the same piece (the lowest id counts), no unknown token.
//
// Ids are those of the library, except that control tokens which text spells become their ids unless the text
// is plain, that each run of text between them gets the space in front, and that bytes which are no UTF-8
// become byte tokens (or the unknown token). The unknown token is decoded as it is spelled. Errors: CORRUPT (a
// score that is no number, an incomplete set of byte tokens, all that Tokenizer::initialise finds), LIMIT,
// OUT_OF_MEMORY, UNSUPPORTED (built without sentencepiece).
Result<std::shared_ptr<const Tokenizer>> make_sentencepiece(const Vocabulary& vocabulary);

}  // namespace sluice
