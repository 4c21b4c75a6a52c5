"""policy_rows.py - `moxdial policy` beside a server of netstrings that decides nothing."""
import os
import time

from measure import Failed, Row, run, started, status_of
from route_rows import field

CLIENTS = 1000
GOAL = 50000  # answers a second on one core
CONFIG = """Transports:
\tv4:
\t\tDirect:
\t\t\tDisableIPv6: true
Routes:
\t-
\t\tToDomain:
\t\t\t- example.org
\t\tTransport: v4
"""
WAIT_S = 10


def on_cores(pid, cores):
    """Server and clients apart, where there are two."""
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, cores)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as text:
        words = text.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def await_socket(path):
    end = time.monotonic() + WAIT_S
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise Failed(f"nobody listens at {path}")
        time.sleep(0.01)


def ask(bench, path, questions):
    """Seconds that it took; our own core is not the server's."""
    cores = sorted(os.sched_getaffinity(0))
    on_cores(0, {cores[-1]})
    try:
        output = run([bench.program("asker"), path, CLIENTS, questions]).output
    finally:
        os.sched_setaffinity(0, cores)
    return field(output, "seconds")


def measure(bench, command, path, questions):
    """Answers a second, CPU microseconds of each, KiB that the memory has grown after the first."""
    if os.path.exists(path):
        os.unlink(path)
    with started(command) as process:
        on_cores(process.pid, {sorted(os.sched_getaffinity(0))[0]})
        await_socket(path)
        ask(bench, path, max(CLIENTS, questions))  # with fewer the clients are seldom all at once
        cpu, memory = cpu_s(process.pid), status_of(process.pid, "VmRSS")
        seconds = ask(bench, path, questions)
        return (questions / seconds, (cpu_s(process.pid) - cpu) / questions * 1e6,
                status_of(process.pid, "VmRSS") - memory)


def policy(bench):
    path, config = (os.path.join(bench.data, name) for name in ("policy.socket", "policy.conf"))
    with open(config, "w", encoding="ascii") as out:
        out.write(CONFIG)
    questions = bench.scaled(int(os.environ.get("MOXDIAL_QUESTIONS", "1000000")))
    command = [os.path.join(bench.build, "moxdial"), "policy", "-q", "-c", config, "--listen",
               f"unix:{path}"]
    taken = {"library": [], "floor": []}
    for _ in range(bench.repeats):
        taken["library"].append(measure(bench, command, path, questions))
        taken["floor"].append(measure(bench, [bench.program("floor/policy"), path], path, questions))
    ours, floor = ([sorted(column)[len(column) // 2] for column in zip(*taken[name])]
                   for name in ("library", "floor"))
    yield Row(f"{CLIENTS} clients of a unix socket, answers", "1/s", ours[0], floor[0], goal=GOAL,
              of="figure", least=True)
    yield Row("CPU of an answer", "us", ours[1], floor[1], goal=1e6 / GOAL, of="figure")
    yield Row(f"memory more after {questions:,} answers", "KiB",
              max(row[2] for row in taken["library"]), goal=64, of="figure")
