#!/usr/bin/env python3
"""Whether one commit is faster than another: every row of the benchmark, in alternation, with a confidence interval.

    python models/benches/guard.py BASE [HEAD] [CASE …]
    python models/benches/guard.py --programs BASE_PROGRAM HEAD_PROGRAM [CASE …]

Builds both commits in worktrees of their own below target/guard (HEAD: the one checked out), then runs `srvae-run bench`
of both in turns. A round is one run of each, the order turned in every second round, and the rounds go over all cases, so
that a slow minute falls on both. A case is JOB:MODEL:BATCH[:K][@PRESET], for instance train:vae:16 or nll:srvae:8:16@quick.

The ratio of a round is BASE's time divided by HEAD's: above 1, HEAD is faster. The table has the median of the rounds'
ratios and an interval for it that holds with the given confidence whatever the distribution of the noise: it lies between
two order statistics (the sign test). `faster` and `slower` are said only where the interval excludes 1. Ends with 1 where a
case is slower by more than --tolerance.

    --rounds N       [9] with fewer than 6, no interval has 95 %
    --cpu            compares CPU time instead of elapsed time, with one thread: for a machine that others use
    --log FILE       adds what was measured to FILE, a line of JSON a round, and counts the rounds already in it
"""
import argparse, json, math, os, pathlib, statistics, subprocess, sys

CASES = ["train:srvae:16", "train:vae:16", "generate:srvae:16", "generate:vae:16", "nll:srvae:8:16", "nll:vae:8:16",
         "train:srvae:16@quick", "train:vae:16@quick"]


def build(commit):
    """The program of a commit."""
    name = subprocess.run(["git", "rev-parse", "--short", f"{commit}^{{commit}}"], capture_output=True, text=True, check=True).stdout.strip()
    tree = pathlib.Path("target/guard", name)
    if not tree.exists():
        subprocess.run(["git", "worktree", "add", "--detach", tree, name], check=True)
    subprocess.run(["cargo", "build", "--release"], cwd=tree, check=True)
    return str(tree / "target/release/srvae-run")


def run(program, case, a):
    rest, _, preset = case.partition("@")
    job, model, batch, *k = rest.split(":")
    steps = str(a.steps * (5 if preset == "quick" else 1))
    command = [program, "bench", f"models/{model}.pgm", "--job", job, "--batch", batch, "--steps", steps, "--device", "cpu",
               "--k", k[0] if k else "16", "--preset", preset or "full", "--json"]
    threads = str(1 if a.cpu else a.threads)
    env = os.environ | {"RAYON_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)["cpu_s" if a.cpu else "min_s"]


def interval(values, confidence):
    """Order statistics that enclose the median with at least this confidence; the extremes where there are too few."""
    values, count = sorted(values), len(values)
    outside, rank = 0.0, 0
    while rank < (count - 1) // 2:
        # Both tails: the median lies below the rank's value, or above its mirror image.
        outside += 2 * math.comb(count, rank) / 2**count
        if 1 - outside - 2 * math.comb(count, rank + 1) / 2**count < confidence:
            break
        rank += 1
    reached = 1 - 2 * sum(math.comb(count, at) for at in range(rank + 1)) / 2**count
    return values[rank], values[count - 1 - rank], reached


def report(rounds, a):
    worse = False
    print(f"| case | base s | head s | ratio | interval | verdict |\n| --- | ---: | ---: | ---: | --- | --- |")
    for case in dict.fromkeys(each["case"] for each in rounds):
        here = [each for each in rounds if each["case"] == case]
        ratios = [each["base"] / each["head"] for each in here]
        low, high, reached = interval(ratios, a.confidence)
        sure = reached >= a.confidence
        verdict = "faster" if sure and low > 1 else "slower" if sure and high < 1 else "unclear"
        middle = statistics.median(ratios)
        worse |= verdict == "slower" and middle < 1 - a.tolerance
        base, head = (min(each[name] for each in here) for name in ("base", "head"))
        print(f"| {case} | {base:.4f} | {head:.4f} | **{middle:.3f}** | {low:.3f} to {high:.3f} ({100 * reached:.0f} %, "
              f"{len(here)} rounds) | {verdict} |", flush=True)
    return worse


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="*", help="BASE [HEAD] [CASE …]")
    p.add_argument("--programs", nargs=2, metavar=("BASE", "HEAD"))
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--confidence", type=float, default=0.95)
    p.add_argument("--tolerance", type=float, default=0.02)
    p.add_argument("--cpu", action="store_true")
    p.add_argument("--log")
    a = p.parse_args()
    commits = [word for word in a.what if ":" not in word]
    cases = [word for word in a.what if ":" in word] or CASES
    if len(commits) > 2 or bool(commits) == bool(a.programs):
        p.error("give one or two commits, or two programs")
    base, head = a.programs or map(build, [commits[0], *(commits[1:] or ["HEAD"])])
    rounds = []
    if a.log and os.path.exists(a.log):
        with open(a.log) as log:
            rounds = [json.loads(line) for line in log]
    for number in range(a.rounds):
        for case in cases:
            print(f"round {number + 1}: {case}", file=sys.stderr, flush=True)
            order = [("base", base), ("head", head)]
            found = {name: run(program, case, a) for name, program in (order if number % 2 == 0 else order[::-1])}
            rounds.append({"case": case, **found})
            if a.log:
                with open(a.log, "a") as log:
                    log.write(json.dumps(rounds[-1]) + "\n")
    return report(rounds, a)


if __name__ == "__main__":
    sys.exit(main())
