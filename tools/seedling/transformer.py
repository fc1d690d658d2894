"""QwenImageTransformer2DModel (use_additional_t_cond, use_layer3d_rope) as plain torch, image stream only.

The small model does not read the prompt. Every weight of the text stream is zero but one: each block's key bias and its
norm make the text tokens' key a large negative multiple of a direction in which every query has a fixed positive part,
so a text token's attention weight is exactly 0 in float32 whatever the prompt and its length. That direction is the
slowest pair of RoPE's width axis (`RESERVED`), which hardly turns between any two positions. Training thus needs no text
tokens at all, and half of the stored weights are zeros.

The modulations do not depend on the time either: `velocity_clock` makes the last norm's scale 1/sigma and everything
else constant, so the network predicts the picture itself, v = (x - x0)/sigma, and any number of steps ends where one
step does, up to what the network makes of a cleaner input.

`placed` starts the network as a function that already does something: the noise passes to the output, the picture's own
latent is every layer's first guess, and the frames know their index. A short run spends its time on the splitting."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

THETA = 10000.0
AXES = {32: (12, 10, 10), 64: (24, 20, 20)}
PASS = slice(0, 64)  # channels of the noisy tokens, which only the first values and the output read
GAIN = 0.5  # their amplitude
TEXT_KEY = 3000.0  # factor of the text tokens' negated key


def rope_table(frames, h, w, axes, device="cpu"):
    """cos, sin [tokens, head_dim/2] of `frames` generated frames (index 0 on) and the condition (index -1), centred."""

    def angles(position, d):
        return torch.outer(position.double(), THETA ** (-torch.arange(0, d, 2).double() / d))

    f = torch.cat([torch.arange(frames), torch.tensor([-1])])
    y, x = torch.arange(h) - (h - h // 2), torch.arange(w) - (w - w // 2)
    parts = [
        angles(f, axes[0])[:, None, None].expand(-1, h, w, -1),
        angles(y, axes[1])[None, :, None].expand(frames + 1, -1, w, -1),
        angles(x, axes[2])[None, None].expand(frames + 1, h, -1, -1),
    ]
    a = torch.cat(parts, -1).reshape((frames + 1) * h * w, -1)
    return a.cos().float().to(device), a.sin().float().to(device)


def rotate(x, cos, sin):
    """RoPE over adjacent pairs, x [B, heads, S, D]."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2).to(x.dtype)


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.square().mean(-1, True) + 1e-6) * self.weight).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, d, head_dim):
        super().__init__()
        self.head_dim = head_dim
        self.to_q, self.to_k, self.to_v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.to_out = nn.ModuleList([nn.Linear(d, d)])
        self.norm_q, self.norm_k = RMSNorm(head_dim), RMSNorm(head_dim)

    def forward(self, x, cos, sin):
        B, S, d = x.shape
        w = torch.cat([self.to_q.weight, self.to_k.weight, self.to_v.weight])
        b = torch.cat([self.to_q.bias, self.to_k.bias, self.to_v.bias])
        q, k, v = F.linear(x, w, b).view(B, S, 3, -1, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k = rotate(self.norm_q(q), cos, sin), rotate(self.norm_k(k), cos, sin)
        y = F.scaled_dot_product_attention(q, k, v.to(q.dtype))
        return self.to_out[0](y.transpose(1, 2).reshape(B, S, d))


class Projection(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.proj = nn.Linear(i, o)

    def forward(self, x):
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.net = nn.ModuleList([Projection(d, 4 * d), nn.Identity(), nn.Linear(4 * d, d)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


def layer_norm(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


class Block(nn.Module):
    def __init__(self, d, head_dim):
        super().__init__()
        self.img_mod = nn.Sequential(nn.SiLU(), nn.Linear(d, 6 * d))
        self.attn = Attention(d, head_dim)
        self.img_mlp = FeedForward(d)

    def forward(self, x, t, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.img_mod(t).unsqueeze(1).chunk(6, -1)
        x = x + gate1 * self.attn(layer_norm(x) * (1 + scale1) + shift1, cos, sin)
        return x + gate2 * self.img_mlp(layer_norm(x) * (1 + scale2) + shift2)


class TimeEmbedding(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.timestep_embedder = nn.ModuleDict(dict(linear_1=nn.Linear(256, d), linear_2=nn.Linear(d, d)))
        self.addition_t_embedding = nn.Embedding(2, d)

    def forward(self, t):
        f = torch.exp(-math.log(10000) * torch.arange(128, device=t.device, dtype=torch.float32) / 128)
        e = 1000 * t[:, None].float() * f
        m = self.timestep_embedder
        e = m["linear_2"](F.silu(m["linear_1"](torch.cat([e.cos(), e.sin()], -1))))
        return e + self.addition_t_embedding.weight[0]


class OutputNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.linear = nn.Linear(d, 2 * d)

    def forward(self, x, t):
        scale, shift = self.linear(F.silu(t)).unsqueeze(1).chunk(2, -1)
        return layer_norm(x) * (1 + scale) + shift


class Transformer(nn.Module):
    """Names of the parameters are diffusers' own; the text stream's are written by `to_diffusers`."""

    def __init__(self, dim=192, depth=6, head_dim=32, axes=None):
        super().__init__()
        axes = list(axes or AXES[head_dim])
        self.cfg, self.axes = dict(dim=dim, depth=depth, head_dim=head_dim, axes=axes), axes
        self.img_in = nn.Linear(64, dim)
        self.time_text_embed = TimeEmbedding(dim)
        self.transformer_blocks = nn.ModuleList([Block(dim, head_dim) for _ in range(depth)])
        self.norm_out = OutputNorm(dim)
        self.proj_out = nn.Linear(dim, 64)
        self.register_buffer("first_values", torch.zeros(dim, 64), persistent=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                nn.init.normal_(p, std=0.02) if "embed" in name else nn.init.xavier_uniform_(p)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, x, t, cos, sin):
        """x [B, tokens, 64], the condition's tokens last, t [B] sigma: velocity of every token."""
        x = self.img_in(x)
        e = self.time_text_embed(t).to(x.dtype)
        for block in self.transformer_blocks:
            x = block(x, e, cos, sin)
        return self.proj_out(self.norm_out(x, e))

    @torch.no_grad()
    def hold(self):
        """Put back what training must not move: the noise's way, each query's part in RESERVED, the constants."""
        D = self.cfg["head_dim"]
        for i, block in enumerate(self.transformer_blocks):
            a, reads = block.attn, [block.attn.to_q, block.attn.to_k, block.img_mlp.net[0].proj]
            for linear in reads + [a.to_v] * (i > 0):
                linear.weight[:, PASS] = 0
            if i == 0:
                a.to_v.weight[:, PASS] = self.first_values
            for linear in (a.to_out[0], block.img_mlp.net[2]):
                linear.weight[PASS] = 0
                linear.bias[PASS] = 0
            a.to_q.weight.view(-1, D, a.to_q.weight.shape[1])[:, D - 2 :] = 0
            a.to_q.bias.view(-1, D)[:, D - 2] = 1
            a.to_q.bias.view(-1, D)[:, D - 1] = 0
            mod = block.img_mod[1].bias.view(6, -1)
            mod[[0, 3], -2:], mod[[1, 4], -2:] = 0, -1
        self.norm_out.linear.weight.view(2, -1, self.norm_out.linear.in_features)[0, -2:] = 0
        self.norm_out.linear.bias.view(2, -1)[0, -2:] = -1
        self.proj_out.weight[:, PASS] = torch.eye(64, device=self.proj_out.weight.device) / GAIN


# ---- the starting point

# Two opposite constants dominate each norm's statistics, which makes the norms nearly linear. The scale after each norm
# takes them out again: a product of 8 bits would see nothing beside them.
CONSTANT = 60.0
ROOM = slice(64, 128)  # channels of the first guess
INDEX = 10.0  # amplitude of a frame's own channel: large, so that the first MLPs already act by frame


def _position_head(attention, head, q, k):
    """Make one head look by position alone: {dim: value} before the norm for query and key."""
    D = attention.head_dim
    rows = slice(head * D, (head + 1) * D)
    for linear, values in ((attention.to_q, q), (attention.to_k, k)):
        linear.weight[rows] *= 0.1
        linear.bias[rows] = 0
        for dim, value in values.items():
            linear.bias[head * D + dim] = value


def _same_place(axes):
    """Query and key of 'same place, lowest frame': the condition's frame index is -1, below all others."""
    h, w = axes[0], axes[0] + axes[1]
    common = {h: 2.3, h + 2: 1.9, w: 2.3, w + 2: 1.9}
    return common | {3: -3.6}, common | {2: 3.6}


def _frame_at(offset, axes):
    """Query and key of 'anywhere in the frame at this offset'."""
    slow = THETA ** (-2 / axes[0])
    q = {0: 5 * math.cos(offset), 1: 5 * math.sin(offset)}
    q |= {2: 2.1 * math.cos(offset * slow), 3: 2.1 * math.sin(offset * slow)}
    return q, {0: 5.0, 2: 2.1}


STEEPEST = 25.0  # 1/sigma is followed up to here; below that sigma hardly any noise is left


def velocity_clock(model, level):
    """Freeze the time's way through the network, fitted so that the last norm's scale is level / sigma, else constant."""
    d = model.cfg["dim"]
    clock = TimeEmbedding(d)
    generator = torch.Generator().manual_seed(3)
    draw = lambda p, size: torch.randn(p.shape, generator=generator) * size
    for linear in clock.timestep_embedder.values():
        linear.weight.data, linear.bias.data = draw(linear.weight, 0.25), draw(linear.bias, 1.0)
    slow = torch.arange(256) % 128 >= 64  # the waves that turn less than twice from sigma 0 to 1
    clock.timestep_embedder["linear_1"].weight.data *= slow
    clock.addition_t_embedding.weight.data.zero_()
    t = torch.cat([torch.linspace(0.01, 1, 400), torch.logspace(-2, 0, 400)])
    goal = (1 / t).clamp(max=STEEPEST)[:, None]
    # The inner layers stay random; the last is a least-squares fit over their features, smooth enough for bf16.
    with torch.no_grad():
        features = F.silu(clock(t)).double()
        weight = 1 / goal.double()
        system = torch.cat([features, torch.ones(len(t), 1, dtype=torch.double)], 1) * weight
        ridge = 0.1 * torch.eye(system.shape[1], dtype=torch.double)
        answer = torch.linalg.solve(system.T @ system + ridge, system.T @ (goal.double() * weight))
        model.time_text_embed.load_state_dict(clock.state_dict())
        model.norm_out.linear.weight.zero_()
        model.norm_out.linear.bias.zero_()
        model.norm_out.linear.weight[:d] = (level * answer[:-1]).float().T.expand(d, -1)
        model.norm_out.linear.bias[:d] = level * float(answer[-1]) - 1
        model.proj_out.bias.zero_()
        for block in model.transformer_blocks:
            block.img_mod[1].weight.zero_()
    return model


def frozen(name):
    """Parameters that are set for good at the start."""
    fixed = ("img_in", "time_text_embed", "norm_out", "proj_out.bias")
    return name.startswith(fixed) or name.endswith("img_mod.1.weight")


@torch.no_grad()
def placed(model, opaque_level):
    """Start `model` as: output = noise - the picture's latent, with one channel for each frame index.

    opaque_level: mean normalised value of latent channel 3 (alpha's) in an opaque picture; it marks the condition."""
    d, D, axes = model.cfg["dim"], model.cfg["head_dim"], model.axes
    eye = torch.eye(64)
    model.img_in.weight.zero_()
    model.img_in.weight[PASS] = GAIN * eye
    model.img_in.bias[-2], model.img_in.bias[-1] = CONSTANT, -CONSTANT
    level = math.sqrt((2 * CONSTANT**2 + 64 * (GAIN**2 + 1) + 2 * INDEX**2 + d / 4) / d)
    h, w = axes[0], axes[0] + axes[1]
    sharp = [2, 3, h, h + 1, h + 2, h + 3, w, w + 1, w + 2, w + 3]
    for i, block in enumerate(model.transformer_blocks):
        mod = block.img_mod[1].bias.view(6, -1)
        mod[[1, 4]], mod[[2, 5]] = level - 1, 1
        a = block.attn
        a.to_out[0].weight *= 0.3
        block.img_mlp.net[2].weight *= 0.3
        for writer in (a.to_out[0], block.img_mlp.net[2]):
            writer.weight[:128] = 0
            writer.weight[-2:] = 0
        for m in (a.norm_q, a.norm_k):
            m.weight[:2], m.weight[sharp] = 1.5, 3.0
        for linear in (a.to_q, a.to_k):
            linear.weight.view(-1, D, d)[:, sharp] *= 0.4
        for linear in (a.to_q, a.to_k, a.to_v, block.img_mlp.net[0].proj):
            linear.weight[:, -2:] = 0
        for head in (0, 1):
            _position_head(a, head, *_same_place(axes))
        if i == 0:
            a.to_v.weight[:64] = 0
            a.to_v.weight[:, PASS] = 0
            a.to_v.weight[:64, PASS] = eye / GAIN
            for m in (a.norm_q, a.norm_k):
                m.weight[sharp] = 4.5
            a.to_out[0].weight[ROOM] = 0
            a.to_out[0].weight[ROOM, :64] = eye
            a.to_out[0].weight[128:132] = 0
            for n, head in enumerate(range(2, min(6, d // D))):
                _position_head(a, head, *_frame_at(-(n + 1), axes))
                a.to_v.weight[head * D] = 0
                a.to_v.weight[head * D, 12:16] = 1 / (4 * GAIN * opaque_level)
                a.to_out[0].weight[128 + n, head * D] = INDEX
            model.first_values.copy_(a.to_v.weight[:, PASS])
    velocity_clock(model, level)
    model.proj_out.weight.zero_()
    model.proj_out.weight[:, ROOM] = -eye
    model.hold()
    return model


# ---- tokens and sampling, as the pipeline does them


def pack(z):
    """[B, F, 16, h, w] to tokens [B, F*(h/2)*(w/2), 64]."""
    B, frames, C, h, w = z.shape
    z = z.reshape(B, frames, C, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4, 6)
    return z.reshape(B, frames * h * w // 4, C * 4)


def unpack(x, frames, h, w):
    x = x.view(x.shape[0], frames, h // 2, w // 2, 16, 2, 2).permute(0, 1, 4, 2, 5, 3, 6)
    return x.reshape(-1, frames, 16, h, w)


def schedule(steps, condition_tokens):
    mu = math.sqrt(condition_tokens / 256)
    s = torch.linspace(1, 0, steps + 1)[:-1].double()
    return torch.cat([mu / (mu + 1 / s - 1), torch.zeros(1)]).float()


@torch.no_grad()
def sample(model, condition, N, steps, generator=None, dtype=torch.bfloat16, noise=None):
    """condition: normalised latent of the picture [B, 16, h, w]; latents of frames 0..N [B, N+1, 16, h, w]."""
    B, _, h, w = condition.shape
    c = pack(condition[:, None])
    noise = torch.randn(B, N + 1, 16, h, w, generator=generator, device=condition.device) if noise is None else noise
    x = pack(noise)
    cos, sin = rope_table(N + 1, h // 2, w // 2, model.axes, condition.device)
    sigmas = schedule(steps, c.shape[1])
    for i in range(steps):
        with torch.autocast(condition.device.type, dtype, enabled=dtype != torch.float32):
            v = model(torch.cat([x, c], 1), sigmas[i].expand(B).to(condition.device), cos, sin)[:, : x.shape[1]]
        x = x + (sigmas[i + 1] - sigmas[i]).item() * v.float()
    return unpack(x, N + 1, h, w)


def load_transformer(path, device="cpu"):
    """The averaged weights of a training state, frozen; of two partners' states, "a.pt,b.pt", their mean."""
    states = [torch.load(p, map_location=device, weights_only=False) for p in path.split(",")]
    model = Transformer(**states[0]["cfg"]).to(device).eval().requires_grad_(False)
    mean = {k: sum(s["ema"][k] for s in states) / len(states) for k in states[0]["ema"]}
    model.load_state_dict(mean)
    return model, states[0]


def to_diffusers(model, joint=64):
    """The whole transformer: zeros in the text stream, keys that no query sees."""
    from diffusers import QwenImageTransformer2DModel

    c = model.cfg
    full = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=c["depth"],
        attention_head_dim=c["head_dim"],
        num_attention_heads=c["dim"] // c["head_dim"],
        joint_attention_dim=joint,
        guidance_embeds=False,
        axes_dims_rope=tuple(c["axes"]),
        use_additional_t_cond=True,
        use_layer3d_rope=True,
    )
    state = {k: torch.zeros_like(v) for k, v in full.state_dict().items()}
    for k in state:
        if k == "txt_norm.weight" or "norm_added_q" in k:
            state[k] += 1
        elif "norm_added_k" in k:
            state[k] += TEXT_KEY
        elif k.endswith("add_k_proj.bias"):
            state[k].view(-1, c["head_dim"])[:, -2] = -1
    own = model.state_dict()
    unknown = set(own) - set(state)
    assert not unknown, unknown
    state.update(own)
    full.load_state_dict(state)
    return full.eval()


if __name__ == "__main__":
    torch.manual_seed(0)
    small = placed(Transformer(192, 3, 32), 0.6)
    for name, p in small.named_parameters():
        p.data += 0.02 * torch.randn_like(p) * (not frozen(name))
    small.hold()
    full = to_diffusers(small)
    x, t = torch.randn(2, 5 * 6 * 4, 64), torch.tensor([0.3, 0.8])
    mine = small(x, t, *rope_table(4, 6, 4, small.axes)).detach()
    for length in (1, 16, 300):
        shapes = [[(1, 6, 4)] * 5] * 2
        zero = torch.zeros(2, dtype=torch.long)
        text = torch.randn(2, length, 64) * 3
        with torch.no_grad():
            theirs = full(x, text, None, t, shapes, additional_t_cond=zero, return_dict=False)[0]
        print(
            f"{length} text tokens: largest difference from diffusers {float((mine - theirs).abs().max()):.2e}",
            end="",
        )
        print(f" of {float(mine.abs().max()):.2f}")
    x = torch.randn(2, 3 * 16, 64) * 1.0
    c = torch.randn(2, 16, 64)
    c[..., 12:16] = 0.6
    start = placed(Transformer(192, 3, 32), 0.6)
    with torch.no_grad():
        for sigma in (1.0, 0.9, 0.5, 0.2, 0.05, 0.02):
            v = start(torch.cat([x, c], 1), torch.full((2,), sigma), *rope_table(3, 4, 4, start.axes))[:, :48]
            error = (sigma * v - (x - c.repeat(1, 3, 1))).square().mean()
            print(f"at the start, sigma {sigma}: sigma * v - (x - picture), mean square {float(error):.4f}")
