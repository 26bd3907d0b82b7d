// Products of weights with M vectors on one thread, each kernel table, type and M: with weights that stay in
// the second cache, where only the kernel counts, and with weights from memory, as in a model. Beside each
// speed stands its share of what the same table and the same machine showed at the start of this run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "api/machine_speed.h"
#include "benchmarks/random_weights.h"
#include "kernels/select.h"

namespace sluice::benchmarks {
namespace {

constexpr std::size_t kColumns = 2048;                       // the hidden size of LFM2.5-8B-A1B
constexpr std::size_t kRowStep = 32;                         // tables work on up to so many rows at once
constexpr std::size_t kCachedSize = std::size_t{256} << 10;  // half of the smallest second cache there is today
constexpr std::size_t kSliceSize = std::size_t{1} << 20;     // one call's weights when they come from memory
constexpr std::size_t kMemorySize = std::size_t{256} << 20;  // beyond any cache of a core
constexpr std::uint32_t kLookMilliseconds = 300;

constexpr TensorType kTypes[] = {TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K,
                                 TensorType::kQ8_0, TensorType::kF16,  TensorType::kBF16, TensorType::kIQ4_XS};
constexpr std::size_t kVectorCounts[] = {1, 2, 4, 8, 16, 32, 128};

// 64-byte aligned memory outside any engine.
class Memory {
public:
    explicit Memory(std::size_t size) {
        auto block = Block::allocate(budget_, size, "a benchmark");
        if (block) block_ = std::move(*block);
    }
    std::span<std::byte> bytes() { return {block_.data(), static_cast<std::size_t>(block_.size())}; }
    template <class T>
    T* as() {
        return reinterpret_cast<T*>(block_.data());
    }

private:
    MemoryBudget budget_;
    Block block_;
};

// The weights of the type that was asked for last: benchmarks run sorted by type.
class Weights {
public:
    std::span<const std::byte> of(TensorType type) {
        if (!is_filled_ || type_ != type) {
            const std::size_t block_size = info_of(type).block_size;
            fill_with_weights(type, memory_.bytes().first(kMemorySize / block_size * block_size));
            type_ = type;
            is_filled_ = true;
        }
        return memory_.bytes();
    }

private:
    Memory memory_{kMemorySize};
    TensorType type_ = TensorType::kF32;
    bool is_filled_ = false;
};

struct Yardsticks {
    double bytes_per_s = 0;
    double multiply_adds_per_s = 0;  // 0: the table has none
};

Yardsticks look(const Kernels& kernels) {
    const Log silence(SLUICE_LOG_OFF, nullptr, nullptr, nullptr);
    Workers one(1, silence);
    MemoryBudget budget;
    const auto speed = measure_machine(one, &kernels, budget, kLookMilliseconds);
    if (!speed) return {};
    return {static_cast<double>(speed->bytes.best), static_cast<double>(speed->int8_multiply_adds.best)};
}

struct Case {
    const Kernels* kernels;
    TensorType type;
    bool is_quantised;  // vectors as int8, else float
    bool is_cached;
    std::size_t n_vectors;
    Yardsticks yardsticks;
    Weights* weights;

    std::string name() const {
        return std::string(kernels->name) + "/" + info_of(type).name + (is_quantised ? "/int8" : "/float") +
               (is_cached ? "/l2" : "/memory") + "/M:" + std::to_string(n_vectors);
    }
};

// Activations of one case, in both forms.
struct Activations {
    explicit Activations(const Case& which)
        : floats(kColumns * which.n_vectors),
          values(kColumns * which.n_vectors),
          scales(kColumns / kQuantisedBlock * which.n_vectors),
          sums(kColumns / 16 * which.n_vectors) {
        std::mt19937 random(1);
        for (float& number : floats) number = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        for (std::size_t v = 0; v < which.n_vectors; ++v) {
            which.kernels->quantise(floats.data() + v * kColumns, kColumns, values.data() + v * kColumns,
                                    scales.data() + v * (kColumns / kQuantisedBlock),
                                    sums.data() + v * (kColumns / 16));
        }
    }

