"""`serve` and `demo`: the house started, after what would stop it has been looked at."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path

from byourside_server.accounts.password import hash_password, make_password
from byourside_server.cli.archive import (
    DEFAULT_ACCOUNT,
    SANDBOX_NUMBER,
    furnish,
    furnish_dashboard,
    make_directories,
    now,
    refuse_second_server,
    transact,
)
from byourside_server.cli.logs import start_logging
from byourside_server.cli.terminal import say
from byourside_server.config import Config


def serve(config: Config, given: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; on an empty data directory, first make an account and show its key."""
    # Imported here: the whole house takes a second to load, and `keys create` needs little of it.
    from byourside_server import app

    make_directories(config)
    refuse_second_server(config)
    # Before the first key is shown: a server that can't start must not have spent it.
    app.listen(config.host, config.port).close()
    key = transact(config, furnish, config, now())
    if key is not None:
        say(f"Made account {DEFAULT_ACCOUNT!r} with the sandbox number {SANDBOX_NUMBER}.")
        say(f"Your agent key (shown once): {key}")
    password = make_password()
    if transact(config, furnish_dashboard, hash_password(password), now()):
        say(f"Your dashboard password (shown once): {password}")
    if config.is_sandbox:
        say("No trunk is configured: calls go to the sandbox telephone network; no real phone rings.")
    if config.is_virtual:
        say("Calls go at virtual time: half a minute of telephone takes a second or less.")
    start_logging(config.log_level)
    # uvloop where it is installed: an answer's head and body leave in one write.
    from uvicorn.loops.auto import auto_loop_factory

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(app.serve(config))


def demo(config: Config, given: Namespace) -> int:
    """Show one call from POST to webhook, on a server of its own."""
    from byourside_server import demo as shown

    data_dir = Path(config.data_dir) / "demo" if given.data_dir is None else config.data_dir
    return shown.main(data_dir, virtual=given.virtual)
