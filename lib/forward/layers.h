// The four kinds of half-layers. Each reads work.normed and leaves what it adds to the residual stream in
// work.mixed (modeling_lfm2_moe.py; reference/lfm2.md section 2).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "forward/step.h"
#include "model/model.h"

namespace sluice {

// Grouped-query attention with a norm on every head of q and k, then RoPE. Adds the chunk's keys and values
// to the cache. cache_layer counts attention layers only.
Done run_attention(const Attention& attention, std::uint32_t cache_layer, const Step& step);

// The double-gated short convolution: out = W_out (C * conv(B * x)). cache_layer counts convolutions only.
Done run_short_convolution(const ShortConvolution& convolution, std::uint32_t cache_layer, const Step& step);

// SwiGLU: down(silu(gate v) * up v).
Done run_dense_feed_forward(const DenseFeedForward& dense, const Step& step);

// The sum of the chosen experts' SwiGLU, weighted. layer counts all layers.
Done run_expert_feed_forward(const ExpertFeedForward& experts, std::uint32_t layer, const Step& step);

}  // namespace sluice
