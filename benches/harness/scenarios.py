"""What is measured. A scenario sets the upstream, lets programs work, and hands each measurement to the bench.

A measurement is a dict: scenario, companies, program, run, and figures; absent figures were not measured.
"""

import collections
import email
import email.policy
import itertools
import signal
import socket
import statistics
import subprocess
import time
from datetime import timedelta

from . import machine
from .programs import FIRST_DAY, QUALIFICATIONS_A_COMPANY, READER, Bare, Peer, Product, Urlwatch
from .upstream import keyword

PEER_MODES = ("row", "batch", "digest")
# The check of one company is short against PostgreSQL's clock of 10 ms: so many together are measured, and the mean is taken.
COMMAND_REPEATS = 20


def measured(bench, program, body):
    """What `body` costs: the process that it returns, PostgreSQL beside it, and the calls that the upstream saw."""
    postgres = bench.postgres
    postgres.checkpoint()
    bench.upstream.reset()
    wal = postgres.wal_position()
    cpu = postgres.cpu_seconds()
    finished = body()
    pg_cpu_s = postgres.cpu_seconds() - cpu
    asked = bench.upstream.asked()
    figures = {
        "wall_s": finished.wall_s,
        "cpu_s": finished.cpu_s,
        "peak_mb": finished.peak_mb,
        "calls": asked["requests"],
        "first_to_last_s": asked["first_to_last_s"],
    }
    if program.database:
        figures |= {"pg_cpu_s": pg_cpu_s, "wal_bytes": postgres.wal_position() - wal}
    return figures


def counted(bench, program, body):
    """Statements and transactions of `body`; not measured at the same time, as counting costs PostgreSQL something."""
    if not program.database:
        body()
        return {}
    statements, transactions = bench.postgres.count_statements(program.database, body)
    return {"statements": statements, "transactions": transactions}


# --- Sweeps in which (nearly) nothing changed -------------------------------------------------------------------------------

# How the upstream answers in the n-th sweep, and whom that is asked of besides the product and bare reqwest. The best peer is
# among them each time; those that do the same as another are left out.
SWEEPS = {
    "unchanged": (lambda number: {}, PEER_MODES + ("urlwatch",)),
    "reordered": (lambda number: {"rotate": number % 5}, ("batch",)),
    "changed": (lambda number: {"renewed": number}, ("batch", "digest")),
}


def sweeps(bench, companies, runs, names):
    """The scenarios of SWEEPS, all in one interleaved series, each program and scenario on a database of its own."""
    programs = {"product": bench.products(companies), "bare": [Bare(bench, companies)], "urlwatch": [Urlwatch(bench, companies)]}
    programs |= {mode: [Peer(bench, companies, mode)] for mode in PEER_MODES}
    wanted = {name: ["product", "bare", *(other for other in SWEEPS[name][1] if bench.compares(other))] for name in names}
    contestants = []
    for kind in programs:
        scenarios = [name for name in names if kind in wanted[name]]
        for program in programs[kind] if scenarios else []:
            bench.say(f"{program.name}: baseline of {program.companies} companies")
            program.prepare()
            bench.upstream.set()
            bench.upstream.reset()
            program.sweep(0, cores=None)
            bench.upstream.expect(program.companies, program.name)
            program.verify()
            contestants += [(name, program.copy_for(name)) for name in scenarios]
    counts = {}
    for name, program in contestants:
        bench.upstream.set(**SWEEPS[name][0](1))
        counts[name, program.name] = counted(bench, program, lambda program=program: program.sweep(1))
    for run in range(1, runs + 1):
        for name, program in contestants:
            bench.upstream.set(**SWEEPS[name][0](run + 1))
            figures = measured(bench, program, lambda program=program: program.sweep(run + 1))
            bench.upstream.expect(program.companies, program.name)
            _expect_events(name, program)
            bench.record(name, companies, program.name, run, figures | counts[name, program.name])
    for _, program in contestants:
        program.verify()
        if program.database:
            bench.postgres.drop(program.database)


