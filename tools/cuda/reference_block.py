"""One full-size block of the diffusion transformer in PyTorch, as diffusers computes it, for a figure from the same run.

Takes torch alone: the block is written out here from diffusers' transformer_qwenimage.py (joint attention of two streams, RMSNorm by
head, rotary embedding, two feed-forward layers), without its modulation layers, which Mica evaluates ahead of time.
"""
import argparse
import json
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("no PyTorch on this machine")
    sys.exit(3)


def rotate(x, angles):
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * angles[:, None]).flatten(2).type_as(x)


class Stream:
    def __init__(self, dim, head, device, dtype):
        def weight(rows, columns):
            return torch.randn(rows, columns, device=device, dtype=dtype) / columns**0.5

        self.qkv = [(weight(dim, dim), torch.zeros(dim, device=device, dtype=dtype)) for _ in range(3)]
        self.out = (weight(dim, dim), torch.zeros(dim, device=device, dtype=dtype))
        self.up = (weight(4 * dim, dim), torch.zeros(4 * dim, device=device, dtype=dtype))
        self.down = (weight(dim, 4 * dim), torch.zeros(dim, device=device, dtype=dtype))
        self.norms = [torch.ones(head, device=device, dtype=dtype) for _ in range(2)]
        self.modulation = torch.randn(6, dim, device=device, dtype=dtype) * 0.1


def modulated(x, shift, scale):
    return F.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale) + shift


def block(streams, states, angles, heads):
    queries, keys, values = [], [], []
    for stream, hidden, angle in zip(streams, states, angles):
        m = stream.modulation
        normed = modulated(hidden, m[0], m[1])
        q, k, v = (F.linear(normed, w, b).unflatten(-1, (heads, -1)) for w, b in stream.qkv)
        q = rotate(F.rms_norm(q, q.shape[-1:], stream.norms[0], 1e-6), angle)
        k = rotate(F.rms_norm(k, k.shape[-1:], stream.norms[1], 1e-6), angle)
        queries.append(q), keys.append(k), values.append(v)
    q, k, v = (torch.cat(parts).transpose(0, 1)[None] for parts in (queries, keys, values))
    attended = F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1)
    result, start = [], 0
    for stream, hidden in zip(streams, states):
        m = stream.modulation
        part = attended[start : start + len(hidden)]
        start += len(hidden)
        hidden = hidden + m[2] * F.linear(part, *stream.out)
        inner = F.gelu(F.linear(modulated(hidden, m[3], m[4]), *stream.up), approximate="tanh")
        result.append(hidden + m[5] * F.linear(inner, *stream.down))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-tokens", type=int, default=9600)
    parser.add_argument("--text-tokens", type=int, default=256)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repetitions", type=int, default=20)
    options = parser.parse_args()
    dtype, dim, heads = torch.bfloat16, 3072, 24
    with torch.inference_mode():
        streams = [Stream(dim, dim // heads, options.device, dtype) for _ in range(2)]
        counts = (options.text_tokens, options.image_tokens)
        states = [torch.randn(count, dim, device=options.device, dtype=dtype) for count in counts]
        angles = [torch.polar(torch.ones(c, 64), torch.rand(c, 64)).to(options.device) for c in counts]
        seconds = []
        for turn in range(options.repetitions + 3):
            if options.device == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            block(streams, states, angles, heads)
            if options.device == "cuda":
                torch.cuda.synchronize()
            if turn >= 3:
                seconds.append(time.perf_counter() - start)
    seconds.sort()
    print(json.dumps({"torch": torch.__version__, "device": options.device, "median_seconds": seconds[len(seconds) // 2],
                      "min_seconds": seconds[0], "max_seconds": seconds[-1]}))


main()
