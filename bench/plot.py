#!/usr/bin/env python3
"""plot.py CSV FOLDER - from what `make bench-csv` wrote, draw bench-rules.svg and bench-blackhole.svg
in FOLDER, and put the table of figures into its performance.md."""
import csv
import math
import os
import re
import sys

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 50
COLOURS = {"libmoxdial": "#1f6feb", "floor": "#57606a", "other": "#bf8700"}


def text(x, y, words, anchor="middle", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="13" {extra}'
            f'fill="#57606a">{words}</text>')


def rule(x1, y1, x2, y2, colour="#d0d7de"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def plain(value):
    """1000000 as 1,000,000 and 0.1 as it is."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class Plot:
    """Two logarithmic axes, or a logarithmic y and x in equal steps."""

    def __init__(self, title, x_label, y_label, xs, ys, log_x):
        self.log_x = log_x
        self.x_range = (self.scale_x(min(xs)), self.scale_x(max(xs)))
        self.y_range = (math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))))
        self.parts = [text(WIDTH / 2, 24, title, extra='font-weight="bold" '),
                      text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label),
                      text(18, HEIGHT / 2, y_label, extra=f'transform="rotate(-90 18 {HEIGHT / 2})" ')]
        for power in range(self.y_range[0], self.y_range[1] + 1):
            y = self.y(10 ** power)
            self.parts += [rule(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, plain(10 ** power), "end")]
        for x in sorted(set(xs)):
            self.parts.append(text(self.x(x), HEIGHT - BOTTOM + 20, plain(x)))

    def scale_x(self, value):
        return math.log10(value) if self.log_x else value

    def x(self, value):
        low, high = self.x_range
        inner = WIDTH - LEFT - RIGHT - 60
        return LEFT + 30 + inner * (self.scale_x(value) - low) / ((high - low) or 1)

    def y(self, value):
        low, high = self.y_range
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(value) - low) / ((high - low) or 1)

    def series(self, name, colour, points, position):
        coordinates = [(self.x(x), self.y(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in coordinates)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        self.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
                       for x, y in coordinates]
        x = LEFT + 30 + 190 * position
        self.parts += [rule(x, 38, x + 20, 38, colour), text(x + 26, 42, name, "start")]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                      f'font-family="sans-serif">\n<rect width="{WIDTH}" height="{HEIGHT}" '
                      'fill="#ffffff"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def draw(path, labels, series, log_x):
    """labels: title, x, y; series: (name, colour, points), the empty ones left out."""
    series = [one for one in series if one[2]]
    points = [point for _, _, known in series for point in known]
    if not points:
        print(f"plot.py: no figures for {path}", file=sys.stderr)
        return False
    plot = Plot(*labels, [x for x, _ in points], [y for _, y in points], log_x)
    for position, (name, colour, known) in enumerate(series):
        plot.series(name, colour, known, position)
    plot.write(path)
    return True


def peers_of(row):
    return dict(peer.split("=") for peer in row["peers"].split("; ") if peer)


def points_of(rows, pattern, column):
    found = []
    for row in rows:
        match = re.fullmatch(pattern, row["row"])
        value = match and (row.get(column) or peers_of(row).get(column))
        if value:
            found.append((int(match.group(1).replace(",", "")), float(value)))
    return found


def figure(value):
    """Three digits that matter."""
    if value == "":
        return ""
    number = float(value)
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def table(rows):
    machine = next(row["row"] for row in rows if row["part"] == "machine")
    lines = [f"Machine: {machine}.", "",
             "| what | unit | library | floor | ratio | goal | met | peers |",
             "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for row in rows:
        if row["part"] == "machine":
            continue
        peers = ", ".join(f"{name} {figure(value)}" for name, value in peers_of(row).items())
        cells = [row["row"], row["unit"], *(figure(row[key]) for key in ("library", "floor", "ratio")),
                 row["goal"], "**no**" if row["met"] == "no" else row["met"],
                 f"skipped: {row['skipped']}" if row["skipped"] else peers]
        lines.append("| " + " | ".join(cells) + " |")
    missed = [row["row"] for row in rows if row["met"] == "no"]
    return "\n".join([*lines, "", "Goals not met: " + ("; ".join(missed) or "none") + "."])


def put_table(path, rows):
    """Between its two marks."""
    with open(path, encoding="utf-8") as page:
        before, rest = page.read().split("<!-- figures -->\n", 1)
    after = rest.split("<!-- end of figures -->", 1)[1]
    with open(path, "w", encoding="utf-8") as page:
        page.write(f"{before}<!-- figures -->\n{table(rows)}\n<!-- end of figures -->{after}")


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    with open(sys.argv[1], newline="", encoding="utf-8") as text_file:
        rows = list(csv.DictReader(text_file))
    rules, holes = r"lookup, ([0-9,]+) rules", r"IPv6 into a black hole, host (\d+)"
    drawn = draw(os.path.join(sys.argv[2], "bench-rules.svg"),
                 ("A route lookup over the number of rules", "rules", "nanoseconds"),
                 [("libmoxdial", COLOURS["libmoxdial"], points_of(rows, rules, "library")),
                  ("bare index", COLOURS["floor"], points_of(rows, rules, "floor")),
                  ("plain scan", COLOURS["other"], points_of(rows, rules, "plain scan"))], True)
    drawn &= draw(os.path.join(sys.argv[2], "bench-blackhole.svg"),
                  ("Time to session, IPv6 into a black hole", "host, one after the other",
                   "milliseconds"),
                  [("libmoxdial", COLOURS["libmoxdial"], points_of(rows, holes, "library")),
                   ("hosts without IPv6", COLOURS["floor"], points_of(rows, holes, "floor"))], False)
    put_table(os.path.join(sys.argv[2], "performance.md"), rows)
    return not drawn


if __name__ == "__main__":
    sys.exit(main())