def _expect_events(name, program):
    if not isinstance(program, Product):
        return
    # The renewed certificate has three qualifications; whether each is an event is the product's affair.
    found = {event["company"] for event in program.said["events"]}
    wanted = {"changed": program.companies // 100}.get(name, 0)
    if abs(len(found) - wanted) > 1:
        raise machine.Failed(f"{name}: news of {len(found)} companies, not of {wanted}: {program.events()}")


# --- The first sweep --------------------------------------------------------------------------------------------------------


def baseline(bench, companies, runs):
    """Every company is new. On all cores, as the wall time counts here."""
    programs = bench.products(companies) + ([Peer(bench, companies, "batch")] if bench.compares("batch") else [])
    for run in range(1, runs + 1):
        for program in programs:
            program.prepare()
            bench.upstream.set()
            more = {}
            if isinstance(program, Product):
                # What the process needs to read the file alone.
                more["file_mb"] = program.ask(0, "validate").peak_mb
            figures = measured(bench, program, lambda program=program: program.sweep(0, cores=None))
            bench.upstream.expect(companies, program.name)
            program.verify()
            holdings = companies * QUALIFICATIONS_A_COMPANY
            more |= {
                "holdings_per_s": holdings / figures["wall_s"],
                "holdings_per_s_of_sweep": holdings / max(figures["first_to_last_s"], 0.001),
                "database_mb": bench.postgres.size(program.database) / 1024 / 1024,
            }
            bench.record("baseline", companies, program.name, run, figures | more)
            bench.postgres.drop(program.database)


def decree(bench, companies, runs):
    """All ends move by a year in one sweep, by decree, while the certificates of one company in a hundred lapse."""
    for run in range(1, runs + 1):
        for program in bench.products(companies):
            program.departments = 10
            program.prepare()
            lapsing = {"short_every": 100, "short_end": FIRST_DAY.date().isoformat()}
            bench.upstream.set(**lapsing)
            bench.say(f"{program.name}: baseline of {companies} companies")
            program.sweep(0, cores=None)
            bench.postgres.tidy(program.database)
            mail = program.folder / "mail"
            before = {path.name for path in mail.iterdir()}
            bench.upstream.set(moved=12, **lapsing)
            figures = measured(bench, program, lambda program=program: program.sweep(1, cores=None))
            bench.upstream.expect(companies, program.name)
            figures |= _mails(path for path in mail.iterdir() if path.name not in before)
            figures["events"] = program.events()
            bench.record("decree", companies, program.name, run, figures)
            bench.postgres.drop(program.database)


def _mails(paths):
    """How many, how many for the reader who has most, and the headline that the reader of all companies begins with."""
    letters = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    by_reader = collections.Counter(str(letter["To"]) for letter in letters)
    headlines = [str(letter["Subject"]) for letter in letters if str(letter["To"]) == READER]
    # Where it is several mails, what has lapsed is in the first.
    first = next((headline for headline in headlines if "（1/" in headline), headlines[0] if headlines else "none")
    return {"mails": len(letters), "mails_a_reader": max(by_reader.values(), default=0), "headline": first}


# --- Single commands --------------------------------------------------------------------------------------------------------


def commands(bench, companies, runs):
    """Commands on a database of many companies, of which one in a thousand has something that ends soon."""
    for program in bench.products(companies):
        program.prepare()
        soon = (FIRST_DAY.date() + timedelta(days=45)).isoformat()
        bench.upstream.set(short_every=1000, short_end=soon)
        bench.say(f"{program.name}: baseline of {companies} companies")
        program.sweep(0, cores=None)
        bench.postgres.tidy(program.database)
        for run in range(1, runs + 1):
            for name, figures in _commands(bench, program, run):
                bench.record("commands", companies, f"{program.name}: {name}", run, figures)
        bench.postgres.drop(program.database)


def _commands(bench, program, run):
    # Later with each command: a clock that goes back is another story, and an expensive one.
    clock = (run / 100 + step / 10_000 for step in itertools.count())
    yield "validate", _one_command(bench, program, clock, "validate")
    yield "status", _one_command(bench, program, clock, "status", "--json", accepted=(0, 3))
    yield "list --expiring 90", _one_command(bench, program, clock, "list", "--expiring", "90", "--json")
    # Each time others: of those whose answers hold nothing new.
    numbers = [number for number in range(2 + run * 50, program.companies) if number % 1000][:COMMAND_REPEATS]
    yield "check of one", _check_of_one(bench, program, clock, numbers)
    with Daemon(program, next(clock)) as daemon:
        ready_s = daemon.wait_for("READY=1", 300) - daemon.began
        yield "start to ready", {"wall_s": ready_s, "peak_mb": machine.peak_mb(daemon.process.pid)}
        yield "reload of one line", _reload(bench, program, daemon)


def _one_command(bench, program, clock, *arguments, accepted=(0,)):
    return measured(bench, program, lambda: program.ask(next(clock), *arguments, accepted=accepted))


def _check_of_one(bench, program, clock, numbers):
    """The mean of many, as one is too short for PostgreSQL's clock."""
    each = []

    def all_of_them():
        each.extend(program.ask(next(clock), "check", "--json", keyword(number)) for number in numbers)
        return machine.Finished(
            0,
            statistics.median(finished.wall_s for finished in each),
            statistics.mean(finished.cpu_s for finished in each),
            max(finished.peak_mb or 0 for finished in each),
        )

    figures = measured(bench, program, all_of_them)
    bench.upstream.expect(len(numbers), program.name)
    for name in ("pg_cpu_s", "wal_bytes", "calls"):
        figures[name] /= len(numbers)
    del figures["first_to_last_s"]
    return figures


def _reload(bench, program, daemon):
    """From the signal until the daemon says that the edited file is in force."""
    text = program.watchlist.read_text()
    place = text.index('name = "') + len('name = "')
    program.watchlist.write_text(text[:place] + "改" + text[place:])
    # The daemon's connections stay, so there is no waiting until nobody is connected.
    pg_cpu = bench.postgres.cpu_of_now()
    cpu = machine.cpu_seconds(daemon.process.pid)
    began = time.monotonic()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("READY=1", 120)
    wall = time.monotonic() - began
    figures = {"wall_s": wall, "cpu_s": machine.cpu_seconds(daemon.process.pid) - cpu,
               "pg_cpu_s": bench.postgres.cpu_of_now() - pg_cpu, "peak_mb": machine.peak_mb(daemon.process.pid)}
    program.watchlist.write_text(text)
    return figures


class Daemon:
    """`qualwatch run`, started as systemd would: it says by itself when it is ready. `place` is its state directory."""

    def __init__(self, program, number, place="state"):
        self.path = program.folder / f"notify-{place}"
        self.path.unlink(missing_ok=True)
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind(str(self.path))
        environment = program.environment(number) | {"NOTIFY_SOCKET": str(self.path)}
        self.log = open(f"{self.path}.log", "wb")
        self.began = time.monotonic()
        command = program.command("run", state=place)
        self.process = machine.start(command, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait_for(self, state, limit_s):
        """When it said so."""
        end = time.monotonic() + limit_s
        while True:
            self.heard.settimeout(max(end - time.monotonic(), 0.001))
            try:
                said = self.heard.recv(65536).decode()
            except TimeoutError as none:
                log = machine.tail(f"{self.path}.log")
                self.stop()
                raise machine.Failed(f"the daemon did not say {state} within {limit_s} s:\n{log}") from none
            if state in said.split("\n"):
                return time.monotonic()

    def stop(self):
        """Ends it; what it cost from its start to its end."""
        self.process.send_signal(signal.SIGTERM)
        finished = machine.finish(self.process, self.began, time.monotonic() - self.began + 60)
        self.heard.close()
        self.log.close()
        return finished

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.stop()


# --- Slow upstream ----------------------------------------------------------------------------------------------------------

# The delay of the provider, about.
SLOW = {"delay_ms": 50}
# Companies by concurrency of one daemon: some ten seconds of four daemons.
TOGETHER = {4: 3200, 16: 12800}


def daemons(bench, companies, runs):
    """One daemon and four on one database, an unchanged sweep at 50 ms an answer."""
    for concurrency, number_of_companies in TOGETHER.items():
        number_of_companies = min(companies or number_of_companies, number_of_companies)
        for original in bench.products(number_of_companies, concurrency=concurrency):
            original.prepare()
            bench.upstream.set()
            original.sweep(0, cores=None)
            bench.postgres.tidy(original.database)
            sweep = 0
            for run in range(1, runs + 1):
                for count in (1, 4):
                    sweep += 1
                    figures = _together(bench, original, count, sweep)
                    who = f"{original.name}: {count} x concurrency {concurrency}"
                    bench.record("daemons", 0, who, run, figures)
            bench.postgres.drop(original.database)


def _together(bench, program, count, number):
    bench.upstream.set(**SLOW)
    bench.upstream.reset()
    cpu = bench.postgres.cpu_seconds()
    running = []
    try:
        # All at once: the first must not have a start.
        running = [Daemon(program, number, place=str(place)) for place in range(count)]
        for daemon in running:
            daemon.wait_for("READY=1", 300)
        _wait_for_calls(bench, program.companies)
    finally:
        ended = [daemon.stop() for daemon in running]
    asked = bench.upstream.expect(program.companies, program.name)
    return {
        "calls": asked["requests"],
        "first_to_last_s": asked["first_to_last_s"],
        "calls_per_s": asked["requests"] / asked["first_to_last_s"],
        "cpu_s": sum(finished.cpu_s for finished in ended),
        "peak_mb": max(finished.peak_mb for finished in ended),
        "pg_cpu_s": bench.postgres.cpu_seconds() - cpu,
    }


def _wait_for_calls(bench, calls, limit_s=1800):
    """Until all are asked; and a moment longer, in which a second call for one would be seen."""
    end = time.monotonic() + limit_s
    while bench.upstream.asked()["requests"] < calls:
        if time.monotonic() > end:
            raise machine.Failed(f"not all were asked: {bench.upstream.asked()}")
        time.sleep(0.5)
    time.sleep(1)


# What one process is asked to do at the same time, and how many companies make some seconds of that.
CONCURRENCIES = {1: 100, 4: 400, 16: 1600, 64: 6400, 256: 25600}


def concurrency(bench, companies, runs):
    """One `check` at 50 ms an answer: how many calls a second it makes of its concurrency."""
    for wanted, number_of_companies in CONCURRENCIES.items():
        number_of_companies = min(companies or number_of_companies, number_of_companies)
        programs = bench.products(number_of_companies, concurrency=wanted)
        programs = [program for program in programs if _accepts_concurrency(bench, program)]
        for program in programs:
            bench.upstream.set()
            program.sweep(0, cores=None)
            bench.postgres.tidy(program.database)
        bench.upstream.set(**SLOW)
        for run in range(1, runs + 1):
            for program in [*programs, Bare(bench, number_of_companies, concurrency=wanted)]:
                figures = measured(bench, program, lambda program=program: program.sweep(run, cores=None))
                bench.upstream.expect(number_of_companies, program.name)
                figures["calls_per_s"] = figures["calls"] / figures["first_to_last_s"]
                figures["of_ideal"] = figures["calls_per_s"] / (wanted * 1000 / SLOW["delay_ms"])
                bench.record("concurrency", 0, f"{program.name}: concurrency {wanted}", run, figures)
        for program in programs:
            bench.postgres.drop(program.database)


def _accepts_concurrency(bench, program):
    program.prepare()
    if program.ask(0, "validate", accepted=(0, 2)).exit_code == 0:
        return True
    bench.say(f"{program.name} refuses a concurrency of {program.concurrency}")
    return False


# --- Growth -----------------------------------------------------------------------------------------------------------------


def growth(bench, companies, runs):
    """How the database grows over many unchanged sweeps, a simulated day apart. `runs` is the number of sweeps here."""
    for program in bench.products(companies):
        program.prepare()
        bench.upstream.set()
        program.sweep(0, cores=None)
        bench.postgres.tidy(program.database)
        first = bench.postgres.size(program.database)
        for number in range(1, runs + 1):
            program.sweep(number, cores=None)
            if number % 100 == 0 or number == runs:
                size = bench.postgres.size(program.database)
                figures = {"database_mb": size / 1024 / 1024, "grown": size / first - 1}
                bench.record("growth", companies, f"{program.name}: {number} sweeps", 1, figures)
        bench.postgres.drop(program.database)
