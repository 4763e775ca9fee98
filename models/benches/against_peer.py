#!/usr/bin/env python3
"""srvae-run and a PyTorch program with the same models, in turns on the same machine.

    python models/benches/against_peer.py --peer PATH/peer.py --python PYTHON_WITH_TORCH [CASE …]

A case is JOB:MODEL:BATCH[:K][@PRESET], for instance train:srvae:16, nll:srvae:8:16 or train:srvae:32@quick; models of models/zoo
are zoo/NAME, and their PyTorch is peers/twins.py beside this file. A round runs srvae-run, then PyTorch eager, then PyTorch
channels_last; the better of PyTorch's two counts, and the table has the median of the rounds' ratios. Build first: cargo build --release.

    --short          one round of two steps: no case takes two minutes
    --log FILE       add what was measured to FILE, a line of JSON a round; the table is of all rounds in it
    --table          measure nothing: the table of what --log FILE holds
    --update DOC     put the table into DOC, between the two lines that name it

All that docs/performance.md shows, again:

    python models/benches/against_peer.py --peer PATH/peer.py --python PYTHON --log numbers.jsonl --update docs/performance.md
"""
import argparse, collections, json, os, platform, statistics, subprocess, sys

CASES = ["train:srvae:16", "train:vae:16", "generate:srvae:16", "generate:vae:16", "nll:srvae:8:16",
         "train:srvae:16@quick", "train:srvae:32@quick", "train:vae:16@quick", "train:zoo/vae:128", "train:zoo/dmm:32", "train:zoo/vdvae:32"]
WIDTHS = {"full": 1.0, "quick": 0.125}
# Sizes of the zoo's models here, by the names of the twins' options: as in the papers where the file has a smaller one.
SIZES = {"zoo/vae": {"width": 500, "latents": 20}, "zoo/dmm": {"length": 100}, "zoo/vdvae": {"width": 64}}
TWINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", "twins.py")
BEGIN, END = "<!-- against_peer: begin -->", "<!-- against_peer: end -->"
# Peak of a large product in f32, and of a copy, which reads and writes: what the floor is computed from.
PEAK = """
import sys, time, json, torch
torch.set_num_threads(int(sys.argv[1]))
def best(work):
    times = []
    for _ in range(12):
        begun = time.perf_counter(); work(); times.append(time.perf_counter() - begun)
    return min(times)
a, b, c = torch.rand(2048, 2048), torch.rand(2048, 2048), torch.empty(2048, 2048)
x, y = torch.rand(1 << 26), torch.empty(1 << 26)
print(json.dumps({"flops": 2 * 2048**3 / best(lambda: torch.mm(a, b, out=c)),
                  "bytes": 2 * 4 * x.numel() / best(lambda: y.copy_(x)), "torch": torch.__version__}))
"""


