"""Real databases: a SQLite file, and a PostgreSQL cluster of our own where its programs are installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")


def _program(name: str) -> str | None:
    found = shutil.which(name)
    if found:
        return found
    for place in PLACES:
        for candidate in sorted(Path("/").glob(f"{place[1:]}/{name}"), reverse=True):
            return str(candidate)
    return None


def _as_postgres(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        command = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """A cluster on a unix socket, gone after the session; its base URL without the database's name."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("no PostgreSQL programs (initdb, pg_ctl) on this machine")
    directory = Path(tempfile.mkdtemp(prefix="bys-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        data = str(directory / "data")
        _as_postgres(initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        options = f"-k {directory} -c listen_addresses= -c fsync=off -c max_connections=40"
        _as_postgres(pg_ctl, "-D", data, "-w", "-l", str(directory / "log"), "-o", options, "start")
    except (subprocess.CalledProcessError, LookupError) as trouble:
        shutil.rmtree(directory, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {trouble}")
    try:
        yield f"postgresql+asyncpg://postgres@/{{name}}?host={directory}"
    finally:
        _as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_cluster: str) -> str:
    """The cluster's database, emptied: a new one for each test would copy 8 MB each time."""
    url = postgres_cluster.format(name="postgres")

    async def empty() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as conn:
            # What a test that failed has left behind would hold its locks for ever.
            of_others = "datname = current_database() AND pid <> pg_backend_pid()"
            end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_others}"
            await conn.execute(sa.text(end))
            for schema in ("public", "dbos"):
                await conn.execute(sa.text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            await conn.execute(sa.text("CREATE SCHEMA public"))
        await engine.dispose()

    asyncio.run(empty())
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same store on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))
