#!/usr/bin/env python3
"""Everything that needs a GPU, in one command: tests, the sanitizer, and the benchmark against PyTorch. Prints one table.

    python models/benches/on_gpu.py --peer PATH/peer.py [--golden DIR] [PART …]

Parts: tests, sanitizer, train, generate, nll (all of them where none is named), and `fit`, which trains on real
pictures (--data, --minutes) beside `peer.py fit`. Run it in the repository's root with a Python that has PyTorch; it builds
nothing: models/benches/pack_for_gpu.sh makes the programs it runs (--bundle) on any machine with Rust.
NVIDIA's libraries are taken from PyTorch's own wheels.
"""
import argparse
import glob
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PRECISIONS = {"f32": [], "tf32": ["--tf32"], "bf16": ["--amp", "bf16"]}
MODELS = ["srvae", "vae"]


def libraries():
    """Folders of NVIDIA's libraries in the wheels that PyTorch brought, and of the driver."""
    spec = importlib.util.find_spec("nvidia")
    roots = list(spec.submodule_search_locations) if spec else []
    found = [folder for root in roots for folder in sorted(glob.glob(f"{root}/*/lib"))]
    driver = [d for d in ("/usr/local/nvidia/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib64") if glob.glob(f"{d}/libcuda.so*")]
    return [folder for folder in found + driver if "stubs" not in folder]


