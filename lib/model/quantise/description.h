// The metadata of the file to write.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "model/gguf_metadata.h"
#include "model/model_files.h"
#include "model/quantise/mix.h"

namespace sluice::quantise {

// Of a GGUF source its own keys, without those of a split file; of a checkpoint what llama.cpp's converter
// would write: sizes, vocabulary, chat template. Then the type of the file. Errors: UNSUPPORTED (a model or
// tokenizer that GGUF cannot describe), those of reading the source.
Done describe(const ModelFiles& files, const Mix& mix, const Log& log, Metadata& metadata);

}  // namespace sluice::quantise
