"""`python -m byourside_server.mcp`, installed as `byourside-mcp`: hands the command its environment."""

from __future__ import annotations

import os
import sys

from byourside_server.mcp import command


def main() -> int:
    """Run the command with this process's arguments and environment."""
    return command.main(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(main())
