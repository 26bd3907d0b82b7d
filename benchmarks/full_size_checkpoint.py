#!/usr/bin/env python3
"""Writes a checkpoint folder in the shape of LFM2.5-8B-A1B with random weights: BF16, one matrix per expert, in
shards with an index, as Hugging Face stores it. 16.9 GB in all; fewer layers make it smaller. Needs numpy.

full_size_checkpoint.py FOLDER [--layers 24] [--shard-size BYTES] [--seed N]

The weights are drawn once, 16 million of them, and each matrix takes a run that begins anywhere in these: random to a
quantiser, which looks at 256 at a time, and fast enough to fill a disk.
"""
import argparse
import json
import os

import numpy

HIDDEN, DENSE, EXPERT, EXPERTS, USED = 2048, 7168, 1792, 32, 4
VOCABULARY, KEYS, HEAD = 128000, 512, 64
ATTENTION = {2, 6, 10, 14, 18, 21}  # lfm2.md 1.1
N_DENSE = 2
POOL = 1 << 24


def tensors(n_layers):
    """Names and shapes, in the order of the layers; those of the expert's bias are F32."""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    yield "model.embedding_norm.weight", (HIDDEN,)
    for layer in range(n_layers):
        p = f"model.layers.{layer}."
        yield p + "operator_norm.weight", (HIDDEN,)
        yield p + "ffn_norm.weight", (HIDDEN,)
        if layer in ATTENTION:
            for name, rows in (("q_proj", HIDDEN), ("k_proj", KEYS), ("v_proj", KEYS), ("out_proj", HIDDEN)):
                yield p + f"self_attn.{name}.weight", (rows, HIDDEN)
            yield p + "self_attn.q_layernorm.weight", (HEAD,)
            yield p + "self_attn.k_layernorm.weight", (HEAD,)
        else:
            yield p + "conv.in_proj.weight", (3 * HIDDEN, HIDDEN)
            yield p + "conv.out_proj.weight", (HIDDEN, HIDDEN)
            yield p + "conv.conv.weight", (HIDDEN, 1, 3)
        if layer < N_DENSE:
            modules, width = [p + "feed_forward."], DENSE
        else:
            yield p + "feed_forward.gate.weight", (EXPERTS, HIDDEN)
            yield p + "feed_forward.expert_bias", (EXPERTS,)
            modules, width = [p + f"feed_forward.experts.{e}." for e in range(EXPERTS)], EXPERT
        for module in modules:
            yield module + "w1.weight", (width, HIDDEN)
            yield module + "w2.weight", (HIDDEN, width)
            yield module + "w3.weight", (width, HIDDEN)


def config(n_layers):
    kinds = ["full_attention" if i in ATTENTION else "conv" for i in range(n_layers)]
    return {
        "architectures": ["Lfm2MoeForCausalLM"], "model_type": "lfm2_moe", "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "intermediate_size": DENSE, "moe_intermediate_size": EXPERT,
        "num_hidden_layers": n_layers, "layer_types": kinds, "num_dense_layers": N_DENSE, "num_experts": EXPERTS,
        "num_experts_per_tok": USED, "norm_topk_prob": True, "use_expert_bias": True, "routed_scaling_factor": 1.0,
        "num_attention_heads": HIDDEN // HEAD, "num_key_value_heads": KEYS // HEAD, "conv_L_cache": 3,
        "conv_bias": False, "norm_eps": 1e-5, "max_position_embeddings": 128000, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5e6}, "torch_dtype": "bfloat16",
    }


def bfloat(values):
    """Rounds to nearest, ties to even."""
    bits = values.astype(numpy.float32).view(numpy.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")


class Weights:
    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        self.pool = self.random.standard_normal(POOL, dtype=numpy.float32)
        self.scaled = {}

    def bytes_of(self, name, shape):
        count = int(numpy.prod(shape))
        if name.endswith("expert_bias"):
            return (self.random.standard_normal(count) * 0.1).astype("<f4").tobytes()
        if "norm" in name:
            return bfloat(1 + 0.2 * self.random.standard_normal(count)).tobytes()
        deviation = 0.12 if "embed" in name else 1.3 / shape[-1] ** 0.5
        if deviation not in self.scaled:
            self.scaled[deviation] = bfloat(self.pool * numpy.float32(deviation))
        pool = self.scaled[deviation]
        parts = []
        while count > 0:
            start = int(self.random.integers(POOL - 1))
            parts.append(pool[start:start + count].tobytes())
            count -= len(parts[-1]) // 2
        return b"".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--shard-size", type=int, default=5_000_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)

    shards, size = [[]], 0
    for name, shape in tensors(options.layers):
        n_bytes = int(numpy.prod(shape)) * (4 if name.endswith("expert_bias") else 2)
        if size > 0 and size + n_bytes > options.shard_size:
            shards.append([])
            size = 0
        shards[-1].append((name, shape, n_bytes))
        size += n_bytes

    weights = Weights(options.seed)
    places, total = {}, 0
    for number, shard in enumerate(shards, 1):
        file_name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for name, shape, n_bytes in shard:
            dtype = "F32" if name.endswith("expert_bias") else "BF16"
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + n_bytes]}
            offset += n_bytes
            places[name] = file_name
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(options.folder, file_name), "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name, shape, _ in shard:
                file.write(weights.bytes_of(name, shape))
        total += offset
        print(f"{file_name}: {offset:,} bytes", flush=True)
    with open(os.path.join(options.folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {"total_size": total}, "weight_map": places}, file)
    with open(os.path.join(options.folder, "config.json"), "w") as file:
        json.dump(config(options.layers), file)


if __name__ == "__main__":
    main()
