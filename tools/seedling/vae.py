"""AutoencoderKLQwenImage for one frame as plain two-dimensional torch, with diffusers' parameter names.

For one frame a causal 3x3x3 convolution is the 2-D convolution with its last time slice, so training needs no diffusers
and a third of the work; `to_diffusers` writes the five-dimensional weights (zeros in the two slices that meet only
padding). `python vae.py` prints the difference from diffusers, the sizes and the work."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Norm(nn.Module):
    def __init__(self, d, images=False):
        super().__init__()
        self.scale = d**0.5
        self.gamma = nn.Parameter(torch.ones(d, 1, 1) if images else torch.ones(d, 1, 1, 1))

    def forward(self, x):
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
        g = (self.gamma * self.scale).view(1, -1, 1, 1)
        return x * torch.rsqrt(length.square() + 1e-12).to(x.dtype) * g.to(x.dtype)


class CConv(nn.Conv2d):  # marked: exported as 5-D
    pass


class Res(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.norm1 = Norm(i)
        self.conv1 = CConv(i, o, 3, padding=1)
        self.norm2 = Norm(o)
        self.conv2 = CConv(o, o, 3, padding=1)
        self.conv_shortcut = CConv(i, o, 1) if i != o else nn.Identity()

    def forward(self, x):
        return self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x)))))) + self.conv_shortcut(x)


class Attn(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = Norm(d, True)
        self.to_qkv = nn.Conv2d(d, 3 * d, 1)
        self.proj = nn.Conv2d(d, d, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.to_qkv(self.norm(x)).flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, -1)
        return x + self.proj(F.scaled_dot_product_attention(q, k, v).squeeze(1).transpose(1, 2).reshape(b, c, h, w))


class Mid(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.resnets = nn.ModuleList([Res(d, d), Res(d, d)])
        self.attentions = nn.ModuleList([Attn(d)])

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Down(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.resample = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(d, d, 3, stride=2))

    def forward(self, x):
        return self.resample(x)


class Up(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.resample = nn.Sequential(nn.Identity(), nn.Conv2d(d, d // 2, 3, padding=1))

    def forward(self, x):
        return self.resample[1](F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Encoder(nn.Module):
    def __init__(self, d, z, mult, n, cin):
        super().__init__()
        D = [d * m for m in [1] + mult]
        self.conv_in = CConv(cin, D[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        for i, (a, b) in enumerate(zip(D[:-1], D[1:])):
            for _ in range(n):
                self.down_blocks.append(Res(a, b))
                a = b
            if i != len(mult) - 1:
                self.down_blocks.append(Down(b))
        self.mid_block = Mid(b)
        self.norm_out = Norm(b)
        self.conv_out = CConv(b, z, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for l in self.down_blocks:
            x = l(x)
        return self.conv_out(F.silu(self.norm_out(self.mid_block(x))))


class UpBlock(nn.Module):
    def __init__(self, i, o, n, up):
        super().__init__()
        self.resnets = nn.ModuleList([Res(i if k == 0 else o, o) for k in range(n + 1)])
        self.upsamplers = nn.ModuleList([Up(o)]) if up else None

    def forward(self, x):
        for r in self.resnets:
            x = r(x)
        return self.upsamplers[0](x) if self.upsamplers else x


class Decoder(nn.Module):
    def __init__(self, d, z, mult, n, cout):
        super().__init__()
        D = [d * m for m in [mult[-1]] + mult[::-1]]
        self.conv_in = CConv(z, D[0], 3, padding=1)
        self.mid_block = Mid(D[0])
        self.up_blocks = nn.ModuleList()
        for i, (a, b) in enumerate(zip(D[:-1], D[1:])):
            self.up_blocks.append(UpBlock(a // 2 if i else a, b, n, i != len(mult) - 1))
        self.norm_out = Norm(b)
        self.conv_out = CConv(b, cout, 3, padding=1)

    def forward(self, x):
        x = self.mid_block(self.conv_in(x))
        for u in self.up_blocks:
            x = u(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class VAE(nn.Module):
    def __init__(self, base_dim=32, z_dim=16, dim_mult=(1, 2, 4, 4), num_res_blocks=1, input_channels=4):
        super().__init__()
        m = list(dim_mult)
        self.cfg = dict(
            base_dim=base_dim,
            z_dim=z_dim,
            dim_mult=m,
            num_res_blocks=num_res_blocks,
            input_channels=input_channels,
        )
        self.encoder = Encoder(base_dim, 2 * z_dim, m, num_res_blocks, input_channels)
        self.quant_conv = CConv(2 * z_dim, 2 * z_dim, 1)
        self.post_quant_conv = CConv(z_dim, z_dim, 1)
        self.decoder = Decoder(base_dim, z_dim, m, num_res_blocks, input_channels)
        self.quant_conv.bias.data[z_dim:] = (
            -6.0
        )  # log variance: start almost without noise, or colour is not learnt for long

    def moments(self, x):
        return self.quant_conv(self.encoder(x)).chunk(2, 1)

    def encode(self, x):
        return self.moments(x)[0]  # the mode

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


def load_vae(path, device="cpu"):
    """A trained VAE, frozen, with the mean and standard deviation of its latents as [1, 16, 1, 1]."""
    saved = torch.load(path, map_location=device, weights_only=False)
    vae = VAE(**saved["cfg"]).to(device).eval().requires_grad_(False)
    vae.load_state_dict(saved["state"])
    mean, std = (torch.tensor(saved[k], device=device).view(1, 16, 1, 1) for k in ("mean", "std"))
    return vae, mean, std


@torch.no_grad()
def warm_init(v):
    """Start as 'average 8x8 down, nearest up': r,g,b,a in channels 0-3, their negatives in 4-7, a constant in 8. A large constant
    channel makes RMS norm nearly linear, and silu(x)-silu(-x) = x exactly, so the picture passes from the first step; the other channels
    start at random and learn the detail. Without it colour stayed at 17 dB for 1000 steps on CPU."""

    def eye(c, n=4, pair=True):
        k = c.weight.shape[-1] // 2
        c.weight[:9] = 0
        c.bias[:9] = 0
        for i in range(n):
            c.weight[i, i, k, k] = 1.0
            c.weight[4 + i, i, k, k] = -1.0
        c.bias[8] = 4.0

    def keep(c, at):  # channels 0-8 pass
        c.weight[:9] = 0
        c.bias[:9] = 0
        for i in range(9):
            for y, x, w in at:
                c.weight[i, i, y, x] = w

    def out(c, g):
        k = c.weight.shape[-1] // 2
        c.weight[:4] = 0
        c.bias[:4] = 0
        for i in range(4):
            c.weight[i, i, k, k] = g
            c.weight[i, 4 + i, k, k] = -g

    for m in v.modules():
        if isinstance(m, Res):
            m.conv2.weight *= 0.2
            m.conv2.weight[:9] = 0
            m.conv2.bias.zero_()
            if isinstance(m.conv_shortcut, CConv):
                keep(m.conv_shortcut, [(0, 0, 1.0)])
        elif isinstance(m, Attn):
            m.proj.weight *= 0.1
            m.proj.weight[:9] = 0
            m.proj.bias.zero_()
        elif isinstance(m, Down):
            keep(m.resample[1], [(y, x, 0.25) for y in (0, 1) for x in (0, 1)])
        elif isinstance(m, Up):
            keep(m.resample[1], [(1, 1, 1.0)])
    eye(v.encoder.conv_in)
    eye(v.decoder.conv_in)
    out(v.encoder.conv_out, 1.0)
    out(v.decoder.conv_out, 1.0)
    z = v.cfg["z_dim"]
    v.quant_conv.weight.zero_()
    v.quant_conv.bias.zero_()
    v.quant_conv.bias[z:] = -6.0
    for i in range(z):
        v.quant_conv.weight[i, i] = 1.0
    v.post_quant_conv.weight.zero_()
    v.post_quant_conv.bias.zero_()
    for i in range(z):
        v.post_quant_conv.weight[i, i] = 1.0
    return v


def state_5d(vae):
    """State dict for AutoencoderKLQwenImage(temperal_downsample=[False]*3)."""
    out = dict(vae.state_dict())
    for n, m in vae.named_modules():
        if isinstance(m, CConv):
            w = m.weight.detach()
            k = w.shape[-1]
            if k == 1:
                w = w.unsqueeze(2)
            else:
                z = w.new_zeros(*w.shape[:2], 3, k, k)
                z[:, :, -1] = w
                w = z
            out[n + ".weight"] = w
    return out


def to_diffusers(vae, mean, std):
    from diffusers import AutoencoderKLQwenImage

    m = AutoencoderKLQwenImage(**vae.cfg, temperal_downsample=[False] * 3, latents_mean=mean, latents_std=std)
    m.load_state_dict(state_5d(vae))
    return m.eval()


if __name__ == "__main__":  # equality with diffusers, size and work
    from torch.utils.flop_counter import FlopCounterMode

    torch.manual_seed(0)
    for cfg in (
        dict(base_dim=16),
        dict(base_dim=24),
        dict(base_dim=32),
        dict(base_dim=48),
        dict(base_dim=32, num_res_blocks=2),
        dict(base_dim=24, dim_mult=(1, 2, 4, 8)),
        dict(base_dim=16, dim_mult=(1, 2, 4, 8)),
    ):
        v = VAE(**cfg).eval()
        x = torch.rand(1, 4, 128, 128) * 2 - 1
        with torch.no_grad():
            d = to_diffusers(v, [0.0] * 16, [1.0] * 16)
            z = d.encode(x.unsqueeze(2)).latent_dist.mode()
            y = d.decode(z)[0].squeeze(2)
            with FlopCounterMode(display=False) as f:
                z2 = v.encode(x)
            with FlopCounterMode(display=False) as f2:
                y2 = v.decode(z2).clamp(-1, 1)
        n2 = sum(p.numel() for p in v.parameters())
        n5 = sum(p.numel() for p in d.parameters())
        print(
            cfg,
            "diff",
            float((z[:, :, 0] - z2).abs().max()),
            float((y - y2).abs().max()),
            f"params 2-D {n2/1e6:.2f} M, stored 5-D {n5/1e6:.2f} M; GFLOP at 128: enc {f.get_total_flops()/1e9:.2f} dec {f2.get_total_flops()/1e9:.2f}",
        )
