import json
import unittest
from typing import Any, Dict, List

from byourside import ByoursideError, Client
from byourside.stream import LiveEvent, live_events
from contract_data import load, needs_contract
from scripted_server import Reply, ScriptedServer
from test_command import run, settings

STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}
TURN = {"index": 0, "role": "contact", "text": "Hello?", "startMs": 300, "endMs": 700}


def frame(place: str, kind: str, data: Dict[str, Any]) -> bytes:
    return f"id: {place}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def status(value: str) -> Dict[str, Any]:
    return {"callId": "c1", "status": value}


def client(server: ScriptedServer, retries: int = 3) -> Client:
    return Client("bys_ak_x", base_url=server.url, sleep=lambda seconds: None, retries=retries)


class Reading(unittest.TestCase):
    def test_comments_and_unknown_fields_are_not_events(self) -> None:
        lines = b": still here\n\nretry: 5\n\nid: 1.0\nevent: turn\nodd: x\ndata:{}\n\n".splitlines(True)
        self.assertEqual(list(live_events(lines)), [LiveEvent("1.0", "turn", {})])

    def test_an_event_cut_off_in_its_middle_is_not_told(self) -> None:
        self.assertEqual(list(live_events([b"id: 1.0\n", b"event: turn\n", b'data: {"a": 1}\n'])), [])

    def test_data_that_is_no_object_is_not_this_apis(self) -> None:
        for data in (b"data: nonsense\n", b"data: [1]\n"):
            with self.assertRaises(ByoursideError) as caught:
                list(live_events([data, b"\n"]))
            self.assertEqual(caught.exception.code, "http_error")


class Listening(unittest.TestCase):
    def test_events_come_until_the_call_is_over(self) -> None:
        frames = [
            frame("1.0", "call.in_progress", status("in_progress")),
            frame("1.1", "turn", TURN),
            frame("2.1", "call.completed", status("completed")),
        ]
        with ScriptedServer([Reply(raw=b"".join(frames), headers=STREAM)]) as server:
            told = list(client(server).listen("c1"))
        self.assertEqual([event.type for event in told], ["call.in_progress", "turn", "call.completed"])
        self.assertEqual(told[1].data["text"], "Hello?")
        self.assertEqual(server.requests[0].headers["accept"], "text/event-stream")
        self.assertNotIn("last-event-id", server.requests[0].headers)

    def test_a_broken_connection_is_taken_up_where_it_broke(self) -> None:
        broken = frame("1.0", "call.in_progress", status("in_progress")) + b"id: 1.1\nev"
        replies: List[Any] = [
            Reply(raw=broken, headers=STREAM),
            "hang up without a word",
            Reply(raw=frame("1.1", "turn", TURN), headers=STREAM),
            Reply(raw=frame("2.1", "call.failed", status("failed")), headers=STREAM),
        ]
        with ScriptedServer(replies) as server:
            told = [event.id for event in client(server).listen("c1")]
        self.assertEqual(told, ["1.0", "1.1", "2.1"])
        asked = [request.headers.get("last-event-id") for request in server.requests]
        self.assertEqual(asked, [None, "1.0", "1.0", "1.1"])

    def test_a_server_that_never_answers_again_is_given_up(self) -> None:
        with ScriptedServer(lambda request: "hang up without a word") as server:
            with self.assertRaises(ByoursideError) as caught:
                list(client(server, retries=2).listen("c1"))
        self.assertEqual((caught.exception.code, len(server.requests)), ("network_error", 3))

    def test_a_refusal_and_a_server_that_cannot_stream_are_told(self) -> None:
        replies = [Reply(404, {"error": "not_found"}), Reply(json={"events": []})]
        with ScriptedServer(replies) as server:
            for code in ("not_found", "http_error"):
                with self.assertRaises(ByoursideError) as caught:
                    list(client(server).listen("c1"))
                self.assertEqual(caught.exception.code, code)


class InATerminal(unittest.TestCase):
    @needs_contract
    def test_listen_shows_turns_as_they_come_and_ends_with_the_call(self) -> None:
        live, done = load("examples/record_in_progress.json"), load("examples/record_completed.json")
        frames = [
            frame("1.0", "call.in_progress", live),
            frame("1.1", "turn", TURN),
            frame("2.1", "call.completed", done),
        ]
        with ScriptedServer(lambda request: Reply(raw=b"".join(frames), headers=STREAM)) as server:
            code, out, err = run("listen", "c1", **settings(server))
            coded, lines, _ = run("listen", "c1", "--json", **settings(server))
        self.assertEqual((code, err), (0, ""))
        places = [out.find(word) for word in ("in progress", "0:00.3  Contact  Hello?", "completed")]
        self.assertNotIn(-1, places, out)
        self.assertEqual(places, sorted(places))
        self.assertEqual(coded, 0)
        self.assertEqual([json.loads(line)["event"] for line in lines.splitlines()][1], "turn")


if __name__ == "__main__":
    unittest.main()
