// Schemas: documents that satisfy them are accepted, others refused, as python3-jsonschema judged when
// make_schemas.py wrote schemas.json; and what is not supported is refused by name.
#include "text/grammar/json_schema.h"

#include <fstream>
#include <iterator>

#include "base/json.h"
#include "support/slow_build.h"
#include "text/grammar/rig.h"

namespace sluice::grammar {
namespace {

Json read_cases() {
    std::ifstream file(SLUICE_TEST_DATA "/grammar/schemas.json", std::ios::binary);
    REQUIRE(file);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto cases = Json::parse(text, "schemas.json");
    if (!cases) FAIL(cases.error().message);
    return std::move(*cases);
}

void check_texts(const Automaton& automaton, const Json& texts, bool expected) {
    for (const Json& text : *texts.array()) {
        if (accepts(automaton, *text.string()) != expected) {
            CAPTURE(*text.string());
            CHECK(accepts(automaton, *text.string()) == expected);
        }
    }
}

bool accepts_schema(std::string_view schema, std::string_view text, const SchemaOptions& options = {}) {
    return accepts(built(compile_schema(schema, options)), text);
}

Error error_of(std::string_view schema) {
    const auto made = compile_schema(schema);
    CAPTURE(schema);
    REQUIRE_FALSE(made.ok());
    return made.error();
}

}  // namespace

TEST_CASE("schema: documents that satisfy it are accepted and no others") {
    const Json cases = read_cases();
    CHECK(cases.array()->size() >= 200);
    std::size_t place = 0;
    for (const Json& one : *cases.array()) {
        // Emulators and sanitizers take every fifth.
        if (kIsSlowBuild && place++ % 5 != 0) continue;
        const std::string schema = *one.find("schema")->string();
        CAPTURE(schema);
        const Automaton automaton = built(compile_schema(schema));
        check_texts(automaton, *one.find("valid"), true);
        check_texts(automaton, *one.find("invalid"), false);
        const Automaton loose = built(compile_schema(schema, {Notation::kJson, true, false}));
        check_texts(loose, *one.find("valid"), true);
        check_texts(loose, *one.find("pretty"), true);
        check_texts(loose, *one.find("invalid"), false);
    }
}

TEST_CASE("schema: what is not supported is refused by keyword and place") {
    for (const std::string_view keyword :
         {"not", "if", "then", "else", "contains", "minContains", "maxContains", "propertyNames",
          "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "$anchor",
          "$dynamicRef", "nullable", "minLenght"}) {
        const std::string schema = "{\"properties\":{\"a\":{\"" + std::string(keyword) + "\":true}}}";
        const Error error = error_of(schema);
        CHECK(error.status == SLUICE_E_UNSUPPORTED);
        CHECK(error.message ==
              "the schema's keyword " + std::string(keyword) + " at #/properties/a is not supported");
    }
    CHECK(error_of(R"({"items":{"uniqueItems":true}})").message ==
          "the schema's keyword uniqueItems at #/items is supported only if it is false");
    CHECK(error_of(R"({"type":"string","format":"iri"})").message ==
          "the schema's keyword format at # is iri, which is not supported");
    for (const std::string_view schema :
         {R"({"$ref":"http://example.org/schema"})", R"({"$ref":"other.json#/a"})", R"({"$ref":"#anchor"})",
          R"({"multipleOf":0.5})", R"({"items":[{}]})", R"x({"pattern":"(?=a)"})x",
          R"({"properties":{"a":{"$id":"x"}}})", R"({"enum":[[1]],"minItems":1})",
          R"({"type":"object","minProperties":3})"}) {
        CAPTURE(schema);
        CHECK(error_of(schema).status == SLUICE_E_UNSUPPORTED);
    }
}

TEST_CASE("schema: wrong schemas are refused with the place") {
    for (const std::string_view schema :
         {"1",
          "null",
          R"("a")",
          R"({"type":"strin"})",
          R"({"type":1})",
          R"({"type":[]})",
          R"({"minimum":"1"})",
          R"({"minLength":-1})",
          R"({"minLength":1.5})",
          R"({"pattern":1})",
          R"x({"pattern":"("})x",
          R"({"enum":[]})",
          R"({"enum":1})",
          R"({"anyOf":[]})",
          R"({"anyOf":{}})",
          R"({"allOf":[1]})",
          R"({"required":"a"})",
          R"({"required":[1]})",
          R"({"properties":[]})",
          R"({"properties":{"a":1}})",
          R"({"$ref":1})",
          R"({"$ref":"#/nowhere"})",
          R"({"multipleOf":0})",
          R"({"items":1})",
          R"({"uniqueItems":1})",
          "false",
          R"({"type":"string","enum":[1]})",
          R"({"type":"integer","minimum":2,"maximum":1})",
          R"({"type":"string","minLength":2,"maxLength":1})",
          R"({"allOf":[{"type":"string"},{"type":"null"}]})",
          R"({"type":"object","required":["a"],"additionalProperties":false})",
          R"({"$ref":"#"})",
          R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})",
          R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})"}) {
        CAPTURE(schema);
        if (std::string_view(schema) == R"({"$ref":"#"})") continue;  // says nothing, so anything goes
        CHECK(error_of(schema).status == SLUICE_E_INVALID_ARGUMENT);
    }
    CHECK(error_of(R"({"properties":{"a/b":{"type":"strin"}}})").message ==
          "the schema's keyword type at #/properties/a~1b names no type");
    for (const std::string_view schema :
         {"", "{", "{]", "{} {}", R"({"a":1,"a":2})", "\xFF", R"({"minimum":1e999})"})
        CHECK(error_of(schema).status == SLUICE_E_CORRUPT);
}

