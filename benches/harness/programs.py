"""The programs that are compared, each with its own database: how one is set up, and how it sweeps once."""

import json
import os
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

from . import machine
from .upstream import keyword, keywords

BENCHES = Path(__file__).resolve().parent.parent
CONCURRENCY = 64
# Ends of the upstream's certificates lie four years and more after this.
FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=8)))
# urlwatch is slow, and its costs grow with the number of pages alone.
URLWATCH_COMPANIES = 1000
QUALIFICATIONS_A_COMPANY = 15
# Reads of every company.
READER = "reader@example.com"


def day(number):
    """The simulated morning of this sweep."""
    return (FIRST_DAY + timedelta(days=number)).isoformat()


class Program:
    """One competitor. `name` stands in the tables; `database` is None where it has none."""

    name = "?"
    database = None

    def __init__(self, bench, companies):
        self.bench = bench
        self.companies = companies
        self.keyword_file = bench.scratch / f"keywords-{companies}"
        if not self.keyword_file.exists():
            self.keyword_file.write_text("\n".join(keywords(companies)) + "\n")

    def prepare(self):
        """Makes an empty place to work in."""
        if self.database:
            self.bench.postgres.make(self.database)

    def copy_for(self, suffix):
        """The same program on a copy of its database: what one scenario does to it, another does not see."""
        twin = object.__new__(type(self))
        twin.__dict__ = dict(self.__dict__)
        if self.database:
            twin.database = f"{self.database}_{suffix}"
            self.bench.postgres.make(twin.database, self.database)
            self.bench.postgres.tidy(twin.database)
        return twin

    def sweep(self, number, cores=frozenset({machine.CLIENT_CORE})):
        """Asks once for every company, on the simulated day `number`; what the program says of it, and what it cost."""
        raise NotImplementedError

    def verify(self):
        """Raises when what is stored is not what was answered."""

    def _log(self):
        return self.bench.scratch / f"{self.name.replace(' ', '-').replace('/', '-')}.log"

    def _run(self, command, cores, **more):
        finished = machine.run(command, cores, log=self._log(), **more)
        if finished.exit_code != 0:
            raise machine.Failed(f"{self.name} exited with {finished.exit_code}:\n{machine.tail(self._log())}")
        return finished


class Bare(Program):
    """The ceiling: reqwest, and nothing is kept."""

    name = "bare reqwest"

    def __init__(self, bench, companies, concurrency=CONCURRENCY):
        super().__init__(bench, companies)
        self.concurrency = concurrency

    def sweep(self, number, cores=frozenset({machine.CLIENT_CORE})):
        command = [self.bench.tools["bare"], self.bench.upstream.url, self.keyword_file, self.concurrency]
        return self._run(command, cores)


class Peer(Program):
    """benches/peer.py."""

    def __init__(self, bench, companies, mode):
        super().__init__(bench, companies)
        self.mode = mode
        self.name = f"python {mode}"
        self.database = f"peer_{mode}"

    def sweep(self, number, cores=frozenset({machine.CLIENT_CORE})):
        # asyncpg takes a host before the question mark for the only one.
        database = self.bench.postgres.url(self.database).replace("@localhost/", "@/")
        command = [self.bench.python, BENCHES / "peer.py", self.mode, self.bench.upstream.url, database,
                   self.keyword_file, CONCURRENCY]
        return self._run(command, cores)

    def verify(self):
        wanted = f"{self.companies}|{self.companies * QUALIFICATIONS_A_COMPANY}"
        counted = "SELECT (SELECT count(*) FROM companies), (SELECT count(*) FROM holdings)"
        stored = self.bench.postgres.ask(counted, self.database)
        if stored != wanted:
            raise machine.Failed(f"{self.name} should have stored {wanted} companies and holdings: {stored}")


