"""Makes the small checkpoints and the goldens that the engine is compared with, by the reference implementation.

    python3 -m venv .venv && .venv/bin/pip install -r tools/requirements-goldens.txt
    .venv/bin/python tools/make_goldens.py [--out Tests/QwenImageTests/Fixtures/golden] [--only CASE] [--list]

OUT/checkpoints/NAME  a checkpoint in the public layout with random weights (tools/golden_checkpoints.py)
OUT/cases/NAME        input.png or .jpg, latents.safetensors (the packed noise, where the case hands one in),
                      golden.json (parameters, token ids, captions), golden.safetensors (stages, float32), layer_N.png

Everything is computed by diffusers and transformers, float32, on one CPU thread, from the checkpoint as it was written:
a second run gives the same bytes. OUT/schedules.json holds sigmas of other scheduler configurations.
"""

import argparse
import dataclasses
import json
import pathlib

import numpy as np
import torch
from diffusers import QwenImageLayeredPipeline
from PIL import Image
from safetensors.torch import save_file

import golden_checkpoints
import golden_pictures
import golden_recorder
import golden_schedules

DEFAULT_OUT = pathlib.Path(__file__).parent.parent / "Tests/QwenImageTests/Fixtures/golden"
ENGLISH = "A poster with a red title, a yellow circle and a blue background."
CHINESE = "一张海报：红色标题、黄色圆形、蓝色背景。"
LONG = " ".join(f"{ENGLISH} Layer {number}: don't forget the café, naïve Straße." for number in range(16))
PIPELINE_CAPTION_TOKENS = 512
COMPARED_CAPTION_TOKENS = 48
LEAST_CAPTION_MARGIN = 1e-3
TOKENIZER_TEXTS = (
    ENGLISH, CHINESE, " ", "", "don't we'll 12345 3.14", "请描述 图像", "🙂🚀 naïve café",
    "nai\u0308ve cafe\u0301", "a  b\n\n\tc   ",
    "<|im_start|>user\n<|image_pad|>", "Привет, мир! こんにちは 한국어", "I'LL'S 'Tis\r\n x\u00a0y\u3000z", "<|im_end|", "½²٣Ⅷ",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One run of the reference. `seed` draws the noise: outside and handed in, or by the pipeline (`draws_noise`)."""

    name: str
    checkpoint: str
    picture: str
    size: tuple
    resolution: int
    layers: int
    steps: int
    prompt: str | None = ENGLISH
    negative_prompt: str | None = " "
    true_cfg_scale: float = 4.0
    cfg_normalize: bool = True
    caption_language: str = "en"
    images: int = 1
    seed: int = 1
    draws_noise: bool = False
    file: str = "input.png"
    full: bool = False


CASES = (
    Case("full-tiny", "tiny", "rgb", (132, 88), 80, layers=3, steps=4, full=True),
    Case("full-small-tall-alpha", "small", "rgba", (70, 110), 80, layers=2, steps=2, cfg_normalize=False,
         seed=2, full=True),
    Case("square-four-layers", "tiny", "rgb", (64, 64), 64, layers=4, steps=2, cfg_normalize=False,
         negative_prompt="blurry, a low quality image"),
    Case("wide-jpeg", "small", "rgb", (300, 75), 64, layers=3, steps=2, file="input.jpg"),
    Case("tall-grey-unguided", "tiny", "grey", (45, 130), 64, layers=2, steps=4, negative_prompt=None),
    Case("palette-chinese", "tiny", "palette", (90, 64), 64, layers=2, steps=2, prompt=CHINESE, true_cfg_scale=2.5),
    Case("scale-one", "small", "rgb", (64, 90), 64, layers=2, steps=2, true_cfg_scale=1.0),
    Case("drawn-noise", "tiny", "rgb", (75, 75), 64, layers=3, steps=2, seed=777, draws_noise=True),
    Case("two-images", "small", "rgb", (80, 60), 64, layers=2, steps=2, images=2, seed=778, draws_noise=True),
    Case("long-prompt", "tiny", "rgba", (64, 64), 64, layers=2, steps=2, prompt=LONG),
    Case("caption-english", "tiny", "rgb", (100, 180), 96, layers=2, steps=2, prompt=" ", seed=5),
    Case("caption-chinese-penalty", "small", "rgba", (150, 150), 128, layers=2, steps=2, prompt=None,
         caption_language="cn", seed=3),
    Case("caption-endless", "small", "grey", (64, 64), 64, layers=2, steps=2, prompt="", negative_prompt=None, seed=5),
)


def load_pipeline(folder: pathlib.Path) -> QwenImageLayeredPipeline:
    pipeline = QwenImageLayeredPipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_input(case: Case, folder: pathlib.Path) -> Image.Image:
    """Writes the case's picture and opens the file as a user of the reference would."""
    path = folder / case.file
    drawn = golden_pictures.picture(case.picture, *case.size, hue=case.seed * 17)
    drawn.save(path, **({"quality": 90} if path.suffix == ".jpg" else {}))
    return Image.open(path).convert("RGBA")


def noise_of(case: Case, pipeline, image, folder: pathlib.Path):
    """Returns the latents and the generator for the pipeline, one of which is None, and the packed noise."""
    noise = golden_recorder.draw_noise(pipeline, case, image, torch.Generator("cpu").manual_seed(case.seed))
    if case.draws_noise:
        return None, torch.Generator("cpu").manual_seed(case.seed), noise
    save_file({"latents": noise}, folder / "latents.safetensors")
    return noise, None, noise


def captions_of(case: Case, recorder, pipeline, image, size) -> dict:
    """The captions of a captioned case, as long as the pipeline lets them be, and of a full one, both and shorter."""
    resized = pipeline.image_processor.resize(image, size[1], size[0])
    captioned = case.prompt in (None, "", " ")
    languages = (case.caption_language,) if captioned else ("en", "cn") if case.full else ()
    limit = PIPELINE_CAPTION_TOKENS if captioned else COMPARED_CAPTION_TOKENS
    captions = {
        language: golden_recorder.keep_caption(recorder, pipeline, resized, language, limit) for language in languages
    }
    for language, caption in captions.items():
        if caption["smallest_margin"] < LEAST_CAPTION_MARGIN:
            raise SystemExit(f"{case.name}: the {language} caption hangs on rounding: {caption['smallest_margin']}")
    if captioned and recorder.captions != [captions[case.caption_language]["text"]]:
        raise SystemExit(f"{case.name}: the pipeline's caption differs from the one computed beside it")
    return captions


def empty(folder: pathlib.Path):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def write_case(case: Case, folder: pathlib.Path, pipeline, **described):
    """Runs a case and writes what it gave; `described` goes into golden.json too."""
    image = save_input(case, folder)
    latents, generator, noise = noise_of(case, pipeline, image, folder)
    recorder, frames = golden_recorder.run_pipeline(pipeline, case, image, latents, generator)
    if case.draws_noise:
        recorder.keep("noise.packed", noise)
    size = (frames.shape[2], frames.shape[1])
    captions = captions_of(case, recorder, pipeline, image, size)
    prompt = recorder.captions[0] if recorder.captions else case.prompt
    golden_recorder.keep_prompts(recorder, pipeline, case, prompt)
    save_file(golden_recorder.select(recorder.tensors, case.full, case.steps), folder / "golden.safetensors")
    write_description(case, folder, pipeline, recorder, size, captions, described)
    for index, frame in enumerate((np.clip(frames, 0, 1) * 255).round().astype(np.uint8)):
        Image.fromarray(frame).save(folder / f"layer_{index}.png", optimize=True)


def write_description(case: Case, folder: pathlib.Path, pipeline, recorder, size, captions: dict, described: dict):
    prompt = recorder.captions[0] if recorder.captions else case.prompt
    texts = TOKENIZER_TEXTS if case.full else (prompt, case.negative_prompt or "")
    description = dict(
        name=case.name, checkpoint=case.checkpoint, image=case.file,
        latents=None if case.draws_noise else "latents.safetensors", seed=case.seed if case.draws_noise else None,
        layers=case.layers, steps=case.steps, resolution=case.resolution,
        num_images_per_prompt=case.images, true_cfg_scale=case.true_cfg_scale, cfg_normalize=case.cfg_normalize,
        prompt=case.prompt, negative_prompt=case.negative_prompt, use_en_prompt=case.caption_language == "en",
        width=size[0], height=size[1], timesteps=recorder.timesteps, caption=(recorder.captions or [None])[0],
        captions=captions, prompt_template=pipeline.prompt_template_encode,
        drop=pipeline.prompt_template_encode_start_idx,
        token_ids=[[text, pipeline.tokenizer(text)["input_ids"]] for text in texts], **described)
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in description.items()]
    (folder / "golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_all(description: str, cases, write):
    """The whole of a tool that writes further goldens: its arguments, then `write(case, folder)` for each case."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--out", type=pathlib.Path, default=DEFAULT_OUT)
    options = arguments.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    for case in cases:
        write(case, options.out)


def main():
    arguments = argparse.ArgumentParser(description="Make the small checkpoints and goldens by the reference.")
    arguments.add_argument("--out", type=pathlib.Path, default=DEFAULT_OUT)
    arguments.add_argument("--only", metavar="CASE", choices=[case.name for case in CASES], help="make one case only")
    options = arguments.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    cases = [case for case in CASES if options.only in (None, case.name)]
    for name in sorted({case.checkpoint for case in cases}):
        golden_checkpoints.write_checkpoint(name, options.out / "checkpoints" / name)
    if options.only is None:
        golden_schedules.write_schedules(options.out / "schedules.json")
    for case in cases:
        folder = options.out / "cases" / case.name
        empty(folder)
        write_case(case, folder, load_pipeline(options.out / "checkpoints" / case.checkpoint))
        print(f"{case.name}: {folder}")


if __name__ == "__main__":
    main()