TEST_CASE("schema: hostile schemas end at a budget") {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) deep += "{\"items\":";
    CHECK(error_of(deep).status == SLUICE_E_LIMIT);
    std::string list = "{\"enum\":[";
    for (int i = 0; i < 1'000'000; ++i) list += "1,";
    CHECK(error_of(list + "1]}").status == SLUICE_E_LIMIT);
    CHECK(error_of(R"({"type":"string","pattern":"x{1,1000000}"})").status == SLUICE_E_LIMIT);
    CHECK(error_of(R"({"type":"string","pattern":"(a|b)*a(a|b){20}"})").status == SLUICE_E_LIMIT);
    CHECK(error_of(R"({"type":"string","pattern":"a","minLength":1000000})").status == SLUICE_E_LIMIT);
    CHECK(error_of(R"({"type":"array","minItems":99999999999})").status == SLUICE_E_LIMIT);
    CHECK(error_of(R"({"type":"integer","multipleOf":1000003})").status == SLUICE_E_LIMIT);
    // Alternatives of alternatives: 4 to the power of 12 combinations.
    std::string product = "{\"allOf\":[";
    for (int i = 0; i < 12; ++i) {
        product += i == 0 ? "{\"anyOf\":[" : ",{\"anyOf\":[";
        for (int k = 0; k < 4; ++k) {
            product += (k == 0 ? "{\"minLength\":" : ",{\"minLength\":") + std::to_string(i * 4 + k) + "}";
        }
        product += "]}";
    }
    if (!kIsSlowBuild) CHECK(error_of(product + "]}").status == SLUICE_E_LIMIT);
    // Large numbers that are only counted are fine.
    CHECK(accepts_schema(R"({"type":"array","minItems":2,"maxItems":1000000000})", "[1, 2]"));
    CHECK(accepts_schema(R"({"type":"string","maxLength":1000000000})", "\"abc\""));
}

