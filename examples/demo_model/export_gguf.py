"""Writes a checkpoint folder of the demo model as GGUF: export_gguf.py FOLDER OUT.gguf [--type F32|Q8_0]."""
import argparse
import json
import os
import re

import gguf
import numpy as np
from gguf import GGMLQuantizationType, LlamaFileType
from safetensors.numpy import load_file

NAMES = {
    "operator_norm.weight": "attn_norm.weight", "ffn_norm.weight": "ffn_norm.weight",
    "conv.in_proj.weight": "shortconv.in_proj.weight", "conv.out_proj.weight": "shortconv.out_proj.weight",
    "conv.conv.weight": "shortconv.conv.weight", "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.out_proj.weight": "attn_output.weight", "self_attn.q_layernorm.weight": "attn_q_norm.weight",
    "self_attn.k_layernorm.weight": "attn_k_norm.weight", "feed_forward.w1.weight": "ffn_gate.weight",
    "feed_forward.w2.weight": "ffn_down.weight", "feed_forward.w3.weight": "ffn_up.weight",
    "feed_forward.gate.weight": "ffn_gate_inp.weight", "feed_forward.expert_bias": "exp_probs_b.bias"}
EXPERT = re.compile(r"feed_forward\.experts\.(\d+)\.w([123])\.weight")
EXPERT_NAMES = {"1": "ffn_gate_exps.weight", "2": "ffn_down_exps.weight", "3": "ffn_up_exps.weight"}
NEVER_QUANTISED = ("norm.weight", "ffn_gate_inp.weight", "shortconv.conv.weight", "exp_probs_b.bias")
CONTROL, NORMAL = 3, 1
TYPES = {
    "F32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "Q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0)}


def gguf_tensors(checkpoint):
    """(name, weights) of every tensor; the matrices of a layer's experts become one tensor with three dimensions."""
    banks = {}
    for name, weights in checkpoint.items():
        weights = weights.astype(np.float32)
        if name == "model.embed_tokens.weight":
            yield "token_embd.weight", weights
        elif name == "model.embedding_norm.weight":
            yield "token_embd_norm.weight", weights
        elif name != "lm_head.weight":
            _, _, layer, rest = name.split(".", 3)
            expert = EXPERT.fullmatch(rest)
            if expert:
                banks.setdefault((layer, EXPERT_NAMES[expert[2]]), {})[int(expert[1])] = weights
            elif rest == "feed_forward.experts.gate_up_proj":
                gate, up = np.split(weights, 2, axis=1)
                yield f"blk.{layer}.ffn_gate_exps.weight", gate
                yield f"blk.{layer}.ffn_up_exps.weight", up
            elif rest == "feed_forward.experts.down_proj":
                yield f"blk.{layer}.ffn_down_exps.weight", weights
            elif rest == "conv.conv.weight":
                yield f"blk.{layer}.{NAMES[rest]}", weights[:, 0]
            else:
                yield f"blk.{layer}.{NAMES[rest]}", weights
    for (layer, name), experts in banks.items():
        yield f"blk.{layer}.{name}", np.stack([experts[i] for i in range(len(experts))])


def add_model(writer, config, name):
    layers = config["layer_types"]
    writer.add_type("model")
    writer.add_name(name)
    writer.add_block_count(len(layers))
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv([0 if kind == "conv" else config["num_key_value_heads"] for kind in layers])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_shortconv_l_cache(config["conv_L_cache"])
    writer.add_expert_count(config["num_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    writer.add_leading_dense_block_count(config["num_dense_layers"])
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)


def add_tokenizer(writer, folder, config):
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as file:
        tokenizer = json.load(file)
    special = {token["id"] for token in tokenizer["added_tokens"]}
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("lfm2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if i in special else NORMAL for i in range(len(tokens))])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    # The template begins a conversation with the token itself.
    writer.add_add_bos_token(False)
    with open(os.path.join(folder, "chat_template.jinja"), encoding="utf-8") as file:
        writer.add_chat_template(file.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--type", choices=TYPES, default="F32")
    parser.add_argument("--name", default="sluice demo")
    options = parser.parse_args()
    with open(os.path.join(options.folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    wanted, file_type = TYPES[options.type]
    writer = gguf.GGUFWriter(options.out, "lfm2moe")
    add_model(writer, config, options.name)
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_tokenizer(writer, options.folder, config)
    checkpoint = load_file(os.path.join(options.folder, "model.safetensors"))
    for name, weights in gguf_tensors(checkpoint):
        if options.type == "F32" or name.endswith(NEVER_QUANTISED):
            writer.add_tensor(name, np.ascontiguousarray(weights))
        else:
            writer.add_tensor(name, gguf.quants.quantize(weights, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
