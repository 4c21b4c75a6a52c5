"""spf_rows.py - an SPF check beyond its DNS, and how much of the RFC's suite passes, beside libspf2."""
import os
import sys

from measure import Row, run
from route_rows import field

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test"))

PROGRAMS = {"library": "spf", "libspf2": "peer/spf2"}


def escaped(data):
    return "".join(f"\\{byte:03d}" if byte < 33 or byte > 126 or byte in b'\\"' else chr(byte)
                   for byte in data)


def zone_lines(suite):
    """What is late behind what is not; an alias has its target's records, as a resolver tells them."""
    targets = {name: data.rstrip(".").lower() for name, kind, data in suite.records if kind == "CNAME"}
    late = {name for name, kind, _ in suite.records if kind == "LATE"}
    known = [(name, "NAME", "") for name in suite.names]
    for name, kind, data in suite.records:
        if kind == "TXT":
            data = " ".join(f'"{escaped(string)}"' for string in data) or '""'
        known += [(owner, kind, data) for owner in
                  (name, *(alias for alias, target in targets.items() if target == name.lower()))
                  if kind not in ("CNAME", "LATE")]
    for name, kind, data in (*known, *((name, "LATE", "") for name in late)):
        yield "zone", kind, escaped(name.lower().encode("latin-1")), data


def write_cases(bench, suites):
    path = os.path.join(bench.data, "spf.cases")
    with open(path, "w", encoding="ascii") as out:
        for suite in suites:
            lines = [*zone_lines(suite),
                     *(("case", case.name, case.ip, escaped(case.helo.encode("latin-1")),
                        escaped(case.mail_from.encode("latin-1")), ",".join(case.results))
                       for case in suite.cases), ("end",)]
            out.writelines("\t".join(line) + "\n" for line in lines)
    return path


def commands(bench, *arguments):
    return {name: [bench.program(program), *arguments] for name, program in PROGRAMS.items()
            if name == "library" or bench.has(program)}


def microseconds(command):
    """Of a check, beyond DNS; of DNS."""
    output = run(command).output
    dns = field(output, "dns")
    return (field(output, "check") - dns) / 1000, dns / 1000


def spf(bench):
    taken = {name: [] for name in PROGRAMS}

    def measure(name, command):
        beyond, dns = microseconds(command)
        taken[name].append(dns)
        return beyond

    timed = commands(bench, "time", bench.scaled(200000))
    beyond = bench.medians({name: lambda name=name, command=command: measure(name, command)
                            for name, command in timed.items()})
    dns = sorted(taken["library"])[len(taken["library"]) // 2]
    yield Row("SPF, 10 mechanisms, beyond DNS", "us", beyond.pop("library"), dns, goal=10,
              of="figure", peers=beyond)
    yield cases(bench)


def cases(bench):
    label = "cases of the RFC's suite that pass"
    try:
        import spf_suite  # needs python3-yaml
    except ImportError as why:
        return Row(label, "", None, skipped=str(why))
    path = spf_suite.path()
    if path is None:
        return Row(label, "", None, skipped="the suite is not there")
    written = write_cases(bench, spf_suite.read(path))
    outputs = {name: run(command).output for name, command in
               commands(bench, "cases", written).items()}
    passed = {name: field(output, "passed") for name, output in outputs.items()}
    total = field(outputs["library"], "cases")
    return Row(label, "", passed.pop("library"), total, goal=1, least=True, peers=passed)
