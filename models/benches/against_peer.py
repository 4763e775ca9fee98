#!/usr/bin/env python3
"""srvae-run and a PyTorch program with the same models, in turns on the same machine; prints the ratios.

    python models/benches/against_peer.py --peer PATH/peer.py [--python PYTHON_WITH_TORCH] [--rounds 3] [CASE …]

A case is JOB:MODEL:BATCH[:K], for instance train:srvae:16 or nll:srvae:8:16. Each round runs srvae-run, then PyTorch
eager, then PyTorch channels_last; the best of PyTorch's two counts, and the median of the rounds' ratios is printed.
The program must have been built before: cargo build --release.
"""
import argparse, json, os, statistics, subprocess, sys

CASES = ["train:srvae:16", "train:vae:16", "generate:srvae:16", "generate:vae:16", "nll:srvae:8:16"]


def run(command, threads):
    env = os.environ | {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases", nargs="*", default=CASES)
    p.add_argument("--peer", required=True)
    p.add_argument("--python", default=sys.executable)
    p.add_argument("--program", default="target/release/srvae-run")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--preset", default="full")
    p.add_argument("--width", type=float, default=1.0, help="PyTorch's width, to match another preset")
    a = p.parse_args()
    print(f"{'case':<20}{'srvae/s':>10}{'torch/s':>10}{'ratio':>8}{'memory':>8}   rounds")
    for case in a.cases:
        job, model, batch, *k = case.split(":")
        k = k[0] if k else "16"
        ratios, ours_all, torch_all, memory = [], [], [], []
        for _ in range(a.rounds):
            ours = run([a.program, "bench", f"models/{model}.pgm", "--job", job, "--batch", batch, "--steps", str(a.steps),
                        "--k", k, "--preset", a.preset, "--device", "cpu", "--json"], a.threads)
            peer = [a.python, a.peer, job, "--model", model, "--batch", batch, "--steps", str(a.steps), "--k", k,
                    "--width", str(a.width), "--threads", str(a.threads)]
            best = max((run(peer + extra, a.threads) for extra in ([], ["--channels-last"])), key=lambda r: r["images_per_s"])
            ratios.append(ours["images_per_s"] / best["images_per_s"])
            memory.append(ours["peak_bytes"] / best["peak_bytes"])
            ours_all.append(ours["images_per_s"])
            torch_all.append(best["images_per_s"])
        print(f"{case:<20}{statistics.median(ours_all):>10.2f}{statistics.median(torch_all):>10.2f}"
              f"{statistics.median(ratios):>7.2f}x{statistics.median(memory):>7.2f}x   "
              + " ".join(f"{r:.2f}" for r in ratios), flush=True)


if __name__ == "__main__":
    main()
