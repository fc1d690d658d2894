"""Makes small LoRAs for a golden checkpoint, in the key forms that are in circulation, and what diffusers makes of them.

    .venv/bin/pip install -r tools/requirements-goldens.txt
    .venv/bin/python tools/make_lora_goldens.py [--out Tests/QwenImageTests/Fixtures/golden]

The checkpoints are those of tools/make_goldens.py, which must be there. OUT/loras/NAME has what a case of that script
has, the LoRAs beside it, and in golden.json which of them were applied with which weights. Applied are they by
`load_lora_weights` and `set_adapters`, in float32; a second run gives the same bytes.
"""

import dataclasses
import json
import pathlib

import torch
from safetensors.torch import save_file

import make_goldens

RANK = 4
ALPHA = 6.0
PATTERN = {"attn.to_k": 2.0, "img_in": 3.0}


@dataclasses.dataclass(frozen=True)
class LoRACase:
    """A case of make_goldens, and the LoRAs that are applied: form and weight."""

    case: make_goldens.Case
    loras: tuple


CASES = (
    LoRACase(
        make_goldens.Case("peft-metadata", "tiny", "rgb", (72, 64), 64, layers=2, steps=2, seed=11),
        (("peft", 1.0),)),
    LoRACase(
        make_goldens.Case("kohya-alpha", "small", "rgb", (64, 80), 64, layers=2, steps=2, seed=12), (("kohya", 0.8),)),
    LoRACase(
        make_goldens.Case("two-weighted", "tiny", "rgba", (64, 64), 64, layers=2, steps=2, seed=13,
                          true_cfg_scale=1.0),
        (("comfy", 0.7), ("default", -0.4))),
)


def pairs(transformer, generator, wanted, rank_of=lambda name: RANK):
    """A pair of matrices for each linear layer that is wanted, about a third as large as its weight."""
    for name, module in transformer.named_modules():
        if isinstance(module, torch.nn.Linear) and wanted(name):
            rank = rank_of(name)
            down = torch.randn(rank, module.in_features, generator=generator) / module.in_features**0.5
            up = torch.randn(module.out_features, rank, generator=generator) * (0.2 / rank**0.5)
            yield name, down, up


def peft(transformer, generator, path):
    """As `save_lora_weights` writes it: `transformer.X.lora_A.weight`, float32, the configuration in the header."""
    tensors = {}
    for name, down, up in pairs(transformer, generator, lambda name: True):
        tensors[f"transformer.{name}.lora_A.weight"] = down
        tensors[f"transformer.{name}.lora_B.weight"] = up
    names = sorted({key.split(".lora_")[0].removeprefix("transformer.") for key in tensors})
    configuration = {
        "transformer.r": RANK, "transformer.lora_alpha": ALPHA, "transformer.alpha_pattern": PATTERN,
        "transformer.rank_pattern": {}, "transformer.use_rslora": False, "transformer.use_dora": False,
        "transformer.target_modules": names,
    }
    save_file(tensors, path, metadata={"format": "pt", "lora_adapter_metadata": json.dumps(configuration)})


def kohya(transformer, generator, path):
    """As sd-scripts and their kin write it: `lora_unet_X_Y.lora_down.weight` with an alpha, bfloat16."""
    tensors = {}
    for name, down, up in pairs(transformer, generator, lambda name: True):
        flat = "lora_unet_" + name.replace(".", "_")
        tensors[f"{flat}.lora_down.weight"] = down.bfloat16()
        tensors[f"{flat}.lora_up.weight"] = up.bfloat16()
        # A power of two times the rank, so that the reference, which multiplies it in, does not round.
        tensors[f"{flat}.alpha"] = torch.tensor(float(RANK * 2 if "attn" in name else RANK // 2)).bfloat16()
    save_file(tensors, path)


def comfy(transformer, generator, path):
    """`diffusion_model.X.lora_A.weight` of the attention alone, float16, no alpha."""
    tensors = {}
    for name, down, up in pairs(transformer, generator, lambda name: ".attn." in name):
        tensors[f"diffusion_model.{name}.lora_A.weight"] = down.half()
        tensors[f"diffusion_model.{name}.lora_B.weight"] = up.half()
    save_file(tensors, path)


def default(transformer, generator, path):
    """`transformer_blocks.X.lora_A.default.weight` of the blocks, in two ranks."""
    tensors = {}
    chosen = pairs(transformer, generator, lambda name: name.startswith("transformer_blocks."),
                   lambda name: 3 if "_mlp." in name else RANK)
    for name, down, up in chosen:
        tensors[f"{name}.lora_A.default.weight"] = down
        tensors[f"{name}.lora_B.default.weight"] = up
    save_file(tensors, path)


FORMS = {"peft": peft, "kohya": kohya, "comfy": comfy, "default": default}


def write(case: LoRACase, out: pathlib.Path):
    folder = out / "loras" / case.case.name
    pipeline = make_goldens.load_pipeline(out / "checkpoints" / case.case.checkpoint)
    make_goldens.empty(folder)
    # All of them before the first is applied, which gives the model's layers other names.
    for index, (form, _) in enumerate(case.loras):
        generator = torch.Generator().manual_seed(100 * case.case.seed + index)
        FORMS[form](pipeline.transformer, generator, folder / f"{form}.safetensors")
    for form, _ in case.loras:
        pipeline.load_lora_weights(folder, weight_name=f"{form}.safetensors", adapter_name=form)
    pipeline.set_adapters([form for form, _ in case.loras], [weight for _, weight in case.loras])
    applied = [dict(file=f"{form}.safetensors", weight=weight) for form, weight in case.loras]
    make_goldens.write_case(case.case, folder, pipeline, loras=applied)
    print(f"{case.case.name}: {folder}")


if __name__ == "__main__":
    make_goldens.write_all("Make small LoRAs and goldens by the reference.", CASES, write)
