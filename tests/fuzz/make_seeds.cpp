// Writes the seeds of every fuzz target: make_seeds FOLDER. They come from our own writers, so no model file is
// kept in the repository.
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "fuzz/fuzz_target.h"
#include "model/gguf_writer.h"
#include "model/random_model.h"
#include "support/small_tokenizer.h"

namespace {

using namespace sluice_fuzz;
using sluice_test::json_text;
using sluice_test::small_tokenizer_json;

std::string sized_part(std::size_t size) {
    return {static_cast<char>(size & 0xFF), static_cast<char>(size >> 8)};
}

std::string number64(std::uint64_t value) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &value, 8);
    return bytes;
}

class Seeds {
public:
    Seeds(const std::string& folder, const std::string& target) : path_(folder + "/" + target) {
        std::filesystem::create_directories(path_);
    }
    void add(std::string_view bytes) {
        std::ofstream file(path_ + "/seed_" + std::to_string(n_++), std::ios::binary);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        require(file.good());
    }

private:
    std::string path_;
    int n_ = 0;
};

std::string tiny_model(const char* kind) {
    const auto bytes = sluice::random_model_bytes(kind, 11);
    require(bytes.ok());
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

std::string with_version(std::string model, char version) {
    model[4] = version;
    return model;
}

void make_gguf(Seeds seeds) {
    const std::string tiny = tiny_model("tiny");
    seeds.add(tiny);
    seeds.add(with_version(tiny, 2));
    seeds.add(with_version(tiny, 1));
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{4}, std::size_t{24}, std::size_t{600}, std::size_t{9000}}) {
        seeds.add(tiny.substr(0, size));
    }
}

struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
};

// A dense model of two layers, hidden size 8, weights of 2^-4 in F32.
std::string checkpoint_weights() {
    std::vector<Tensor> tensors = {{"model.embed_tokens.weight", {16, 8}},
                                   {"model.embedding_norm.weight", {8}}};
    for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
        tensors.push_back({layer + "operator_norm.weight", {8}});
        tensors.push_back({layer + "ffn_norm.weight", {8}});
        tensors.push_back({layer + "feed_forward.w1.weight", {8, 8}});
        tensors.push_back({layer + "feed_forward.w2.weight", {8, 8}});
        tensors.push_back({layer + "feed_forward.w3.weight", {8, 8}});
    }
    tensors.push_back({"model.layers.0.conv.in_proj.weight", {24, 8}});
    tensors.push_back({"model.layers.0.conv.out_proj.weight", {8, 8}});
    tensors.push_back({"model.layers.0.conv.conv.weight", {8, 1, 3}});
    for (const std::string part : {"q", "k", "v", "out"}) {
        tensors.push_back({"model.layers.1.self_attn." + part + "_proj.weight", {8, 8}});
    }
    tensors.push_back({"model.layers.1.self_attn.q_layernorm.weight", {8}});
    tensors.push_back({"model.layers.1.self_attn.k_layernorm.weight", {8}});
    std::string header = "{";
    std::string data;
    for (const Tensor& tensor : tensors) {
        std::size_t count = 1;
        std::string shape;
        for (const std::uint64_t n : tensor.shape) {
            count *= n;
            shape += (shape.empty() ? "" : ",") + std::to_string(n);
        }
        const float value = 0.0625F;
        const std::size_t begin = data.size();
        for (std::size_t i = 0; i < count; ++i)
            data.append(reinterpret_cast<const char*>(&value), sizeof value);
        header += (header.size() > 1 ? "," : "") + json_text(tensor.name) + ":{\"dtype\":\"F32\",\"shape\":[" +
                  shape + "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) +
                  "]}";
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return number64(header.size()) + header + data;
}

