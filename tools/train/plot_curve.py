#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the held-out figures of one or several runs over the pictures seen: plot_curve.py OUT.svg NAME=LOG.csv...

  --column NAME    another column of the logs (default held_tar_1e-3)
  --baseline Y=TEXT    a dashed line, such as 0.945=teacher; may be repeated
  --join           one run after the other: each log's pictures are counted on from the last one's

The logs are the trainers' (embedder's --log, gpu's --log). Plain SVG, no libraries.
"""
import argparse
import csv
import html
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 820, 440, 64, 180, 24, 52
COLOURS = ("#1f6fb4", "#c8501e", "#2e8b57", "#8a4fa3", "#8c6d1f", "#444444")


def read(path, column):
    with open(path, newline="") as file:
        return [(float(r["images"]), float(r[column]), r["px"]) for r in csv.DictReader(file) if r.get(column)]


def ticks(low, high, wanted=6):
    """Round numbers from low to high."""
    rough = (high - low) / wanted
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def count_text(n):
    return f"{n / 1e6:g} M" if n >= 1e6 else f"{n / 1e3:g} k" if n else "0"


class Plot:
    def __init__(self, x_high, y_low, y_high):
        self.x_high, self.y_low, self.y_high = x_high, y_low, y_high
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                      'font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']

    def x(self, value):
        return LEFT + value / self.x_high * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return TOP + (self.y_high - value) / (self.y_high - self.y_low) * (HEIGHT - TOP - BOTTOM)

    def line(self, x1, y1, x2, y2, colour="#dddddd", dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>')

    def text(self, x, y, text, anchor="start", colour="#222222"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
                          f'{html.escape(text)}</text>')

    def grid(self, label):
        for value in ticks(0, self.x_high):
            self.line(self.x(value), TOP, self.x(value), HEIGHT - BOTTOM)
            self.text(self.x(value), HEIGHT - BOTTOM + 18, count_text(value), "middle")
        for value in ticks(self.y_low, self.y_high):
            self.line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value))
            self.text(LEFT - 8, self.y(value) + 4, f"{value:.3g}", "end")
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "pictures seen", "middle")
        self.text(LEFT, TOP - 8, label)

    def curve(self, name, points, colour, slot):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y, _ in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y, _ in points:
            self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>')
        best = max(y for _, y, _ in points)
        self.text(WIDTH - RIGHT + 12, TOP + 14 + 32 * slot, name, colour=colour)
        self.text(WIDTH - RIGHT + 12, TOP + 28 + 32 * slot, f"best {best:.4f}, last {points[-1][1]:.4f}", colour=colour)

    def write(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.parts + ["</svg>"]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("logs", nargs="+", metavar="NAME=LOG.csv")
    parser.add_argument("--column", default="held_tar_1e-3")
    parser.add_argument("--baseline", action="append", default=[])
    parser.add_argument("--join", action="store_true")
    a = parser.parse_args()
    runs, start = [], 0.0
    for entry in a.logs:
        name, _, path = entry.rpartition("=")
        points = [(x + start, y, px) for x, y, px in read(path, a.column)]
        if not points:
            raise SystemExit(f"plot_curve.py: {path}: no {a.column}")
        runs.append((name or path, points))
        start = points[-1][0] if a.join else 0.0
    lines = [(float(b.split("=")[0]), b.split("=", 1)[1]) for b in a.baseline]
    values = [y for _, points in runs for _, y, _ in points] + [y for y, _ in lines]
    room = max(0.05 * (max(values) - min(values)), 1e-3)
    plot = Plot(max(x for _, points in runs for x, _, _ in points), min(values) - room, max(values) + room)
    plot.grid({"held_tar_1e-3": "held-out people: true accepts at 1e-3 false ones",
               "held_tar_1e-2": "held-out people: true accepts at 1e-2 false ones"}.get(a.column, a.column))
    for y, text in lines:
        plot.line(LEFT, plot.y(y), WIDTH - RIGHT, plot.y(y), "#888888", "6 4")
        plot.text(LEFT + 6, plot.y(y) - 5, f"{text} {y:g}", colour="#888888")
    for i, (name, points) in enumerate(runs):
        plot.curve(name, points, COLOURS[i % len(COLOURS)], i)
    plot.write(a.out)


if __name__ == "__main__":
    main()
