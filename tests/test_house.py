"""The house keeps its shape: imports point down only, and doors to the world are where they belong.

The floors are those of CONTRIBUTING.md. A room may use the floors below it and the plain values beside it,
never a neighbour on its own floor.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "byourside_server"

# Bottom first. Rooms in one set do not know each other, except those that NEIGHBOURS names.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"clock", "errors", "measures", "printable"}),
    frozenset({"config", "accounts", "sip", "media", "providers.base"}),
    frozenset({"calls"}),
    frozenset({"guardrails", "conversation", "report", "store", "webhooks", "providers"}),
    frozenset({"lines", "thinking"}),
    frozenset({"switchboard"}),
    frozenset({"api", "sandbox", "mcp", "dashboard", "metrics", "spans"}),
    frozenset({"app"}),
    frozenset({"demo"}),
    frozenset({"cli", "__main__"}),
)
# A report reads a transcript with the same plan and the same understanding as the conversation had;
# the store applies the limits inside its transaction and speaks of deliveries with the webhooks' schedule.
NEIGHBOURS = frozenset({("report", "conversation"), ("store", "guardrails"), ("store", "webhooks")})

# Modules that touch the world, and the rooms that may.
WORLDLY = frozenset(
    {
        "socket",
        "asyncio",
        "subprocess",
        "threading",
        "httpx",
        "httpx2",
        "openai",
        "websockets",
        "livekit",
        "sqlalchemy",
        "dbos",
        "uvicorn",
        "mcp",
        "prometheus_client",
        "opentelemetry",
    }
)
ROOMS_OF_THE_WORLD = frozenset(
    {
        "providers",
        "store",
        "webhooks",
        "lines",
        "thinking",
        "switchboard",
        "api",
        "mcp",
        "dashboard",
        "sandbox",
        "metrics",
        "spans",
        "app",
        "demo",
        "cli",
    }
)
# Libraries that one room alone may know, so that it can be replaced by changing that room.
OF_ONE_ROOM = {"prometheus_client": "metrics", "opentelemetry": "spans"}
READERS_OF_CONFIG = frozenset({"app", "cli", "demo", "config", "__main__"})
CLOCKS = frozenset({"time", "random", "secrets", "datetime"})
SANS_IO = frozenset({"sip", "media", "calls", "guardrails", "conversation", "report"})


def room_of(module: str) -> str:
    parts = module.split(".")[1:]
    if not parts:
        return "__init__"
    if parts[:2] == ["providers", "base"]:
        return "providers.base"
    return parts[0]


def floor_of(room: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"{room} has no floor: give it one in FLOORS and in CONTRIBUTING.md")


def sources() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        yield name, path


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> list[str]:
    return list(imported_by(path))


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path}: relative imports hide the direction; write them out")


ALL_SOURCES = list(sources())


def upward(module: str, path: Path) -> Iterator[str]:
    room = room_of(module)
    if room == "__init__" or room == "__main__":
        return
    for imported in imports_of(path):
        if not imported.startswith("byourside_server."):
            if imported.startswith(("byourside.", "voxplo.")):
                yield f"{module} imports an SDK"
            continue
        other = room_of(imported)
        if other in (room, "__init__", "__version__") or {room, other} == {"providers", "providers.base"}:
            continue
        if floor_of(other) >= floor_of(room) and (room, other) not in NEIGHBOURS:
            yield f"{module} ({room}) may not import {imported} ({other})"


def test_imports_point_down_only() -> None:
    assert [fault for source in ALL_SOURCES for fault in upward(*source)] == []


def worldly(module: str, path: Path) -> Iterator[str]:
    room = room_of(module)
    for imported in imports_of(path):
        top = imported.split(".")[0]
        if (top in WORLDLY and room not in ROOMS_OF_THE_WORLD) or OF_ONE_ROOM.get(top, room) != room:
            yield f"{module} imports {imported}"


def test_only_rooms_of_the_world_touch_the_world() -> None:
    assert [fault for source in ALL_SOURCES for fault in worldly(*source)] == []


CLOCKS_AND_DICE = {
    "time.time",
    "time.monotonic",
    "time.sleep",
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "date.today",
    "random.random",
}


def clock_reading(module: str, path: Path) -> Iterator[str]:
    if room_of(module) not in SANS_IO:
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            if called in CLOCKS_AND_DICE:
                yield f"{module} calls {called}"


def test_sans_io_rooms_read_no_clock() -> None:
    assert [fault for source in ALL_SOURCES for fault in clock_reading(*source)] == []


def reading_of_configuration(module: str, path: Path) -> Iterator[str]:
    if room_of(module) in READERS_OF_CONFIG:
        return
    for imported in imports_of(path):
        if imported.startswith("byourside_server.config") or imported in ("os.environ", "os.getenv"):
            yield f"{module} imports {imported}"
    if re.search(r"getenv\(|environ(\.get\(|\[)\s*[\"']BYOURSIDE", path.read_text()):
        yield f"{module} reads the environment"


def test_only_app_and_cli_read_configuration() -> None:
    assert [fault for source in ALL_SOURCES for fault in reading_of_configuration(*source)] == []


def test_the_sdk_never_imports_the_server() -> None:
    packages = [ROOT / "sdks" / "python" / name for name in ("byourside", "voxplo")]
    sources = [path for package in packages for path in package.rglob("*.py")]
    assert sources
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("byourside_server") for alias in node.names), path
            elif isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("byourside_server"), path


def test_every_module_says_what_it_is() -> None:
    written = [(module, path) for module, path in ALL_SOURCES if path.read_text().strip()]
    assert [module for module, path in written if not ast.get_docstring(tree_of(path))] == []


def test_no_file_outgrows_its_noun() -> None:
    crowded = {
        path.relative_to(ROOT).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 450
    }
    assert not crowded
