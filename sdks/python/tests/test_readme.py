"""The README's snippets run as printed, with only the key and the base URL changed, under both names."""

import contextlib
import io
import re
import sys
import time
import types
import unittest
import unittest.mock
from pathlib import Path
from typing import Any, Callable, Dict, List

from byourside.errors import MESSAGE_OF_CODE
from contract_data import load, needs_contract
from scripted_server import Reply, Request, ScriptedServer
from test_webhooks import header

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
SNIPPETS: List[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
NAMES = ("byourside", "voxplo")
KEY = 'Client(api_key="bys_ak_YOUR_KEY"'


def snippet(mark: str) -> str:
    (found,) = [text for text in SNIPPETS if mark in text]
    return found


def phone_company(request: Request) -> Reply:
    """Answers as the API does, from the contract's examples."""
    if request.headers.get("authorization") != "Bearer bys_ak_real":
        return Reply(401, {"error": "unauthorized"})
    if request.method == "POST":
        if request.body["to"].startswith("+1900"):
            return Reply(400, load("examples/error.json"))
        return Reply(json=load("examples/placed.json"))
    if "?" in request.path:
        return Reply(json=load("examples/list_published.json"))
    return Reply(json=load("examples/record_completed.json"))


def run(source: str, name: str, base_url: str, scope: Dict[str, Any]) -> str:
    source = source.replace("from byourside import", f"from {name} import")
    source = source.replace(KEY, f'Client(api_key="bys_ak_real", base_url="{base_url}"')
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, "README.md", "exec"), scope)
    return out.getvalue()


@needs_contract
class Snippets(unittest.TestCase):
    def test_quick_start_list_and_get(self) -> None:
        for name in NAMES:
            with self.subTest(name), ScriptedServer(phone_company) as server:
                scope: Dict[str, Any] = {}
                out = run(snippet("wait_for_call(call["), name, server.url, scope)
                self.assertEqual(
                    out.splitlines(),
                    [
                        "Placed: f47ac10b-58cc-4372-a567-0e02b2c3d479 status: queued",
                        "Final status: completed",
                        "Extracted fields: {'confirmed': True, 'new_time': None}",
                    ],
                )
                self.assertEqual(server.requests[0].body, load("examples/request_readme.json"))
                out = run(snippet("list_calls(limit=10)"), name, server.url, scope)
                self.assertEqual(out, "f47ac10b-58cc-4372-a567-0e02b2c3d479 completed\n")
                out = run(snippet('get_call("call_abc123")'), name, server.url, scope)
                self.assertIn("'status': 'completed'", out)
                self.assertEqual(server.requests[-1].path, "/v1/agent/calls/call_abc123")

    def test_error_handling(self) -> None:
        for name in NAMES:
            with self.subTest(name), ScriptedServer(phone_company) as server:
                out = run(snippet("ByoursideError as e"), name, server.url, {})
                self.assertEqual(out.splitlines()[:2], ["destination_blocked", "400"])
                self.assertTrue(out.splitlines()[2])

    def test_your_own_http(self) -> None:
        for name in NAMES:
            with self.subTest(name):
                run(snippet("def transport("), name, "", {})


class Refused(Exception):
    pass


def little_flask(body: bytes, signature: str) -> types.ModuleType:
    """As much of Flask as the snippet touches."""

    class App:
        def __init__(self, name: str) -> None: ...

        def route(self, path: str, methods: List[str]) -> Callable[[Any], Any]:
            return lambda view: view

    class AnyRequest:
        def __init__(self) -> None:
            self.headers = {"X-BYS-Signature": signature}

        def get_data(self, as_text: bool) -> str:
            return body.decode("utf-8")

        def get_json(self) -> Dict[str, str]:
            return {"callId": "c1", "status": "completed"}

    def abort(status: int, why: str) -> None:
        raise Refused(status, why)

    flask = types.ModuleType("flask")
    vars(flask).update(Flask=App, request=AnyRequest(), abort=abort)
    return flask


class FlaskSnippet(unittest.TestCase):
    def test_a_signed_delivery_is_taken_and_a_forged_one_refused(self) -> None:
        body = '{"callId": "c1", "summary": "Zoë"}'.encode()
        good = header(body, int(time.time()))
        for name in NAMES:
            for signature, welcome in ((good, True), (good[:-1] + "0", good.endswith("0")), ("", False)):
                with self.subTest(name, welcome=welcome):
                    with unittest.mock.patch.dict(sys.modules, flask=little_flask(body, signature)):
                        scope: Dict[str, Any] = {"__name__": "receiver"}
                        run(snippet("from flask import"), name, "", scope)
                        view = scope["bys_webhook"]
                        if welcome:
                            with contextlib.redirect_stdout(io.StringIO()) as out:
                                self.assertEqual(view(), ("", 200))
                            self.assertEqual(out.getvalue(), "Call update: c1 completed\n")
                        else:
                            self.assertRaises(Refused, view)


class Tables(unittest.TestCase):
    def test_every_code_in_the_error_table_is_one_that_can_come(self) -> None:
        section = README.split("## Error handling")[1].split("## Your own HTTP")[0]
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        codes = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
        self.assertGreater(len(codes), 15)
        self.assertLessEqual(set(codes), set(MESSAGE_OF_CODE))

    @needs_contract
    def test_the_status_table_is_the_contracts(self) -> None:
        section = README.split("## Call statuses")[1].split("## More")[0]
        told = {
            line.split("`")[1]: "(terminal)" in line
            for line in section.splitlines()
            if line.startswith("| `")
        }
        self.assertEqual(told, {row["status"]: row["terminal"] for row in load("statuses.json")})


if __name__ == "__main__":
    unittest.main()
