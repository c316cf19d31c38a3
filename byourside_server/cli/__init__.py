"""`byourside-server`: the operator's commands.

Reads the command line and the configuration, calls the rooms below, prints lines for people, and turns
whatever an operator can get wrong into one line and exit status 2.
"""

from byourside_server.cli.main import main

__all__ = ["main"]
