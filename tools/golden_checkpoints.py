"""Small checkpoints of Qwen-Image-Layered with random weights, in the newer and the older layout of the folders."""

import dataclasses
import json
import math
import pathlib
import shutil
import tempfile

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageLayeredPipeline,
    QwenImageTransformer2DModel,
)
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AddedToken,
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
CORPUS = (
    "A poster with a red title, a yellow circle and a blue background. " * 3,
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the "
    "objects and background: " * 3,
    "请基于输入图像，撰写图注。对象的属性：如数量、颜色、形状、大小、位置、材质、状态、动作等。" * 3,
    "You are a helpful assistant. # Image Annotator\nYou are a professional image annotator. " * 3,
    "user system assistant 0123456789 don't we'll it's 'quoted' \"text\" naïve café Straße Привет мир "
    "こんにちは 한국어 🙂🚀 " * 3,
)
TOKENIZER_VOCABULARY = 900


@dataclasses.dataclass(frozen=True)
class Shape:
    """The sizes of a small model, and how its checkpoint is written."""

    seed: int
    heads: int
    head_size: int
    rope_axes: tuple
    blocks: int
    text_size: int
    text_layers: int
    text_heads: int
    text_kv_heads: int
    text_intermediate: int
    mrope: tuple
    vision_size: int
    vision_heads: int
    vision_depth: int
    vision_full_attention: tuple
    vae_base: int
    vae_res_blocks: int
    dtype: torch.dtype
    older_layout: bool
    published_generation: bool
    text_gain: float
    vae_seed: int
    vae_output_gain: float


SHAPES = {
    "tiny": Shape(
        seed=1, heads=3, head_size=16, rope_axes=(4, 6, 6), blocks=2, text_size=64, text_layers=3, text_heads=4,
        text_kv_heads=2, text_intermediate=96, mrope=(2, 3, 3), vision_size=32, vision_heads=2, vision_depth=2,
        vision_full_attention=(1,), vae_base=4, vae_res_blocks=1, dtype=torch.float32, older_layout=False,
        published_generation=False, text_gain=1.5, vae_seed=2, vae_output_gain=2.5),
    "small": Shape(
        seed=1, heads=2, head_size=32, rope_axes=(8, 12, 12), blocks=3, text_size=72, text_layers=2, text_heads=6,
        text_kv_heads=3, text_intermediate=120, mrope=(2, 2, 2), vision_size=48, vision_heads=3, vision_depth=4,
        vision_full_attention=(1, 3), vae_base=5, vae_res_blocks=2, dtype=torch.bfloat16, older_layout=True,
        published_generation=True, text_gain=1.5, vae_seed=4, vae_output_gain=4.0),
}


def build_tokenizer(folder: pathlib.Path) -> Qwen2Tokenizer:
    """Trains a byte-level BPE on the corpus above and adds Qwen2's special tokens; leaves vocab.json and merges.txt."""
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(CORPUS, vocab_size=TOKENIZER_VOCABULARY, min_frequency=2, show_progress=False)
    bpe.save_model(str(folder))
    tokenizer = Qwen2Tokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
    added = [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS[1:]]
    tokenizer.add_special_tokens({"additional_special_tokens": added})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def special_ids(tokenizer: Qwen2Tokenizer) -> dict:
    return {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}


def text_encoder_config(shape: Shape, ids: dict) -> Qwen2_5_VLConfig:
    vocabulary = (max(ids.values()) + 64) // 64 * 64
    marks = dict(
        bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"], pad_token_id=ids["<|endoftext|>"],
        vocab_size=vocabulary, tie_word_embeddings=False)
    return Qwen2_5_VLConfig(
        text_config=dict(
            hidden_size=shape.text_size, intermediate_size=shape.text_intermediate,
            num_hidden_layers=shape.text_layers, num_attention_heads=shape.text_heads,
            num_key_value_heads=shape.text_kv_heads, rms_norm_eps=1e-6, rope_theta=1000000.0,
            rope_scaling=dict(mrope_section=list(shape.mrope), rope_type="default", type="default"),
            max_position_embeddings=32768, **marks),
        vision_config=dict(
            depth=shape.vision_depth, hidden_size=shape.vision_size, intermediate_size=shape.vision_size * 2 + 10,
            num_heads=shape.vision_heads, out_hidden_size=shape.text_size,
            fullatt_block_indexes=list(shape.vision_full_attention), window_size=112, patch_size=14,
            spatial_merge_size=2, temporal_patch_size=2, in_channels=3),
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        vision_token_id=ids["<|vision_pad|>"], **marks)


