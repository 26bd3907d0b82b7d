#include "bench_report.h"

namespace command {

namespace {

void add_spread(Json& json, const std::string& name, const Spread& spread) {
    json[name] = spread.median;
    json[name + "_least"] = spread.least;
    json[name + "_most"] = spread.most;
}

template <class Number>
Spread spread_over(const std::vector<Repetition>& repetitions, Number number) {
    std::vector<double> numbers;
    for (const Repetition& repetition : repetitions) numbers.push_back(number(repetition));
    return spread_of(std::move(numbers));
}

// The median of what repetitions reached of the possible; null where that is unknown.
Json share_of(const std::vector<Repetition>& repetitions) {
    if (repetitions.front().possible <= 0) return nullptr;
    return spread_over(repetitions, [](const Repetition& r) { return r.reached / r.possible; }).median;
}

Json repetitions_json(const std::vector<Repetition>& repetitions) {
    Json json = Json::array();
    for (const Repetition& repetition : repetitions) {
        json.push_back({{"tokens_per_s", repetition.tokens_per_s},
                        {"reached_per_s", repetition.reached},
                        {"possible_per_s", repetition.possible > 0 ? Json(repetition.possible) : Json()}});
    }
    return json;
}

Json result_json(std::uint32_t n_tokens, const std::vector<Repetition>& repetitions) {
    Json json = {{"tokens", n_tokens}};
    add_spread(json, "tokens_per_s",
               spread_over(repetitions, [](const Repetition& r) { return r.tokens_per_s; }));
    json["repetitions"] = repetitions_json(repetitions);
    return json;
}

std::string share_text(const Json& share, const std::string& of_what) {
    if (!share.is_number()) return "";
    return ", " + number_text(100 * share.get<double>(), 1) + " % of the " + of_what;
}

std::string rate_text(const Json& entry) {
    const auto number = [&](const char* name) { return number_text(entry[name].get<double>(), 1); };
    return number("tokens_per_s") + " tokens/s (" + number("tokens_per_s_least") + " to " +
           number("tokens_per_s_most") + ")";
}

std::string prefill_text(const Json& entry) {
    return rate_text(entry) + share_text(entry["share_of_int8_peak"], "int8 peak") + ", first token after " +
           number_text(entry["time_to_first_token_s"].get<double>(), 3) + " s";
}

std::string decode_text(const Json& entry) {
    return rate_text(entry) + ", " + number_text(entry["gb_per_s"].get<double>(), 2) + " GB/s" +
           share_text(entry["share_of_bandwidth"], "bandwidth") + ", up to position " +
           std::to_string(entry["last_position"].get<std::uint64_t>());
}

std::string batch_text(const Json& entry) {
    std::string text =
        rate_text(entry) + ", " + number_text(entry["times_first"].get<double>(), 2) + " times the first batch";
    const Json& experts = entry["experts_woken"];
    if (experts.is_number()) text += ", " + number_text(experts.get<double>(), 1) + " experts a layer and step";
    return text;
}

std::string machine_text(const Json& machine) {
    if (!machine["bytes_per_s"].is_number()) return "";
    std::string text = number_text(machine["bytes_per_s"].get<double>() / 1e9, 2) + " GB/s";
    const Json& peak = machine["int8_multiply_adds_per_s"];
    if (peak.is_number()) text += ", " + number_text(peak.get<double>() / 1e9, 0) + " G int8 multiply-adds/s";
    return row_text("machine at best", text);
}

}  // namespace

Json prefill_json(const PrefillResult& result) {
    Json json = result_json(result.n_tokens, result.repetitions);
    json["share_of_int8_peak"] = share_of(result.repetitions);
    add_spread(json, "time_to_first_token_s", result.first_token_s);
    return json;
}

Json decode_json(const DecodeResult& result) {
    Json json = result_json(result.n_tokens, result.repetitions);
    json["depth"] = result.depth;
    json["last_position"] = result.last_position;
    json["gb_per_s"] =
        spread_over(result.repetitions, [](const Repetition& r) { return r.reached; }).median / 1e9;
    json["share_of_bandwidth"] = share_of(result.repetitions);
    return json;
}

Json batch_json(const BatchResult& result, const BatchResult& first) {
    Json json = {{"sessions", result.n_sessions}, {"tokens", result.n_tokens}, {"depth", result.depth}};
    add_spread(json, "tokens_per_s", spread_of(result.tokens_per_s));
    std::vector<double> times;
    for (std::size_t i = 0; i < result.tokens_per_s.size(); ++i) {
        times.push_back(result.tokens_per_s[i] / first.tokens_per_s[i]);
    }
    add_spread(json, "times_first", spread_of(std::move(times)));
    json["experts_woken"] = result.experts_woken > 0 ? Json(result.experts_woken) : Json();
    json["repetitions"] = result.tokens_per_s;
    return json;
}

std::string bench_text(const Json& json) {
    const Json& machine = json["machine"];
    std::string text = row_text("model", json["model"].get<std::string>()) +
                       row_text("kernels", machine["kernels"].get<std::string>() + ", " +
                                               std::to_string(machine["threads"].get<int>()) + " threads") +
                       machine_text(machine) +
                       row_text("load", number_text(json["load_s"].get<double>(), 3) + " s, first token " +
                                            number_text(json["start_to_first_token_s"].get<double>(), 3) +
                                            " s after the start");
    for (const Json& entry : json["prefill"]) {
        text += row_text("prompt of " + std::to_string(entry["tokens"].get<int>()), prefill_text(entry));
    }
    for (const Json& entry : json["decode"]) {
        text += row_text("answer of " + std::to_string(entry["tokens"].get<int>()) + " at " +
                             std::to_string(entry["depth"].get<int>()),
                         decode_text(entry));
    }
    for (const Json& entry : json["batch"]) {
        text += row_text("batch of " + std::to_string(entry["sessions"].get<int>()), batch_text(entry));
    }
    return text + row_text("peak memory", size_text(json["peak_memory"].get<std::uint64_t>()));
}

}  // namespace command
