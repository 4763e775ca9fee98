#!/usr/bin/env python3
"""Three models of models/zoo in PyTorch, as a user would write them there: what their speed is measured against.

    python twins.py train --model vae --batch 128 --steps 50
    python twins.py nll   --model dmm --length 100 --batch 32 --k 16
    python twins.py check --model vdvae --width 32 WEIGHTS.safetensors CASE.safetensors

`train` takes Adamax steps on random records, `nll` computes K importance weights a record; both print one JSON line: seconds a
step (min and median), records per second, peak memory. `check` loads weights exported by srvae-run, computes the terms of the bound with
the draws of CASE, and prints the largest error of each term relative to its largest value.
Needs torch; for `check` safetensors as well.
"""
import argparse, json, math, resource, statistics, time

import torch
from torch import nn
from torch.nn import functional as F


def weighted(layer):
    return nn.utils.parametrizations.weight_norm(layer)


def linear(inputs, outputs):
    return weighted(nn.Linear(inputs, outputs))


def conv(inputs, outputs, kernel=3):
    return weighted(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))


def gelu(x):
    """In its form with tanh, as ours."""
    return F.gelu(x, approximate="tanh")


def normal(h, dim=1):
    mean, log_var = h.chunk(2, dim)
    return mean, log_var.clamp(-7, 7)


def draw(factor, noise):
    return factor[0] + torch.exp(0.5 * factor[1]) * noise


def divergence(q, p):
    """KL(q || p) of diagonal normals, a number for each value."""
    return 0.5 * (p[1] - q[1] + ((q[0] - p[0]) ** 2 + q[1].exp()) * torch.exp(-p[1]) - 1)


def standard(q):
    """KL(q || N(0, I)), a number for each value."""
    return 0.5 * (q[0] ** 2 + q[1].exp() - q[1] - 1)


def log_normal(z, mean, log_var):
    return -0.5 * (log_var + (z - mean) ** 2 * torch.exp(-log_var) + math.log(2 * math.pi))


def total(values):
    return values.flatten(1).sum(1)


