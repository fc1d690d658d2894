"""Writes a transformer's GGUF file that is a hole: header and size of the true one, weights that read as zeros.

    python tools/make_bench_gguf.py MODEL FILE [--type Q4_K]

MODEL is a folder in the public layout, such as `mica bench synth` makes. Matrices inside of the blocks are of the type,
others of Q8_0 or BF16, vectors of F32. Beside a hole, any reader takes as long as with weights, but for storage.
"""

import argparse
import os
import pathlib

import gguf
import numpy
from gguf import GGMLQuantizationType as Type
from safetensors import safe_open


def stored_type(name: str, shape: list[int], blocks: Type) -> Type:
    """What such files have a tensor in."""
    if len(shape) == 1:
        return Type.F32
    if name.startswith("transformer_blocks.") and shape[-1] % gguf.GGML_QUANT_SIZES[blocks][0] == 0:
        return blocks
    return Type.BF16


def main():
    options = argparse.ArgumentParser(description="Write a GGUF file without weights.")
    options.add_argument("model", type=pathlib.Path)
    options.add_argument("file", type=pathlib.Path)
    options.add_argument("--type", default="Q4_K", choices=[kind.name for kind in Type])
    options = options.parse_args()
    writer = gguf.GGUFWriter(options.file, "qwen_image")
    end = 0
    for file in sorted((options.model / "transformer").glob("*.safetensors")):
        with safe_open(file, "np") as tensors:
            for name in tensors.keys():
                shape = tensors.get_slice(name).get_shape()
                kind = stored_type(name, shape, Type[options.type])
                elements, size = gguf.GGML_QUANT_SIZES[kind]
                count = int(numpy.prod(shape)) // elements * size
                stored = [*shape[:-1], shape[-1] // elements * size]
                writer.add_tensor_info(name, stored, numpy.dtype(numpy.uint8), count, raw_dtype=kind)
                end += gguf.GGUFWriter.ggml_pad(count, writer.data_alignment)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    start = gguf.GGUFWriter.ggml_pad(options.file.stat().st_size, writer.data_alignment)
    os.truncate(options.file, start + end)


if __name__ == "__main__":
    main()
