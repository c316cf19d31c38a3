"""docs/mcp.md lists the tools, their arguments and the command's settings as they are."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import get_args

from byourside_server.mcp import command
from byourside_server.mcp.surroundings import Confirm
from tests.mcp.conftest import OnceDesk, server_over

PAGE = (Path(__file__).resolve().parents[2] / "docs/mcp.md").read_text()


def test_every_tool_is_listed_with_its_arguments_and_no_others(desk: OnceDesk) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE.partition("## The tools")[2], re.MULTILINE)
    listed = {tool: re.findall(r"`(\w+)`", words) for tool, words in rows if "_" in tool}
    tools = asyncio.run(server_over(desk).list_tools())
    assert listed == {tool.name: list(tool.input_schema["properties"]) for tool in tools}


def test_every_variable_and_every_way_of_asking_is_named() -> None:
    variables = (*command.KEY_VARIABLES, *command.URL_VARIABLES, *command.CONFIRM_VARIABLES)
    assert [name for name in (*variables, *get_args(Confirm)) if f"`{name}`" not in PAGE] == []
