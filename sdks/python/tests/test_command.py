"""The command line, run in this process against a real server on loopback."""

import contextlib
import io
import json
import os
import re
import tempfile
import unittest
import unittest.mock
from typing import Any, Dict, List, Tuple

from byourside.command import main
from byourside.printout import Progress, clock_face, harmless, wants_colour
from contract_data import load, needs_contract
from scripted_server import Reply, ScriptedServer, unused_port


def run(*words: str, **environ: str) -> Tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(words), prog="python -m byourside", environ=environ)
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def settings(server: ScriptedServer) -> Dict[str, str]:
    return {"BYOURSIDE_API_KEY": "bys_ak_test", "BYOURSIDE_BASE_URL": server.url}


def life_of(*names: str) -> List[Reply]:
    """The answers to a placement and to the looks after it, from the contract's examples."""
    looks = [Reply(json=load(f"examples/record_{name}.json")) for name in names]
    return [Reply(json=load("examples/placed.json")), *looks]


OBJECTIVE = "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule."


class Calling(unittest.TestCase):
    @needs_contract
    def test_a_call_shows_progress_turns_and_result(self) -> None:
        with ScriptedServer(life_of("queued", "dialing", "in_progress", "completed")) as server:
            code, out, err = run(
                "call",
                "+14155550123",
                OBJECTIVE,
                "--field",
                "confirmed:boolean",
                "--field",
                "new_time:string:The new time: day and hour",
                "--interval",
                "0",
                **settings(server),
            )
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            server.requests[0].body["fields"],
            [
                {"name": "confirmed", "type": "boolean"},
                {"name": "new_time", "type": "string", "description": "The new time: day and hour"},
            ],
        )
        landmarks = [
            "Placed call f47ac10b",
            "queued",
            "dialing",
            "in progress",
            "0:00.3  Contact  Hello?",
            "0:01.1  Agent    Hello, this is an AI assistant.",
            "0:09.4  Contact  Yes, that works.",
            "0:16.4  Contact  Goodbye.",
            "completed\n\n",
            "summary        The contact confirmed",
            'confirmed      true   ("Yes, that works." at 0:09.4)',
            "new_time       null",
            "duration       17.6 s",
            "recording      https://api.byourside.ai/v1/agent/calls/f47ac10b",
        ]
        places = [out.find(landmark) for landmark in landmarks]
        self.assertNotIn(-1, places, out)
        self.assertEqual(places, sorted(places), out)
        self.assertEqual(out.count("Hello?"), 1)

    @needs_contract
    def test_every_other_ending_is_exit_code_1_and_says_why(self) -> None:
        for name, word in (
            ("no_answer", "no_answer"),
            ("failed", "unallocated_number"),
            ("canceled", "canceled"),
        ):
            with self.subTest(name), ScriptedServer(life_of("queued", name)) as server:
                code, out, _ = run("call", "+14155550123", "Ask.", "--interval", "0", **settings(server))
                self.assertEqual(code, 1)
                self.assertIn(word, out)

    @needs_contract
    def test_with_json_standard_output_is_the_record_and_nothing_else(self) -> None:
        with ScriptedServer(life_of("in_progress", "completed")) as server:
            words = ("call", "+14155550123", "Ask.", "--interval", "0", "--json")
            code, out, err = run(*words, **settings(server))
        self.assertEqual((code, json.loads(out)), (0, load("examples/record_completed.json")))
        self.assertIn("Yes, that works.", err)

    @needs_contract
    def test_without_waiting_the_id_is_printed(self) -> None:
        with ScriptedServer(life_of()) as server:
            code, out, _ = run("call", "+14155550123", "Ask.", "--no-wait", **settings(server))
        self.assertEqual((code, out), (0, "f47ac10b-58cc-4372-a567-0e02b2c3d479  queued\n"))

    @needs_contract
    def test_a_wait_that_runs_out_says_how_to_look_again(self) -> None:
        with ScriptedServer(life_of("queued")) as server:
            code, _, err = run("call", "+14155550123", "Ask.", "--timeout", "0", **settings(server))
        self.assertEqual(code, 3)
        self.assertIn("watch f47ac10b-58cc-4372-a567-0e02b2c3d479", err)
        self.assertIn("timeout: ", err)

    @needs_contract
    def test_options_reach_the_request(self) -> None:
        with ScriptedServer(life_of()) as server:
            run(
                *(
                    "call",
                    "+14155550123",
                    "Ask.",
                    "--no-wait",
                    "--context",
                    "c",
                    "--caller-id",
                    "+12134932550",
                ),
                *("--webhook-url", "https://x.example/h", "--max-duration", "60", "--language", "en-GB"),
                *("--leave-message", "Call back.", "--scheduled-at", "2026-06-17T16:00:00Z"),
                *("--idempotency-key", "order-1"),
                **settings(server),
            )
        self.assertEqual(server.requests[0].headers["idempotency-key"], "order-1")
        self.assertEqual(
            server.requests[0].body,
            {
                "to": "+14155550123",
                "objective": "Ask.",
                "context": "c",
                "webhookUrl": "https://x.example/h",
                "callerId": "+12134932550",
                "maxDurationSec": 60,
                "language": "en-GB",
                "voicemail": {"action": "leave_message", "message": "Call back."},
                "scheduledAt": "2026-06-17T16:00:00Z",
            },
        )