constexpr std::string_view kConfig =
    R"({"model_type":"lfm2","hidden_size":8,"num_hidden_layers":2,"vocab_size":16,)"
    R"("layer_types":["conv","full_attention"],"num_attention_heads":1,"num_key_value_heads":1,"intermediate_size":8,)"
    R"("block_auto_adjust_ff_dim":false,"max_position_embeddings":64,"norm_eps":1e-5,"conv_L_cache":3,)"
    R"("tie_word_embeddings":true,"rope_theta":1000000.0})";

constexpr std::string_view kTokenizerConfig =
    R"({"bos_token":"<|startoftext|>","eos_token":{"content":"<|im_end|>"},"add_bos_token":true})";

// A vocabulary of the letters a to n that fits the 16 rows of the checkpoint.
std::string letters_tokenizer() {
    const std::string whole = small_tokenizer_json();
    const std::size_t vocab = whole.find("\"vocab\":{");
    std::string letters = "\"vocab\":{";
    for (int i = 0; i < 13; ++i) {
        letters +=
            (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + i)) + "\":" + std::to_string(i);
    }
    std::string json = whole.substr(0, vocab) + letters + ",\"ab\":13},\"merges\":[[\"a\",\"b\"]]}}";
    json.replace(json.find("260"), 3, "14");
    json.replace(json.find("261"), 3, "15");
    return json;
}

void make_checkpoint(Seeds seeds) {
    const std::string weights = checkpoint_weights();
    const auto seed = [&](std::string_view config, std::string_view tokenizer, std::string_view more,
                          std::string_view data) {
        std::string bytes = sized_part(config.size()) + sized_part(tokenizer.size()) + sized_part(more.size());
        for (const std::string_view part : {config, tokenizer, more, data}) bytes += part;
        seeds.add(bytes);
    };
    seed(kConfig, "", "", weights);
    seed(kConfig, letters_tokenizer(), kTokenizerConfig, weights);
    seed(kConfig, letters_tokenizer(), "", weights.substr(0, 900));
    seed("{}", "", "", number64(2) + "{}");
}

// The outputs of the corpus of tests/text, each with the flags of its case and with tools.
void make_output_parser(Seeds seeds) {
    std::ifstream corpus(SLUICE_MODEL_OUTPUTS, std::ios::binary);
    for (std::string line; std::getline(corpus, line);) {
        const auto one = sluice::Json::parse(line, "model_outputs.jsonl");
        require(one.ok());
        const char flags = static_cast<char>((one->find("thinking_is_open") != nullptr ? 1 : 0) |
                                             (one->find("thinking_is_unknown") != nullptr ? 16 : 0) |
                                             (one->find("calls_in_thinking") != nullptr ? 2 : 0));
        for (const sluice::Json& output : *one->find("outputs")->array()) {
            seeds.add(std::string{flags, '\x55'} + *output.string());
            seeds.add(std::string{static_cast<char>(flags | 12), '\xAA'} + *output.string());
        }
    }
    require(corpus.eof());
    std::string deep = std::string{'\0', '\x80'} + "<|tool_call_start|>[f(a=";
    seeds.add(deep + std::string(1000, '[') + std::string(1000, ']') + ")]");
    seeds.add(deep + std::string(1000, '(') + "1" + std::string(1000, ')') + ")]");
    seeds.add(deep + std::string(63, '(') + "{'b': (2)}" + std::string(63, ')') + ")]");
}

void make_tokenizer(Seeds seeds) {
    const std::string text =
        "Don't  stop: 12345 abc ab\n\n\t \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 \xFF\xC3 "
        "<|im_end|><|startoftext|> x";
    const std::string json = small_tokenizer_json();
    const std::string letters = letters_tokenizer();
    for (const char flags : {'\0', '\1', '\2', '\3', '\4'})
        seeds.add(std::string({'\0', flags}) + sized_part(0) + text);
    seeds.add(std::string({'\1', '\1'}) + sized_part(json.size()) + json + text);
    seeds.add(std::string({'\1', '\0'}) + sized_part(letters.size()) + letters + "abcabba<|im_end|>");
    seeds.add(std::string({'\0', '\0'}) + sized_part(0) + std::string(3000, 'a'));
    // Three pieces of the SentencePiece protobuf: <unk> (type 2), <s> (type 3), "a" with a score.
    constexpr char kPieces[] =
        "\x0A\x09\x0A\x05<unk>\x18\x02\x0A\x07\x0A\x03<s>\x18\x03\x0A\x08\x0A\x01"
        "a\x15\x00\x00\x80\xBF";
    const std::string pieces(kPieces, sizeof kPieces - 1);
    seeds.add(std::string({'\2', '\0'}) + sized_part(pieces.size()) + pieces + "aa b");
}

