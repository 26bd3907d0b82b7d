// What tokenizer.json and tokenizer_config.json must say, and what becomes of it.
#include "base/json.h"
#include "text/pre_tokenizer.h"
#include "text/small_vocabulary.h"

namespace sluice {
namespace {

// The parts of a file that the tests vary.
struct File {
    std::string added = R"([{"id": 3, "content": "<|im_end|>", "special": true},
                           {"id": 5, "content": "<tool>", "special": false}])";
    std::string normalizer = "null";
    std::string pattern{kFamilyPattern};
    std::string behavior = "Isolated";
    std::string byte_level = R"("add_prefix_space": false, "use_regex": false)";
    std::string pre_tokenizer;  // instead of the parts above
    std::string post_processor = "null";
    std::string decoder = R"({"type": "ByteLevel"})";
    std::string model_type = "BPE";
    std::string vocab = R"({"a": 0, "b": 1, "ab": 2})";
    std::string merges = R"(["a b"])";
    std::string options;

    std::string text() const {
        const Json regex{Json::Value(pattern)};
        const std::string both =
            R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )" + regex.dump() +
            R"(}, "behavior": ")" + behavior + R"(", "invert": false}, {"type": "ByteLevel", )" + byte_level +
            "}]}";
        return R"({"version": "1.0", "added_tokens": )" + added + R"(, "normalizer": )" + normalizer +
               R"(, "pre_tokenizer": )" + (pre_tokenizer.empty() ? both : pre_tokenizer) +
               R"(, "post_processor": )" + post_processor + R"(, "decoder": )" + decoder +
               R"(, "model": {"type": ")" + model_type + R"(", "vocab": )" + vocab + R"(, "merges": )" +
               merges + options + "}}";
    }
};

Vocabulary read(const File& file, std::string_view config = "") {
    auto vocabulary = read_tokenizer_json(file.text(), config);
    if (!vocabulary) FAIL(vocabulary.error().message);
    return *vocabulary;
}

void check_refused(const File& file, std::int32_t status, std::string_view names,
                   std::string_view config = "") {
    const auto vocabulary = read_tokenizer_json(file.text(), config);
    CAPTURE(std::string(names));
    REQUIRE(!vocabulary);
    CHECK(vocabulary.error().status == status);
    CAPTURE(vocabulary.error().message);
    CHECK(vocabulary.error().message.find(names) != std::string::npos);
}

TEST_CASE("tokenizer_json: tokens stand at their ids, holes are unused") {
    const Vocabulary vocabulary = read(File{});
    REQUIRE(vocabulary.tokens.size() == 6);
    CHECK(vocabulary.tokens[2].text == "ab");
    CHECK(vocabulary.tokens[2].kind == TokenKind::kNormal);
    CHECK(vocabulary.tokens[3].kind == TokenKind::kControl);
    CHECK(vocabulary.tokens[4].kind == TokenKind::kUnused);
    CHECK(vocabulary.tokens[4].text.empty());
    CHECK(vocabulary.tokens[5].kind == TokenKind::kUserDefined);
    CHECK(vocabulary.stop_tokens == std::vector<TokenId>{3});
    CHECK(!vocabulary.add_bos);
    CHECK(vocabulary.bos == kNoToken);
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "ab<tool>b<|im_end|>") == std::vector<TokenId>{2, 5, 1, 3});
    CHECK(text_of(*tokenizer, {4, 0}) == "a");
}

TEST_CASE("tokenizer_json: ignore_merges is off unless the file sets it") {
    CHECK(!read(File{}).ignore_merges);
    File file;
    file.options = R"(, "ignore_merges": true)";
    CHECK(read(file).ignore_merges);
    file.options = R"(, "ignore_merges": 1)";
    check_refused(file, SLUICE_E_CORRUPT, "ignore_merges");
}

