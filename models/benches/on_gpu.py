#!/usr/bin/env python3
"""Everything that needs a GPU, in one command: tests, the sanitizer, and the benchmark against PyTorch. Prints one table.

    python3 models/benches/on_gpu.py                         everything but `fit`, one case after the other
    python3 models/benches/on_gpu.py --seconds 540 …         as many cases as fit in that time; again: the next ones
    python3 models/benches/on_gpu.py fit --minutes 3         a real run beside `peer.py fit`
    python3 models/benches/on_gpu.py table                   the table of what the log holds; needs no GPU
    python3 models/benches/on_gpu.py --dry-run               the commands, run nowhere

Parts: tests, sanitizer, ours, peer, compile, generate, nll, fit, table. Every case is one command of at most four minutes
(`fit`: of what it is given and four more) and one line of JSON in the log (--log). What the log has is not run again,
unless it ran out of time, so the parts can be commands of their own, on several machines. Run it in the repository's root
with a Python that has PyTorch; it builds nothing and fetches nothing: models/benches/pack_for_gpu.sh makes the bundle on
any machine with Rust. NVIDIA's libraries come from PyTorch's own wheels.
"""
import argparse
import glob
import importlib.util
import itertools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile
import time

PRECISIONS = {"f32": [], "tf32": ["--tf32"], "bf16": ["--amp", "bf16"]}
MODELS = ["srvae", "vae"]
PARTS = ["tests", "sanitizer", "ours", "peer", "compile", "generate", "nll", "fit", "table"]
LONGEST = 240


def libraries():
    """Folders of NVIDIA's libraries in the wheels that PyTorch brought, and of the driver."""
    spec = importlib.util.find_spec("nvidia")
    roots = list(spec.submodule_search_locations) if spec else []
    found = [folder for root in roots for folder in sorted(glob.glob(f"{root}/*/lib"))]
    places = ("/usr/local/nvidia/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib64")
    driver = [place for place in places if glob.glob(f"{place}/libcuda.so*")]
    return [folder for folder in found + driver if "stubs" not in folder]


