"""Runs the reference pipeline on one case and keeps the tensors that pass between its stages."""

import numpy as np
import torch
from diffusers.pipelines.qwenimage.pipeline_qwenimage_layered import calculate_dimensions

# What a case keeps that is not a full one, beside the latents after its last step.
KEPT_STAGES = (
    "prompt_embeds", "negative_prompt_embeds", "vae.encode.mode", "transformer.0.output", "step.0.latents",
    "vision.features", "vision.grid_thw", "caption.logits_last", "scheduler.sigmas", "scheduler.timesteps",
    "noise.packed",
)


class AnyBucket(int):
    """A side length that passes the pipeline's `resolution in [640, 1024]`, so that goldens can be small."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return True


class Recorder:
    """Hooks on the parts of a pipeline; `tensors` holds what they saw, float32, under the names of the golden files."""

    def __init__(self, pipeline, steps: int, forwards_per_step: int):
        self.tensors = {}
        self.timesteps = []
        self.captions = []
        self._forward = 0
        self._last_forwards = forwards_per_step * (steps - 1)
        self._forwards_per_step = forwards_per_step
        self._pipeline = pipeline
        self._restore = []
        self._hook_transformer()
        self._hook_text_encoder()
        self._hook_vae()
        self._hook_caption()

    def keep(self, name: str, value: torch.Tensor):
        self.tensors[name] = value.detach().float().contiguous().clone()

    def keep_first(self, name: str, value: torch.Tensor):
        if name not in self.tensors:
            self.keep(name, value)

    def close(self):
        """Takes all hooks off again."""
        for undo in self._restore:
            undo()

    def on_step(self, pipeline, index, timestep, values):
        """The pipeline's callback at the end of a step."""
        self.timesteps.append(float(timestep))
        self.keep(f"step.{index}.latents", values["latents"])
        return values

    def _hook(self, module, function):
        self._restore.append(module.register_forward_hook(function, with_kwargs=True).remove)

    def _replace(self, owner, name, function):
        setattr(owner, name, function)
        self._restore.append(lambda: delattr(owner, name))

    def _hook_transformer(self):
        def on_forward(module, args, kwargs, out):
            index = self._forward
            self._forward += 1
            if index < self._forwards_per_step or index >= self._last_forwards:
                self.keep(f"transformer.{index}.timestep", kwargs["timestep"])
                self.keep(f"transformer.{index}.output", out[0])
            if index == 0:
                self.keep("transformer.0.hidden_states", kwargs["hidden_states"])
                self.keep("transformer.0.encoder_hidden_states", kwargs["encoder_hidden_states"])

        def on_block(number):
            def keep_block(module, args, kwargs, out):
                if self._forward == 0:
                    self.keep(f"block.{number}.encoder_hidden_states", out[0])
                    self.keep(f"block.{number}.hidden_states", out[1])
            return keep_block

        transformer = self._pipeline.transformer
        self._hook(transformer, on_forward)
        for number, block in enumerate(transformer.transformer_blocks):
            self._hook(block, on_block(number))

    def _hook_text_encoder(self):
        def on_layer(number):
            def keep_layer(module, args, kwargs, out):
                self.keep_first(f"text.layer.{number}", out[0] if isinstance(out, tuple) else out)
            return keep_layer

        for number, layer in enumerate(self._pipeline.text_encoder.model.language_model.layers):
            self._hook(layer, on_layer(number))

    def _hook_vae(self):
        vae = self._pipeline.vae
        plain_encode, plain_decode = vae.encode, vae.decode

        def encode(x, **arguments):
            self.keep("vae.encode.input", x)
            result = plain_encode(x, **arguments)
            self.keep("vae.encode.mode", result.latent_dist.mode())
            return result

        def decode(z, **arguments):
            self.keep("vae.decode.input", z)
            result = plain_decode(z, **arguments)
            self.keep("vae.decode.output", result[0])
            return result

        self._replace(vae, "encode", encode)
        self._replace(vae, "decode", decode)
        self._hook(vae.encoder, lambda module, args, kwargs, out: self.keep_first("vae.encoder.output", out))

    def _hook_caption(self):
        plain_caption = self._pipeline.get_image_caption

        def get_image_caption(*args, **arguments):
            self.captions.append(plain_caption(*args, **arguments))
            return self.captions[-1]

        self._replace(self._pipeline, "get_image_caption", get_image_caption)


