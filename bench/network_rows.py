"""network_rows.py - dials, dials in flight, DNS, and time to session under a black hole."""
import os
import resource
import statistics
import subprocess
import sys
import time

from measure import Failed, Row, installed, instructions, per_unit, run, started, status_of, \
    system_calls

LOOPBACK = "127.0.0.1"
SETTLE_S, PATIENCE_S = 0.3, 30
RACE_DELAY_MS, SLACK_MS = 1000, 5
HOSTS = 8  # that the black hole is met by, one after the other


def driver_dial(bench, port):
    return lambda count, concurrency: [bench.program("driver"), "dial", "--host", LOOPBACK, "--port",
                                       port, "--count", count, "--concurrency", concurrency]


def other_dial(bench, name, port):
    return lambda count, concurrency: [bench.program(name), LOOPBACK, port, count, concurrency]


def dialers(bench, port, *, blocking=False):
    """{name: (count, concurrency) -> command}; a peer that was not built is left out."""
    commands = {"library": driver_dial(bench, port), "floor": other_dial(bench, "floor/dial", port)}
    for peer in ("curl", "esmtp") if blocking else ("curl",):
        if bench.has(f"peer/{peer}"):
            commands[peer] = other_dial(bench, f"peer/{peer}", port)
    return commands


def row_of(label, unit, values, **goal):
    values = dict(values)
    ours, floor = values.pop("library"), values.pop("floor")
    return Row(label, unit, ours, floor, peers=values, **goal)


def cpu_us(command, count):
    return run(command).cpu_s * 1e6 / count


def cpu_at(bench, commands, concurrency, count):
    return bench.medians({name: lambda make=make: cpu_us(make(count, concurrency), count)
                          for name, make in commands.items()})


def counted(label, unit, tool, counter, commands, few=50, many=150, **goal):
    """A row that is counted, not timed: one run is enough. One dial at a time."""
    if not installed(tool):
        return Row(label, unit, None, skipped=f"{tool} is not installed")
    return row_of(label, unit, {name: per_unit(counter, lambda n, make=make: make(n, 1), few, many)
                                for name, make in commands.items()}, **goal)


def dial(bench):
    with bench.server("smtp") as port:
        one = dialers(bench, port, blocking=True)
        many = dialers(bench, port)
        yield row_of("CPU a dial, 100 at once", "us",
                     cpu_at(bench, many, 100, bench.scaled(20000)), goal=1.15)
        yield counted("system calls a dial", "calls", "strace", system_calls, one, goal=14,
                      of="figure")
        yield counted("user instructions a dial", "", "valgrind", instructions, one, few=200,
                      many=1200, goal=15000, of="figure")


def resident(bench, command, descriptors):
    """Bytes resident, and at most, once that many descriptors are open; and threads."""
    with started(command) as process:
        deadline = time.monotonic() + PATIENCE_S
        while len(os.listdir(f"/proc/{process.pid}/fd")) < descriptors:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"never had {descriptors} connections: {' '.join(map(str, command))}")
            time.sleep(0.02)
        time.sleep(SETTLE_S)
        return (status_of(process.pid, "VmRSS") * 1024, status_of(process.pid, "VmHWM") * 1024,
                status_of(process.pid, "Threads"))


def memory_rows(bench, port, at_once):
    held, peak, threads = {}, {}, 0
    for name, make in dialers(bench, port).items():
        few = resident(bench, make(100, 100), 100)
        many = resident(bench, make(at_once, at_once), at_once)
        held[name] = (many[0] - few[0]) / (at_once - 100)
        peak[name] = (many[1] - few[1]) / (at_once - 100)
        if name == "library":
            threads = many[2]
    yield row_of(f"memory a dial, {at_once:,} at once", "B", held, goal=2048, of="figure")
    yield row_of("the same, at the peak", "B", peak)
    yield Row("threads while dialing", "", threads, goal=1, of="figure")


def flight(bench):
    at_once = 1000 if bench.quick else 10000
    with bench.server("smtp", "mute") as port:
        yield from memory_rows(bench, port, at_once)
    with bench.server("smtp") as port:
        commands, count = dialers(bench, port), 2 * at_once
        few = cpu_at(bench, commands, 100, count)
        many = cpu_at(bench, commands, at_once, count)
        growth = {name: many[name] / few[name] for name in commands}
        yield row_of(f"CPU a dial, {at_once:,} at once", "us", many)
        yield row_of(f"CPU a dial, {at_once:,} over 100 at once", "x", growth, goal=1.25)
    yield fifty_thousand(bench)


