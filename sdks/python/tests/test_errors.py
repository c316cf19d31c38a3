import pickle
import unittest
from typing import List

from byourside.errors import MESSAGE_OF_CODE, ByoursideError, map_error
from byourside.retry import pause_before_next_try
from contract_data import load, needs_contract


class MappedErrors(unittest.TestCase):
    def test_a_published_token_gives_code_status_and_a_sentence(self) -> None:
        error = map_error(400, {"error": "destination_blocked"})
        self.assertIsInstance(error, ByoursideError)
        self.assertEqual((error.code, error.status), ("destination_blocked", 400))
        self.assertIn("may not be called", str(error))

    def test_the_servers_own_sentence_is_preferred(self) -> None:
        body = {"error": "invalid_fields", "message": "`fields[1]` needs a `name`.", "requestId": "req_1"}
        error = map_error(400, body)
        self.assertEqual(str(error), "`fields[1]` needs a `name`.")
        self.assertEqual(error.request_id, "req_1")

    def test_a_token_of_a_newer_server_is_passed_on(self) -> None:
        error = map_error(418, {"error": "teapot"})
        self.assertEqual((error.code, error.status), ("teapot", 418))
        self.assertIn("teapot", str(error))

    def test_answers_without_a_token_are_told_by_their_status(self) -> None:
        """A proxy's page or a framework's own error body carries no token of this API."""
        shapes: List[object] = [{}, {"error": None}, {"error": {"message": "x"}}, {"detail": "x"}]
        bodies: List[object] = [None, "<html>", [], *shapes]
        for status, code in (
            (401, "unauthorized"),
            (404, "not_found"),
            (429, "rate_limited"),
            (502, "http_error"),
        ):
            for body in bodies:
                with self.subTest(status=status, body=body):
                    error = map_error(status, body)
                    self.assertEqual((error.code, error.status), (code, status))
        self.assertIn("502", str(map_error(502, None)))

    def test_an_error_survives_pickling(self) -> None:
        error = pickle.loads(pickle.dumps(ByoursideError("not_found", 404, "gone")))
        self.assertEqual((error.code, error.status, str(error)), ("not_found", 404, "gone"))

    @needs_contract
    def test_every_token_of_the_contract_is_known_here_and_no_other(self) -> None:
        self.assertEqual([row["token"] for row in load("errors.json")], list(MESSAGE_OF_CODE))

    @needs_contract
    def test_what_may_be_tried_again_is_what_the_contract_says(self) -> None:
        for row in load("errors.json"):
            with self.subTest(row["token"]):
                error = map_error(row["status"], {"error": row["token"]})
                self.assertIs(error.retryable, row["retryable"])


class Pauses(unittest.TestCase):
    def test_pauses_double_up_to_a_limit_and_are_spread_over_their_upper_half(self) -> None:
        error = map_error(503, {"error": "store_error"})
        lower = [pause_before_next_try(error, tries, 9, 0.0) for tries in range(1, 8)]
        upper = [pause_before_next_try(error, tries, 9, 1.0) for tries in range(1, 8)]
        self.assertEqual(lower, [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0])
        self.assertEqual(upper, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0])

    def test_retry_after_is_a_lower_bound(self) -> None:
        patient = map_error(429, {"error": "rate_limited"}, retry_after=7.0)
        self.assertEqual(pause_before_next_try(patient, 1, 3, 0.5), 7.0)
        hasty = map_error(429, {"error": "rate_limited"}, retry_after=0.0)
        self.assertEqual(pause_before_next_try(hasty, 1, 3, 1.0), 0.5)

    def test_a_server_that_asks_for_more_than_a_minute_is_not_waited_for(self) -> None:
        error = map_error(429, {"error": "rate_limited"}, retry_after=61.0)
        self.assertIsNone(pause_before_next_try(error, 1, 3, 0.0))

    def test_a_used_up_allowance_is_not_tried_again(self) -> None:
        self.assertIsNone(pause_before_next_try(map_error(429, {"error": "over_minute_cap"}), 1, 3, 0.0))

    def test_a_bare_502_or_503_is_tried_again_and_a_bare_500_is_not(self) -> None:
        for status, again in ((502, True), (503, True), (500, False), (400, False), (301, False)):
            with self.subTest(status):
                pause = pause_before_next_try(map_error(status, None), 1, 3, 0.0)
                self.assertIs(pause is not None, again)

    def test_tries_are_counted(self) -> None:
        error = map_error(503, None)
        self.assertIsNotNone(pause_before_next_try(error, 3, 3, 0.0))
        self.assertIsNone(pause_before_next_try(error, 4, 3, 0.0))
        self.assertIsNone(pause_before_next_try(error, 1, 0, 0.0))


if __name__ == "__main__":
    unittest.main()