class Urlwatch(Program):
    """Looks whether pages changed, and stores what they were, in SQLite."""

    name = "urlwatch"

    def __init__(self, bench, companies):
        super().__init__(bench, min(companies, URLWATCH_COMPANIES))
        self.folder = bench.scratch / "urlwatch"

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        address = self.bench.upstream.url
        # It knows a job by its address, so the form goes there.
        jobs = [f"url: {address}?key=bench&pageSize=20&pageNum=1&keyword={code}\n" for code in keywords(self.companies)]
        (self.folder / "urls.yaml").write_text("---\n".join(jobs))
        (self.folder / "urlwatch.yaml").write_text("report:\n  stdout:\n    enabled: true\n    color: false\n")
        (self.folder / "hooks.py").write_text("")

    def sweep(self, number, cores=frozenset({machine.CLIENT_CORE})):
        files = [part for name, file in (("urls", "urls.yaml"), ("config", "urlwatch.yaml"), ("hooks", "hooks.py"),
                                         ("cache", "cache.db")) for part in (f"--{name}", self.folder / file)]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return self._run([self.bench.python.parent / "urlwatch", *files], cores,
                         environment=environment | {"HOME": str(self.folder)})


class Product(Program):
    """qualwatch, by `check --json` on a simulated day: the address is on loopback, so its clock may be set."""

    def __init__(self, bench, companies, binary, name="qualwatch", database="qualwatch", concurrency=CONCURRENCY):
        super().__init__(bench, companies)
        self.binary, self.name, self.database = binary, name, database
        self.concurrency = concurrency
        self.folder = bench.scratch / f"{database}-{companies}-{concurrency}"
        self.watchlist = self.folder / "watchlist.toml"
        # A reader of their own for each tenth of the companies.
        self.departments = 0
        self.said = {}

    def prepare(self):
        super().prepare()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.watchlist.write_text(self._watchlist())

    def copy_for(self, suffix):
        twin = super().copy_for(suffix)
        # The watchlist keeps its place: the database knows it by that.
        twin.folder = self.bench.scratch / f"{self.folder.name}-{suffix}"
        shutil.rmtree(twin.folder, ignore_errors=True)
        shutil.copytree(self.folder, twin.folder)
        return twin

    def _watchlist(self):
        head = f"""
[api]
url = "{self.bench.upstream.url}"
concurrency = {self.concurrency}
requests_per_second = 1000000
calls_per_day = 0

[email]
maildir = "mail"
from = "qualwatch <qualwatch@example.com>"
to = ["{READER}"]
operators = ["operator@example.com"]
"""
        lines = [head]
        for number, code in enumerate(keywords(self.companies), 1):
            lines.append(f'\n[[company]]\nkeyword = "{code}"\nname = "第{number}建设有限公司"\n')
            if self.departments:
                lines.append(f'to = ["department{number % self.departments}@example.com"]\n')
        return "".join(lines)

    def environment(self, number):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QUALWATCH_")}
        return kept | {
            "QUALWATCH_API_KEY": "bench",
            "QUALWATCH_DATABASE_URL": self.bench.postgres.url(self.database),
            "QUALWATCH_NOW": day(number),
        }

    def command(self, *arguments, state="state"):
        return [self.binary, "--watchlist", self.watchlist, "--state-dir", self.folder / state, *arguments]

    def ask(self, number, *arguments, cores=None, accepted=(0,), output=None):
        """Runs one command of it."""
        finished = machine.run(self.command(*arguments), cores, self.environment(number), stdout=output, log=self._log())
        if finished.exit_code not in accepted:
            raise machine.Failed(
                f"{self.name} {' '.join(arguments)} exited with {finished.exit_code}:\n{machine.tail(self._log())}"
            )
        return finished

    def sweep(self, number, cores=frozenset({machine.CLIENT_CORE})):
        output = self.folder / "check.json"
        finished = self.ask(number, "check", "--json", cores=cores, output=output)
        self.said = json.loads(output.read_text())
        companies = self.said["companies"]
        if (companies["complete"], self.said["calls"]) != (self.companies, self.companies):
            raise machine.Failed(f"{self.name} should have verified {self.companies}: {companies}, {self.said['calls']} calls")
        return finished

    def events(self):
        """How many of each kind the last sweep brought."""
        kinds = {}
        for event in self.said["events"]:
            kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
        return kinds

    def verify(self):
        """By what it lists of some companies: how it stores them is its own affair."""
        output = self.folder / "list.json"
        for number in {1, self.companies // 2, self.companies}:
            self.ask(0, "list", "--json", "--company", keyword(number), output=output)
            listed = json.loads(output.read_text())["certificates"]
            held = sum(len(certificate["qualifications"]) for certificate in listed)
            if held != QUALIFICATIONS_A_COMPANY:
                raise machine.Failed(f"{self.name} lists {held} qualifications of company {number}")
