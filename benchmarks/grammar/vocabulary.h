// A byte-level vocabulary of the size that the family has, made by rule: the same on every machine.
#pragma once

#include <memory>

#include "text/tokenizer.h"

// 128,000 tokens: every byte, words of many lengths with and without a space in front and a capital, numbers of
// up to three digits, runs of spaces and punctuation as source code and JSON have them, two- and three-byte
// letters, and pieces of characters; the last 16 are control tokens.
std::shared_ptr<const sluice::Tokenizer> made_vocabulary();