def draw_noise(pipeline, case, image, generator) -> torch.Tensor:
    """The packed noise as the pipeline draws it: `[images, (layers + 1) * (h / 16) * (w / 16), 64]` float32."""
    width, height = calculate_dimensions(case.resolution**2, image.size[0] / image.size[1])
    rows, columns = 2 * (height // 16), 2 * (width // 16)
    noise = torch.randn((case.images, case.layers + 1, 16, rows, columns), generator=generator)
    return pipeline._pack_latents(noise, case.images, 16, rows, columns, case.layers + 1)


def guided(case) -> bool:
    return case.negative_prompt is not None and case.true_cfg_scale > 1


def run_pipeline(pipeline, case, image, latents, generator):
    """Runs a case; returns the recorder and the images `[images * layers, h, w, 4]`, 0..1.

    The reference splits the list of decoded frames at layers + 1 instead of layers when there is more than one image;
    joined again, the frames are in order: image by image, bottom layer first.
    """
    recorder = Recorder(pipeline, case.steps, 2 if guided(case) else 1)
    try:
        images = pipeline(
            image=image, prompt=case.prompt, negative_prompt=case.negative_prompt, true_cfg_scale=case.true_cfg_scale,
            layers=case.layers, num_inference_steps=case.steps, resolution=AnyBucket(case.resolution),
            num_images_per_prompt=case.images, cfg_normalize=case.cfg_normalize,
            use_en_prompt=case.caption_language == "en", generator=generator, latents=latents,
            callback_on_step_end=recorder.on_step, output_type="np").images
    finally:
        recorder.close()
    frames = np.concatenate(images)
    recorder.keep("images", torch.from_numpy(frames))
    recorder.keep("scheduler.sigmas", pipeline.scheduler.sigmas)
    recorder.keep("scheduler.timesteps", pipeline.scheduler.timesteps)
    return recorder, frames


def keep_prompts(recorder: Recorder, pipeline, case, prompt: str):
    recorder.keep("prompt_embeds", pipeline.encode_prompt(prompt, max_sequence_length=512)[0])
    if guided(case):
        negative = pipeline.encode_prompt(case.negative_prompt, max_sequence_length=512)[0]
        recorder.keep("negative_prompt_embeds", negative)


def keep_caption(recorder: Recorder, pipeline, resized, language: str, max_new_tokens: int) -> dict:
    """Writes a caption as the pipeline does, and keeps what the vision tower and the first token's logits are.

    `smallest_margin` is the least distance between the two best scores over all generated tokens: a caption whose
    margin is within rounding could differ for a right engine, so such a case must not be committed.
    """
    prompt = pipeline.image_caption_prompt_en if language == "en" else pipeline.image_caption_prompt_cn
    encoder = pipeline.text_encoder
    inputs = pipeline.vl_processor(text=prompt, images=resized, padding=True, return_tensors="pt")
    out = encoder.generate(**inputs, max_new_tokens=max_new_tokens, output_logits=True, return_dict_in_generate=True)
    ids = out.sequences[0].tolist()
    start = inputs["input_ids"].shape[1]
    recorder.keep_first("vision.pixel_values", inputs["pixel_values"])
    recorder.keep_first("vision.grid_thw", inputs["image_grid_thw"])
    features = encoder.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
    recorder.keep_first("vision.features", torch.cat(list(getattr(features, "pooler_output", features))))
    recorder.keep_first("caption.logits_last", encoder(**inputs).logits[:, -1])
    text = pipeline.vl_processor.batch_decode(
        [ids[start:]], skip_special_tokens=True, clean_up_tokenization_spaces=False)[0].strip()
    margin = smallest_margin(out.logits, ids[:start], encoder.generation_config.repetition_penalty or 1.0)
    return dict(
        input_ids=ids[:start], generated=ids[start:], text=text, max_new_tokens=max_new_tokens, smallest_margin=margin)


def smallest_margin(logits, ids, penalty: float) -> float:
    seen, smallest = set(ids), float("inf")
    for row in logits:
        scores = row[0].clone()
        index = torch.tensor(sorted(seen))
        scores[index] = torch.where(scores[index] < 0, scores[index] * penalty, scores[index] / penalty)
        best = torch.topk(scores, 2)
        smallest = min(smallest, float(best.values[0] - best.values[1]))
        seen.add(int(best.indices[0]))
    return smallest


def select(tensors: dict, full: bool, steps: int) -> dict:
    """Drops the stages that only the full cases keep, and what can be had from another one.

    `images` is the clamped `vae.decode.output` in another layout, and the layers are there as PNGs.
    """
    kept = tensors.keys() - {"images"} if full else KEPT_STAGES + (f"step.{steps - 1}.latents",)
    return {name: tensor for name, tensor in tensors.items() if name in kept}
