"""The built-in HTTP, against a real server on loopback."""

import io
import os
import tempfile
import unittest
from email.utils import formatdate
from typing import Any, Dict, List, Tuple, Union
from unittest import mock

from byourside import ByoursideError, Client
from byourside.transport import HttpTransport, retry_after_seconds
from scripted_server import HANG_UP, SILENCE, Reply, Request, ScriptedServer, unused_port


def client(server: ScriptedServer, **more: Any) -> Tuple[Client, List[float]]:
    naps: List[float] = []
    return Client("bys_ak_test", server.url, sleep=naps.append, **more), naps


class Requests(unittest.TestCase):
    def test_a_placement_arrives_as_json_with_its_key(self) -> None:
        with ScriptedServer([Reply(json={"callId": "c1", "status": "queued"})]) as server:
            client(server)[0].place_call("+14155550123", "Sag „Grüezi“ ✓")
        request = server.requests[0]
        self.assertEqual((request.method, request.path), ("POST", "/v1/agent/calls"))
        self.assertEqual(request.headers["authorization"], "Bearer bys_ak_test")
        self.assertEqual(request.headers["content-type"], "application/json")
        self.assertIn("idempotency-key", request.headers)
        self.assertEqual(request.body["objective"], "Sag „Grüezi“ ✓")

    def test_cancel_has_no_body(self) -> None:
        with ScriptedServer([Reply(json={"id": "c1", "status": "failed"})]) as server:
            client(server)[0].cancel_call("c1")
        self.assertEqual(server.requests[0].body, None)
        self.assertEqual(server.requests[0].path, "/v1/agent/calls/c1/cancel")

    def test_it_can_be_called_as_any_transport(self) -> None:
        with ScriptedServer([Reply(404, {"error": "not_found"})]) as server:
            self.assertEqual(HttpTransport()("GET", server.url, {}, None), (404, {"error": "not_found"}))

    def test_a_redirect_is_not_followed(self) -> None:
        """The key must not travel to where a redirect points."""
        with ScriptedServer([Reply(302, {}, headers={"Location": "/elsewhere"})]) as server:
            with self.assertRaises(ByoursideError) as caught:
                client(server)[0].get_call("c1")
            self.assertEqual(len(server.requests), 1)
        self.assertEqual((caught.exception.code, caught.exception.status), ("http_error", 302))

    def test_a_page_instead_of_json_is_told(self) -> None:
        with ScriptedServer([Reply(raw=b"<html>Sign in to the hotel network</html>")]) as server:
            with self.assertRaises(ByoursideError) as caught:
                client(server)[0].get_call("c1")
        self.assertEqual(caught.exception.code, "http_error")

    def test_a_proxy_setting_does_not_stand_between_the_client_and_loopback(self) -> None:
        proxy = f"http://127.0.0.1:{unused_port()}"
        with mock.patch.dict(os.environ, {"http_proxy": proxy, "no_proxy": ""}):
            with ScriptedServer([Reply(json={"id": "c1", "status": "queued"})]) as server:
                self.assertEqual(client(server)[0].get_call("c1")["status"], "queued")


