"""config_rows.py - reading a large configuration; the size of the shared library."""
import glob
import os
import subprocess

from measure import Failed, Row, run
from route_rows import field, make_inputs, rule_name


def make_peer_inputs(bench, rules):
    """The same routes for libyaml and jansson."""
    base = os.path.join(bench.data, str(rules))
    with open(base + ".yaml", "w", encoding="ascii") as out:
        out.write("Routes:\n")
        out.writelines(f"  - ToDomain:\n      - {rule_name(i)}\n    Transport: t\n"
                       for i in range(rules))
    with open(base + ".json", "w", encoding="ascii") as out:
        routes = ",\n".join(f'{{"ToDomain": ["{rule_name(i)}"], "Transport": "t"}}'
                            for i in range(rules))
        out.write(f'{{"Routes": [\n{routes}\n]}}\n')


def rate(command, path):
    """Megabytes a second of CPU time, which others on the machine disturb less; one thread."""
    return os.path.getsize(path) / 1e6 / run(command).cpu_s


def config(bench):
    rules = 100000 if bench.quick else 1000000
    base = make_inputs(bench, rules)
    make_peer_inputs(bench, rules)
    files = {"library": ".conf", "floor": ".conf", "libyaml": ".yaml", "jansson": ".json"}
    commands = {"library": [bench.program("driver"), "config", "--config", base + ".conf"],
                "floor": [bench.program("floor/config"), base + ".conf"]}
    for name, program in (("libyaml", "peer/yaml"), ("jansson", "peer/jansson")):
        if bench.has(program):
            commands[name] = [bench.program(program), base + files[name]]
    rates = bench.medians({name: lambda name=name, command=command:
                           rate(command, base + files[name])
                           for name, command in commands.items()})
    peaks = {name: field(run([bench.program("peak"), *command]).output, "peak") /
             os.path.getsize(base + files[name]) for name, command in commands.items()}
    yield row(f"read, {rules:,} routes", "MB/s", rates, goal=100, least=True)
    yield row("peak memory over the file", "x", peaks, goal=3)


def row(label, unit, values, **goal):
    ours, floor = values.pop("library"), values.pop("floor")
    return Row(label, unit, ours, floor, of="figure", peers=values, **goal)


def size(bench):
    found = [path for path in glob.glob(os.path.join(bench.build, "libmoxdial.so.*.*"))]
    if len(found) != 1:
        raise Failed("no shared library in the build")
    stripped = os.path.join(bench.data, "stripped.so")
    subprocess.run(["strip", "-o", stripped, found[0]], check=True)
    yield Row("shared library, stripped", "KiB", os.path.getsize(stripped) / 1024, goal=400,
              of="figure")