def run(command, threads):
    env = os.environ | {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    text = done.stdout.strip()
    # One object over several lines, or on the last line alone.
    return json.loads(text if text.startswith("{") else text.splitlines()[-1])


def parts(case):
    rest, _, preset = case.partition("@")
    job, model, batch, *k = rest.split(":")
    return job, model, batch, k[0] if k else "16", preset or "full"


def chosen(model, preset):
    """What chooses a model's size on our command line."""
    if model not in SIZES:
        return ["--preset", preset]
    return [word for name, size in SIZES[model].items() for word in ("--set", f"{'T' if name == 'length' else name}={size}")]


def measure(case, a):
    """One round: our speed, PyTorch's two, the memory of each. The steps of small models are short, so five times as many."""
    job, model, batch, k, preset = parts(case)
    steps = str(a.steps * (5 if preset == "quick" or model in SIZES else 1))
    ours = run([a.program, "bench", f"models/{model}.pgm", "--job", job, "--batch", batch, "--steps", steps,
                "--k", k, *chosen(model, preset), "--device", "cpu", "--json"], a.threads)
    if model in SIZES:
        peer = [a.python, TWINS, job, "--model", model.removeprefix("zoo/")]
        peer += [word for name, size in SIZES[model].items() for word in (f"--{name}", str(size))]
    else:
        peer = [a.python, a.peer, job, "--model", model, "--width", str(WIDTHS[preset]), "--least", "1"]
    peer += ["--batch", batch, "--steps", steps, "--k", k, "--threads", str(a.threads)]
    eager, last = (run(peer + extra, a.threads) for extra in ([], ["--channels-last"]))
    return {"case": case, "ours": ours, "eager": eager, "channels_last": last}


def work(case, program):
    """Operations and bytes an image that no implementation by direct convolutions does without."""
    job, model, batch, _, preset = parts(case)
    told = run([program, "explain", f"models/{model}.pgm", *chosen(model, preset), "--json"], 1)
    macs = {network["owner"]: network["multiply_accumulates"] for network in told["networks"]}
    if job == "train":
        # forward, and twice that backward; activations written once and read twice, parameters and moments at every step
        return 6 * sum(macs.values()), 3 * told["budget"]["training_bytes_an_image"] + 40 * told["parameters"] / int(batch)
    return 2 * sum(n for owner, n in macs.items() if owner.startswith("p(")), told["budget"]["evaluation_bytes_an_image"]


def processor():
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(rounds, machine, program):
    cases = collections.OrderedDict()
    for each in rounds:
        cases.setdefault(each["case"], []).append(each)
    flops, rate = machine["flops"], machine["bytes"]
    lines = [f"{machine['processor']}, {machine['threads']} threads, {machine['system']}; PyTorch {machine['torch']}. Its largest "
             f"f32 product runs at {flops / 1e9:.0f} GFLOP/s, a copy at {rate / 1e9:.1f} GB/s.", "",
             "| case | srvae | PyTorch eager | channels_last | ratio | rounds | memory | floor |",
             "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |"]
    for case, all_rounds in cases.items():
        speed = lambda name: statistics.median(r[name]["images_per_s"] for r in all_rounds)
        best = [max((r["eager"], r["channels_last"]), key=lambda peer: peer["images_per_s"]) for r in all_rounds]
        ratios = [r["ours"]["images_per_s"] / peer["images_per_s"] for r, peer in zip(all_rounds, best)]
        memory = statistics.median(r["ours"]["peak_bytes"] / peer["peak_bytes"] for r, peer in zip(all_rounds, best))
        operations, moved = work(case, program)
        floor = 1 / max(operations / flops, moved / rate)
        lines.append(f"| {case} | {speed('ours'):.2f} | {speed('eager'):.2f} | {speed('channels_last'):.2f} | "
                     f"**{statistics.median(ratios):.2f}x** | {' '.join(f'{r:.2f}' for r in ratios)} | {memory:.2f}x | {floor:.1f} |")
    lines += ["", "Seconds of a step by kind of operation, in the fastest round:", "", "| case | |", "| --- | --- |"]
    for case, all_rounds in cases.items():
        ours = max((r["ours"] for r in all_rounds), key=lambda r: r["images_per_s"])
        shares = sorted(ours["breakdown"].items(), key=lambda share: -share[1])
        lines.append(f"| {case} | {', '.join(f'{kind} {s:.3f}' for kind, s in shares if s > 0.01 * ours['median_s'])} |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases", nargs="*", default=CASES)
    p.add_argument("--peer")
    p.add_argument("--python", default=sys.executable)
    p.add_argument("--program", default="target/release/srvae-run")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--short", action="store_true")
    p.add_argument("--log")
    p.add_argument("--table", action="store_true")
    p.add_argument("--update", metavar="DOC")
    a = p.parse_args()
    if a.short:
        a.rounds, a.steps = 1, 2
    if not (a.table and a.log) and not a.peer:
        p.error("--peer is needed, the PyTorch program; or --table with --log")
    machine, rounds = None, []
    if not a.table:
        machine = {"processor": processor(), "threads": a.threads, "system": f"{platform.system()} {platform.machine()}"}
        machine |= run([a.python, "-c", PEAK, str(a.threads)], a.threads)
        lines = [{"machine": machine}]
        # Round by round over all cases, so that a slow minute of the machine does not fall on one of them.
        for number in range(a.rounds):
            for case in a.cases:
                print(f"round {number + 1}: {case}", file=sys.stderr, flush=True)
                rounds.append(measure(case, a))
                lines.append(rounds[-1])
        if a.log:
            with open(a.log, "a") as log:
                log.writelines(json.dumps(line) + "\n" for line in lines)
    if a.log:
        with open(a.log) as log:
            lines = [json.loads(line) for line in log]
        rounds = [line for line in lines if "case" in line]
        # The machine at its best: other programs may have slowed one measurement.
        machine = max((line["machine"] for line in lines if "machine" in line), key=lambda m: m["flops"])
    text = table(rounds, machine, a.program)
    print(text)
    if a.update:
        with open(a.update) as doc:
            before, _, rest = doc.read().partition(BEGIN)
        _, found, after = rest.partition(END)
        if not found:
            sys.exit(f"{a.update} lacks the lines {BEGIN} and {END}")
        with open(a.update, "w") as doc:
            doc.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