class Trouble(unittest.TestCase):
    def test_nobody_listening_is_a_network_error_that_names_the_server(self) -> None:
        naps: List[float] = []
        url = f"http://127.0.0.1:{unused_port()}"
        with self.assertRaises(ByoursideError) as caught:
            Client("k", url, sleep=naps.append).get_call("c1")
        self.assertEqual((caught.exception.code, caught.exception.status), ("network_error", 0))
        self.assertIn(url, str(caught.exception))
        self.assertIn("refused", str(caught.exception))
        self.assertEqual(len(naps), 3)

    def test_a_server_that_stays_silent_is_a_network_error(self) -> None:
        with ScriptedServer([SILENCE]) as server:
            with self.assertRaises(ByoursideError) as caught:
                client(server, timeout=0.05, retries=0)[0].get_call("c1")
        self.assertEqual(caught.exception.code, "network_error")
        self.assertIn("no answer within 0.05 s", str(caught.exception))

    def test_an_answer_that_breaks_off_is_asked_for_again(self) -> None:
        whole = {"id": "c1", "status": "queued"}
        with ScriptedServer([Reply(json=whole, promise=500), HANG_UP, Reply(json=whole)]) as server:
            self.assertEqual(client(server)[0].get_call("c1"), whole)
        self.assertEqual(len(server.requests), 3)

    def test_retry_after_is_honoured(self) -> None:
        busy = Reply(429, {"error": "rate_limited"}, headers={"Retry-After": "11"})
        with ScriptedServer([busy, Reply(json={"callId": "c1", "status": "queued"})]) as server:
            phone, naps = client(server)
            phone.place_call("+14155550123", "Ask.")
        self.assertEqual(naps, [11.0])

    def test_a_long_retry_after_is_left_to_the_caller(self) -> None:
        with ScriptedServer(
            [Reply(503, {"error": "store_error"}, headers={"Retry-After": "3600"})]
        ) as server:
            phone, naps = client(server)
            with self.assertRaises(ByoursideError) as caught:
                phone.get_call("c1")
        self.assertEqual((caught.exception.retry_after, naps), (3600.0, []))

    def test_retry_after_may_be_a_date(self) -> None:
        """RFC 9110 §10.2.3."""
        self.assertEqual(retry_after_seconds(formatdate(1_000_060, usegmt=True), 1_000_000.0), 60.0)
        self.assertEqual(retry_after_seconds(formatdate(900_000, usegmt=True), 1_000_000.0), 0.0)
        for nonsense in ("soon", "", "nan", "inf", "-"):
            self.assertIsNone(retry_after_seconds(nonsense, 0.0), nonsense)


class NeverTwice(unittest.TestCase):
    def test_a_lost_answer_places_one_call(self) -> None:
        """The server places the call, the line breaks before its answer, twice; the third try gets it."""
        placed: Dict[str, str] = {}
        lost: List[str] = []

        def phone_company(request: Request) -> Union[Reply, str]:
            key = request.headers["idempotency-key"]
            placed.setdefault(key, f"c{len(placed) + 1}")
            if len(lost) < 2:
                lost.append(key)
                return HANG_UP
            return Reply(json={"callId": placed[key], "status": "queued"})

        with ScriptedServer(phone_company) as server:
            phone, naps = client(server)
            call = phone.place_call("+14155550123", "Ask.")
        self.assertEqual(call["callId"], "c1")
        self.assertEqual((len(placed), len(server.requests), len(naps)), (1, 3, 2))


class Recordings(unittest.TestCase):
    WAV = b"RIFF" + bytes(range(256)) * 1000

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "call.wav")

    def test_a_recording_is_saved_whole_after_a_broken_first_try(self) -> None:
        broken = Reply(raw=self.WAV[:1000], promise=len(self.WAV))
        with ScriptedServer([broken, Reply(raw=self.WAV)]) as server:
            size = client(server)[0].download_recording("c1", self.path)
        with open(self.path, "rb") as saved:
            self.assertEqual(saved.read(), self.WAV)
        self.assertEqual((size, os.listdir(self.folder)), (len(self.WAV), ["call.wav"]))
        self.assertEqual(server.requests[0].path, "/v1/agent/calls/c1/recording")
        self.assertEqual(server.requests[0].headers["authorization"], "Bearer bys_ak_test")

    def test_a_file_object_gets_the_recording_once(self) -> None:
        out = io.BytesIO()
        with ScriptedServer([Reply(raw=self.WAV[:9], promise=99), Reply(raw=self.WAV)]) as server:
            size = client(server)[0].download_recording("c1", out)
        self.assertEqual((out.getvalue(), size), (self.WAV, len(self.WAV)))

    def test_a_refused_recording_leaves_what_was_there(self) -> None:
        with open(self.path, "wb") as old:
            old.write(b"old")
        with ScriptedServer([Reply(404, {"error": "not_found"})]) as server:
            with self.assertRaises(ByoursideError) as caught:
                client(server)[0].download_recording("c1", self.path)
        self.assertEqual(caught.exception.code, "not_found")
        with open(self.path, "rb") as kept:
            self.assertEqual(kept.read(), b"old")
        self.assertEqual(os.listdir(self.folder), ["call.wav"])

    def test_a_folder_that_is_not_there_is_the_callers_mistake(self) -> None:
        with ScriptedServer([]) as server, self.assertRaises(FileNotFoundError):
            client(server)[0].download_recording("c1", os.path.join(self.folder, "no", "call.wav"))


if __name__ == "__main__":
    unittest.main()
