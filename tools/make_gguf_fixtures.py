"""Makes the GGUF fixtures of the tests with the `gguf` package, whose dequantisation is what ours is compared with.

    python tools/make_gguf_fixtures.py

Writes Tests/WeightsTests/Fixtures/gguf/types.gguf (a matrix of every type that is read, random blocks and extreme ones)
with its values in types.safetensors, and Tests/QwenImageTests/Fixtures/gguf/small.gguf: the golden checkpoint `small`'s
transformer, quantised as such files are, matrices in several types and vectors in float32; beside it the layers that
the reference makes of one golden case with its values.
"""

import pathlib

import gguf
import numpy
import torch
from gguf import GGMLQuantizationType as Type
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file

import golden_recorder
import make_goldens

TESTS = pathlib.Path(__file__).resolve().parent.parent / "Tests"
# Where the float16 scales of a block are, in bytes; all else is taken as it comes.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82],
    Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0], Type.IQ4_XS: [0],
}
ROWS = 3


def blocks(kind: Type, random: numpy.random.Generator) -> numpy.ndarray:
    """Rows of blocks as bytes: random ones, and in the last row all bits set, none set, and a subnormal scale."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = 3 if elements == 32 else 1
    data = random.integers(0, 256, (ROWS, count, size), dtype=numpy.uint8)
    data[-1, 0] = 0xFF
    if count > 1:
        data[-1, 1] = 0
    for at in SCALES[kind]:
        scales = random.uniform(-0.2, 0.2, (ROWS, count, 1)).astype(numpy.float16)
        scales[-1, -1] = 3e-7
        data[:, :, at:at + 2] = scales.view(numpy.uint8)
    return data.reshape(ROWS, count * size)


def write_types(folder: pathlib.Path):
    random = numpy.random.default_rng(20261126)
    folder.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(folder / "types.gguf", "qwen_image")
    # What a reader has to go over.
    writer.add_array("test.words", ["one", "two", "three"])
    writer.add_array("test.floats", [0.5] * 40)
    writer.add_array("comfy.gguf.orig_shape.reshaped", [2, 3, 32])
    writer.add_bool("test.flag", True)
    writer.add_float64("test.number", 0.25)
    values = {}
    for kind in SCALES:
        data = blocks(kind, random)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        values[kind.name] = gguf.quants.dequantize(data, kind)
    plain = random.uniform(-2, 2, (3, 5)).astype(numpy.float32)
    for kind in (Type.F32, Type.F16, Type.BF16):
        data = gguf.quants.quantize(plain, kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        values[kind.name] = gguf.quants.dequantize(data, kind)
    data = blocks(Type.Q8_0, random)[:2]
    writer.add_tensor("reshaped", data, raw_dtype=Type.Q8_0)
    values["reshaped"] = gguf.quants.dequantize(data, Type.Q8_0).reshape(2, 3, 32)
    finish(writer)
    save_file(values, folder / "types.safetensors")


def stored_type(name: str, shape: tuple[int, ...]) -> Type:
    """By what a tensor is: vectors stay as they are, matrices with rows of whole blocks get one of several types."""
    if len(shape) == 1:
        return Type.F32
    if shape[-1] % 32 != 0:
        return Type.BF16
    if not name.startswith("transformer_blocks."):
        return Type.F16 if name.startswith("proj_out") else Type.Q8_0
    if "_mod." in name:
        return Type.Q4_0
    kinds = [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.BF16]
    return kinds[sum(name.encode()) % len(kinds)]


def write_transformer(source: pathlib.Path, target: pathlib.Path):
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(target, "qwen_image")
    writer.add_quantization_version(2)
    for file in sorted(source.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                values = tensors.get_tensor(name).float().numpy()
                kind = stored_type(name, values.shape)
                writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    finish(writer)


def write_layers(model: pathlib.Path, case_folder: pathlib.Path, file: pathlib.Path):
    """What the reference makes of a golden case with the file's values in place of the model's."""
    case = next(case for case in make_goldens.CASES if case.name == case_folder.name)
    pipeline = make_goldens.load_pipeline(model)
    pipeline.transformer.load_state_dict({
        tensor.name: torch.from_numpy(numpy.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), numpy.float32))
        for tensor in gguf.GGUFReader(file).tensors
    })
    latents = load_file(case_folder / "latents.safetensors")["latents"]
    image = Image.open(case_folder / case.file).convert("RGBA")
    with torch.no_grad():
        _, frames = golden_recorder.run_pipeline(pipeline, case, image, latents, None)
    for index, frame in enumerate((numpy.clip(frames, 0, 1) * 255).round().astype(numpy.uint8)):
        Image.fromarray(frame).save(file.parent / f"layer_{index}.png", optimize=True)


def finish(writer: gguf.GGUFWriter):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    write_types(TESTS / "WeightsTests/Fixtures/gguf")
    models = TESTS / "QwenImageTests/Fixtures"
    small = models / "golden/checkpoints/small"
    write_transformer(small / "transformer", models / "gguf/small.gguf")
    write_layers(small, models / "golden/cases/wide-jpeg", models / "gguf/small.gguf")


if __name__ == "__main__":
    main()
