"""Writes the golden_*.h beside it: blocks of every GGUF type and what they decode to.

Needs numpy and the public package gguf (made with gguf 0.19 from PyPI), whose quants.dequantize is the
independent judge. Run: python3 make_golden.py
"""
import pathlib
import numpy as np
from gguf import GGMLQuantizationType as Type, GGML_QUANT_SIZES, quants

SCALE_AT = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0],
            "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0]}
FILES = {"golden_32.h": ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL"],
         "golden_256_low.h": ["Q2_K", "Q3_K", "Q4_K"], "golden_256_high.h": ["Q5_K", "Q6_K", "IQ4_XS"]}


def blocks_of(name, random):
    """Random bits; subnormal scales; extreme bytes (-128 among them) with the largest scales."""
    size = GGML_QUANT_SIZES[Type[name]][1]
    blocks = random.integers(0, 256, (3, size), dtype=np.uint8)
    blocks[2] = random.choice(np.array([0x00, 0x7F, 0x80, 0xFF], np.uint8), size)
    scales = [[-0.0123, 0.75], [2.0**-24, -(2.0**-15)], [65504.0, -65504.0]]
    for block, values in zip(blocks, scales):
        for at, value in zip(SCALE_AT[name], values):
            block[at:at + 2] = np.array([value], np.float16).view(np.uint8)
    return blocks


def quoted(hex_digits):
    step = 100
    return "\n".join(f'     "{hex_digits[i:i + step]}"' for i in range(0, len(hex_digits), step))


def main():
    random = np.random.default_rng(20260101)
    for file, names in FILES.items():
        text = ["// Made by make_golden.py with the public Python package gguf; do not edit.", "#pragma once", "",
                '#include "kernels/golden.h"', "", "// clang-format off",
                f"constexpr GoldenBlocks k{file[:-2].title().replace('_', '')}[] = {{"]
        for name in names:
            blocks = blocks_of(name, random)
            values = quants.dequantize(blocks, Type[name]).astype(np.float32)
            assert np.isfinite(values).all()
            text += [f"    {{sluice::TensorType::k{name},", quoted(blocks.tobytes().hex()) + ",",
                     quoted(values.astype(">f4").tobytes().hex()) + "},"]
        text += ["};", "// clang-format on", ""]
        (pathlib.Path(__file__).parent / file).write_text("\n".join(text))


main()