    std::vector<float> floats;
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
};

void run(benchmark::State& state, const Case& which) {
    const std::span<const std::byte> weights = which.weights->of(which.type);
    Matrix slice{which.type, 0, kColumns, weights.data()};
    const std::size_t size = which.is_cached ? kCachedSize : kSliceSize;
    slice.rows = std::max(kRowStep, size / slice.row_bytes() / kRowStep * kRowStep);
    const std::size_t n_slices = which.is_cached ? 1 : weights.size() / slice.size();

    const Activations x(which);
    std::vector<float> out(slice.rows * which.n_vectors);
    Memory scratch(std::max(kTileScratchSize, kColumns * sizeof(float)));
    std::size_t next = 0;
    for (auto _ : state) {
        slice.data = weights.data() + next * slice.size();
        if (which.is_quantised) {
            const QuantisedVectors vectors{x.values.data(), x.scales.data(), x.sums.data(),
                                           which.n_vectors, kColumns,        nullptr};
            which.kernels->multiply_quantised(slice, 0, slice.rows, vectors, out.data(), slice.rows,
                                              scratch.as<std::byte>());
        } else {
            const Vectors vectors{x.floats.data(), which.n_vectors, kColumns, kColumns, nullptr};
            which.kernels->multiply(slice, 0, slice.rows, vectors, out.data(), slice.rows, scratch.as<float>());
        }
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
        next = next + 1 == n_slices ? 0 : next + 1;
    }

    const auto n_calls = static_cast<double>(state.iterations());
    const double bytes = n_calls * static_cast<double>(slice.size());
    const double multiply_adds = n_calls * static_cast<double>(slice.rows * kColumns * which.n_vectors);
    const auto rate = [&](const char* name, double amount) {
        state.counters[name] = benchmark::Counter(amount, benchmark::Counter::kIsRate);
    };
    rate("multiply_adds/s", multiply_adds);
    rate("bytes/s", bytes);
    if (which.yardsticks.multiply_adds_per_s > 0) {
        rate("%_of_int8_peak", 100 * multiply_adds / which.yardsticks.multiply_adds_per_s);
    }
    if (which.yardsticks.bytes_per_s > 0) rate("%_of_bandwidth", 100 * bytes / which.yardsticks.bytes_per_s);
}

std::vector<const Kernels*> tables_that_run_here() {
    std::vector<const Kernels*> tables;
    std::string names = kernel_names() + ",";
    for (std::size_t begin = 0, end = 0; (end = names.find(',', begin)) != std::string::npos; begin = end + 1) {
        const std::size_t first = names.find_first_not_of(' ', begin);
        if (const auto table = select_kernels(names.substr(first, end - first))) tables.push_back(*table);
    }
    return tables;
}

void add_all(Weights& weights) {
    const std::vector<const Kernels*> tables = tables_that_run_here();
    std::vector<Yardsticks> yardsticks;
    for (const Kernels* table : tables) {
        yardsticks.push_back(look(*table));
        std::fprintf(stderr, "%s: %.1f G int8 multiply-adds/s, %.2f GB/s on one thread\n", table->name,
                     yardsticks.back().multiply_adds_per_s / 1e9, yardsticks.back().bytes_per_s / 1e9);
    }
    for (Yardsticks& its : yardsticks) {  // memory does not depend on the table
        for (const Yardsticks& other : yardsticks)
            its.bytes_per_s = std::max(its.bytes_per_s, other.bytes_per_s);
    }
    for (const TensorType type : kTypes) {
        for (std::size_t t = 0; t < tables.size(); ++t) {
            for (const bool is_quantised : {true, false}) {
                if (is_quantised && !can_multiply_quantised(type)) continue;
                for (const bool is_cached : {true, false}) {
                    for (const std::size_t n_vectors : kVectorCounts) {
                        const Case which{tables[t], type,          is_quantised, is_cached,
                                         n_vectors, yardsticks[t], &weights};
                        benchmark::RegisterBenchmark(which.name().c_str(), run, which)
                            ->Unit(benchmark::kMicrosecond);
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace sluice::benchmarks

int main(int argc, char** argv) {
    // A tenth of a second each, unless the command line says otherwise: there are hundreds.
    std::string shorter = "--benchmark_min_time=0.1";
    std::vector<char*> arguments(argv, argv + argc);
    arguments.insert(arguments.begin() + 1, shorter.data());
    int n_arguments = argc + 1;
    benchmark::Initialize(&n_arguments, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(n_arguments, arguments.data())) return 2;
    sluice::benchmarks::Weights weights;
    sluice::benchmarks::add_all(weights);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
