"""Processes and what they cost: CPU time, peak memory, wall time; and which core each may use."""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# How often a running program's peak memory is read, at first and later. The peak only grows, so what is lost is its growth in
# the last moment, and a program that is over within some milliseconds.
FIRST_LOOKS_SECONDS = 0.001
LOOK_SECONDS = 0.01
FIRST_SECONDS = 0.05

CORES = sorted(os.sched_getaffinity(0))
# The programs that are compared share one core, the upstream has another. PostgreSQL goes where it likes.
CLIENT_CORE = CORES[0]
UPSTREAM_CORE = CORES[-1]


@dataclass(frozen=True)
class Finished:
    """A program that has ended."""

    exit_code: int
    wall_s: float
    # User and system time of the whole process, from exec to exit.
    cpu_s: float
    # None: it was over before anybody looked.
    peak_mb: float | None


class Failed(Exception):
    """A program or a check of its work failed; the text says which."""


def peak_mb(pid):
    """VmHWM of a running process; 0 when it is going away."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """CPU time of a running process and of the children it has waited for.

    Its own time comes in nanoseconds from schedstat (of all its threads that live); that of its children in ticks of 10 ms.
    """
    # The name, the second field, may hold blanks: count from its closing bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    utime, stime, children_utime, children_stime = (int(field) for field in fields[11:15])
    ticks = os.sysconf("SC_CLK_TCK")
    threads = len(os.listdir(f"/proc/{pid}/task"))
    try:
        own = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 if threads == 1 else None
    except OSError:
        own = None
    if own is None:
        own = (utime + stime) / ticks
    return own + (children_utime + children_stime) / ticks


def children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def start(command, cores=None, **more):
    """Starts a program on these cores only."""

    def pin():
        if cores:
            os.sched_setaffinity(0, cores)

    return subprocess.Popen([str(part) for part in command], preexec_fn=pin, **more)


def run(command, cores=None, environment=None, stdout=None, log=None, limit_s=3600, cwd=None):
    """Runs a program to its end and measures it. `log` receives what it says on standard error."""
    with open(stdout or os.devnull, "wb") as out, open(log or os.devnull, "wb") as err:
        began = time.monotonic()
        process = start(
            command, cores, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd
        )
        return finish(process, began, limit_s)


def finish(process, began, limit_s):
    """Waits for the end of `process` and measures all of it."""
    handle = os.pidfd_open(process.pid)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    # Popen returns after exec: this is the program's own memory from the first look on.
    peak = peak_mb(process.pid)
    pause = FIRST_LOOKS_SECONDS
    try:
        while not poll.poll(pause * 1000):
            peak = max(peak, peak_mb(process.pid))
            elapsed = time.monotonic() - began
            pause = FIRST_LOOKS_SECONDS if elapsed < FIRST_SECONDS else LOOK_SECONDS
            if elapsed > limit_s:
                process.send_signal(signal.SIGKILL)
                raise Failed(f"still running after {limit_s} s: {process.args}")
        wall = time.monotonic() - began
    finally:
        os.close(handle)
        _, status, usage = os.wait4(process.pid, 0)
        # Popen must not wait again.
        process.returncode = os.waitstatus_to_exitcode(status)
    # ru_maxrss begins with the memory of this very process, of which the program was forked: it counts only above that.
    whole = usage.ru_maxrss / 1024
    if whole > peak_mb("self"):
        peak = max(peak, whole)
    return Finished(process.returncode, wall, usage.ru_utime + usage.ru_stime, peak or None)


def tail(path, lines=15):
    """The last lines of a log, for a complaint."""
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def about():
    """What machine this is, for the head of the raw output."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "unknown",
    )
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": len(CORES),
        "memory_gb": round(memory_kb / 1024 / 1024),
        "kernel": os.uname().release.split("-")[0],
        "load": round(os.getloadavg()[0], 2),
    }