def environment(extra=()):
    env = os.environ | {"LD_LIBRARY_PATH": ":".join(libraries() + [os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")}
    return env | dict(extra)


def run(command, extra=(), timeout=900):
    """Exit code, standard output and standard error; a time-out is code 124."""
    try:
        done = subprocess.run(command, env=environment(extra), capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        return 124, "", "ran out of time"


def tests(a):
    rows = []
    cases = [("kernels", "operations against the CPU", {}), ("kernels", "the same without cuDNN", {"SRVAE_CUDNN": "0"}),
             ("gpu", "whole models against the CPU", {}), ("golden", "fixtures", {"GOLDEN_DIR": "tests/fixtures"})]
    if a.golden:
        cases.append(("golden", "golden values", {"GOLDEN_DIR": a.golden}))
    for name, what, extra in cases:
        begun = time.time()
        code, out, err = run([f"{a.bundle}/test-{name}", "--test-threads=1", "--nocapture"], extra | {"SRVAE_TEST_DEVICE": "cuda"})
        skipped = out.count("skipped:")
        summary = next((line for line in out.splitlines() if line.startswith("test result")), "no result")
        rows.append((f"tests: {what}", "ok" if code == 0 and not skipped else "FAILED" if code else "SKIPPED",
                     f"{summary.removeprefix('test result: ')}; {skipped} skipped; {time.time() - begun:.0f} s"))
        if code:
            print(f"--- {name} ({what})\n{out[-6000:]}\n{err[-3000:]}", file=sys.stderr)
    return rows


def sanitizer(a):
    tool = shutil.which("compute-sanitizer") or next(iter(glob.glob("/usr/local/cuda*/bin/compute-sanitizer")), None)
    if not tool:
        return [("sanitizer", "SKIPPED", "compute-sanitizer is not on this machine")]
    rows = []
    for check in ("memcheck", "racecheck", "initcheck"):
        command = [tool, f"--tool={check}", "--error-exitcode=9", f"{a.bundle}/test-kernels", "--test-threads=1"]
        code, out, err = run(command, {"SRVAE_TEST_DEVICE": "cuda"}, timeout=400)
        summary = next((line for line in reversed((out + err).splitlines()) if "SUMMARY" in line), "no summary").strip("= ")
        rows.append((f"sanitizer: {check}", "ok" if code == 0 else "FAILED" if code == 9 else f"code {code}", summary))
        if code:
            print(f"--- {check}\n{out[-4000:]}\n{err[-2000:]}", file=sys.stderr)
    return rows


def speed(a, job, model, batch, precision):
    """Images a second of ours and of the best of PyTorch's ways."""
    steps = ["--steps", str(a.steps), "--batch", str(batch), "--k", str(a.k)]
    code, out, err = run([f"{a.bundle}/srvae-run", "bench", f"models/{model}.pgm", "--preset", a.preset, "--job", job, "--device",
                          "cuda", "--precision", precision, "--json", *steps])
    ours = json.loads(out.strip().splitlines()[-1])["images_per_s"] if code == 0 else None
    if code:
        print(f"--- {job} {model} {batch} {precision}\n{err[-2000:]}", file=sys.stderr)
    ways = [[], ["--channels-last"]]
    if job == "train":
        ways += [["--graph"], ["--channels-last", "--graph"]]
    if a.compile:
        ways += [["--compile"]]
    best, how = None, "none ran"
    for way in ways:
        command = [sys.executable, a.peer, job, "--model", model, "--device", "cuda", "--width", str(a.width), *steps,
                   *PRECISIONS[precision], *way]
        code, out, _ = run(command)
        found = json.loads(out.strip().splitlines()[-1])["images_per_s"] if code == 0 else 0.0
        if found > (best or 0.0):
            best, how = found, " ".join(way) or "eager"
    return ours, best, how


def bench(a, job):
    rows = []
    for model in MODELS:
        for batch in (32, 128) if job == "train" else (32,):
            for precision in PRECISIONS:
                ours, best, how = speed(a, job, model, batch, precision)
                ratio = f"{ours / best:.2f}x" if ours and best else "-"
                row = (f"{job} {model} batch {batch} {precision}", ratio,
                       f"{ours or float('nan'):.1f} images/s; PyTorch {best or float('nan'):.1f} ({how})")
                print(" | ".join(row), flush=True)
                rows.append(row)
    return rows


def fit(a):
    """A real run of both, for the same minutes."""
    out = pathlib.Path(os.environ.get("OUT", "gpu-runs")) / "srvae-fit"
    rows = []
    code, _, err = run([f"{a.bundle}/srvae-run", "train", "models/srvae.pgm", "--preset", a.preset, "--data", a.data, "--device", "cuda",
                        "--precision", "tf32", "--batch", "32", "--steps", "1000000", "--minutes", str(a.minutes),
                        "--validate-every", "200", "--out", str(out)], timeout=60 * a.minutes + 300)
    if code:
        print(err[-3000:], file=sys.stderr)
    if (out / "metrics.jsonl").exists():
        for line in map(json.loads, (out / "metrics.jsonl").read_text().splitlines()):
            for kind in ("validation", "test"):
                if kind in line:
                    rows.append((f"fit: srvae, step {line['step']}", f"{line[kind]['nll']:.3f}", f"{kind} bits/dim"))
    code, text, err = run([sys.executable, a.peer, "fit", "--model", "srvae", "--device", "cuda", "--tf32", "--batch", "32", "--width",
                           str(a.width), "--seconds", str(60 * a.minutes), "--steps", "-1", "--data", a.data],
                          timeout=60 * a.minutes + 300)
    if code:
        print(err[-3000:], file=sys.stderr)
    for line in map(json.loads, text.splitlines()):
        rows.append((f"fit: PyTorch, {line['seconds']} s, step {line['step']}", f"{line['test_bits_per_dim']:.3f}", "test bits/dim"))
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="*", default=["tests", "sanitizer", "train", "generate", "nll"])
    p.add_argument("--peer", default="../shared/peer/peer.py")
    p.add_argument("--golden", help="a folder of golden values, beside the fixtures of the repository")
    p.add_argument("--bundle", default="gpu-bundle")
    p.add_argument("--preset", default="full")
    p.add_argument("--width", type=float, default=1.0, help="PyTorch's width, to match another preset")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--k", type=int, default=16)
    p.add_argument("--compile", action="store_true", help="torch.compile too: minutes for each case")
    p.add_argument("--data", default="../shared/data/cifar-10-batches-bin")
    p.add_argument("--minutes", type=float, default=5.0)
    a = p.parse_args()
    code, out, _ = run([f"{a.bundle}/srvae-run", "bench", "models/vae.pgm", "--preset", "quick", "--steps", "1", "--device", "cuda"])
    if code:
        sys.exit(f"srvae-run finds no GPU:\n{run([f'{a.bundle}/srvae-run', 'bench', 'models/vae.pgm', '--device', 'cuda'])[2]}"
                 f"libraries were sought in: {':'.join(libraries())}")
    rows = []
    for part in a.parts:
        rows += {"tests": tests, "sanitizer": sanitizer, "fit": fit}.get(part, lambda a: bench(a, part))(a)
    card = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])[1].strip()
    width = max(len(row[0]) for row in rows)
    print(f"\n{card}, preset {a.preset}")
    for name, result, about in rows:
        print(f"{name:<{width}}  {result:>8}  {about}")
    if os.environ.get("OUT"):
        pathlib.Path(os.environ["OUT"], "on_gpu.json").write_text(json.dumps({"card": card, "rows": rows}, indent=1))
    sys.exit(any(row[1] in ("FAILED", "SKIPPED") for row in rows))


if __name__ == "__main__":
    main()
