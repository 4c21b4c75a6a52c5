"""deliver_rows.py - messages of 4 KiB over many connections, a hundred on each or one on each."""
import contextlib
import os

from measure import Row, installed, per_unit, run, started, system_calls
from network_rows import LOOPBACK, cpu_us, row_of

SIZE, CONNECTIONS = 4096, 50
SMTP_SOURCE = "/usr/sbin/smtp-source"


@contextlib.contextmanager
def sink(bench):
    """A server that takes everything; gives its port."""
    with started([bench.program("sink")]) as process:
        yield int(process.stdout.readline())


def driver(bench, port, per_conn):
    return lambda count, at_once: [bench.program("driver"), "deliver", "--host", LOOPBACK, "--port",
                                   port, "--count", count, "--size", SIZE, "--per-conn", per_conn,
                                   "--concurrency", at_once]


def floor(bench, port, per_conn):
    return lambda count, at_once: [bench.program("floor/deliver"), LOOPBACK, port, count, SIZE,
                                   per_conn, at_once]


def source(port, per_conn):
    keep = ["-d"] if per_conn > 1 else []
    return lambda count, at_once: [SMTP_SOURCE, *keep, "-s", at_once, "-m", count, "-l", SIZE,
                                   "-f", "a@bench.example", "-t", "b@bench.example",
                                   f"{LOOPBACK}:{port}"]


def senders(bench, port, per_conn):
    commands = {"library": driver(bench, port, per_conn), "floor": floor(bench, port, per_conn)}
    if os.access(SMTP_SOURCE, os.X_OK):
        commands["smtp-source"] = source(port, per_conn)
    return commands


def cpu_row(bench, label, commands, count, goal):
    values = bench.medians({name: lambda make=make: cpu_us(make(count, CONNECTIONS), count)
                            for name, make in commands.items()})
    return row_of(label, "us", values, goal=goal)


def rate_row(bench, commands, count):
    def rate(command):
        return count / run(command).wall_s

    values = bench.medians({name: lambda make=make: rate(make(count, CONNECTIONS))
                            for name, make in commands.items()})
    return row_of("messages a second, the same", "", values, goal=0.85, least=True)


def calls_row(commands):
    label = "system calls a message"
    if not installed("strace"):
        return Row(label, "calls", None, skipped="strace is not installed")
    values = {name: per_unit(system_calls, lambda n, make=make: make(n, CONNECTIONS), 5000, 15000)
              for name, make in commands.items()}
    return row_of(label, "calls", values, goal=4, of="figure")


def deliver(bench):
    many, few = bench.scaled(100000), bench.scaled(10000)
    with sink(bench) as port:
        kept = senders(bench, port, 100)
        yield cpu_row(bench, "CPU a message, 100 a connection", kept, many, 1.25)
        yield rate_row(bench, kept, many)
        yield calls_row({name: kept[name] for name in ("library", "floor")})
        single = senders(bench, port, 1)
        yield cpu_row(bench, "CPU a message, one a connection", single, few, 1.2)
