"""tls_rows.py - dials with STARTTLS: full and resumed handshakes, DANE, memory, the authorities."""
import collections
import contextlib
import os
import re
import socket
import subprocess

from measure import Failed, Row, installed, instructions, per_unit, run, started
from network_rows import LOOPBACK, cpu_at, driver_dial, row_of

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
COUNTED = {"full": (5, 15), "resume": (50, 150)}  # handshakes, few and many
HELD_FEW, HELD_MANY = 20, 220
KINDS = {"ecdsa": "ECDSA", "rsa": "RSA"}

Server = collections.namedtuple("Server", "port records authority")
Line = collections.namedtuple("Line", "name version build")


def lines_of(bench):
    """The lines of mbedTLS that were built for, each with the TLS version it speaks."""
    yield Line("2.28", "1.2", bench.build)
    other = os.path.join(bench.build, "mbedtls3")
    if os.access(os.path.join(other, "moxdial-bench"), os.X_OK):
        yield Line("3.6", "1.3", other)


@contextlib.contextmanager
def tls_server(bench, kind, version="1.3"):
    authority = os.path.join(bench.data, f"authority-{kind}.pem")
    command = [bench.program("peer/tls_server"), kind, version, authority]
    with started(command) as process:
        words = [process.stdout.readline().strip() for _ in range(3)]
        if not words[0]:
            raise Failed(" ".join(command))
        yield Server(int(words[0]), words[1:], authority)


def counts_of(server):
    """Full and resumed handshakes so far, as the server saw them."""
    with socket.create_connection((LOOPBACK, server.port)) as peer:
        replies = peer.makefile("rb")
        replies.readline()
        peer.sendall(b"STAT\r\n")
        _, full, resumed = replies.readline().split()
    return int(full), int(resumed)


def library(line, server, *options):
    program = os.path.join(line.build, "moxdial-bench")
    return lambda count, at_once: [program, "dial", "--host", LOOPBACK, "--port", server.port,
                                   "--count", count, "--concurrency", at_once, "--tls", *options]


def floor(line, server, *options):
    program = os.path.join(line.build, "bench/floor/tls")
    return lambda count, at_once: [program, LOOPBACK, server.port, count, at_once, *options]


def dialers(bench, line, server, how):
    """how: full or resume."""
    commands = {"library": library(line, server, *(["--resume"] if how == "resume" else [])),
                "floor": floor(line, server, how)}
    if how == "full" and bench.has("peer/curl"):
        program = bench.program("peer/curl")
        commands["curl"] = lambda count, at_once: [program, LOOPBACK, server.port, count, at_once,
                                                   "tls"]
    return commands


def counted_row(bench, label, how, commands, **goal):
    """Instructions of one dial. A full one is millions, and valgrind is slow."""
    few, many = (bench.scaled(count) for count in COUNTED[how])
    few = min(few, many - 1)
    if not installed("valgrind"):
        return Row(label, "", None, skipped="valgrind is not installed")
    values = {name: per_unit(instructions, lambda n, make=make: make(n, 1), few, many)
              for name, make in commands.items()}
    return row_of(label, "", values, **goal)


def handshakes(bench, line, server, how, label, goal):
    """CPU and instructions, these without libcurl."""
    commands = dialers(bench, line, server, how)
    count = bench.scaled(1000 if how == "full" else 5000)
    yield row_of(f"{label}, CPU", "us", cpu_at(bench, commands, 100, count), goal=goal)
    commands.pop("curl", None)
    yield counted_row(bench, f"{label}, instructions", how, commands, goal=goal)


def share_resumed(bench, line, server, label):
    shares, count = {}, bench.scaled(2000)
    for name, make in dialers(bench, line, server, "resume").items():
        before = counts_of(server)
        run(make(count, 100))
        after = counts_of(server)
        shares[name] = 100 * (after[1] - before[1]) / count
    return row_of(label, "%", shares, goal=99, of="figure", least=True)