def run(command, extra=(), timeout=LONGEST):
    """Exit code, standard output and standard error; a time-out is code 124, a program that is missing 127."""
    path = ":".join(libraries() + [os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")
    try:
        done = subprocess.run(command, env=os.environ | {"LD_LIBRARY_PATH": path} | dict(extra), capture_output=True,
                              text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        text = [part.decode(errors="replace") if isinstance(part, bytes) else part or "" for part in (late.stdout, late.stderr)]
        return 124, text[0], text[1] + f"\nran out of {timeout:.0f} s"
    except OSError as missing:
        return 127, "", str(missing)


def last_json(text):
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {}


class Case:
    """One command: a key that names it in the log, and how its outcome is read."""

    def __init__(self, part, key, command, read, extra=(), timeout=LONGEST):
        self.part, self.key, self.command, self.read, self.extra, self.timeout = part, key, command, read, dict(extra), timeout

    def result(self):
        begun = time.time()
        code, out, err = run(self.command, self.extra, self.timeout)
        line = {"part": self.part, "key": self.key, "code": code, "seconds": round(time.time() - begun, 1)}
        line |= self.read(code, out, err)
        if code:
            line["error"] = (out[-1500:] + err[-1500:]).strip()
        return line


def speed(code, out, _):
    """Of what prints a benchmark's line."""
    return {"images_per_s": last_json(out).get("images_per_s") if code == 0 else None}


def summary(_, out, err):
    found = [line.removeprefix("test result: ") for line in out.splitlines() if line.startswith("test result")]
    return {"skipped": (out + err).count("skipped:"), "summary": found[-1] if found else "no result"}


def verdict(_, out, err):
    found = [line for line in (out + err).splitlines() if "SUMMARY" in line]
    return {"summary": found[-1].strip("= ") if found else "no summary"}


def tests(a):
    golden = [("golden", "fixtures", {"GOLDEN_DIR": "tests/fixtures"})]
    if a.golden:
        golden.append(("golden", "golden values", {"GOLDEN_DIR": a.golden}))
    cases = [("kernels", "operations against the CPU", {}), ("kernels", "the same without cuDNN", {"SRVAE_CUDNN": "0"}),
             ("gpu", "whole models against the CPU", {}), *golden]
    for name, what, extra in cases:
        yield Case("tests", what, [f"{a.bundle}/test-{name}", "--test-threads=1", "--nocapture"], summary,
                   extra | {"SRVAE_TEST_DEVICE": "cuda", "RUST_BACKTRACE": "0"})


def sanitizer(a):
    tool = shutil.which("compute-sanitizer") or next(iter(glob.glob("/usr/local/cuda*/bin/compute-sanitizer")), None)
    for check in ("memcheck", "racecheck", "initcheck", "synccheck"):
        command = [tool or "compute-sanitizer", f"--tool={check}", "--error-exitcode=9", f"{a.bundle}/test-kernels", "--test-threads=1"]
        # Without cuDNN: its trials of algorithms would take most of the time.
        yield Case("sanitizer", check, command, verdict, {"SRVAE_TEST_DEVICE": "cuda", "SRVAE_CUDNN": "0"})


def settings(jobs):
    """Job, model, batch and precision of every row of the table."""
    for job, model in itertools.product(jobs, MODELS):
        for batch, precision in itertools.product((32, 128) if job == "train" else (32,), PRECISIONS):
            yield job, model, batch, precision


def numbers(a, batch):
    return ["--steps", str(a.steps), "--batch", str(batch), "--k", str(a.k)]


def ours(a, jobs=("train",)):
    for job, model, batch, precision in settings(jobs):
        for way in [[], ["--graph"]] if job == "train" else [[]]:
            command = [f"{a.bundle}/srvae-run", "bench", f"models/{model}.pgm", "--preset", a.preset, "--job", job, "--device",
                       "cuda", "--precision", precision, "--json", *numbers(a, batch), *way]
            yield Case("ours", [job, model, batch, precision, " ".join(way) or "eager"], command, speed)


def peer(a, jobs=("train",), ways=None):
    for job, model, batch, precision in settings(jobs):
        layouts = [[], ["--channels-last"]]
        graphs = [layout + ["--graph"] for layout in layouts] if job == "train" else []
        for way in ways or layouts + graphs:
            command = [sys.executable, a.peer, job, "--model", model, "--device", "cuda", "--width", str(a.width),
                       *numbers(a, batch), *PRECISIONS[precision], *way]
            yield Case("peer", [job, model, batch, precision, " ".join(way) or "eager"], command, speed)


def compiled(a):
    """torch.compile: a minute or more for each."""
    yield from peer(a, ways=[["--compile"]])


def both(a, job):
    yield from ours(a, (job,))
    yield from peer(a, (job,))


def curve(_, out, __):
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {"curve": [(line["seconds"], line["step"], line["test_bits_per_dim"]) for line in lines]}


def fit(a):
    """A real run of both, for the same minutes: ours in stretches, each of which ends with the test pictures."""
    folder = pathlib.Path(a.log).parent / "gpu-fit"
    timeout = 60 * a.minutes + 240

    def measured(*_):
        found = []
        if (folder / "metrics.jsonl").exists():
            seconds = 0.0
            for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
                seconds = line.get("seconds", seconds)
                if "test" in line:
                    found.append((round(seconds, 1), line["step"], line["test"]["nll"]))
        return {"curve": found}

    common = ["--device", "cuda", "--precision", "tf32", "--steps", "1000000", "--minutes", str(a.minutes / a.stretches),
              "--validate-every", "1000000", "--checkpoint-every", "1000000", *(["--graph"] if a.graph else [])]
    train = [f"{a.bundle}/srvae-run", "train"]
    first = [*train, "models/srvae.pgm", "--preset", a.preset, "--data", a.data, "--augment", "false", "--batch", "32", "--out", folder, *common]
    more = [*train, "--resume", folder, *common]
    stretches = [["rm", "-rf", folder], first] + [more] * (a.stretches - 1)
    yield Case("fit", ["ours"], ["sh", "-c", " && ".join(shlex.join(map(str, command)) for command in stretches)], measured,
               timeout=timeout)
    command = [sys.executable, a.peer, "fit", "--model", "srvae", "--device", "cuda", "--tf32", "--batch", "32", "--width",
               str(a.width), "--seconds", str(60 * a.minutes), "--steps", "-1", "--data", a.data]
    yield Case("fit", ["PyTorch"], command, curve, timeout=timeout)


def cases(a):
    parts = {"tests": tests, "sanitizer": sanitizer, "ours": ours, "peer": peer, "compile": compiled,
             "generate": lambda a: both(a, "generate"), "nll": lambda a: both(a, "nll"), "fit": fit, "table": lambda _: ()}
    for part in a.parts:
        yield from parts[part](a)


def read_log(path):
    """The last line of every case."""
    lines = pathlib.Path(path).read_text().splitlines() if pathlib.Path(path).exists() else []
    found = {}
    for line in lines:
        try:
            line = json.loads(line)
            found[json.dumps([line["part"], line["key"]])] = line
        except (ValueError, KeyError):
            continue  # cut short when a machine was taken back
    return found


def table(a, found):
    rows = []
    lines = list(found.values())
    for line in lines:
        if line["part"] == "tests":
            outcome = "FAILED" if line["code"] else "SKIPPED" if line["skipped"] else "ok"
            rows.append((f"tests: {line['key']}", outcome, f"{line['summary']}; {line['skipped']} skipped; {line['seconds']} s"))
        if line["part"] == "sanitizer":
            outcome = {0: "ok", 9: "FAILED", 124: "too long", 127: "no tool"}.get(line["code"], f"code {line['code']}")
            rows.append((f"sanitizer: {line['key']}", outcome, line["summary"]))
    for job, model, batch, precision in settings(("train", "generate", "nll")):
        sides = {part: [line for line in lines if line["part"] == part and line["key"][:4] == [job, model, batch, precision]]
                 for part in ("ours", "peer")}
        if not any(sides.values()):
            continue
        best = {part: max((line for line in side if line["images_per_s"]), key=lambda line: line["images_per_s"], default=None)
                for part, side in sides.items()}
        said = [f"{name} {best[part]['images_per_s']:.1f} images/s ({best[part]['key'][4]}, best of {len(sides[part])})"
                if best[part] else f"{name}: {'none ran' if sides[part] else 'not measured'}"
                for part, name in (("ours", "ours"), ("peer", "PyTorch"))]
        both_ran = best["ours"] and best["peer"]
        ratio = f"{best['ours']['images_per_s'] / best['peer']['images_per_s']:.2f}x" if both_ran else "-"
        ratio = "FAILED" if sides["ours"] and not best["ours"] else ratio
        rows.append((f"{job} {model} batch {batch} {precision}", ratio, "; ".join(said)))
    for line in lines:
        for seconds, step, bits in line.get("curve", []):
            rows.append((f"fit: {line['key'][0]}, {seconds} s, step {step}", f"{bits:.3f}", "test bits/dim"))
    if not rows:
        return rows
    card = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])[1].strip() or "no GPU here"
    width = max(len(row[0]) for row in rows)
    print(f"\n{card}; preset {a.preset}")
    for name, result, about in rows:
        print(f"{name:<{width}}  {result:>8}  {about}")
    return rows


def there(*places):
    """The first of these that exists, else the first."""
    return next((place for place in places if pathlib.Path(place).exists()), places[0])


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="*", metavar="PART", help="default: all but compile and fit")
    p.add_argument("--bundle", default="gpu-bundle", help="a folder, or beside it BUNDLE.tar.xz, which is unpacked")
    p.add_argument("--log", default="runs/gpu.jsonl", help="what was measured; copied to $OUT, where that is set")
    p.add_argument("--seconds", type=float, default=float("inf"), help="start no case that might end after them")
    p.add_argument("--again", action="store_true", help="run what the log has, too")
    p.add_argument("--dry-run", action="store_true", help="print the commands that would be run")
    p.add_argument("--peer", help="peer.py [default: BUNDLE/with/peer.py or ../shared/peer/peer.py]")
    p.add_argument("--golden", help="golden values [default: BUNDLE/with/golden or ../shared/golden, where there is one]")
    p.add_argument("--data", help="CIFAR-10 [default: BUNDLE/with/cifar-10-batches-bin or the one in ../shared/data]")
    p.add_argument("--preset", default="full")
    p.add_argument("--width", type=float, default=1.0, help="PyTorch's width, to match another preset")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--k", type=int, default=16)
    p.add_argument("--minutes", type=float, default=3.0, help="of each side of `fit`")
    p.add_argument("--graph", action="store_true", help="record our step as a CUDA graph in `fit`")
    p.add_argument("--stretches", type=int, default=4, help="points of our curve in `fit`")
    a = p.parse_args()
    unknown = [part for part in a.parts if part not in PARTS]
    if unknown:
        p.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    a.parts = a.parts or [part for part in PARTS if part not in ("compile", "fit")]
    return a


