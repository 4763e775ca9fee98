#!/usr/bin/env python3
"""Loads exported weights into the same models written in PyTorch, and holds the bounds of both against each other.

    python round_trip.py WEIGHTS.safetensors CASE.safetensors OUT

WEIGHTS has the names of the authors' modules. CASE has x, the draws `noise/V`, what our code made of them: `term/NAME` (nats an
image) and for models with y `y`. Prints one JSON object: the largest error of each term relative to its largest value. Saves
the state again as OUT.pth (as a training script would: beside other things, from a parallel model) and OUT.old.pth (the form
before PyTorch 1.6). Needs torch and safetensors. The layers are the golden models': growth 8, two steps everywhere.
"""
import json
import math
import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

GROWTH, STEPS, COMPONENTS = 8, 2, 10


class Weighted(nn.Module):
    """A convolution with weight norm; parameters weight_g, weight_v and bias."""

    def __init__(self, channels, filters, kernel, stride=1, transposed=False):
        super().__init__()
        self.stride, self.transposed, self.kernel = stride, transposed, kernel
        shape = (channels, filters) if transposed else (filters, channels)
        self.weight_v = nn.Parameter(torch.empty(*shape, kernel, kernel))
        self.weight_g = nn.Parameter(torch.empty(*((1, filters) if transposed else (filters, 1)), 1, 1))
        self.bias = nn.Parameter(torch.empty(filters))

    def forward(self, x):
        dims = (0, 2, 3) if self.transposed else (1, 2, 3)
        weight = self.weight_g * self.weight_v / self.weight_v.square().sum(dims, keepdim=True).sqrt()
        if self.transposed:
            return F.conv_transpose2d(x, weight, self.bias, stride=2, padding=1, output_padding=1)
        return F.conv2d(x, weight, self.bias, stride=self.stride, padding=self.kernel // 2)


class Conv(nn.Module):
    def __init__(self, *sizes, **options):
        super().__init__()
        self.conv = Weighted(*sizes, **options)

    def forward(self, x):
        return self.conv(x)


class Resize(nn.Module):
    def __init__(self, *sizes, **options):
        super().__init__()
        self.core_nn = nn.Sequential(Conv(*sizes, **options))

    def forward(self, x):
        return self.core_nn(x)


class Block(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.dense_block = nn.Sequential(Conv(channels, 4 * growth, 1), Conv(4 * growth, growth, 3))

    def forward(self, x):
        return torch.cat([x, self.dense_block(x)], 1)


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.ca_block = nn.Sequential(Conv(channels, channels // 8, 1), Conv(channels // 8, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.ca_block(x.mean((2, 3), keepdim=True))


class Dense(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        parts = []
        for step in range(STEPS):
            parts += [Block(channels + step * growth, growth), nn.ELU()]
        self.core_nn = nn.Sequential(*parts, Attention(channels + STEPS * growth))

    def forward(self, x):
        return self.core_nn(x)


class Net(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.core_nn = nn.Sequential(*parts)

    def forward(self, x):
        return self.core_nn(x)


def encoder(channels, out, down):
    parts, growth = [], GROWTH
    for _ in range(down):
        channels += growth * STEPS
        parts += [Dense(channels - growth * STEPS, growth), Resize(channels, 2 * channels, 3, stride=2)]
        channels, growth = 2 * channels, 2 * growth
    return Net(parts + [Dense(channels, growth), Conv(channels + growth * STEPS, out, 1)])


def decoder(channels, out, up):
    parts, growth = [], GROWTH
    for _ in range(up):
        channels += growth * STEPS
        parts += [Dense(channels - growth * STEPS, growth), Resize(channels, channels // 2, 3, transposed=True)]
        channels, growth = channels // 2, growth // 2
    return Net(parts + [Conv(channels, out, 3)])


def dense_net(channels, out):
    parts = [Dense(channels + block * GROWTH * STEPS, GROWTH) for block in range(3)]
    return Net(parts + [Conv(channels + 3 * GROWTH * STEPS, out, 1)])


class Factor(nn.Module):
    """A factor's networks: branches named after variables, and the trunk."""

    def __init__(self, core, **branches):
        super().__init__()
        for name, net in branches.items():
            setattr(self, f"{name}_nn", nn.Sequential(net))
        self.core_nn = nn.Sequential(core)

    def forward(self, x):
        return self.core_nn(x)


class Rescale(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight_g = nn.Parameter(torch.empty(channels, 1, 1))
        self.weight_v = nn.Parameter(torch.empty(channels, 1, 1))

    def forward(self, x):
        return x * self.weight_g * self.weight_v / self.weight_v.abs()


class Coupling(nn.Module):
    def __init__(self, channels, checkerboard, reverse):
        super().__init__()
        self.checkerboard, self.reverse = checkerboard, reverse
        channels = channels if checkerboard else channels // 2
        self.st_net = nn.Sequential(Dense(channels, GROWTH), Conv(channels + STEPS * GROWTH, 2 * channels, 3))
        self.rescale = Rescale(channels)

    def parts(self, x):
        s, t = self.st_net(x).chunk(2, 1)
        return self.rescale(torch.tanh(s)), t

    def forward(self, x):
        if self.checkerboard:
            rows, columns = torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij")
            keep = ((rows + columns + self.reverse) % 2).to(x)
            s, t = (part * (1 - keep) for part in self.parts(x * keep))
            return (x + t) * s.exp(), s.sum((1, 2, 3))
        first, second = x.chunk(2, 1)
        change, keep = (second, first) if self.reverse else (first, second)
        s, t = self.parts(keep)
        change = (change + t) * s.exp()
        return torch.cat([keep, change] if self.reverse else [change, keep], 1), s.sum((1, 2, 3))


class Scale(nn.Module):
    def __init__(self, channels, last=False):
        super().__init__()
        self.in_couplings = nn.ModuleList(Coupling(channels, True, i % 2) for i in range(4 if last else 3))
        self.last = last
        if not last:
            self.out_couplings = nn.ModuleList(Coupling(4 * channels, False, i % 2) for i in range(3))
            self.next_block = Scale(2 * channels, last=True)

    def forward(self, x):
        total = torch.zeros(len(x))
        for coupling in self.in_couplings:
            x, log_det = coupling(x)
            total = total + log_det
        if self.last:
            return x, total
        x = F.pixel_unshuffle(x, 2)
        for coupling in self.out_couplings:
            x, log_det = coupling(x)
            total = total + log_det
        x = F.pixel_shuffle(x, 2)
        n, c, h, w = x.shape
        # Pixels of each square, diagonal first, all channels of one after those of another.
        pixels = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(n, 4, c, h // 2, w // 2)
        on, out = pixels[:, [0, 3, 1, 2]].reshape(n, 4 * c, h // 2, w // 2).chunk(2, 1)
        on, log_det = self.next_block(on)
        # Where pixels end up does not change a density.
        return torch.cat([on, out], 1), total + log_det


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.flows = Scale(16)

    def log_prob(self, x):
        v, log_det = self.flows(x)
        return log_normal(v, torch.zeros_like(v), torch.zeros_like(v)) + log_det


def log_normal(z, mean, log_var):
    return -0.5 * (log_var + (z - mean).square() * (-log_var).exp() + math.log(2 * math.pi)).sum((1, 2, 3))


def normal(head):
    mean, log_var = head.chunk(2, 1)
    return mean, log_var.clamp(-7, 7)


def draw(parameters, noise):
    return parameters[0] + (0.5 * parameters[1]).exp() * noise


def log_mixture(x, logits):
    """log p of pixels k/255 under mixtures of discretised logistics, in double precision."""
    n, _, h, w = logits.shape
    weight, mean, log_s, k = logits.double().split([COMPONENTS] + [3 * COMPONENTS] * 3, 1)
    mean, log_s, k = (part.reshape(n, COMPONENTS, 3, h, w) for part in (mean, log_s.clamp(min=-7), k.tanh()))
    x = x.double().unsqueeze(1)
    red, green = x[:, :, 0], x[:, :, 1]
    shift = torch.stack([torch.zeros_like(k[:, :, 0]), k[:, :, 0] * red, k[:, :, 1] * red + k[:, :, 2] * green], 2)
    centred, scale = x - mean - shift, (-log_s).exp()
    above, below = scale * (centred + 0.5 / 255), scale * (centred - 0.5 / 255)
    mass = torch.sigmoid(above) - torch.sigmoid(below)
    middle = scale * centred
    density = middle - log_s - 2 * F.softplus(middle) - math.log(255)
    inside = torch.where(mass > 1e-5, mass.clamp(min=1e-12).log(), density)
    log_p = torch.where(x < 0.5 / 255, F.logsigmoid(above), torch.where(x > 1 - 0.5 / 255, F.logsigmoid(-below), inside))
    return torch.logsumexp(log_p.sum(2) + weight.log_softmax(1), 1).sum((1, 2))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.p_z, self.q_z = Flow(), Factor(encoder(3, 32, 2))
        self.p_x = Factor(decoder(16, 100, 2))

    def terms(self, x, case):
        q = normal(self.q_z(x))
        z = draw(q, case["noise/z"])
        return {"RE_x": log_mixture(x, self.p_x(z)), "KL_z": log_normal(z, *q) - self.p_z.log_prob(z)}


class SrVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.p_u, self.q_u, self.q_z = Flow(), Factor(encoder(3, 32, 1)), Factor(encoder(3, 32, 2))
        self.p_y = Factor(decoder(16, 100, 1))
        self.p_z = Factor(dense_net(32, 32), y=encoder(3, 16, 1), u=dense_net(16, 16))
        self.p_x = Factor(dense_net(103, 100), z=decoder(16, 100, 2))

    def terms(self, x, case):
        y = case["y"]
        q_u, q_z = normal(self.q_u(y)), normal(self.q_z(x))
        u, z = draw(q_u, case["noise/u"]), draw(q_z, case["noise/z"])
        p_z = normal(self.p_z(torch.cat([F.elu(self.p_z.y_nn(y)), self.p_z.u_nn(u)], 1)))
        large = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        return {
            "RE_x": log_mixture(x, self.p_x(torch.cat([large, self.p_x.z_nn(z)], 1))),
            "RE_y": log_mixture(y, self.p_y(u)),
            "KL_z": log_normal(z, *q_z) - log_normal(z, *p_z),
            "KL_u": log_normal(u, *q_u) - self.p_u.log_prob(u),
        }


def main():
    weights, case, out = load_file(sys.argv[1]), load_file(sys.argv[2]), sys.argv[3]
    model = SrVae() if "noise/u" in case else Vae()
    model.load_state_dict(weights, strict=True)
    with torch.no_grad():
        terms = model.terms(case["x"], case)
    errors = {}
    for name, theirs in terms.items():
        ours = case[f"term/{name}"].double()
        errors[name] = ((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1000)).item()
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"epoch": 3, "model_state_dict": state, "loss": 1.5}, out + ".pth")
    torch.save(model.state_dict(), out + ".old.pth", _use_new_zipfile_serialization=False)
    print(json.dumps(errors))


if __name__ == "__main__":
    main()