// A piece of the forward target's input: these bytes at this offset.
std::string change(std::size_t offset, std::string_view bytes) {
    return std::string({static_cast<char>(offset & 0xFF), static_cast<char>(offset >> 8 & 0xFF),
                        static_cast<char>(offset >> 16), static_cast<char>(bytes.size() - 1)}) +
           std::string(bytes);
}

void make_forward(Seeds seeds) {
    const std::string tiny = tiny_model("tiny");
    const std::string start({'\0', 20, 21, 22});
    std::string all = std::string({'\1', 20, 21, 22});
    seeds.add(start);
    seeds.add(all);
    // Bits of infinity and of a NaN into weights, from the front of the data to its end.
    for (std::size_t i = 1; i <= 8; ++i) {
        const std::size_t at = tiny.size() - tiny.size() / 9 * i;
        for (const std::string_view bits :
             {std::string_view("\x00\x7C\x00\x7C", 4), std::string_view("\x00\x00\xC0\x7F", 4),
              std::string_view("\xFF\xFF\x7F\x7F", 4)}) {
            seeds.add(start + change(at, bits));
        }
        all += change(at, tiny.substr(at, 16));
    }
    // Each number of the configuration in turn.
    for (const std::string_view key :
         {"block_count", "context_length", "embedding_length", "feed_forward_length", "head_count", "freq_base",
          "rms_epsilon", "l_cache", "expert_count", "expert_used_count", "vocab_size"}) {
        const std::size_t at = tiny.find(key);
        if (at != std::string::npos) seeds.add(start + change(at + key.size() + 4, std::string_view("\1", 1)));
    }
    seeds.add(all);  // the longest: the fuzzer makes no input longer than its seeds
}

void make_importance(Seeds seeds) {
    sluice::GgufWriter writer;
    writer.metadata().set("general.type", sluice::MetadataValue::string("imatrix"));
    require(writer.announce("blk.0.ffn_up.weight.in_sum2", sluice::TensorType::kF32, {4, 2}).ok());
    require(writer.announce("blk.0.ffn_up.weight.counts", sluice::TensorType::kF32, {1, 2}).ok());
    std::vector<std::byte> bytes;
    require(writer.begin(sluice::ByteSink::to_memory(bytes)).ok());
    const float numbers[] = {1, 2, 3, 4, 0, 0, 0, 1e-30F, 5, 6};
    require(writer.write(std::as_bytes(std::span(numbers))).ok());
    require(writer.finish().ok());
    const std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const std::size_t cut : {file.size(), file.size() - 8, std::size_t{60}})
        seeds.add(file.substr(0, cut));
}

