import unittest
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Tuple

from byourside import ByoursideError, Client
from contract_data import load, needs_contract

Asked = Tuple[str, str, Dict[str, str], Optional[Dict[str, Any]]]


class Line:
    """A transport that plays a list of answers (an exception is raised) and notes what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: List[Asked] = []

    def __call__(self, method: str, url: str, headers: Dict[str, str], body: Optional[Dict[str, Any]]) -> Any:
        self.asked.append((method, url, headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(line: Line, **more: Any) -> Tuple[Client, List[float]]:
    naps: List[float] = []
    return Client("bys_ak_test", "https://phone.example", transport=line, sleep=naps.append, **more), naps


QUEUED = (200, {"callId": "c1", "status": "queued"})
BUSY = (503, {"error": "store_error"})


class Keys(unittest.TestCase):
    def test_an_empty_key_is_refused_before_anything_is_sent(self) -> None:
        for key in ("", "   ", "\n", None, 7):
            with self.subTest(key=key), self.assertRaises(ByoursideError) as caught:
                Client(key)  # type: ignore[arg-type]
            self.assertEqual((caught.exception.code, caught.exception.status), ("no_api_key", 0))

    def test_a_key_that_no_header_can_carry_is_refused(self) -> None:
        for key in ("bys_ak_a\r\nX-Evil: 1", "bys_ak_ключ", "two words"):
            with self.subTest(key=key), self.assertRaises(ByoursideError):
                Client(key)

    def test_blanks_around_a_pasted_key_are_dropped_and_it_is_never_shown(self) -> None:
        line = Line((200, {"calls": []}))
        phone = Client(" bys_ak_secret\n", transport=line)
        phone.list_calls()
        self.assertEqual(line.asked[0][2]["Authorization"], "Bearer bys_ak_secret")
        self.assertNotIn("secret", repr(phone))

    def test_a_base_url_of_another_kind_is_a_mistake(self) -> None:
        for url in ("file:///etc/passwd", "api.byourside.ai", "https://", ""):
            with self.subTest(url=url), self.assertRaises(ValueError):
                Client("k", url)


class Placing(unittest.TestCase):
    def test_only_what_was_given_is_sent(self) -> None:
        line = Line(QUEUED)
        call = client(line)[0].place_call("+14155550123", "Ask the time.")
        method, url, headers, body = line.asked[0]
        self.assertEqual((method, url), ("POST", "https://phone.example/v1/agent/calls"))
        self.assertEqual(body, {"to": "+14155550123", "objective": "Ask the time."})
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual((call["callId"], call["status"]), ("c1", "queued"))

    @needs_contract
    def test_every_field_reaches_the_wire_under_its_published_name(self) -> None:
        full = load("examples/request_full.json")
        line = Line(QUEUED)
        client(line)[0].place_call(
            full["to"],
            full["objective"],
            full["context"],
            full["fields"],
            full["webhookUrl"],
            full["callerId"],
            metadata=full["metadata"],
            max_duration_sec=full["maxDurationSec"],
            language=full["language"],
            voicemail=full["voicemail"],
            scheduled_at=full["scheduledAt"],
            must_say=full["mustSay"],
            must_ask=full["mustAsk"],
            hang_up_on=full["hangUpOn"],
        )
        self.assertEqual(line.asked[0][3], full)

    def test_a_scheduled_datetime_is_sent_in_utc(self) -> None:
        line = Line(QUEUED)
        noon = datetime(2026, 6, 17, 12, 0, tzinfo=timezone(timedelta(hours=-7)))
        client(line)[0].place_call("+14155550123", "Ask.", scheduled_at=noon)
        self.assertEqual((line.asked[0][3] or {})["scheduledAt"], "2026-06-17T19:00:00.000Z")
        with self.assertRaises(ValueError):
            client(line)[0].place_call("+14155550123", "Ask.", scheduled_at=datetime(2026, 6, 17))

    def test_what_json_cannot_say_is_told_before_anything_is_sent(self) -> None:
        line = Line()
        with self.assertRaises(TypeError):
            client(line)[0].place_call("+14155550123", "Ask.", metadata={"a": {1, 2}})
        with self.assertRaises(ValueError):
            client(line)[0].place_call("+14155550123", "Ask.", metadata={"a": float("nan")})
        self.assertEqual(line.asked, [])

    def test_a_refusal_is_raised_at_once(self) -> None:
        line = Line((400, {"error": "destination_blocked"}))
        phone, naps = client(line)
        with self.assertRaises(ByoursideError) as caught:
            phone.place_call("+19001234567", "Sell something")
        self.assertEqual((caught.exception.code, caught.exception.status), ("destination_blocked", 400))
        self.assertEqual((len(line.asked), naps), (1, []))


class TryingAgain(unittest.TestCase):
    def test_every_try_of_one_placement_carries_the_same_key_and_the_next_placement_another(self) -> None:
        line = Line(BUSY, ConnectionResetError("reset"), (429, {"error": "rate_limited"}), QUEUED, QUEUED)
        phone, naps = client(line)
        phone.place_call("+14155550123", "Ask.")
        phone.place_call("+14155550123", "Ask.")
        keys = [headers["Idempotency-Key"] for _, _, headers, _ in line.asked]
        self.assertEqual(len(set(keys[:4])), 1)
        self.assertNotEqual(keys[4], keys[0])
        self.assertEqual(uuid.UUID(keys[0]).version, 4)
        self.assertEqual([asked[3] for asked in line.asked[:4]], [line.asked[0][3]] * 4)
        for nap, (low, high) in zip(naps, ((0.25, 0.5), (0.5, 1.0), (1.0, 2.0))):
            self.assertTrue(low <= nap <= high, naps)
        self.assertEqual(len(naps), 3)

    def test_a_transport_that_changes_its_arguments_does_not_change_the_next_try(self) -> None:
        sent = []

        def vandal(method: str, url: str, headers: Dict[str, str], body: Optional[Dict[str, Any]]) -> Any:
            assert body is not None
            sent.append((dict(headers), dict(body)))
            headers.clear()
            body.clear()
            return BUSY if len(sent) == 1 else QUEUED

        Client("k", transport=vandal, sleep=lambda s: None).place_call("+14155550123", "Ask.")
        self.assertEqual(sent[0], sent[1])

    def test_a_first_answer_still_being_written_is_waited_for(self) -> None:
        """The try whose answer was lost may still be running when the second arrives."""
        line = Line(TimeoutError("timed out"), (409, {"error": "idempotency_in_flight"}), QUEUED)
        self.assertEqual(client(line)[0].place_call("+14155550123", "Ask.")["callId"], "c1")

    def test_the_last_trouble_is_raised_with_the_key_to_go_on_with(self) -> None:
        line = Line(BUSY, BUSY, BUSY, OSError("no route to host"))
        phone, naps = client(line)
        with self.assertRaises(ByoursideError) as caught:
            phone.place_call("+14155550123", "Ask.")
        self.assertEqual((caught.exception.code, caught.exception.status), ("network_error", 0))
        self.assertIn("no route to host", str(caught.exception))
        self.assertIsInstance(caught.exception.__cause__, OSError)
        self.assertEqual(caught.exception.idempotency_key, line.asked[0][2]["Idempotency-Key"])
        self.assertEqual(len(naps), 3)

    def test_a_callers_own_key_is_used_and_a_bad_one_refused(self) -> None:
        line = Line(QUEUED)
        phone, _ = client(line)
        phone.place_call("+14155550123", "Ask.", idempotency_key="order-7421")
        self.assertEqual(line.asked[0][2]["Idempotency-Key"], "order-7421")
        for key in ("", "a b", "a\r\nb", "é", "x" * 256):
            with self.subTest(key=key), self.assertRaises(ByoursideError) as caught:
                phone.place_call("+14155550123", "Ask.", idempotency_key=key)
            self.assertEqual(caught.exception.code, "invalid_idempotency_key")
        self.assertEqual(len(line.asked), 1)

    def test_a_used_up_allowance_and_plain_faults_are_not_tried_again(self) -> None:
        for status, token in ((429, "over_minute_cap"), (401, "unauthorized"), (500, "internal_error")):
            line = Line((status, {"error": token}))
            phone, naps = client(line)
            with self.subTest(token), self.assertRaises(ByoursideError) as caught:
                phone.place_call("+14155550123", "Ask.")
            self.assertEqual((caught.exception.code, naps), (token, []))

    def test_no_retries_means_none(self) -> None:
        line = Line(BUSY)
        phone, naps = client(line, retries=0)
        with self.assertRaises(ByoursideError):
            phone.get_call("c1")
        self.assertEqual((len(line.asked), naps), (1, []))

    def test_a_mistake_in_a_transports_own_code_is_shown_as_it_is(self) -> None:
        with self.assertRaises(AttributeError):
            client(Line(AttributeError("no such name")))[0].get_call("c1")

    def test_foreign_exceptions_of_a_transport_are_broken_connections(self) -> None:
        class ForeignConnectError(Exception):
            pass

        line = Line(ForeignConnectError("refused"), (200, {"id": "c1", "status": "queued"}))
        self.assertEqual(client(line)[0].get_call("c1")["status"], "queued")


class Reading(unittest.TestCase):
    def test_a_fetched_record_answers_to_both_names_and_equals_what_came(self) -> None:
        plain = {"id": "c1", "status": "completed", "extracted": {"confirmed": True}}
        record = client(Line((200, dict(plain))))[0].get_call("c1")
        self.assertEqual(record["callId"], "c1")
        self.assertEqual(record, plain)

    @needs_contract
    def test_listed_records_of_the_published_shape_answer_to_call_id(self) -> None:
        listing = load("examples/list_published.json")
        records = client(Line((200, listing)))[0].list_calls(limit=10)
        self.assertEqual([record["callId"] for record in records], [listing["calls"][0]["id"]])
        self.assertEqual(records, listing["calls"])

    def test_a_list_asks_for_what_was_wanted(self) -> None:
        line = Line((200, {"calls": []}), (200, {"calls": []}))
        phone, _ = client(line)
        phone.list_calls()
        phone.list_calls(5, before="2026-06-17T14:03:12.000Z&x", status="completed")
        self.assertEqual(line.asked[0][1], "https://phone.example/v1/agent/calls?limit=20")
        self.assertTrue(
            line.asked[1][1].endswith("?limit=5&before=2026-06-17T14%3A03%3A12.000Z%26x&status=completed")
        )
        self.assertIsNone(line.asked[0][3])
        self.assertNotIn("Idempotency-Key", line.asked[0][2])

    def test_a_list_is_continued_by_its_cursor(self) -> None:
        line = Line(
            (200, {"calls": [{"id": "c2"}], "nextCursor": "cur 1"}), (200, {"calls": [], "nextCursor": None})
        )
        phone, _ = client(line)
        first = phone.list_calls(limit=1)
        last = phone.list_calls(limit=1, before=first.next_cursor)
        self.assertEqual((first, first.next_cursor), ([{"id": "c2"}], "cur 1"))
        self.assertEqual((last, last.next_cursor), ([], None))
        self.assertTrue(line.asked[1][1].endswith("?limit=1&before=cur+1"))

    def test_an_id_cannot_leave_its_place_in_the_path(self) -> None:
        line = Line((404, {"error": "not_found"}))
        with self.assertRaises(ByoursideError):
            client(line)[0].get_call("../a?b=c#d")
        self.assertEqual(line.asked[0][1], "https://phone.example/v1/agent/calls/..%2Fa%3Fb%3Dc%23d")

    def test_an_empty_id_is_not_found_and_not_the_list(self) -> None:
        line = Line()
        for ask in (client(line)[0].get_call, client(line)[0].cancel_call):
            with self.assertRaises(ByoursideError) as caught:
                ask("")
            self.assertEqual(caught.exception.code, "not_found")
        self.assertEqual(line.asked, [])

    def test_a_success_that_is_not_this_api_is_told(self) -> None:
        for body in (None, "<html>", 7, ["x"], {"other": 1}):
            with self.subTest(body=body), self.assertRaises(ByoursideError) as caught:
                client(Line((200, body)))[0].list_calls()
            self.assertEqual((caught.exception.code, caught.exception.status), ("http_error", 200))

    def test_cancel_posts_to_the_call(self) -> None:
        line = Line((200, {"id": "c1", "status": "failed", "error": "canceled"}))
        self.assertEqual(client(line)[0].cancel_call("c1")["callId"], "c1")
        self.assertEqual(line.asked[0][:2], ("POST", "https://phone.example/v1/agent/calls/c1/cancel"))


class Waiting(unittest.TestCase):
    def test_it_looks_every_interval_until_the_call_is_over(self) -> None:
        statuses = ("queued", "dialing", "in_progress", "in_progress", "completed")
        line = Line(*[(200, {"id": "c1", "status": status}) for status in statuses])
        phone, naps = client(line)
        seen: List[str] = []
        record = phone.wait_for_call(
            "c1", timeout=60, interval=5, on_update=lambda r: seen.append(r["status"])
        )
        self.assertEqual((record["status"], record["callId"]), ("completed", "c1"))
        self.assertEqual(naps, [5, 5, 5, 5])
        self.assertEqual(seen, ["queued", "dialing", "in_progress", "completed"])

    def test_each_terminal_status_ends_the_wait(self) -> None:
        for status in ("completed", "no_answer", "voicemail", "declined", "failed"):
            with self.subTest(status):
                phone, naps = client(Line((200, {"id": "c1", "status": status})))
                self.assertEqual(phone.wait_for_call("c1")["status"], status)
                self.assertEqual(naps, [])

    def test_a_wait_ends_in_time_with_a_last_look(self) -> None:
        line = Line(*[(200, {"id": "c1", "status": "in_progress"})] * 9)
        phone, naps = client(line)
        with self.assertRaises(ByoursideError) as caught:
            phone.wait_for_call("c1", timeout=12, interval=5)
        self.assertEqual((caught.exception.code, caught.exception.status), ("timeout", 0))
        self.assertIn("in_progress", str(caught.exception))
        self.assertEqual(len(line.asked), 4)
        self.assertEqual(naps[:2], [5, 5])
        self.assertAlmostEqual(sum(naps), 12, places=1)

    def test_no_time_at_all_is_one_look(self) -> None:
        line = Line((200, {"id": "c1", "status": "queued"}))
        with self.assertRaises(ByoursideError):
            client(line)[0].wait_for_call("c1", timeout=0)
        self.assertEqual(len(line.asked), 1)

    def test_passing_trouble_does_not_end_a_wait_but_its_deadline_does(self) -> None:
        line = Line(BUSY, (200, {"id": "c1", "status": "completed"}))
        self.assertEqual(client(line)[0].wait_for_call("c1")["status"], "completed")
        impatient, naps = client(Line(BUSY))
        with self.assertRaises(ByoursideError) as caught:
            impatient.wait_for_call("c1", timeout=0.1)
        self.assertEqual((caught.exception.code, naps), ("store_error", []))

    def test_a_refusal_ends_a_wait_at_once(self) -> None:
        with self.assertRaises(ByoursideError) as caught:
            client(Line((404, {"error": "not_found"})))[0].wait_for_call("c1")
        self.assertEqual(caught.exception.code, "not_found")


if __name__ == "__main__":
    unittest.main()
