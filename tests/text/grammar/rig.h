// What tests of constraints share: vocabularies, and texts held against an automaton.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "text/grammar/configurations.h"
#include "text/grammar/constraint.h"
#include "text/small_vocabulary.h"

namespace sluice::grammar {

// The whole text is one that the automaton accepts.
inline bool accepts(const Automaton& automaton, std::string_view text) {
    Configurations configurations(automaton);
    const ConfigurationId at = configurations.step(configurations.start(), text);
    REQUIRE(!configurations.has_failed());
    return at != kDead && configurations.accepts(at);
}

inline Automaton built(Result<Automaton> automaton) {
    if (!automaton) FAIL(automaton.error().message);
    return std::move(*automaton);
}

// Bytes, some merges that a model's vocabulary has, and a control token that stops.
inline std::shared_ptr<const Tokenizer> mixed_tokenizer() {
    Vocabulary vocabulary = byte_vocabulary();
    for (const std::string_view text : {"\"",
                                        "\": ",
                                        "\":",
                                        "\",",
                                        "\", \"",
                                        "{\"",
                                        "\"}",
                                        "\"]",
                                        "[\"",
                                        "{}",
                                        "[]",
                                        "[[",
                                        "]]",
                                        "}}",
                                        "}, {",
                                        "},",
                                        "name",
                                        "\"name",
                                        "\"name\": \"",
                                        "age",
                                        "true",
                                        "false",
                                        "null",
                                        "tru",
                                        "al",
                                        "se",
                                        "12",
                                        "123",
                                        "1.5",
                                        "-1",
                                        "00",
                                        "e1",
                                        "a",
                                        "ab",
                                        "abc",
                                        " a",
                                        " ab",
                                        "the quick brown fox",
                                        "hello world",
                                        "hello\"",
                                        "\\n",
                                        "\\\"",
                                        "\\u00",
                                        "é",
                                        "日本",
                                        "本語",
                                        "\xE6\x97",
                                        "\xA5",
                                        "\n",
                                        "\n  ",
                                        ", ",
                                        ": ",
                                        " ",
                                        "  ",
                                        "        ",
                                        "True",
                                        "None",
                                        "'",
                                        "('",
                                        "=",
                                        "=\"",
                                        "x=",
                                        ", y=",
                                        ")]",
                                        "),",
                                        "2024-",
                                        "-01",
                                        "@",
                                        ".com",
                                        "==",
                                        "aaaa",
                                        "aaaaaaaa",
                                        "aaaaaaaaaaaaaaaa",
                                        "!\"",
                                        "\"!",
                                        "abc\",",
                                        "\", \"b"})
        add_token(vocabulary, letters_of_bytes(text));
    vocabulary.stop_tokens.push_back(add_token(vocabulary, "<|end|>", TokenKind::kControl));
    add_token(vocabulary, "<|other|>", TokenKind::kControl);
    return made(vocabulary);
}

inline std::shared_ptr<const VocabularyIndex> mixed_vocabulary() {
    return std::make_shared<const VocabularyIndex>(*mixed_tokenizer());
}

}  // namespace sluice::grammar
