"""body_rows.py - dot-stuffing beside memcpy; a message from a file beside a bare loop."""
import os

from measure import Row, run
from route_rows import field

KIB, MIB = 1 << 10, 1 << 20
MEMORY = (("64 KiB, lines of 76", 64 * KIB, 78, "crlf", 0.5),
          ("64 KiB, lines of 1000", 64 * KIB, 1002, "crlf", 0.5),
          ("64 MiB, lines of 76", 64 * MIB, 78, "crlf", 0.5),
          ("64 KiB, lines of 76 in LF", 64 * KIB, 77, "lf", None),
          ("64 MiB, lines of 76 in LF", 64 * MIB, 77, "lf", 0.5),
          ("64 KiB, a dot begins each line", 64 * KIB, 78, "dots", None))


def rates(bench, ours, floor):
    commands = {"library": [bench.program("body"), *ours],
                "floor": [bench.program("floor/body"), *floor]}
    taken = bench.medians({name: lambda command=command: field(run(command).output, "gbs")
                           for name, command in commands.items()})
    return taken["library"], taken["floor"]


def make_file(bench):
    path = os.path.join(bench.data, "message")
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0" + b"\r\n"
    with open(path, "wb") as out:
        for _ in range(128 if bench.quick else 1024):
            out.write(line * (MIB // len(line)))
    return path


def body(bench):
    for label, size, line, form, goal in MEMORY:
        ours, floor = rates(bench, ["memory", size, line, form], ["memory", size])
        yield Row(label, "GB/s", ours, floor, goal=goal, least=True)
    path = make_file(bench)
    for sink, label, goal in (("pipe", "a GiB, file to a pipe", 0.8),
                              ("null", "a GiB, file to /dev/null", None)):
        ours, floor = rates(bench, ["file", path, sink], ["file", path, sink])
        yield Row(label, "GB/s", ours, floor, goal=goal, least=True)
    os.unlink(path)