void make_chat_template(Seeds seeds) {
    const std::string messages =
        R"([{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "U"}]},)"
        R"({"role": "assistant", "thinking": "T", "content": null, "tool_calls": [{"function": {"name": "f",)"
        R"( "arguments": "{\"a\": [1, 2.5, null, true]}"}}]}, {"role": "tool", "content": "R"}])";
    const std::string tools = R"([{"name": "f", "parameters": {"properties": {"a": {"type": "array"}}}}])";
    for (const std::string source :
         {"",
          "{% for m in messages %}{{ loop.index }}{{ m.role | upper }}{{ m }}{% endfor %}{{ tools | tojson(2) "
          "}}",
          "{% set ns = namespace(x=[]) %}{% for i in range(3) %}{% set ns.x = ns.x + [i ** 2] %}{% endfor %}{{ "
          "ns.x }}",
          "{% macro m(a, b=2) %}{{ a ~ b ~ caller(a) }}{% endmacro %}{% call(x) m(1) %}{{ x * 'y' }}{% endcall "
          "%}",
          "{{ messages | map(attribute='role') | unique | sort | join(', ') }}{{ '%s-%05.2f' % ('a', 2.5) }}",
          "{%- if messages[0].content is string and 'S' in messages[0]['content'] -%} x {%- else %}y{% endif "
          "%}",
          "{% filter indent(2) %}{% generation %}a\nb{% endgeneration %}{% endfilter %}{% raw %}{{ }}{% endraw "
          "%}",
          "{{ ' a b '.split()[::-1] }}{{ 'abc'.replace('b', '').title() }}{{ strftime_now('%d %b %Y') }}{# c "
          "#}"}) {
        seeds.add(source + '\0' + messages + '\0' + tools);
    }
}

void make_schema(Seeds seeds) {
    const std::string choices("{\"a1\0", 5);
    for (
        const std::string_view schema :
        {R"({"type":"object","properties":{"a":{"type":"string","maxLength":5,"minLength":1},"b":{"type":"integer",
          "minimum":-5,"exclusiveMaximum":1000,"multipleOf":5}},"required":["a"]})",
         R"({"$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"},"maxItems":3}},"$ref":"#/$defs/n"})",
         R"({"anyOf":[{"enum":["a","b",1,null,[1],{"a":2}]},{"type":["number","null"],"maximum":0.5}]})",
         R"({"allOf":[{"type":"string","pattern":"^[a-z]+$"},{"format":"date"}]})",
         R"({"type":"object","patternProperties":{"^x":{"type":"boolean"}},"additionalProperties":{"const":1},
          "minProperties":1,"maxProperties":3})",
         R"({"type":"array","prefixItems":[true,false],"minItems":1,"items":{"oneOf":[{"type":"null"}]}})"}) {
        seeds.add('\0' + choices + std::string(schema));
        seeds.add("\x06" + choices + std::string(schema));
    }
    const std::string_view tools =
        R"([{"type":"function","function":{"name":"f.g","parameters":{"type":"object","properties":{"a":{"type":"string"},
        "b":{"type":"array","items":{"type":"object"}}},"required":["a"]}}},{"name":"h"}])";
    for (const char options : {'\x01', '\x09', '\x13'}) seeds.add(options + choices + std::string(tools));
}

void make_grammar(Seeds seeds) {
    const std::string choices("ab1x\0", 5);
    for (const std::string_view grammar :
         {"root ::= item (\", \" item)*\nitem ::= [a-z]+ | \"(\" root \")\" # nested\n",
          "root ::= \"a\"{2,5} [^\\n]? .* \"\\u00e9\"", "root ::= root \"a\" | b\nb ::= (\"x\"*)*"})
        seeds.add("f" + choices + std::string(grammar));
    for (const std::string_view expression : {"^(ab|c){2,4}[^x-z]*?\\d+$", "(?<n>a*)*b",
                                              "\\u{1F600}|[\\w\\s-]+.", "x{1,1000}(?=a)", "(a|b)*a(a|b){12}"})
        seeds.add("s" + choices + std::string(expression));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::string folder = argv[1];
    make_gguf({folder, "gguf_fuzz"});
    make_checkpoint({folder, "checkpoint_fuzz"});
    make_tokenizer({folder, "tokenizer_fuzz"});
    make_output_parser({folder, "output_parser_fuzz"});
    make_forward({folder, "forward_fuzz"});
    make_importance({folder, "importance_fuzz"});
    make_chat_template({folder, "chat_template_fuzz"});
    make_schema({folder, "schema_fuzz"});
    make_grammar({folder, "grammar_fuzz"});
    return 0;
}
