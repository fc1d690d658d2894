"""The reference's side of the benchmarks: one piece of work in a process of its own, timed by diffusers or PyTorch.

    .venv/bin/python tools/reference_work.py block '{"dtype": "bf16"}' --threads 2 --warmup 1 --repetitions 5

Prints one line of JSON: `median_seconds`, `min_seconds`, `max_seconds`, `seconds` (all of them) and `threads`. It is
started by tools/bench_reference.py, which measures the peak of its memory from outside. Weights are what the modules
start with: random, and of the scale that they are trained from.
"""

import argparse
import io
import json
import statistics
import sys
import time

import torch

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
PROMPT = "A poster with a red title, a yellow circle and a blue background."


def of_dtype(dtype: str, build):
    """Builds a module with its weights made in `dtype` at once, so that no float32 copy of them raises the peak."""
    torch.set_default_dtype(DTYPES[dtype])
    try:
        return build().eval()
    finally:
        torch.set_default_dtype(torch.float32)


def block(dtype="f32", hidden=3072, heads=24, image_tokens=1024, text_tokens=64):
    """One transformer block; its modulation is computed with it, as the reference does at each step."""
    from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformerBlock

    head = hidden // heads
    module = of_dtype(dtype, lambda: QwenImageTransformerBlock(hidden, heads, head))
    image = torch.randn(1, image_tokens, hidden, dtype=DTYPES[dtype])
    text = torch.randn(1, text_tokens, hidden, dtype=DTYPES[dtype])
    conditioning = torch.randn(1, hidden, dtype=DTYPES[dtype])
    rotary = tuple(
        torch.polar(torch.ones(rows, head // 2), torch.randn(rows, head // 2)) for rows in (image_tokens, text_tokens))
    return lambda: module(image, text, None, conditioning, rotary)


def attention(dtype="bf16", tokens=8256, heads=24, head_size=128):
    """Scaled dot-product attention alone, all tokens with all."""
    query, key, value = (torch.randn(1, heads, tokens, head_size, dtype=DTYPES[dtype]) for _ in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(query, key, value)


def vae(dtype="f32", direction="decode", resolution=640, base=96):
    """The autoencoder over one frame."""
    from diffusers import AutoencoderKLQwenImage

    module = of_dtype(dtype, lambda: AutoencoderKLQwenImage(
        base_dim=base, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2,
        temperal_downsample=[False, True, True], input_channels=4))
    if direction == "decode":
        latent = torch.randn(1, 16, 1, resolution // 8, resolution // 8, dtype=DTYPES[dtype])
        return lambda: module.decode(latent, return_dict=False)[0]
    picture = torch.rand(1, 4, 1, resolution, resolution, dtype=DTYPES[dtype]) * 2 - 1
    return lambda: module.encode(picture).latent_dist.mode()


def text(dtype="bf16", mode="prefill", layers=4, tokens=512, hidden=3584, intermediate=18944, heads=28, key_heads=4):
    """Decoder layers of the text encoder with the final norm: a whole prompt, or one token after `tokens` of them."""
    from transformers import DynamicCache
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

    pairs = hidden // heads // 2
    section = [pairs // 4, (pairs - pairs // 4) // 2, pairs - pairs // 4 - (pairs - pairs // 4) // 2]
    config = Qwen2_5_VLTextConfig(
        vocab_size=64, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_heads, rms_norm_eps=1e-6, pad_token_id=None,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0, mrope_section=section),
        bos_token_id=None, eos_token_id=None)
    module = of_dtype(dtype, lambda: Qwen2_5_VLTextModel._from_config(config, dtype=DTYPES[dtype]))
    states = torch.randn(1, tokens, hidden, dtype=DTYPES[dtype])
    if mode == "prefill":
        return lambda: module(inputs_embeds=states, use_cache=False)
    cache = DynamicCache(config=config)
    module(inputs_embeds=states, past_key_values=cache, use_cache=True)

    def step():
        module(inputs_embeds=states[:, :1], past_key_values=cache, use_cache=True)
        cache.crop(-1)

    return step


def decompose(model, image, latents, dtype="f32", resolution=640, layers=3, steps=4, true_cfg_scale=4.0):
    """A whole decomposition with guidance; loading is not in the time, and is in the peak of memory."""
    from diffusers import QwenImageLayeredPipeline
    from PIL import Image
    from safetensors.torch import load_file

    from golden_recorder import AnyBucket

    pipeline = QwenImageLayeredPipeline.from_pretrained(model, torch_dtype=DTYPES[dtype], local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.open(image).convert("RGBA")
    noise = load_file(latents)["latents"].to(DTYPES[dtype])
    return lambda: pipeline(
        image=picture, prompt=PROMPT, negative_prompt=" ", true_cfg_scale=true_cfg_scale, cfg_normalize=True,
        layers=layers, num_inference_steps=steps, resolution=AnyBucket(resolution), latents=noise, output_type="np")


def encode(format="png", layers=8, size=1024):
    """The files of a result: a PNG a layer by Pillow as the reference's users save them, or one PSD by psd-tools."""
    import numpy as np
    from PIL import Image

    pictures = [Image.fromarray(np.asarray(layer)) for layer in encode_pictures(np, layers, size)]

    def png():
        for picture in pictures:
            picture.save(io.BytesIO(), "PNG")

    def psd():
        from psd_tools import PSDImage
        from psd_tools.api.layers import PixelLayer

        document = PSDImage.new("RGBA", (size, size))
        for index, picture in enumerate(pictures):
            document.append(PixelLayer.frompil(picture, document, f"Layer {index + 1}"))
        document.save(io.BytesIO())

    return {"png": png, "psd": psd}[format]


def encode_pictures(np, layers: int, size: int):
    """Smooth colours, a round opaque area and a little noise inside of it; `mica bench encode` draws the same."""
    y, x = np.mgrid[0:size, 0:size].astype(np.int64)
    for layer in range(layers):
        centre = size * (layer + 1) // (layers + 1)
        inside = (x - centre) ** 2 + (y - size // 2) ** 2 < (size // 3) ** 2
        grain = ((x * 73856093) ^ (y * 19349663) ^ (layer * 83492791)) >> 4 & 7
        planes = (x * 255 // size + grain, y * 255 // size + grain, (x + y) * 127 // size + layer * 8 + grain)
        picture = np.stack([plane & 255 for plane in planes] + [np.full_like(x, 255)], axis=-1)
        yield np.where(inside[..., None], picture, 0).astype(np.uint8)


WORK = {work.__name__: work for work in (block, attention, vae, text, decompose, encode)}


def main():
    options = argparse.ArgumentParser(description="Time one piece of the reference's work.")
    options.add_argument("work", choices=WORK)
    options.add_argument("parameters", type=json.loads, nargs="?", default={})
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--warmup", type=int, default=1)
    options.add_argument("--repetitions", type=int, default=5)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    seconds = []
    with torch.no_grad():
        run = WORK[options.work](**options.parameters)
        for number in range(options.warmup + options.repetitions):
            started = time.perf_counter()
            run()
            if number >= options.warmup:
                seconds.append(time.perf_counter() - started)
    json.dump(dict(
        median_seconds=statistics.median(seconds), min_seconds=min(seconds), max_seconds=max(seconds),
        seconds=seconds, threads=torch.get_num_threads()), sys.stdout)
    print()


if __name__ == "__main__":
    main()