def fifty_thousand(bench):
    """All of them open at once. One server address has not the ports: a network of our own has."""
    label, many = "50,000 at once: memory a dial", 50000
    if bench.quick:
        return Row(label, "B", None, skipped="--quick")
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed < many + 100:
        return Row(label, "B", None, skipped=f"{allowed:,} descriptors allowed")
    if os.geteuid() != 0:
        return Row(label, "B", None, skipped="not root: no network of our own to get the ports from")
    setup = "ip link set lo up && sysctl -qw net.ipv4.ip_local_port_range='1024 65000'"
    found = in_network(bench, setup, "fifty", many)
    return Row(label, "B", None if isinstance(found, str) else found[0], goal=2048, of="figure",
               skipped=found if isinstance(found, str) else "")


def inside_fifty(bench, many):
    """In the network of our own."""
    with bench.server("smtp", "mute") as port:
        make = driver_dial(bench, port)
        few = resident(bench, make(100, 100), 100)
        print((resident(bench, make(many, many), many)[0] - few[0]) / (many - 100))


def dns(bench):
    count = bench.scaled(20000)
    with bench.server("dns") as port:
        commands = {
            "library": [bench.program("driver"), "dns", "--resolver", f"{LOOPBACK}:{port}",
                        "--count", count, "--concurrency", 50],
            "floor": [bench.program("floor/dns"), "cares", port, count, 50],
            "UDP loop": [bench.program("floor/dns"), "udp", port, count, 50]}
        values = bench.medians({name: lambda command=command: cpu_us(command, count)
                                for name, command in commands.items()})
    yield row_of("CPU a domain: MX, then A and AAAA", "us", values, goal=1.15)


# Out of v0 and into v1, which has no address and forwards nothing: silence.
BLACK_HOLE = """
ip link set lo up
ip link add v0 type veth peer name v1 address 02:00:00:00:00:01
ip link set v1 up
ip link set v0 up
ip -6 addr add 2001:db8::2/64 dev v0 nodad
ip -6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev v0 nud permanent
ip -6 route add 2001:db8:1::/48 via 2001:db8::1
"""


def in_network(bench, setup, what, argument):
    """Run ourselves in a network of our own; a list of numbers, or why not."""
    ourselves = [sys.executable, "-B", os.path.abspath(__file__), bench.build, what, str(argument)]
    script = f"set -e\n{setup}\nexec \"$@\""
    done = subprocess.run(["unshare", "--net", "bash", "-c", script, "bash", *ourselves],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["no network of our own"])[-1]
    return [float(number) for number in done.stdout.split()]


def inside_blackhole(bench, hosts):
    """In the network of our own: milliseconds to session of each host, then without AAAA."""
    with bench.server("smtp") as port, bench.server("dns") as resolver:
        for kind in ("d", "v"):
            print(run([bench.program("blackhole"), kind, f"{LOOPBACK}:{resolver}", port,
                       hosts]).output)


def blackhole(bench):
    if os.geteuid() != 0:
        yield Row("time to session", "ms", None, skipped="not root: no network of our own")
        return
    runs = []
    for _ in range(bench.repeats):
        numbers = in_network(bench, BLACK_HOLE, "blackhole", HOSTS)
        if isinstance(numbers, str):
            yield Row("time to session", "ms", None, skipped=numbers)
            return
        runs.append([number / 1000 for number in numbers])
    medians = [statistics.median(values) for values in zip(*runs)]
    for host in range(HOSTS):
        label, handshake = f"IPv6 into a black hole, host {host + 1}", medians[HOSTS + host]
        goal = {"goal": 1.5 if host >= 3 else None}
        if host == 0:
            goal = {"goal": RACE_DELAY_MS + handshake + SLACK_MS, "of": "figure"}
        yield Row(label, "ms", medians[host], handshake, **goal)



if __name__ == "__main__":
    import measure
    INSIDE = {"blackhole": inside_blackhole, "fifty": inside_fifty}
    INSIDE[sys.argv[2]](measure.Bench(sys.argv[1], False), int(sys.argv[3]))