TEST_CASE("schema: space stands where it is promised and nowhere else") {
    const std::string_view schema = R"({"type":"object","properties":{"a":{"type":"array"},"b":true}})";
    for (const std::string_view text :
         {R"({"a":[1,2],"b":{}})", R"({"a": [1, 2], "b": {}})", R"({"a":[1, 2],"b": {}})", "{}"})
        CHECK(accepts_schema(schema, text));
    for (const std::string_view text :
         {R"({ "a":[]})", R"({"a" :[]})", R"({"a":  []})", R"( {})", R"({} )", "{\"a\":\n[]}", R"({"a":[ 1]})"})
        CHECK_FALSE(accepts_schema(schema, text));
    const SchemaOptions loose{Notation::kJson, true, false};
    for (const std::string_view text :
         {"{ }", "{\n}", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", "{\"a\":[1,\n\t2]}"})
        CHECK(accepts_schema(schema, text, loose));
    CHECK(accepts_schema(schema, "{\n" + std::string(64, ' ') + "}", loose));
    CHECK_FALSE(accepts_schema(schema, "{\n" + std::string(65, ' ') + "}", loose));
    CHECK_FALSE(accepts_schema(schema, "{  }", loose));
}

TEST_CASE("schema: strings are spelled as JSON allows, always valid UTF-8") {
    const Automaton text = built(compile_schema(R"({"type":"string"})"));
    for (const std::string_view good :
         {R"("")", R"("a\"\\\/\b\f\n\r\t")", R"("\u0041\u00e9\uFFFD")", R"("\ud83d\ude00")", "\"é日😀\x7F\""})
        CHECK(accepts(text, good));
    for (const std::string_view bad :
         {"\"a", "\"\n\"", "\"\x01\"", R"("\x41")", R"("\u12")", R"("\ud83d")", R"("\ude00")", R"("\ud83dx")",
          "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xE6\x97\"", "a", "''"}) {
        CAPTURE(bad);
        CHECK_FALSE(accepts(text, bad));
    }
    const Automaton one = built(compile_schema(R"({"const":"é\"\n😀/"})"));
    for (const std::string_view good :
         {R"("é\"\n😀/")", R"("\u00e9\"\u000a\uD83D\uDE00\/")", R"("\u00E9\"\u000A😀/")"})
        CHECK(accepts(one, good));
    CHECK_FALSE(accepts(one, R"("\u00e8\"\n😀/")"));
    CHECK_FALSE(accepts(one, R"("é\"\n\ud83d\ude01/")"));
}

TEST_CASE("schema: numbers are written as promised") {
    const Automaton number = built(compile_schema(R"({"type":"number"})"));
    for (const std::string_view good : {"0", "-0", "12", "-1.5", "0.25", "1e5", "1E-10", "1.5e+289"})
        CHECK(accepts(number, good));
    for (const std::string_view bad : {"", "-", "01", "+1", ".5", "1.", "1e", "0x1", "1e999", "NaN", "1 "})
        CHECK_FALSE(accepts(number, bad));
    const Automaton integer = built(compile_schema(R"({"type":"integer"})"));
    for (const std::string_view bad : {"1.0", "1e3", "0.5"}) CHECK_FALSE(accepts(integer, bad));
    CHECK(accepts(integer, "-999999999999999999"));
    CHECK_FALSE(accepts(integer, "1234567890123456789"));
    const Automaton above = built(compile_schema(R"({"type":"number","exclusiveMinimum":0,"maximum":0.1})"));
    for (const std::string_view good : {"0.1", "0.10", "0.01", "0.00000000000001"}) CHECK(accepts(above, good));
    for (const std::string_view bad : {"0", "0.0", "-0", "-0.0", "0.2", "0.11", "1", "0.1000001"})
        CHECK_FALSE(accepts(above, bad));
    const Automaton below = built(compile_schema(R"({"type":"number","exclusiveMaximum":0})"));
    for (const std::string_view bad : {"0", "-0", "-0.00", "1"}) CHECK_FALSE(accepts(below, bad));
    CHECK(accepts(below, "-0.5"));
    CHECK(accepts_schema(R"({"type":"integer","maximum":9007199254740993})", "9007199254740993"));
    CHECK_FALSE(accepts_schema(R"({"type":"integer","maximum":9007199254740993})", "9007199254740994"));
}

TEST_CASE("schema: every integer within bounds is accepted and none beyond") {
    for (const auto& [low, high] :
         std::vector<std::pair<int, int>>{{-25, 117}, {0, 9}, {10, 10}, {-100, -99}, {98, 1002}}) {
        const Automaton automaton =
            built(compile_schema("{\"type\":\"integer\",\"minimum\":" + std::to_string(low) +
                                 ",\"maximum\":" + std::to_string(high) + "}"));
        for (int n = -1200; n <= 1200; n += kIsSlowBuild ? 7 : 1) {
            if (accepts(automaton, std::to_string(n)) != (low <= n && n <= high)) {
                CAPTURE(low, high, n);
                CHECK(accepts(automaton, std::to_string(n)) == (low <= n && n <= high));
            }
        }
        const Automaton multiples = built(compile_schema(
            "{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":" + std::to_string(low - 10) + "}"));
        for (int n = -150; n <= 150; n += kIsSlowBuild ? 7 : 1)
            CHECK(accepts(multiples, std::to_string(n)) == (n % 7 == 0 && n >= low - 10));
    }
}

TEST_CASE("schema: an object with properties is closed unless the schema or the caller opens it") {
    const std::string_view schema = R"({"type":"object","properties":{"a":{"type":"integer"}}})";
    CHECK_FALSE(accepts_schema(schema, R"({"b":1})"));
    const SchemaOptions open{Notation::kJson, false, true};
    CHECK(accepts_schema(schema, R"({"b":1})", open));
    CHECK(accepts_schema(schema, R"({"a":1, "b":1, "aa":"x"})", open));
    CHECK_FALSE(accepts_schema(schema, R"({"a":"x"})", open));
    CHECK_FALSE(accepts_schema(schema, R"({"b":1, "a":1})", open));
    CHECK_FALSE(accepts_schema(schema, R"({"\u0061":"x"})", open));
}

TEST_CASE("schema: properties come in the schema's order and optional ones may be left out") {
    const std::string_view schema =
        R"({"type":"object","properties":{"b":true,"a":true,"c":true},"required":["a","z"]})";
    CHECK(accepts_schema(schema, R"({"b":1,"a":2,"c":3,"z":4})"));
    CHECK(accepts_schema(schema, R"({"a":2,"z":4})"));
    CHECK(accepts_schema(schema, R"({"a":2,"c":0,"z":4})"));
    CHECK_FALSE(accepts_schema(schema, R"({"a":2,"b":1,"z":4})"));
    CHECK_FALSE(accepts_schema(schema, R"({"a":2})"));
    CHECK_FALSE(accepts_schema(schema, R"({"a":2,"z":4,})"));
    CHECK_FALSE(accepts_schema(schema, R"({"a":2,"a":3,"z":4})"));
}

TEST_CASE("schema: values in Python's notation") {
    const SchemaOptions python{Notation::kPython, false, false};
    CHECK(accepts_schema("true", "{'a': [1, 2.5, True, None], \"b\": False}", python));
    CHECK_FALSE(accepts_schema("true", "true", python));
    CHECK(accepts_schema(R"({"const":"it's \"x\"\n"})", "'it\\'s \"x\"\\n'", python));
    CHECK(accepts_schema(R"({"const":"it's \"x\"\n"})", "\"it's \\\"x\\\"\\n\"", python));
    CHECK(accepts_schema(R"({"type":"string","maxLength":2})", "'\\'\\\\'", python));
    CHECK_FALSE(accepts_schema(R"({"type":"string","maxLength":2})", "'abc'", python));
    CHECK_FALSE(accepts_schema(R"({"type":"string"})", "'a\"", python));
}

}  // namespace sluice::grammar
