"""Writes Tests/WeightsTests/Fixtures: checkpoints as the Python libraries write them.

Run in an environment with torch 2.15.0, safetensors and huggingface_hub:  python tools/make_weights_fixtures.py
"""
import pathlib
import shutil

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "WeightsTests" / "Fixtures"


def all_dtypes() -> None:
    """One tensor of each element type, and float16 and bfloat16 values with what torch widens them to."""
    tensors = {
        "float64": torch.tensor([1.5, -2.0], dtype=torch.float64),
        "float32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
        "float8_e4m3fn": torch.tensor([1.0, -448.0]).to(torch.float8_e4m3fn),
        "float8_e5m2": torch.tensor([1.0, -57344.0]).to(torch.float8_e5m2),
        "int8": torch.tensor([-128, 127], dtype=torch.int8),
        "uint8": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "int16": torch.tensor([[-32768], [32767]], dtype=torch.int16),
        "int32": torch.tensor([2**31 - 1], dtype=torch.int32),
        "int64": torch.tensor([-1, 2**40], dtype=torch.int64),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }
    # Signs, the largest, the smallest normal, subnormals, infinities, NaN with its sign.
    half = [
        0x0000, 0x8000, 0x3C00, 0xBC00, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8001, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x3555,
    ]
    brain = [
        0x0000, 0x8000, 0x3F80, 0xBF80, 0x7F7F, 0x0080, 0x007F, 0x0001, 0x8001, 0x7F80, 0xFF80, 0x7FC0, 0xFFC0, 0x4049,
    ]
    for name, dtype, bits in [("float16", torch.float16, half), ("bfloat16", torch.bfloat16, brain)]:
        values = torch.tensor(bits, dtype=torch.int32).to(torch.int16).view(dtype)
        tensors[name] = values
        tensors[f"{name}.widened"] = values.float()
    save_file(tensors, FIXTURES / "all_dtypes.safetensors", metadata={"format": "pt", "note": "\u00fc \"quoted\"\n"})


def sharded() -> None:
    """A folder with shards and an index: values are the tensor's number in float32."""
    folder = FIXTURES / "sharded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tensors = {f"blocks.{i}.weight": torch.full((4, 2), float(i)) for i in range(5)}
    save_torch_state_dict(tensors, folder, max_shard_size=64)


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    all_dtypes()
    sharded()