def bernoulli(logits, x):
    """ln p of each binary value."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none")


class Vae(nn.Module):
    """models/zoo/vae.pgm: one hidden layer each."""

    def __init__(self, a):
        super().__init__()
        self.latents = a.latents
        self.p_x = nn.ModuleDict({"linear": linear(a.latents, a.width), "linear_2": linear(a.width, 64)})
        self.q_z = nn.ModuleDict({"linear": linear(64, a.width), "linear_2": linear(a.width, 2 * a.latents)})

    def records(self, a):
        return torch.randint(0, 2, (a.batch, 64)).float()

    def noise(self, x):
        return {"z": torch.randn(len(x), self.latents)}

    def terms(self, x, noise, exact=True):
        q = normal(self.q_z.linear_2(torch.tanh(self.q_z.linear(x))))
        z = draw(q, noise["z"])
        logits = self.p_x.linear_2(torch.tanh(self.p_x.linear(z)))
        kl = standard(q) if exact else log_normal(z, *q) + 0.5 * (z**2 + math.log(2 * math.pi))
        return {"RE_x": total(bernoulli(logits, x)), "KL_z": total(kl)}


class Dmm(nn.Module):
    """models/zoo/dmm.pgm. Only what a step needs of the step before runs in a loop; all else is one call over all steps."""

    def __init__(self, a):
        super().__init__()
        w, self.length = a.width, a.length
        net = lambda: nn.ModuleDict({"linear": linear(4, w), "linear_2": linear(w, 8)})
        self.transition, self.emission = net(), net()
        self.gru, self.last = nn.GRU(8, w), nn.Parameter(0.01 * torch.randn(w))
        self.first, self.hidden, self.q = linear(w, 8), linear(4, w), linear(2 * w, 8)

    def names(self, name):
        """The name here of a parameter of ours."""
        fixed = {"b.end_1.learned.value": "last", "b.gru.input.weight": "gru.weight_ih_l0", "b.gru.input.bias": "gru.bias_ih_l0",
                 "b.gru.state.weight": "gru.weight_hh_l0", "b.gru.state.bias": "gru.bias_hh_l0"}
        for ours, theirs in [("q_z.1.linear", "first"), ("q_z.z.linear", "hidden"), ("q_z.linear", "q")]:
            name = name.replace(ours, theirs)
        return fixed.get(name, name)

    def records(self, a):
        return torch.randint(0, 2, (a.batch, self.length, 8)).float()

    def noise(self, x):
        return {"z": torch.randn(self.length, len(x), 4)}

    @staticmethod
    def run(net, h):
        return net.linear_2(F.relu(net.linear(h)))

    def terms(self, x, noise, exact=True):
        steps = x.transpose(0, 1)
        start = self.last.expand(1, len(x), -1).contiguous()
        b = self.gru(steps.flip(0), start)[0].flip(0)
        # The part of q(z[t] | ...) that reads b alone, for all steps at once.
        weight, width = self.q.weight, b.shape[2]
        of_b = F.linear(b, weight[:, width:], self.q.bias)
        of_z = weight[:, :width]
        factors = [normal(self.first(b[0]))]
        states = [draw(factors[0], noise["z"][0])]
        hidden, bias = self.hidden.weight, self.hidden.bias
        for t in range(1, self.length):
            h = torch.tanh(F.linear(states[-1], hidden, bias))
            factors.append(normal(of_b[t] + F.linear(h, of_z)))
            states.append(draw(factors[-1], noise["z"][t]))
        q = tuple(torch.stack(part) for part in zip(*factors))
        z = torch.stack(states)
        p = normal(self.run(self.transition, z[:-1]), 2)
        if exact:
            first, rest = standard((q[0][0], q[1][0])), divergence((q[0][1:], q[1][1:]), p)
        else:
            log_q = log_normal(z, *q)
            first = log_q[0] + 0.5 * (z[0] ** 2 + math.log(2 * math.pi))
            rest = log_q[1:] - log_normal(z[1:], *p)
        re = bernoulli(self.run(self.emission, z), steps)
        return {"RE_x": re.sum((0, 2)), "KL_z": first.sum(1) + rest.sum((0, 2))}


class Bottleneck(nn.ModuleList):
    def __init__(self, channels, width):
        super().__init__([conv(channels, width, 1), conv(width, width), conv(width, width), conv(width, channels, 1)])

    def forward(self, x):
        h = x
        for each in self:
            h = each(gelu(h))
        return x + h


class Block(nn.ModuleDict):
    def __init__(self, channels, width):
        super().__init__({"conv": conv(channels, width, 1), "conv_2": conv(width, width)})

    def forward(self, h):
        return gelu(self.conv_2(gelu(self.conv(gelu(h)))))


class Vdvae(nn.Module):
    """models/zoo/vdvae.pgm: 12 levels at sides 4, 8 and 16."""

    SIDES = [4] * 2 + [8] * 4 + [16] * 6
    COMPONENTS = 5

    def __init__(self, a):
        super().__init__()
        w, n = a.width, a.width // 4
        self.b16, self.b8, self.b4 = conv(3, w), Bottleneck(w, n), Bottleneck(w, n)
        self.start = nn.Parameter(0.01 * torch.randn(w, 4, 4))
        levels = range(len(self.SIDES))
        self.block_p = nn.ModuleList(Block(w, n) for _ in levels)
        self.block_q = nn.ModuleList(Block(2 * w, n) for _ in levels)
        self.e = nn.ModuleList(conv(n, 8 + w) for _ in levels)
        self.q = nn.ModuleList(conv(n, 8) for _ in levels)
        self.of_z = nn.ModuleList(conv(4, w, 1) for _ in levels)
        self.out = nn.ModuleList(Bottleneck(w, n) for _ in levels)
        self.p_x = conv(w, 10 * self.COMPONENTS)

    def names(self, name):
        """The name here of a parameter of ours."""
        parts = name.split(".")
        level = lambda text: str(int(text) - 1)
        match parts:
            case ["b", "16", "conv", *rest]:
                return ".".join(["b16", *rest])
            case ["b", side, "bottleneck", *rest]:
                return ".".join([f"b{side}", *rest])
            case ["block", number, *rest] if number.endswith("_2"):
                return ".".join(["block_q", level(number[:-2]), *rest])
            case ["block", number, *rest]:
                return ".".join(["block_p", level(number), *rest])
            case ["e", number, "conv", *rest]:
                return ".".join(["e", level(number), *rest])
            case ["h", number, "conv", *rest]:
                return ".".join(["of_z", level(number), *rest])
            case ["h", number, "bottleneck", *rest]:
                return ".".join(["out", level(number), *rest])
            case ["q_z", number, "conv", *rest]:
                return ".".join(["q", level(number), *rest])
            case ["p_x", "conv", *rest]:
                return ".".join(["p_x", *rest])
            case ["g", "1", "learned", "value"]:
                return "start"
        return name

    def records(self, a):
        return torch.randint(0, 256, (a.batch, 3, 16, 16)).float() / 255

    def noise(self, x):
        return {f"z[{l + 1}]": torch.randn(len(x), 4, side, side) for l, side in enumerate(self.SIDES)}

    def terms(self, x, noise, exact=True):
        b = {16: self.b16(x)}
        b[8] = F.avg_pool2d(self.b8(b[16]), 2)
        b[4] = F.avg_pool2d(self.b4(b[8]), 2)
        h, kl = self.start.expand(len(x), -1, -1, -1), 0.0
        for l, side in enumerate(self.SIDES):
            g = h if h.shape[2] == side else F.interpolate(h, size=side, mode="nearest")
            e = self.e[l](self.block_p[l](g))
            p, q = normal(e[:, :8]), normal(self.q[l](self.block_q[l](torch.cat([g, b[side]], 1))))
            z = draw(q, noise[f"z[{l + 1}]"])
            kl = kl + total(divergence(q, p) if exact else log_normal(z, *q) - log_normal(z, *p))
            h = self.out[l](g + e[:, 8:] + self.of_z[l](z))
        return {"RE_x": mixture(x, self.p_x(h), self.COMPONENTS), "KL_z": kl}


def mixture(x, logits, components):
    """ln p of pixels k/255 under mixtures of discretised logistics."""
    n, _, height, width = logits.shape
    weight, mean, log_s, k = logits.split([components] + [3 * components] * 3, 1)
    shape = (n, components, 3, height, width)
    mean, log_s, k = mean.view(shape), log_s.view(shape).clamp(min=-7), torch.tanh(k.view(shape))
    x, half = x.unsqueeze(1), 0.5 / 255
    mean = torch.stack([mean[:, :, 0], mean[:, :, 1] + k[:, :, 0] * x[:, :, 0],
                        mean[:, :, 2] + k[:, :, 1] * x[:, :, 0] + k[:, :, 2] * x[:, :, 1]], 2)
    scale, centred = torch.exp(-log_s), x - mean
    high, low, middle = scale * (centred + half), scale * (centred - half), scale * centred
    mass = torch.sigmoid(high) - torch.sigmoid(low)
    density = middle - log_s - 2 * F.softplus(middle) - math.log(255)
    inside = torch.where(mass > 1e-5, torch.log(mass.clamp(min=1e-12)), density)
    each = torch.where(x < half, F.logsigmoid(high), torch.where(x > 1 - half, -F.softplus(low), inside))
    return torch.logsumexp(each.sum(2) + F.log_softmax(weight, 1), 1).flatten(1).sum(1)


MODELS = {"vae": Vae, "dmm": Dmm, "vdvae": Vdvae}


def load(net, weights):
    """Weights of ours under our names, into the module; fails unless every parameter is named exactly once."""
    state, own = {}, net.state_dict()
    for name, value in weights.items():
        name = getattr(net, "names", lambda same: same)(name)
        for ours, theirs in [("weight_g", "parametrizations.weight.original0"), ("weight_v", "parametrizations.weight.original1")]:
            name = name.replace(ours, theirs)
        state[name] = value.reshape(own[name].shape) if name in own else value
    net.load_state_dict(state, strict=True)


def check(net, a):
    from safetensors.torch import load_file

    case = {name: value.double() for name, value in load_file(a.files[1]).items()}
    load(net, load_file(a.files[0]))
    net.double()
    noise = {name.removeprefix("noise/"): value for name, value in case.items() if name.startswith("noise/")}
    if a.model == "dmm":
        steps = range(1, a.length + 1)
        case["x"] = torch.stack([case[f"x[{t}]"] for t in steps], 1)
        noise = {"z": torch.stack([noise[f"z[{t}]"] for t in steps])}
    with torch.no_grad():
        terms = net.terms(case["x"], noise)
    errors = {}
    for name, theirs in terms.items():
        ours = case[f"term/{name}"]
        errors[name] = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(json.dumps(errors))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("job", choices=["train", "nll", "check"])
    p.add_argument("files", nargs="*")
    p.add_argument("--model", choices=MODELS, required=True)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--k", type=int, default=16)
    p.add_argument("--width", type=int)
    p.add_argument("--latents", type=int, default=10)
    p.add_argument("--length", type=int, default=100)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--channels-last", action="store_true")
    a = p.parse_intermixed_args()
    a.width = a.width or {"vae": 64}.get(a.model, 32)
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    net = MODELS[a.model](a)
    if a.job == "check":
        return check(net, a)
    x = net.records(a)
    if a.channels_last and x.dim() == 4:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adamax(net.parameters(), lr=2e-3, eps=1e-7)

    def train():
        optimiser.zero_grad(set_to_none=True)
        terms = net.terms(x, net.noise(x))
        (terms["KL_z"] - terms["RE_x"]).mean().backward()
        optimiser.step()

    @torch.no_grad()
    def nll():
        many = x.repeat(a.k, *[1] * (x.dim() - 1))
        terms = net.terms(many, net.noise(many), exact=False)
        weights = (terms["RE_x"] - terms["KL_z"]).view(a.k, -1)
        return (torch.logsumexp(weights, 0) - math.log(a.k)).mean().item()

    job = {"train": train, "nll": nll}[a.job]
    for _ in range(2):
        job()
    times = []
    for _ in range(a.steps):
        begun = time.perf_counter()
        job()
        times.append(time.perf_counter() - begun)
    records = a.batch * (a.k if a.job == "nll" else 1)
    print(json.dumps({"job": a.job, "model": a.model, "params": sum(t.numel() for t in net.parameters()), "batch": a.batch,
                      "min_s": min(times), "median_s": statistics.median(times), "images_per_s": records / min(times),
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