class OtherCommands(unittest.TestCase):
    @needs_contract
    def test_list_get_watch_cancel(self) -> None:
        done = load("examples/record_completed.json")
        for words, reply, expected in (
            (("list",), load("examples/list.json"), "completed    2026-06-17T14:03:04.118Z  +14155550123"),
            (("list", "--json"), load("examples/list.json"), '"callId"'),
            (("get", "c1"), done, "objective met  yes"),
            (("watch", "c1"), done, "Agent    Thank you, goodbye."),
            (("cancel", "c1"), load("examples/record_canceled.json"), "error          canceled"),
        ):
            with self.subTest(words), ScriptedServer([Reply(json=reply)]) as server:
                code, out, err = run(*words, **settings(server))
                self.assertEqual((code, err), (0, ""))
                self.assertIn(expected, out)

    def test_a_list_with_more_behind_it_says_how_to_go_on(self) -> None:
        reply = Reply(json={"calls": [{"id": "c1", "status": "queued"}], "nextCursor": "c1"})
        with ScriptedServer([reply]) as server:
            code, out, err = run("list", "--json", **settings(server))
        self.assertEqual((code, json.loads(out)), (0, [{"id": "c1", "status": "queued"}]))
        self.assertEqual(err, "older calls: --before c1\n")

    def test_a_recording_is_saved(self) -> None:
        with tempfile.TemporaryDirectory() as folder, ScriptedServer([Reply(raw=b"RIFFdata")]) as server:
            path = os.path.join(folder, "a.wav")
            code, out, _ = run("recording", "c1", path, **settings(server))
            self.assertEqual((code, out), (0, f"{path}  8 bytes\n"))
            self.assertEqual(os.path.getsize(path), 8)

    def test_a_record_of_the_published_shape_alone_is_shown(self) -> None:
        with ScriptedServer([Reply(json={"id": "c1", "status": "no_answer"})]) as server:
            code, out, _ = run("get", "c1", **settings(server))
        self.assertEqual(
            (code, out), (0, "call           c1\nstatus         no_answer\nrecording      none\n")
        )