def build_transformer(shape: Shape) -> QwenImageTransformer2DModel:
    return QwenImageTransformer2DModel(
        patch_size=2, in_channels=64, out_channels=16, num_layers=shape.blocks, attention_head_dim=shape.head_size,
        num_attention_heads=shape.heads, joint_attention_dim=shape.text_size, guidance_embeds=False,
        axes_dims_rope=shape.rope_axes, use_additional_t_cond=True, use_layer3d_rope=True).eval()


def build_vae(shape: Shape) -> AutoencoderKLQwenImage:
    torch.manual_seed(shape.vae_seed)
    return AutoencoderKLQwenImage(
        base_dim=shape.vae_base, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=shape.vae_res_blocks,
        temperal_downsample=[False, True, True], input_channels=4).eval()


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """The published scheduler configuration."""
    return FlowMatchEulerDiscreteScheduler(
        base_image_seq_len=256, base_shift=0.5, max_image_seq_len=8192, max_shift=0.9, num_train_timesteps=1000,
        shift=1.0, shift_terminal=False, time_shift_type="linear", use_dynamic_shifting=True)


def stir(shape: Shape, text_encoder, transformer, vae):
    """Moves norms, biases and embeddings away from their neutral start, so that a forgotten one shows.

    The text encoder's weights are large enough for a caption that varies and ends, those of the VAE's last
    convolutions for a picture that fills the range of values and is clamped here and there.
    """
    generator = torch.Generator().manual_seed(shape.seed + 1)
    for module, gain in ((text_encoder, shape.text_gain), (transformer, 1.0), (vae, None)):
        for name, weight in module.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.ndim == 1 or name.endswith("gamma"):
                weight.add_(noise * 0.1)
            elif gain is not None:
                weight.copy_(noise * ((1.0 if "embed_tokens" in name else gain) / math.sqrt(weight.shape[-1])))
    for part in (vae.encoder, vae.decoder):
        part.conv_out.weight.mul_(shape.vae_output_gain)


def published_generation_config(ids: dict) -> GenerationConfig:
    """The published generation_config.json with this tokenizer's ids: greedy but for the repetition penalty."""
    return GenerationConfig(
        bos_token_id=ids["<|endoftext|>"], do_sample=True, eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]],
        pad_token_id=ids["<|endoftext|>"], repetition_penalty=1.05, temperature=0.1, top_k=1, top_p=0.001)


def build_pipeline(shape: Shape, folder: pathlib.Path) -> QwenImageLayeredPipeline:
    """Makes the pipeline in memory; `folder` receives the tokenizer's vocab.json and merges.txt."""
    torch.manual_seed(shape.seed)
    tokenizer = build_tokenizer(folder)
    ids = special_ids(tokenizer)
    text_encoder = Qwen2_5_VLForConditionalGeneration(text_encoder_config(shape, ids)).eval()
    transformer, vae = build_transformer(shape), build_vae(shape)
    stir(shape, text_encoder, transformer, vae)
    if shape.published_generation:
        text_encoder.generation_config = published_generation_config(ids)
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=3136, max_pixels=12845056), tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(), chat_template=CHAT_TEMPLATE)
    pipeline = QwenImageLayeredPipeline(
        scheduler=build_scheduler(), vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, processor=processor,
        transformer=transformer)
    return pipeline.to(shape.dtype)


def write_checkpoint(name: str, folder: pathlib.Path):
    """Writes the checkpoint of the shape called `name` into `folder`, which is emptied first."""
    shape = SHAPES[name]
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        pipeline = build_pipeline(shape, pathlib.Path(scratch))
        if shape.older_layout:
            pipeline.save_pretrained(folder, max_shard_size="500KB")
            older_text_encoder(folder / "text_encoder")
            older_tokenizer(folder, pathlib.Path(scratch), special_ids(pipeline.tokenizer))
        else:
            pipeline.save_pretrained(folder)
        check_checkpoint(pipeline, folder)