def defaults(a):
    """What is where, once the bundle is unpacked."""
    packed = pathlib.Path(f"{a.bundle}.tar.xz")
    program = pathlib.Path(a.bundle, "srvae-run")
    if packed.exists() and (not program.exists() or program.stat().st_mtime < packed.stat().st_mtime):
        with tarfile.open(packed) as tar:
            tar.extractall(pathlib.Path(a.bundle).parent, filter="data")
        program.touch()
    a.peer = a.peer or there(f"{a.bundle}/with/peer.py", "../shared/peer/peer.py")
    golden = there(f"{a.bundle}/with/golden", "../shared/golden")
    a.golden = a.golden or (golden if pathlib.Path(golden).exists() else None)
    a.data = a.data or there(f"{a.bundle}/with/cifar-10-batches-bin", "../shared/data/cifar-10-batches-bin")


def measure(a):
    begun, left = time.time(), 0
    found = read_log(a.log)
    pathlib.Path(a.log).parent.mkdir(parents=True, exist_ok=True)
    for case in cases(a):
        key = json.dumps([case.part, case.key])
        if key in found and found[key]["code"] != 124 and not a.again:
            continue
        if time.time() - begun + case.timeout > a.seconds and time.time() - begun > a.seconds / 2:
            # Late, a case must be sure to fit; early, most end long before their limit.
            case.timeout = a.seconds - (time.time() - begun) - 5
            if case.timeout < 30:
                left += 1
                continue
        line = case.result()
        found[key] = line
        with open(a.log, "a") as log:
            log.write(json.dumps(line) + "\n")
        print(f"{case.part}: {case.key}: {line.get('images_per_s') or line.get('summary') or line['code']} ({line['seconds']} s)",
              flush=True)
        if line["code"]:
            print(f"--- {' '.join(map(str, case.command))}\n{line['error']}", file=sys.stderr)
    if left:
        print(f"{left} cases are left: the same command again goes on with them")
    return found


def main():
    a = arguments()
    defaults(a)
    if a.dry_run:
        for case in cases(a):
            print(" ".join([*(f"{name}={value}" for name, value in case.extra.items()), *map(str, case.command)]))
        return 0
    if a.parts != ["table"]:
        probe = [f"{a.bundle}/srvae-run", "bench", "models/vae.pgm", "--preset", "quick", "--steps", "1", "--batch", "2", "--device", "cuda"]
        code, _, err = run(probe)
        if code:
            print(f"srvae-run finds no GPU:\n{err.strip()}\nlibraries were sought in: {':'.join(libraries()) or 'no folder'}\n"
                  f"`on_gpu.py table` prints what {a.log} holds", file=sys.stderr)
            return 2
    rows = table(a, read_log(a.log) if a.parts == ["table"] else measure(a))
    if not rows:
        print(f"{a.log} holds nothing yet")
    if os.environ.get("OUT") and pathlib.Path(a.log).exists():
        shutil.copy(a.log, pathlib.Path(os.environ["OUT"], "gpu.jsonl"))
    return any(row[1] in ("FAILED", "SKIPPED") for row in rows)


if __name__ == "__main__":
    sys.exit(main())