def dane(bench, line, server, label):
    """What the check adds to a full handshake; an anchor's also to one that verifies without us."""
    end, anchor = server.records
    plain = library(line, server)
    yield counted_row(bench, f"{label}, DANE 3 1 1 over none", "full", goal=1.05, commands={
        "library": library(line, server, "--tlsa", end), "floor": plain})
    yield counted_row(bench, f"{label}, DANE 2 1 1", "full", goal=1.05, commands={
        "library": library(line, server, "--tlsa", anchor),
        "floor": floor(line, server, "full", server.authority)})


def heap(command, which="heap"):
    found = re.search(rf"{which}=(\d+)", run(command).output)
    if not found:
        raise Failed(f"no {which} told: {' '.join(map(str, command))}")
    return int(found.group(1))


def slope(make, which="heap"):
    """Bytes of heap that each session adds."""
    return per_unit(lambda command: heap(command, which), lambda n: make(n, n), HELD_FEW, HELD_MANY)


def session_memory(line, server, label):
    """Open sessions. mbedTLS alone keeps the server's chain; the library does not."""
    bare = floor(line, server, "hold")
    held, own = slope(library(line, server, "--hold")), slope(bare)
    chainless = slope(bare, "chainless")
    yield Row(f"{label}, memory beside mbedTLS's", "B", held - own, goal=2048, of="figure",
              peers={"all": held, "mbedTLS": own})
    yield Row(f"{label}, the same without chains", "B", held - chainless,
              peers={"mbedTLS": chainless})


def clear_memory(bench):
    with bench.server("smtp") as port:
        make = driver_dial(bench, port)
        yield Row("session in clear, memory", "B",
                  slope(lambda count, at_once: [*make(count, at_once), "--hold"]))


def authorities(bench):
    """The system's bundle, and the server's own authority, so that the server verifies."""
    label = "verified dial in a second context"
    if not os.path.exists(AUTHORITIES):
        yield Row(label, "ms", None, skipped=f"no {AUTHORITIES}")
        return
    bundle = os.path.join(bench.data, "bundle.pem")
    with tls_server(bench, "rsa") as server:
        with open(bundle, "wb") as out:
            for path in (server.authority, AUTHORITIES):
                with open(path, "rb") as text:
                    out.write(text.read())
        command = ["env", f"SSL_CERT_FILE={bundle}", bench.program("roots"), str(server.port), "2"]
        times = [[float(word) / 1000 for word in run(command).output.split()]
                 for _ in range(bench.repeats)]
        first, second = (sorted(column)[len(column) // 2] for column in zip(*times))
        yield Row(label, "ms", second, peers={"first context": first})
        yield readings(command, bundle)


def readings(command, bundle):
    label = "readings of the authorities, 2 contexts"
    if not installed("strace"):
        return Row(label, "", None, skipped="strace is not installed")
    done = subprocess.run(["strace", "-f", "-e", "trace=open,openat", *command],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"under strace: {' '.join(command)}")
    return Row(label, "", done.stderr.count(f'"{bundle}"'), goal=1, of="figure")


def tls(bench):
    if not bench.has("peer/tls_server"):
        yield Row("TLS", "", None, skipped="no OpenSSL to build a server with")
        return
    for line in lines_of(bench):
        head = f"TLS {line.version}"
        for kind, name in KINDS.items():
            with tls_server(bench, kind) as server:
                yield from handshakes(bench, line, server, "full", f"{head} {name}", 1.05)
        with tls_server(bench, "ecdsa") as server:
            yield from handshakes(bench, line, server, "resume", f"{head} resumed", 1.1)
            yield share_resumed(bench, line, server, f"{head} resumed, share of dials")
            yield from dane(bench, line, server, head)
            yield from session_memory(line, server, head)
    yield from clear_memory(bench)
    yield from authorities(bench)
