"""Makes Tests/QwenImageTests/Fixtures/textencoder/geometry.json: what the reference computes of sizes alone.

    pip install -r tools/requirements-goldens.txt
    python tools/make_textencoder_fixtures.py Tests/QwenImageTests/Fixtures/textencoder/geometry.json

Window order and rope positions of picture grids, sizes after the smart resize, inverse frequencies of the published
model.
"""

import json
import sys

import torch
from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel, Qwen2_5_VLRotaryEmbedding
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLVisionRotaryEmbedding
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize
from transformers.vision_utils import get_vision_window_index

# Rows and columns of patches: one token, a whole window, beside it, wide, tall, windows cut off on both sides.
GRIDS = [(2, 2), (8, 8), (10, 8), (8, 10), (2, 38), (38, 2), (18, 14), (16, 24), (46, 46)]
# Height and width of a picture, fewest and most pixels: both bounds, halves that round to even, extreme aspects.
SIZES = [(640, 640), (480, 864), (1024, 1024), (42, 70), (14, 14), (1, 1), (10, 1999), (1999, 10), (32, 6400),
         (98, 126), (5000, 5000), (2048, 4096), (70, 71), (10, 2010)]
BOUNDS = [(3136, 12845056), (200704, 1003520), (3136, 50176), (60000, 60001)]


def window_case(height, width):
    index, boundaries = get_vision_window_index(torch.tensor([[1, height, width]]), 2, 112, 14)
    return dict(height=height, width=width, window_index=index.tolist(), boundaries=boundaries.tolist())


def rope_case(model, height, width, before, after):
    tokens = height * width // 4
    kinds = [0] * before + [1] * tokens + [0] * after
    positions, delta = model.get_rope_index(
        torch.zeros(1, len(kinds), dtype=torch.long), torch.tensor([kinds]), torch.tensor([[1, height, width]]))
    return dict(height=height, width=width, before=before, after=after, positions=positions[:, 0].tolist(),
                next=len(kinds) + int(delta[0]))


def resize_case(height, width, bounds):
    least, most = bounds
    try:
        size = smart_resize(height, width, 28, least, most)
    except ValueError:
        size = None
    return dict(height=height, width=width, min_pixels=least, max_pixels=most, size=size)


def main():
    config = Qwen2_5_VLConfig(
        text_config=dict(hidden_size=3584, num_attention_heads=28, num_hidden_layers=1, num_key_value_heads=4,
                         rope_parameters=dict(mrope_section=[16, 24, 24], rope_type="default", rope_theta=1000000.0)),
        vision_config=dict(hidden_size=1280, num_heads=16, depth=1))
    with torch.device("meta"):
        model = Qwen2_5_VLModel(config)
    fixture = dict(
        windows=[window_case(*grid) for grid in GRIDS],
        rope=[rope_case(model, *grid, before=7, after=5) for grid in [(2, 2), (10, 8), (6, 12)]],
        resize=[resize_case(*size, bounds) for bounds in BOUNDS for size in SIZES],
        text_frequencies=Qwen2_5_VLRotaryEmbedding(config.text_config).inv_freq.tolist(),
        vision_frequencies=Qwen2_5_VLVisionRotaryEmbedding(config.vision_config).inv_freq.tolist())
    with open(sys.argv[1], "w") as file:
        json.dump(fixture, file, separators=(",", ":"))
        file.write("\n")


main()
