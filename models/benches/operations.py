#!/usr/bin/env python3
"""Layers of the catalogue beside the same layers in PyTorch, in turns on the same machine.

    cargo build --release --workspace --bench operations
    python models/benches/operations.py --program target/release/deps/operations-… --python PYTHON_WITH_TORCH

A round runs runtime/benches/operations.rs, then PyTorch. Each gives the minimum time of a layer; the table has the medians of the
rounds. The recurrences are 64 steps: ours step by step, as a model computes them, and PyTorch's in one call of nn.GRU and nn.LSTM. Layers with
weight normalisation (attention, masked_conv) have it in PyTorch too.

    --update DOC     put the table into DOC, between the two lines that name it
"""
import argparse, json, math, os, platform, statistics, subprocess, sys, time

BEGIN, END = "<!-- operations: begin -->", "<!-- operations: end -->"
BUDGET, STEPS = 0.3, 64


def cases():
    import torch
    from torch import nn
    from torch.nn import functional as F

    weighted = nn.utils.parametrizations.weight_norm

    class Attention(nn.Module):
        def __init__(self, channels, heads):
            super().__init__()
            self.project = weighted(nn.Conv2d(channels, 3 * channels, 1))
            self.mix, self.heads = weighted(nn.Conv2d(channels, channels, 1)), heads

        def forward(self, x):
            n, c, h, w = x.shape
            q, k, v = self.project(x).view(n, 3, self.heads, c // self.heads, h * w).transpose(3, 4).unbind(1)
            return self.mix(F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(n, c, h, w))

    class MapNorm(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.norm = nn.LayerNorm(channels)

        def forward(self, x):
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Masked(nn.Module):
        def __init__(self, inputs, outputs, kernel):
            super().__init__()
            self.conv = weighted(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))
            seen = torch.arange(kernel * kernel) <= kernel * kernel // 2
            self.register_buffer("mask", seen.float().view(1, 1, kernel, kernel))

        def forward(self, x):
            return F.conv2d(x, self.conv.weight * self.mask, self.conv.bias, padding=self.conv.padding)

    class Recurrence(nn.Module):
        def __init__(self, cell):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            return self.cell(x)[0][-1]

    def depthwise(channels, kernel):
        return nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)

    return {
        "group_norm": (nn.GroupNorm(8, 128), (16, 128, 16, 16)),
        "layer_norm": (nn.LayerNorm(512), (1024, 512)),
        "layer_norm_map": (MapNorm(128), (16, 128, 16, 16)),
        "attention_16x16": (Attention(128, 4), (8, 128, 16, 16)),
        "attention_32x32": (Attention(64, 4), (4, 64, 32, 32)),
        "gru": (Recurrence(nn.GRU(128, 256)), (STEPS, 32, 128)),
        "lstm": (Recurrence(nn.LSTM(128, 256)), (STEPS, 32, 128)),
        "masked_conv_5": (Masked(64, 64, 5), (8, 64, 32, 32)),
        "depthwise_conv_3": (depthwise(128, 3), (8, 128, 32, 32)),
        "depthwise_conv_5": (depthwise(256, 5), (8, 256, 16, 16)),
    }


def fastest(work):
    work()
    begun, least = time.perf_counter(), math.inf
    while time.perf_counter() - begun < BUDGET:
        call = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - call)
    return least


def peer(threads):
    """Prints what PyTorch needs, in the form of our program."""
    import torch

    torch.set_num_threads(threads)
    result = {"torch": torch.__version__}
    for name, (module, shape) in cases().items():
        x = torch.randn(shape)

        with torch.no_grad():
            weights = torch.randn_like(module(x))

        def forward():
            with torch.no_grad():
                module(x)

        def gradient():
            module.zero_grad(set_to_none=True)
            module(x.detach().requires_grad_()).backward(weights)

        result[name] = {"forward_s": fastest(forward), "gradient_s": fastest(gradient)}
    print(json.dumps(result))


def run(command, threads):
    env = os.environ | {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(rounds, threads):
    lines = [f"{threads} threads, {platform.system()}; PyTorch {rounds[0][1]['torch']}; medians of {len(rounds)} rounds, in milliseconds.",
             "", "| layer | forward | PyTorch | ratio | both passes | PyTorch | ratio |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name in rounds[0][0]:
        cells = []
        for key in ("forward_s", "gradient_s"):
            ours, theirs = (statistics.median(r[side][name][key] for r in rounds) for side in (0, 1))
            ratio = statistics.median(theirs[name][key] / ours[name][key] for ours, theirs in rounds)
            cells += [f"{1e3 * ours:.2f}", f"{1e3 * theirs:.2f}", f"**{ratio:.2f}x**"]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program")
    p.add_argument("--python", default=sys.executable)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--update", metavar="DOC")
    p.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.peer:
        return peer(a.threads)
    theirs = [a.python, os.path.abspath(__file__), "--peer", "--threads", str(a.threads)]
    rounds = [(run([a.program], a.threads), run(theirs, a.threads)) for _ in range(a.rounds)]
    text = table(rounds, a.threads)
    print(text)
    if a.update:
        with open(a.update, encoding="utf-8") as doc:
            before, rest = doc.read().split(BEGIN)
        after = rest.split(END)[1]
        with open(a.update, "w", encoding="utf-8") as doc:
            doc.write(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