def check_checkpoint(built: QwenImageLayeredPipeline, folder: pathlib.Path):
    """Loads a checkpoint that was rewritten into the older layout and demands what was built: weights and token ids."""
    read = QwenImageLayeredPipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    for part in ("text_encoder", "transformer", "vae"):
        expected, actual = getattr(built, part).state_dict(), getattr(read, part).state_dict()
        if expected.keys() != actual.keys():
            raise SystemExit(f"{folder}: {part} has other tensors once it is read again")
        for name, tensor in expected.items():
            if not torch.equal(tensor.float(), actual[name]):
                raise SystemExit(f"{folder}: {part}: {name} is read with other values")
    configs = [pipeline.text_encoder.config.get_text_config() for pipeline in (built, read)]
    if configs[0].rope_parameters != configs[1].rope_parameters:
        raise SystemExit(f"{folder}: the text encoder has other rotary settings once it is read again")
    text = "".join(CORPUS) + "".join(SPECIAL_TOKENS)
    for tokenizer in (read.tokenizer, read.processor.tokenizer):
        if tokenizer(text)["input_ids"] != built.tokenizer(text)["input_ids"]:
            raise SystemExit(f"{folder}: the tokenizer gives other ids once it is read again")
    if read.processor.image_processor.to_dict() != built.processor.image_processor.to_dict():
        raise SystemExit(f"{folder}: the image processor has other settings once it is read again")


def older_name(name: str) -> str:
    """The spelling that older transformers wrote, and that the published checkpoint has."""
    if name.startswith("model.language_model."):
        return "model." + name.removeprefix("model.language_model.")
    return name.removeprefix("model.") if name.startswith("model.visual.") else name


def older_text_encoder(folder: pathlib.Path, shards: int = 3):
    """Rewrites the weights of a text encoder in the older spelling, over a fixed number of files with an index."""
    files = sorted(folder.glob("*.safetensors"))
    tensors = {older_name(name): tensor for file in files for name, tensor in load_file(file).items()}
    write_older_text_config(folder / "config.json")
    for file in files + list(folder.glob("*.index.json")):
        file.unlink()
    names = sorted(tensors)
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = names[shard::shards]
        save_file({name: tensors[name].contiguous() for name in part}, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def write_older_text_config(path: pathlib.Path):
    """The configuration as the published one has it: the text model's keys at the top level too, and older names."""
    config = json.loads(path.read_text())
    text, vision = config["text_config"], config["vision_config"]
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    text["rope_scaling"] = rope
    vision.pop("rope_parameters", None)
    vision["in_chans"] = vision["in_channels"]
    vision["spatial_patch_size"] = vision["patch_size"]
    config["torch_dtype"] = config.pop("dtype")
    config |= {key: value for key, value in text.items() if key not in config and key != "layer_types"}
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def older_tokenizer(folder: pathlib.Path, source: pathlib.Path, ids: dict):
    """Puts vocab.json, merges.txt and added_tokens.json where a newer save puts a single tokenizer.json."""
    for part in ("tokenizer", "processor"):
        (folder / part / "tokenizer.json").unlink()
        shutil.copy(source / "vocab.json", folder / part)
        shutil.copy(source / "merges.txt", folder / part)
        (folder / part / "added_tokens.json").write_text(json.dumps(ids, indent=1) + "\n")
        write_older_tokenizer_config(folder / part, ids)
    write_older_preprocessor_config(folder / "processor")


def write_older_tokenizer_config(folder: pathlib.Path, ids: dict):
    flags = dict(lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
    config = {
        "add_bos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(number): dict(content=token, **flags) for token, number in ids.items()},
        "additional_special_tokens": list(SPECIAL_TOKENS[1:]), "bos_token": None,
        "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
        "model_max_length": 131072, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_older_preprocessor_config(folder: pathlib.Path):
    """The image processor's settings under their older name and with `min_pixels` and `max_pixels` spelled out."""
    combined = json.loads((folder / "processor_config.json").read_text())["image_processor"]
    combined |= {"min_pixels": 3136, "max_pixels": 12845056, "processor_class": "Qwen2_5_VLProcessor"}
    combined |= {"size": {"longest_edge": 12845056, "shortest_edge": 3136}}
    (folder / "preprocessor_config.json").write_text(json.dumps(combined, indent=1) + "\n")
    (folder / "processor_config.json").unlink()
