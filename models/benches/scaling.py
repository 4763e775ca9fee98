#!/usr/bin/env python3
"""Predicts the efficiency of training on many ranks from a few constants: the tables of docs/scaling.md.

    models/benches/scaling.py                  the tables, as Markdown
    models/benches/scaling.py --update docs/scaling.md
"""

import argparse
import math
import re

# Parameters, and GFLOP of a training step per record (docs/performance.md, "The floor").
MODELS = {"VAE, paper's size": (34_276_364, 19.2), "srVAE, paper's size": (39_272_570, 42.9)}
RANKS = [1, 2, 8, 32, 128, 512, 1024]
# Bytes per second and seconds per message between two ranks.
NETWORKS = {
    "10 Gb/s Ethernet": (1.1e9, 30e-6),
    "100 Gb/s InfiniBand": (11e9, 2e-6),
    "NVLink or 400 Gb/s": (40e9, 2e-6),
}
# Bytes per second at which a rank reads, adds and writes numbers in its own memory.
MEMORY = 10e9


def step(model, record, network, ranks, batch, micro):
    """Seconds of a step: compute, bandwidth, latency, and the passes over memory on each rank."""
    bandwidth, latency = NETWORKS[network]
    bytes_ = 4 * model
    own = math.ceil(batch / micro / ranks) * micro
    compute = own * record
    if ranks == 1:
        return compute, 0.0, 0.0, 0.0
    # Gradients to their owners and parameters back, each once, except the part that a rank owns itself.
    moved = 2 * bytes_ * (ranks - 1) / ranks / bandwidth
    # Both as exchanges with one rank after the other, and two short gathers in log2 N rounds.
    messages = (2 * (ranks - 1) + 2 * math.ceil(math.log2(ranks))) * latency
    # The row of the gradients, the sum of N parts, and the row of the parameters.
    handled = 6 * bytes_ / MEMORY
    return compute, moved, messages, handled


# Seconds of a training step per record. CPUs: eight times the two cores of docs/performance.md. GPUs: at 20 TFLOP/s, which is
# assumed and not measured.
MACHINES = {
    "16 CPU cores per rank": lambda name: {"VAE, paper's size": 1 / (8 * 13.47), "srVAE, paper's size": 1 / (8 * 6.06)}[name],
    "one GPU at 20 TFLOP/s per rank": lambda name: MODELS[name][1] / 20e3,
}


def table(machine, network, scaling):
    lines = [
        "| ranks | " + " | ".join(MODELS) + " | largest cost beside compute |",
        "| ---: | " + " | ".join("---:" for _ in MODELS) + " | --- |",
    ]
    for ranks in RANKS:
        cells, share = [], ""
        for name, (model, _) in MODELS.items():
            record = MACHINES[machine](name)
            batch = 32 * ranks if scaling == "weak" else 1024
            micro = 32 if scaling == "weak" else 1
            one = sum(step(model, record, network, 1, batch, micro))
            parts = step(model, record, network, ranks, batch, micro)
            efficiency = one / (ranks * sum(parts))
            cells.append(f"{100 * efficiency:.0f} %")
            words = ["compute", "bandwidth", "latency", "memory"]
            share = words[max(range(1, 4), key=lambda at: parts[at])] if ranks > 1 else ""
        lines.append(f"| {ranks} | " + " | ".join(cells) + f" | {share} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", help="the page whose tables are rewritten")
    args = parser.parse_args()
    parts = []
    for machine, network, scaling in [
        ("16 CPU cores per rank", "10 Gb/s Ethernet", "weak"),
        ("16 CPU cores per rank", "100 Gb/s InfiniBand", "weak"),
        ("16 CPU cores per rank", "100 Gb/s InfiniBand", "strong"),
        ("one GPU at 20 TFLOP/s per rank", "100 Gb/s InfiniBand", "weak"),
        ("one GPU at 20 TFLOP/s per rank", "NVLink or 400 Gb/s", "strong"),
    ]:
        how = "32 records per rank" if scaling == "weak" else "a global batch of 1,024, micro-batches of 1"
        parts.append(f"{machine}, {network}, {how}:\n\n{table(machine, network, scaling)}")
    text = "\n\n".join(parts)
    if not args.update:
        print(text)
        return
    with open(args.update, encoding="utf-8") as page:
        old = page.read()
    begin, end = "<!-- scaling: begin -->", "<!-- scaling: end -->"
    new = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", old, flags=re.S)
    with open(args.update, "w", encoding="utf-8") as page:
        page.write(new)


if __name__ == "__main__":
    main()