class Mistakes(unittest.TestCase):
    """Each is a line or two on standard error; none a traceback."""

    def test_mistakes_in_the_command_line(self) -> None:
        call = ("call", "+14155550123", "Ask.")
        for words, told in (
            ((), "COMMAND"),
            (("dance",), "invalid choice"),
            (("call",), "to, objective"),
            (
                (*call, "--field", "confirmed:bool"),
                "'bool' is no field type; choose from string, boolean, number",
            ),
            ((*call, "--field", ":boolean"), "has no name"),
            ((*call, "--base-url", "phone.example"), "must be an http:// or https:// URL"),
            ((*call, "--idempotency-key", "two words"), "invalid_idempotency_key"),
            (("get", ""), "not_found"),
        ):
            with self.subTest(words):
                code, out, err = run(*words, BYOURSIDE_API_KEY="k")
                self.assertEqual((code, out), (2, ""))
                self.assertIn(told, err)

    def test_a_missing_key_is_named(self) -> None:
        code, _, err = run("list")
        self.assertEqual(code, 2)
        self.assertIn("Set BYOURSIDE_API_KEY", err)

    def test_the_other_names_variables_are_read_too(self) -> None:
        with ScriptedServer([Reply(json={"calls": []})]) as server:
            code, _, _ = run("list", VOXPLO_API_KEY="bys_ak_v", VOXPLO_BASE_URL=server.url)
        self.assertEqual((code, server.requests[0].headers["authorization"]), (0, "Bearer bys_ak_v"))

    def test_a_refusal_is_exit_code_2_with_the_servers_sentence(self) -> None:
        body = {"error": "destination_blocked", "message": "+1 900 is premium rate."}
        with ScriptedServer([Reply(400, body)]) as server:
            code, _, err = run("call", "+19001234567", "Sell.", **settings(server))
        self.assertEqual((code, err), (2, "destination_blocked: +1 900 is premium rate.\n"))

    def test_a_file_that_cannot_be_written_is_told(self) -> None:
        with ScriptedServer([Reply(raw=b"RIFF")]) as server:
            code, _, err = run("recording", "c1", "/no/such/folder/a.wav", **settings(server))
        self.assertEqual(code, 2)
        self.assertIn("/no/such/folder", err)

    def test_a_lost_placement_is_exit_code_3_and_names_the_key_to_repeat_it_with(self) -> None:
        url = f"http://127.0.0.1:{unused_port()}"
        with unittest.mock.patch("time.sleep"):
            code, _, err = run(
                "call", "+14155550123", "Ask.", "--base-url", url, BYOURSIDE_API_KEY="bys_ak_test"
            )
        self.assertEqual(code, 3)
        self.assertRegex(err, r"network_error: .*refused.*\n.*--idempotency-key [0-9a-f-]{36}\n")


class Shown(unittest.TestCase):
    def test_a_status_is_shown_once_with_the_seconds_since_the_start(self) -> None:
        now = [100.0]
        out = io.StringIO()
        progress = Progress(out, lambda: now[0])
        for elapsed, status in ((0.0, "queued"), (1.5, "queued"), (2.25, "dialing")):
            now[0] = 100.0 + elapsed
            record: Any = {"status": status}
            progress.update(record)
        self.assertEqual(out.getvalue(), "   0.0 s  queued\n   2.2 s  dialing\n")

    def test_the_time_after_the_hang_up_is_shown_as_such(self) -> None:
        out = io.StringIO()
        record: Any = {
            "status": "in_progress",
            "endedAt": "2026-06-17T14:03:29.620Z",
            "turns": [{"role": "contact", "text": "Goodbye.", "startMs": 16480}],
        }
        Progress(out, lambda: 0.0).update(record)
        self.assertEqual(
            out.getvalue().splitlines()[1:], ["   0.0 s  hung up, making the summary"], out.getvalue()
        )

    def test_what_was_said_cannot_steer_the_terminal(self) -> None:
        self.assertEqual(harmless("a\x1b[2Jb\r\nc\u202e✓é"), "a [2Jb  c ✓é")

    def test_colours_are_for_terminals_whose_user_wants_them(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        self.assertFalse(wants_colour(io.StringIO(), {}))
        self.assertTrue(wants_colour(Terminal(), {}))
        self.assertFalse(wants_colour(Terminal(), {"NO_COLOR": "1"}))
        self.assertFalse(wants_colour(Terminal(), {"TERM": "dumb"}))
        shown = {}
        for colour in (False, True):
            out = io.StringIO()
            turn = {"role": "contact", "text": "word " * 60, "startMs": 300}
            Progress(out, lambda: 0.0, colour=colour).turn(turn)
            shown[colour] = out.getvalue()
        self.assertIn("\x1b[33mContact\x1b[0m", shown[True])
        self.assertEqual(re.sub("\x1b\\[[0-9]+m", "", shown[True]), shown[False])

    def test_times_read_as_on_a_recorder(self) -> None:
        self.assertEqual(
            [clock_face(ms) for ms in (0, 999, 62_345, 3_600_000)], ["0:00.0", "0:00.9", "1:02.3", "60:00.0"]
        )


if __name__ == "__main__":
    unittest.main()
