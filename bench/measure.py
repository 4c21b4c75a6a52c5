"""measure.py - programs run and measured from outside: CPU, time, memory, system calls, instructions."""
import collections
import contextlib
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

Usage = collections.namedtuple("Usage", "cpu_s wall_s output")
TIMEOUT_S = 300


class Failed(Exception):
    """A program did not do its work: the row cannot be measured."""


class Row:
    """One line of the table. ours, floor: figures in unit. The goal holds for the ratio of the two
    unless of is "figure", then for ours; least: a lower bound. goal None: shown, not judged."""

    def __init__(self, label, unit, ours, floor=None, *, goal=None, of="ratio", least=False,
                 peers=None, skipped=""):
        self.part = ""
        self.label, self.unit, self.ours, self.floor = label, unit, ours, floor
        self.goal, self.of, self.least = goal, of, least
        self.peers, self.skipped = peers or {}, skipped

    def ratio(self):
        return self.ours / self.floor if self.ours is not None and self.floor else None

    def goal_text(self):
        if self.goal is None:
            return ""
        times = "x" if self.of == "ratio" else ""
        goal = f"{self.goal:,.0f}" if self.goal >= 1000 else f"{self.goal:.4g}"
        return f"{'>=' if self.least else '<='} {goal}{times}"

    def met(self):
        value = self.ratio() if self.of == "ratio" else self.ours
        if self.goal is None or value is None:
            return None
        return value >= self.goal if self.least else value <= self.goal


def raise_descriptors(most=120000):
    """As many descriptors as we may have, for us and for all that we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(most, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (ValueError, OSError):
            continue


def run(command):
    """Run it to its end; its CPU time, that of its children included."""
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE) as process:
        begin = time.monotonic()
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit status {process.returncode}")
    return Usage(usage.ru_utime + usage.ru_stime, wall, output.decode())


def per_unit(count_of, make_command, few, many):
    """What each unit of work adds: start and end of the program cancel out."""
    return (count_of(make_command(many)) - count_of(make_command(few))) / (many - few)


def instructions(command):
    """User instructions, by callgrind; the same on every machine with the same libraries."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           *map(str, command)], capture_output=True, text=True, timeout=TIMEOUT_S,
                          check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Failed(f"under valgrind: {' '.join(map(str, command))}")
    return int(found.group(1))


def system_calls(command):
    done = subprocess.run(["strace", "-f", "-c", *map(str, command)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    found = re.search(r"^100\.00.* (\d+)( +\d+)? total$", done.stderr, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise Failed(f"under strace: {' '.join(map(str, command))}")
    words = found.group(0).split()
    return int(words[3])


@contextlib.contextmanager
def started(command):
    """A program that runs until the end of the block, ended by its pid."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def status_of(pid, key):
    """A number of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        for row in text:
            if row.startswith(key + ":"):
                return int(row.split()[1])
    raise Failed(f"no {key} of process {pid}")


class Bench:
    """Where the programs are, how often to run them, and what went wrong."""

    def __init__(self, build, quick):
        self.build, self.quick, self.failed = os.path.abspath(build), quick, False
        self.repeats = 1 if quick else 5
        self.data = os.path.join(self.build, "bench", "data")
        os.makedirs(self.data, exist_ok=True)
        raise_descriptors()

    def program(self, name):
        """One of ours: floor/dial, peer/curl, server, driver, …"""
        return os.path.join(self.build, "moxdial-bench" if name == "driver" else f"bench/{name}")

    def has(self, name):
        return os.access(self.program(name), os.X_OK)

    def scaled(self, count):
        return max(1, count // 10) if self.quick else count

    def medians(self, measures):
        """The median of each, {name: function without arguments}; in turn, so that drift hits all."""
        taken = {name: [] for name in measures}
        for _ in range(self.repeats):
            for name, measure in measures.items():
                taken[name].append(measure())
        return {name: statistics.median(values) for name, values in taken.items()}

    @contextlib.contextmanager
    def server(self, *arguments):
        """bench/server; gives its port."""
        with started([self.program("server"), *arguments]) as process:
            yield int(process.stdout.readline())

    def guard(self, part, rows):
        """The rows of a part; what fails ends the part, not the run."""
        try:
            yield from rows(self)
        except Failed as why:
            self.failed = True
            print(f"FAILED in {part}: {why}", file=sys.stderr)

    def machine(self):
        model = platform.machine()
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as text:
            for row in text:
                if row.startswith("model name"):
                    model = row.split(":", 1)[1].strip()
                    break
        kind = "quick: one run each, smaller" if self.quick else f"medians of {self.repeats}"
        return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}; {kind}"


def installed(tool):
    return shutil.which(tool) is not None