TEST_CASE("tokenizer_json: merges are lines or pairs") {
    File file;
    file.merges = R"(["a b", ["ab", "b"], ["x y", "z"]])";
    const Vocabulary vocabulary = read(file);
    REQUIRE(vocabulary.merges.size() == 3);
    CHECK(vocabulary.merges[0] == std::pair<std::string, std::string>("a", "b"));
    CHECK(vocabulary.merges[1] == std::pair<std::string, std::string>("ab", "b"));
    CHECK(vocabulary.merges[2] == std::pair<std::string, std::string>("x y", "z"));
    for (const char* bad : {R"(["a b", "ab"])", R"(["a b", "a b c"])", R"(["a b", ["a"]])", R"(["a b", 7])",
                            R"(["a b", ["a", 7]])"}) {
        file.merges = bad;
        check_refused(file, SLUICE_E_CORRUPT, "merge 1 ");
    }
    file.merges = "{}";
    check_refused(file, SLUICE_E_CORRUPT, "merges");
}

TEST_CASE("tokenizer_json: both spellings of the family's rule are taken, no other") {
    File file;
    file.pattern = kOlderFamilyPattern;
    CHECK(read(file).pre_tokenizer == "lfm2");
    file.pattern = "\\w+";
    check_refused(file, SLUICE_E_UNSUPPORTED, "\\w+");
    file = File{};
    file.behavior = "Removed";
    check_refused(file, SLUICE_E_UNSUPPORTED, "Removed");
    file = File{};
    file.byte_level = R"("add_prefix_space": true, "use_regex": false)";
    check_refused(file, SLUICE_E_UNSUPPORTED, "add_prefix_space");
    file.byte_level = R"("add_prefix_space": false)";
    check_refused(file, SLUICE_E_UNSUPPORTED, "use_regex");
    for (const char* name : {"Metaspace", "ByteLevel", "Whitespace"}) {
        file = File{};
        file.pre_tokenizer = std::string(R"({"type": ")") + name + "\"}";
        check_refused(file, SLUICE_E_UNSUPPORTED, name);
        file.pre_tokenizer = R"({"type": "Sequence", "pretokenizers": [)" + file.pre_tokenizer + "]}";
        CHECK(!read_tokenizer_json(file.text(), ""));
    }
    file.pre_tokenizer = "null";
    check_refused(file, SLUICE_E_UNSUPPORTED, "null");
}

