"""The server's log: one line per entry on standard error, its fields as key=value.

Fields whose key begins `pii.` (numbers, transcripts, what vendors sent) are left out,
and web addresses lose what may be a secret.
"""

from __future__ import annotations

import json
import logging
import sys
import time

from byourside_server.printable import printable

ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class LineFormatter(logging.Formatter):
    """`2026-06-17T14:03:12.345Z info calls.line: call ended call_id=… status=completed`"""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        where = record.name.removeprefix("byourside_server.")
        line = f"{at}.{int(record.msecs):03d}Z {record.levelname.lower()} {where}: {record.getMessage()}"
        for name, value in record.__dict__.items():
            if name not in ORDINARY and not name.startswith(("_", "pii.")):
                line += f" {name}={_shown(value)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return printable(line)


def _shown(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text else json.dumps(text)


def start_logging(level: str) -> None:
    """Log this house at `level`, and the libraries in it only where something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("byourside_server").setLevel(level.upper())
