"""A PostgreSQL of the run's own: stock settings, reached by a Unix socket, gone at the end."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import machine

ROLE = "qualwatch"
# The places that the product looks in (src/private_postgres/binaries.rs), for Linux.
PLACES = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql*/bin", "/usr/libexec/postgresql*"]


def programs():
    """The directory of PostgreSQL's programs, the newest where there are several."""
    named = os.environ.get("QUALWATCH_POSTGRES_BIN")
    if named:
        return Path(named)
    found = [path for place in PLACES for path in Path("/").glob(place[1:]) if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path))])
    initdb = shutil.which("initdb")
    if not initdb:
        raise machine.Failed("no PostgreSQL server is installed: run script/bootstrap")
    return Path(initdb).resolve().parent


class Postgres:
    """The server. All programs that are compared have their databases on it."""

    def __init__(self, folder):
        self.programs = programs()
        self.folder = folder
        self.user = self._user()
        folder.mkdir()
        if self.user:
            shutil.chown(folder, self.user)
        self._as_user([self.programs / "initdb", "-D", folder / "cluster", "--username", ROLE, "--auth", "trust",
                       "--encoding", "UTF8", "--locale", "C", "--no-sync"])
        self.has_statistics = self._has_library("pg_stat_statements")
        settings = {"listen_addresses": "", "unix_socket_directories": folder}
        if self.has_statistics:
            # It counts statements, in the pass that is not measured; else it is off.
            settings |= {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "none"}
        with open(folder / "cluster" / "postgresql.conf", "a", encoding="utf-8") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.log = folder / "server.log"
        with open(self.log, "wb") as log:
            self.process = machine.start(
                [self.programs / "postgres", "-D", folder / "cluster"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self.user, group=self._group(), cwd=folder,
            )
        self._wait_until_ready()
        if self.has_statistics:
            self.ask("CREATE EXTENSION pg_stat_statements")

    @staticmethod
    def _user():
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in known else "nobody"

    def _group(self):
        return pwd.getpwnam(self.user).pw_gid if self.user else None

    def _as_user(self, command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, user=self.user,
                              group=self._group(), cwd=self.folder)
        if done.returncode != 0:
            raise machine.Failed(f"{command[0]}: {done.stderr}")
        return done.stdout

    def _has_library(self, name):
        libraries = self._as_user([self.programs / "pg_config", "--pkglibdir"]).strip()
        return (Path(libraries) / f"{name}.so").exists()

    def _wait_until_ready(self):
        for _ in range(200):
            ready = subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", str(self.folder), "-U", ROLE])
            if ready.returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise machine.Failed(f"the PostgreSQL server did not start:\n{machine.tail(self.log)}")

    def ask(self, statement, database="postgres"):
        """The answer of one statement, its columns separated by |."""
        command = [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", ROLE, "-d", database,
                   "-c", statement]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise machine.Failed(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def url(self, database):
        return f"postgres://{ROLE}@localhost/{database}?host={self.folder}"

    def make(self, database, template=None):
        """An empty database, or a copy of `template`; an older one of the same name is gone."""
        self.drop(database)
        self.settle()
        self.ask(f"CREATE DATABASE {database}" + (f" TEMPLATE {template}" if template else ""))

    def drop(self, database):
        self.ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def tidy(self, database):
        """What autovacuum would do in a while: so it does not do it in the middle of what is measured."""
        self.ask("VACUUM (ANALYZE)", database)

    def settle(self):
        """Waits until nobody is connected: a backend's time counts once it has gone."""
        for _ in range(250):
            titles = [self._title(child) for child in machine.children(self.process.pid)]
            if not any(f"postgres: {ROLE} " in title for title in titles):
                return
            time.sleep(0.02)

    @staticmethod
    def _title(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""

    def cpu_seconds(self):
        """Of all its processes, those that have ended too, once nobody is connected."""
        self.settle()
        return self.cpu_of_now()

    def cpu_of_now(self):
        """The same while somebody is connected."""
        total = machine.cpu_seconds(self.process.pid)
        for child in machine.children(self.process.pid):
            try:
                total += machine.cpu_seconds(child)
            except OSError:
                # It has gone just now, and is counted at the next look.
                continue
        return total

    def wal_position(self):
        high, _, low = self.ask("SELECT pg_current_wal_insert_lsn()").partition("/")
        return (int(high, 16) << 32) + int(low, 16)

    def checkpoint(self):
        self.ask("CHECKPOINT")

    def size(self, database):
        return int(self.ask(f"SELECT pg_database_size('{database}')"))

    def count_statements(self, database, body):
        """Statements and transactions of what `body` does in `database`. (None, transactions) where they cannot be counted."""
        if self.has_statistics:
            self.ask("ALTER SYSTEM SET pg_stat_statements.track = 'top'")
            self.ask("SELECT pg_reload_conf()")
            self.ask("SELECT pg_stat_statements_reset()")
        before = self._transactions(database)
        try:
            body()
        finally:
            self.settle()
            if self.has_statistics:
                self.ask("ALTER SYSTEM RESET pg_stat_statements.track")
                self.ask("SELECT pg_reload_conf()")
        statements = None
        if self.has_statistics:
            statements = int(self.ask(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements AS counted "
                f"JOIN pg_database AS named ON named.oid = counted.dbid WHERE named.datname = '{database}'"
            ))
        return statements, self._transactions(database) - before

    def _transactions(self, database):
        return int(self.ask(f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{database}'"))

    def version(self):
        return self.ask("SHOW server_version").split(" ")[0]

    def stop(self):
        # A fast shutdown: whoever is still connected is cut off.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
