"""route_rows.py - route lookups: nanoseconds over the number of rules, memory, threads."""
import os
import random
import re

from measure import Failed, Row, run

QUERIES = 50000
HEAD = "Transports:\n\tt:\n\t\tDirect:\n\t\t\tDisableIPv6: true\nRoutes:\n"


def rule_name(i):
    """Half of the rules match subdomains too."""
    return f"d{i}.example" if i % 2 else f".d{i}.example"


def make_inputs(bench, rules):
    """A configuration, the same rules for the floor, and queries: rules, hosts under them, others."""
    base = os.path.join(bench.data, str(rules))
    names = [rule_name(i) for i in range(rules)]
    chance = random.Random(rules)
    with open(base + ".conf", "w", encoding="ascii") as out:
        out.write(HEAD)
        out.writelines(f"\t-\n\t\tToDomain:\n\t\t\t- {name}\n\t\tTransport: t\n" for name in names)
    with open(base + ".rules", "w", encoding="ascii") as out:
        out.writelines(name + "\n" for name in names)
    with open(base + ".queries", "w", encoding="ascii") as out:
        for i in range(QUERIES):
            kind = ("d{}.example\n", "d{}.example\n", "mx.d{}.example\n", "other{}.example\n")[i % 4]
            out.write(kind.format(chance.randrange(rules)))
    return base


def make_worst(bench, rules):
    """Rules on one domain that differ in FromDomain; the sender of the driver has the last one."""
    base = os.path.join(bench.data, "worst")
    with open(base + ".conf", "w", encoding="ascii") as out:
        out.write(HEAD)
        for i in range(rules):
            name = f"f{i}.example" if i < rules - 1 else "bench.example"
            out.write(f"\t-\n\t\tFromDomain:\n\t\t\t- {name}\n\t\tToDomain:\n\t\t\t- one.example\n"
                      "\t\tTransport: t\n")
    with open(base + ".queries", "w", encoding="ascii") as out:
        out.write("one.example\n" * 1000)
    return base


def field(output, name):
    return float(re.search(rf"\b{name}=([0-9.]+)", output).group(1))


def driver(bench, base):
    return [bench.program("driver"), "route", "--config", base + ".conf", "--queries",
            base + ".queries"]


def floor(bench, kind, base):
    return [bench.program("floor/route"), kind, base + ".rules", base + ".queries"]


def same_hits(commands):
    """Library and floor must find the same, or they do not do the same work."""
    hits = {name: field(run(command).output, "hits") for name, command in commands.items()}
    if len(set(hits.values())) != 1:
        raise Failed(f"they disagree on the hits: {hits}")


def nanoseconds(bench, commands):
    return bench.medians({name: lambda command=command: field(run(command).output, "ns")
                          for name, command in commands.items()})


def route(bench):
    sizes = (10, 1000, 100000) if bench.quick else (10, 1000, 100000, 1000000)
    index_ns = None
    for rules in sizes:
        base = make_inputs(bench, rules)
        commands = {"library": driver(bench, base), "floor": floor(bench, "index", base)}
        if rules <= 1000:
            commands["plain scan"] = floor(bench, "scan", base)
        same_hits(commands)
        ns = nanoseconds(bench, commands)
        ours, index = ns.pop("library"), ns.pop("floor")
        yield Row(f"lookup, {rules:,} rules", "ns", ours, index, goal=2, peers=ns)
        if rules == 10:
            yield Row("lookup, 10 rules, over a plain scan", "ns", ours, ns["plain scan"], goal=1)
    yield from worst(bench)
    yield memory(bench, base, sizes[-1])
    yield threads(bench)


def worst(bench):
    rules = 10000
    base, plain = make_worst(bench, rules), make_inputs(bench, rules)
    if field(run(driver(bench, base)).output, "hits") != 1000:
        raise Failed("the worst case has not its 1,000 hits")
    ns = nanoseconds(bench, {"library": driver(bench, base), "floor": floor(bench, "index", plain)})
    yield Row("worst case, 10,000 FromDomain", "ns", ns["library"], ns["floor"], goal=2)


def memory(bench, base, rules):
    names = sum(len(rule_name(i)) for i in range(rules)) / rules
    ours = field(run(driver(bench, base)).output, "bytes_per_route")
    return Row("memory a rule beside its name", "B", ours - names,
               field(run(floor(bench, "index", base)).output, "bytes_per_route"), goal=64,
               of="figure")


def threads(bench):
    """The floor is the same with a configuration a thread: nothing is shared but the machine."""
    cores, base = os.cpu_count(), make_inputs(bench, 1000)
    program, inputs = bench.program("threads"), (base + ".conf", base + ".queries")
    commands = {"library": ("one", cores), "floor": ("own", cores), "one thread": ("one", 1)}
    rates = bench.medians({name: lambda kind=kind, count=count: field(
        run([program, kind, *inputs, count]).output, "per_second") / 1e6
        for name, (kind, count) in commands.items()})
    return Row(f"lookups, {cores} threads on one config", "M/s", rates.pop("library"),
               rates.pop("floor"), goal=0.9, least=True, peers=rates)