TEST_CASE("tokenizer_json: what would change ids is refused by name") {
    File file;
    file.normalizer = R"({"type": "Sequence", "normalizers": []})";
    CHECK(read(file).tokens.size() == 6);
    file.normalizer = R"({"type": "NFC"})";
    check_refused(file, SLUICE_E_UNSUPPORTED, "NFC");
    file = File{};
    file.model_type = "Unigram";
    check_refused(file, SLUICE_E_UNSUPPORTED, "Unigram");
    file = File{};
    file.decoder = R"({"type": "Metaspace"})";
    check_refused(file, SLUICE_E_UNSUPPORTED, "Metaspace");
    file = File{};
    for (const char* option :
         {R"("dropout": 0.1)", R"("end_of_word_suffix": "</w>")", R"("continuing_subword_prefix": "##")"}) {
        file.options = std::string(", ") + option;
        check_refused(file, SLUICE_E_UNSUPPORTED, std::string(option).substr(1, 6));
    }
    file.options = R"(, "dropout": null, "end_of_word_suffix": null, "continuing_subword_prefix": "")";
    CHECK(read(file).tokens.size() == 6);
    file = File{};
    for (const char* option : {"lstrip", "rstrip", "single_word"}) {
        file.added = std::string(R"([{"id": 3, "content": "<x>", "special": true, ")") + option + "\": true}]";
        check_refused(file, SLUICE_E_UNSUPPORTED, option);
    }
}

TEST_CASE("tokenizer_json: ids that collide or go too far are refused") {
    File file;
    file.vocab = R"({"a": 0, "b": 0})";
    check_refused(file, SLUICE_E_CORRUPT, "both have id 0");
    file.vocab = R"({"a": -1})";
    check_refused(file, SLUICE_E_CORRUPT, "'a'");
    file.vocab = R"({"a": 1.5})";
    check_refused(file, SLUICE_E_CORRUPT, "'a'");
    file.vocab = R"({"a": 1048576})";
    check_refused(file, SLUICE_E_LIMIT, "1048576");
    file.vocab = R"({"a": 18446744073709551615})";
    check_refused(file, SLUICE_E_LIMIT, "'a'");
    file.vocab = R"({"a": 0, "b": 1, "ab": 3})";
    check_refused(file, SLUICE_E_CORRUPT, "both have id 3");
    file.vocab = R"({"a": 0, "<|im_end|>": 3})";  // an added token may be listed in both places
    CHECK(read(file).tokens[3].kind == TokenKind::kControl);
    file.vocab = "[]";
    check_refused(file, SLUICE_E_CORRUPT, "vocab");
    file = File{};
    file.added = R"([{"id": 3}])";
    check_refused(file, SLUICE_E_CORRUPT, "content");
}

TEST_CASE("tokenizer_json: a template with one token in front asks for that token") {
    File file;
    const std::string text = R"({"Sequence": {"id": "A", "type_id": 0}})";
    const std::string special = R"({"SpecialToken": {"id": "<|im_end|>", "type_id": 0}})";
    const std::string head = R"({"type": "TemplateProcessing", "single": [)";
    file.post_processor = head + special + ", " + text + "]}";
    CHECK(read(file).bos == 3);
    CHECK(read(file).add_bos);
    CHECK(!read(file, R"({"add_bos_token": false})").add_bos);
    file.post_processor =
        R"({"type": "Sequence", "processors": [{"type": "ByteLevel"}, )" + file.post_processor + "]}";
    CHECK(read(file).add_bos);
    file.post_processor = head + text + "]}";
    CHECK(!read(file).add_bos);
    file.post_processor = head + text + ", " + special + "]}";
    check_refused(file, SLUICE_E_UNSUPPORTED, "post-processor");
    file.post_processor = head + R"({"SpecialToken": {"id": "<none>"}}, )" + text + "]}";
    check_refused(file, SLUICE_E_CORRUPT, "<none>");
    file.post_processor = R"({"type": "BertProcessing"})";
    check_refused(file, SLUICE_E_UNSUPPORTED, "BertProcessing");
}

TEST_CASE("tokenizer_json: the configuration names tokens as text or as objects") {
    const Vocabulary vocabulary =
        read(File{}, R"({"bos_token": "<tool>", "eos_token": {"content": "<|im_end|>", "lstrip": false},
                         "pad_token": "a", "unk_token": null, "add_bos_token": true})");
    CHECK(vocabulary.bos == 5);
    CHECK(vocabulary.eos == 3);
    CHECK(vocabulary.pad == 0);
    CHECK(vocabulary.unknown == kNoToken);
    CHECK(vocabulary.add_bos);
    check_refused(File{}, SLUICE_E_CORRUPT, "<none>", R"({"eos_token": "<none>"})");
    check_refused(File{}, SLUICE_E_CORRUPT, "eos_token", R"({"eos_token": 7})");
    check_refused(File{}, SLUICE_E_CORRUPT, "tokenizer_config.json", "[]");
    check_refused(File{}, SLUICE_E_CORRUPT, "add_bos_token", R"({"add_bos_token": "yes"})");
}

TEST_CASE("tokenizer_json: byte tokens are bytes only with byte fallback") {
    File file;
    file.vocab = R"({"a": 0, "<0x7A>": 1, "<0xGG>": 2})";
    CHECK(read(file).tokens[1].kind == TokenKind::kNormal);
    file.options = R"(, "byte_fallback": true)";
    CHECK(read(file).tokens[1].kind == TokenKind::kByte);
    CHECK(read(file).tokens[2].kind == TokenKind::kNormal);
    CHECK(ids_of(*made(read(file)), "az") == std::vector<TokenId>{0, 1});
}

TEST_CASE("tokenizer_json: text that is no tokenizer is refused, cut anywhere") {
    const std::string whole = File{}.text();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto vocabulary = read_tokenizer_json(std::string_view(whole).substr(0, size), "");
        REQUIRE(!vocabulary);
        CHECK(vocabulary.error().status == SLUICE_E_CORRUPT);
    }
    CHECK(!read_tokenizer_json("{}", ""));
    CHECK(!read_tokenizer_json("[]", ""));
}

}  // namespace
}  // namespace sluice
