// What Hugging Face tokenizers gives for awkward texts, from the oracle's folder.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "base/utf8.h"
#include "text/detokenizer.h"
#include "text/small_vocabulary.h"

namespace sluice {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) FAIL(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Case {
    std::string text;
    std::string decoded;
    std::vector<TokenId> ids;
};

std::vector<Case> read_cases(const std::string& path) {
    const std::string text = read_text(path);
    auto json = Json::parse(text, path);
    if (!json) FAIL(json.error().message);
    std::vector<Case> cases;
    REQUIRE(json->array() != nullptr);
    for (const Json& entry : *json->array()) {
        Case one;
        one.text = *entry.find("text")->string();
        one.decoded = *entry.find("decoded")->string();
        for (const Json& id : *entry.find("ids")->array())
            one.ids.push_back(static_cast<TokenId>(*id.integer()));
        cases.push_back(std::move(one));
    }
    return cases;
}

void check_folder(const std::string& folder) {
    auto vocabulary = read_tokenizer_json(read_text(folder + "/tokenizer.json"),
                                          read_text(folder + "/tokenizer_config.json"));
    if (!vocabulary) FAIL(vocabulary.error().message);
    CHECK(vocabulary->bos == 1);
    CHECK(vocabulary->eos == 7);
    CHECK(vocabulary->pad == 0);
    CHECK(vocabulary->add_bos);
    CHECK(vocabulary->ignore_merges);
    CHECK(vocabulary->stop_tokens == std::vector<TokenId>{7, 2});
    const auto tokenizer = made(*vocabulary);
    const auto cases = read_cases(folder + "/tokenizer_cases.json");
    CHECK(cases.size() >= 600);
    for (const Case& one : cases) {
        CAPTURE(one.text);
        CHECK(ids_of(*tokenizer, one.text) == one.ids);
        CHECK(replace_invalid_utf8(text_of(*tokenizer, one.ids)) == one.decoded);
        std::string streamed;
        Detokenizer detokenizer(*tokenizer);
        for (const TokenId id : one.ids) detokenizer.push(id, streamed);
        detokenizer.finish(streamed);
        CHECK(streamed == one.decoded);

        EncodeOptions plain;
        plain.plain = true;
        const auto plain_ids = ids_of(*tokenizer, one.text, plain);
        for (const TokenId id : plain_ids) CHECK(!tokenizer->is_special(id));
        CHECK(text_of(*tokenizer, plain_ids) == one.text);
    }
}

TEST_CASE("oracle: ids and decoded text are those of Hugging Face tokenizers") {
    const char* folder = std::getenv("SLUICE_ORACLE_DIR");
    if (folder == nullptr) {
        WARN("skipped: SLUICE_ORACLE_DIR is not set");
        return;
    }
    for (const char* model : {"moe", "dense"}) check_folder(std::string(folder) + "/" + model);
}

}  // namespace
}  // namespace sluice
