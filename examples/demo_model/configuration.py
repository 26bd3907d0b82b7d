"""The size of the demo model. Every row of a matrix has a multiple of 256 weights, so that all block formats fit."""
from transformers import Lfm2MoeConfig

from train_tokenizer import BOS, EOS, PAD

VOCABULARY = 1792
LAYERS = ("conv", "full_attention", "conv", "full_attention", "conv", "full_attention", "full_attention")


def configuration():
    return Lfm2MoeConfig(
        vocab_size=VOCABULARY, hidden_size=256, intermediate_size=256, moe_intermediate_size=256,
        num_hidden_layers=len(LAYERS), layer_types=list(LAYERS), num_dense_layers=4, num_experts=8,
        num_experts_per_tok=2, use_expert_bias=True, norm_topk_prob=True, routed_scaling_factor=1.0,
        num_attention_heads=4, num_key_value_heads=1, max_position_embeddings=2048, norm_eps=1e-5, conv_bias=False,
        conv_L_cache=3, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD)
