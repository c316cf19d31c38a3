"""A durable PostgreSQL of the benchmark's own, where its programs are installed; and which core runs what."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes")


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started inside runs on that core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def cluster() -> Iterator[str | None]:
    """The URL of an empty database with PostgreSQL's own durable defaults, None where there is none.

    It runs on the load generator's core: on the server's it would be counted as the server's.
    """
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="bys-pg-"))
    data = str(directory / "data")
    try:
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        _as_postgres(initdb, "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        options = f"-k {directory} -c listen_addresses= -c max_connections=60"
        _as_postgres(pg_ctl, "-D", data, "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={directory}"
        finally:
            _as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _as_postgres(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        command = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")


def settings_of(conn: sa.Connection) -> dict[str, str]:
    """What makes a commit durable, as the server says it."""
    return {name: str(conn.execute(sa.text(f"SHOW {name}")).scalar()) for name in SHOWN}
