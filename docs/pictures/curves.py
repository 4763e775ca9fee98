#!/usr/bin/env python3
"""Validation curves of run folders over seconds of training, as an SVG: curves.py NAME=RUN NAME=RUN … > curves.svg

Each point is a validation of the run (its metrics.jsonl). The axis of seconds ends where the shortest run ends.
"""
import json
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 330, 52, 12, 28, 44
COLOURS = ["#1f5fa8", "#b8501e", "#3c7a3c", "#7a3c7a"]


def points(run):
    """Seconds of training and bits/dim of every validation. A long run notes the time of every few steps only: it is interpolated."""
    known, found = [(0, 0.0)], []
    with open(f"{run}/metrics.jsonl", encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            if "seconds" in entry:
                known.append((entry["step"], entry["seconds"]))
            if "validation" in entry:
                found.append((entry["step"], entry["validation"]["nll"]))
    return [(at(known, step), value) for step, value in found if step <= known[-1][0]]


def at(known, step):
    after = next(number for number, (other, _) in enumerate(known) if other >= step)
    (first, begin), (last, end) = known[max(after - 1, 0)], known[after]
    return begin + (end - begin) * (step - first) / max(last - first, 1)


def main():
    runs = [(name, points(run)) for name, run in (argument.split("=", 1) for argument in sys.argv[1:])]
    end = min(curve[-1][0] for _, curve in runs)
    runs = [(name, [point for point in curve if point[0] <= end]) for name, curve in runs]
    values = [value for _, curve in runs for _, value in curve]
    low, high = min(values) - 0.1, max(values) + 0.1
    x = lambda seconds: LEFT + seconds / end * (WIDTH - LEFT - RIGHT)
    y = lambda value: TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    step = 0.5 if high - low < 4 else 1.0
    value = -(-low // step) * step
    while value <= high:
        print(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        print(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>')
        value += step
    every = next(size for size in (10, 30, 60, 120, 300, 600, 1800) if end / size <= 8)
    for seconds in range(0, int(end) + 1, every):
        print(f'<text x="{x(seconds):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{seconds}</text>')
    print(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">seconds of training</text>')
    print(f'<text x="{LEFT}" y="16">validation, bits/dim</text>')
    for at, (name, curve) in enumerate(runs):
        path = "L".join(f"{x(seconds):.1f} {y(value):.1f}" for seconds, value in curve)
        print(f'<path d="M{path}" fill="none" stroke="{COLOURS[at % 4]}" stroke-width="2"/>')
        print(f'<text x="{WIDTH - RIGHT - 4}" y="{TOP + 14 + 18 * at}" text-anchor="end" fill="{COLOURS[at % 4]}">{name}</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
