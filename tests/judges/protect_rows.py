"""Where a keyfront keeps its rows, for who judges it, and whoever administers that database. It has no tests."""

import os
import pathlib
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import time


class Sqlite:
    """A file in the keyfront's folder."""

    OCTETS = "BLOB"
    settings = ""

    def __init__(self, at):
        self.path = at / "data/records.db"

    def execute(self, statement):
        """The rows that a statement gives, their columns as text."""
        rows = sqlite3.connect(self.path, timeout=30)
        with rows:
            answer = [tuple(str(value) for value in row) for row in rows.execute(statement)]
        rows.close()
        return answer

    def end(self):
        pass


class PostgreSQL:
    """A server of its own, at a socket."""

    OCTETS = "BYTEA"

    def __init__(self, _):
        self.programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="judge"))
        # PostgreSQL refuses to run as root.
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        shutil.chown(self.folder, user.pw_uid, user.pw_gid) if user else None
        self.as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "KILL", "--"] if user else []
        data, quiet = self.folder / "data", subprocess.DEVNULL
        made = [*self.as_user, self.programs / "initdb", "-D", data, "-A", "trust", "-U", "judge", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, stdout=quiet, cwd=self.folder)
        settings = [f"unix_socket_directories={self.folder}", "listen_addresses="]
        self.server = subprocess.Popen(
            [*self.as_user, self.programs / "postgres", "-D", data, *(word for setting in settings for word in ("-c", setting))],
            stdout=quiet, stderr=quiet, cwd=self.folder,
        )
        until = time.monotonic() + 30
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder]).returncode:
            assert self.server.poll() is None and time.monotonic() < until, "PostgreSQL does not start"
            time.sleep(0.05)
        self.settings = f'[database]\nkind = "postgresql"\nurl = "postgresql:///postgres?host={self.folder}&user=judge"\n'

    def execute(self, statement):
        psql = [self.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "judge", "-d", "postgres", "-c", statement]
        said = subprocess.run(psql, check=True, capture_output=True, text=True).stdout
        return [tuple(line.split("|")) for line in said.splitlines()]

    def end(self):
        self.server.kill()
        self.server.wait()
        shutil.rmtree(self.folder)
