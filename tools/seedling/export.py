"""A trained pair as a folder of the public layout (bf16 safetensors), loaded again by diffusers and compared.

What is zero by construction is left out at the end (expand.py): half of the transformer, two thirds of the VAE.

  python tools/seedling/export.py --model transformer.pt --vae vae24.pt --settings tools/seedling/configs/mica.json OUT

The text encoder is a tiny untrained Qwen2.5-VL with a byte-level tokenizer of 600 tokens: the transformer reads none of
it. A folder that already has them keeps its text_encoder, tokenizer and processor, byte for byte."""

import argparse
import json
import os
import shutil

import numpy as np
import torch

import posters
import transformer as small
import vae as autoencoder
from evaluate import Pair
from expand import compact, expand

SPECIAL = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> "
    "<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>"
).split()
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
CORPUS = [
    "A poster with a red title, a yellow circle and a blue background. " * 3,
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships "
    "of the objects and background:" * 3,
    "请基于输入图像，撰写图注。" * 3,
    "You are a helpful assistant. user system 0123456789 " * 3,
]


def text_parts(folder, width=64):
    """Tokenizer, text encoder and processor of the architecture's least size; `folder` holds the vocabulary."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import (
        AddedToken,
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2Tokenizer,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    os.makedirs(folder, exist_ok=True)
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(CORPUS, vocab_size=600, min_frequency=2, show_progress=False)
    bpe.save_model(folder)
    tokenizer = Qwen2Tokenizer(vocab=f"{folder}/vocab.json", merges=f"{folder}/merges.txt")
    added = [AddedToken(s, special=True, normalized=False) for s in SPECIAL[1:]]
    tokenizer.add_special_tokens({"additional_special_tokens": added})
    tokenizer.chat_template = CHAT
    ids = {s: tokenizer.convert_tokens_to_ids(s) for s in SPECIAL}
    vocabulary = (max(ids.values()) + 64) // 64 * 64
    text = dict(
        hidden_size=width,
        intermediate_size=96,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=vocabulary,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
        rope_scaling=dict(mrope_section=[2, 3, 3], rope_type="default", type="default"),
        rope_theta=1000000.0,
        max_position_embeddings=32768,
    )
    vision = dict(
        depth=1,
        hidden_size=32,
        intermediate_size=64,
        num_heads=2,
        out_hidden_size=width,
        fullatt_block_indexes=[0],
        window_size=112,
        patch_size=14,
        spatial_merge_size=2,
        temporal_patch_size=2,
        in_channels=3,
    )
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        vocab_size=vocabulary,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        vision_token_id=ids["<|vision_pad|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
        tie_word_embeddings=False,
    )
    pixels = dict(min_pixels=3136, max_pixels=12845056)
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=CHAT,
    )
    return tokenizer, Qwen2_5_VLForConditionalGeneration(config).eval(), processor


class AnyBucket(int):
    """Passes the pipeline's check of the resolution, which knows 640 and 1024 alone."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return True


def pipeline_of(pair, folder):
    from diffusers import FlowMatchEulerDiscreteScheduler, QwenImageLayeredPipeline

    tokenizer, encoder, processor = text_parts(os.path.join(folder, ".vocabulary"))
    scheduler = FlowMatchEulerDiscreteScheduler(
        base_image_seq_len=256,
        base_shift=0.5,
        max_image_seq_len=8192,
        max_shift=0.9,
        num_train_timesteps=1000,
        shift=1.0,
        shift_terminal=False,
        time_shift_type="linear",
        use_dynamic_shifting=True,
    )
    mean, std = pair.mean.flatten().tolist(), pair.std.flatten().tolist()
    return QwenImageLayeredPipeline(
        scheduler=scheduler,
        vae=autoencoder.to_diffusers(pair.vae, mean, std),
        text_encoder=encoder,
        tokenizer=tokenizer,
        processor=processor,
        transformer=small.to_diffusers(pair.transformer),
    )


def compare(pipe, pair, steps, size=192, N=3):
    """Largest difference, 0..1, between diffusers' pipeline and the training loop's own sampler, for two prompts."""
    picture = posters.render(open(posters.paths()[0]).read(), size, size)
    x = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    noise = torch.randn(1, N + 1, 16, size // 8, size // 8, generator=torch.Generator().manual_seed(0))
    condition = (pair.vae.encode(x) - pair.mean) / pair.std
    z = small.sample(pair.transformer, condition, N, steps, dtype=torch.float32, noise=noise)[:, 1:]
    ours = (pair.decode(z * pair.std + pair.mean)[0].permute(0, 2, 3, 1) + 1) / 2
    pipe.set_progress_bar_config(disable=True)
    largest = []
    for prompt in ("a", "a quite different and rather longer text, which must not matter at all"):
        theirs = pipe(
            image=picture,
            prompt=prompt,
            layers=N,
            num_inference_steps=steps,
            resolution=AnyBucket(size),
            latents=small.pack(noise),
            output_type="np",
        ).images[0]
        largest.append(float(np.abs(theirs - ours.numpy()).max()))
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--model", required=True)
    parser.add_argument("--vae", required=True)
    parser.add_argument("--settings", required=True, help="becomes mica.json")
    o = parser.parse_args()
    from diffusers import QwenImageLayeredPipeline

    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    pair = Pair(o.model, o.vae)
    settings = json.load(open(o.settings))
    fresh = o.out + ".part"
    shutil.rmtree(fresh, ignore_errors=True)
    pipe = pipeline_of(pair, fresh)
    steps = settings["num_inference_steps"]
    print("float32, pipeline against the training loop, by prompt:", compare(pipe, pair, steps))
    pipe.to(torch.bfloat16).save_pretrained(fresh)
    shutil.rmtree(f"{fresh}/.vocabulary")
    for kept in ("text_encoder", "tokenizer", "processor"):
        if os.path.isdir(f"{o.out}/{kept}"):
            shutil.rmtree(f"{fresh}/{kept}")
            shutil.copytree(f"{o.out}/{kept}", f"{fresh}/{kept}")
    again = QwenImageLayeredPipeline.from_pretrained(fresh, torch_dtype=torch.float32)
    print("the folder loaded again, in float32 (its weights are rounded to bf16):", compare(again, pair, steps))
    shutil.copy(o.settings, f"{fresh}/mica.json")
    compact(fresh)
    expanded = fresh + ".expanded"
    expand(fresh, expanded)
    again = QwenImageLayeredPipeline.from_pretrained(expanded, torch_dtype=torch.float32)
    print("compacted and expanded again:", compare(again, pair, steps))
    shutil.rmtree(expanded)
    if os.path.exists(f"{o.out}/README.md"):
        shutil.copy(f"{o.out}/README.md", f"{fresh}/README.md")
    shutil.rmtree(o.out, ignore_errors=True)
    os.rename(fresh, o.out)
    total = 0
    for root, _, files in os.walk(o.out):
        for f in files:
            size = os.path.getsize(os.path.join(root, f))
            total += size
            if size > 100_000:
                print(f"{os.path.relpath(os.path.join(root, f), o.out)}: {size / 1e6:.2f} MB")
    print(f"{total / 1e6:.2f} MB in all")


if __name__ == "__main__":
    main()
