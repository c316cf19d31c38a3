import copy
import json
import pickle
import unittest
from typing import get_type_hints

from byourside import CallRecord, WebhookPayload
from byourside.records import TERMINAL_STATUSES, Record
from contract_data import FOLDER, load, needs_contract


class BothNamesOfTheId(unittest.TestCase):
    def test_a_record_with_id_alone_answers_to_call_id(self) -> None:
        record = Record({"id": "c1", "status": "queued"})
        self.assertEqual(record["callId"], "c1")
        self.assertEqual(record.get("callId"), "c1")
        self.assertIn("callId", record)

    def test_a_record_with_call_id_alone_answers_to_id(self) -> None:
        record = Record({"callId": "c1", "status": "queued"})
        self.assertEqual((record["id"], record.get("id")), ("c1", "c1"))

    def test_where_both_were_sent_each_is_itself(self) -> None:
        record = Record({"id": "a", "callId": "b"})
        self.assertEqual((record["id"], record["callId"]), ("a", "b"))

    def test_it_equals_lists_and_serialises_as_what_came(self) -> None:
        plain = {"id": "c1", "status": "queued", "extracted": {"a": None}}
        record = Record(plain)
        self.assertEqual(record, plain)
        self.assertEqual(plain, record)
        self.assertEqual(list(record), list(plain))
        self.assertEqual(json.dumps(record), json.dumps(plain))
        self.assertEqual(dict(record), plain)
        self.assertEqual(repr(record), repr(plain))

    def test_copies_keep_both_names(self) -> None:
        record = Record({"id": "c1"})
        for twin in (
            record.copy(),
            copy.copy(record),
            copy.deepcopy(record),
            pickle.loads(pickle.dumps(record)),
        ):
            self.assertEqual((twin["callId"], twin), ("c1", {"id": "c1"}))

    def test_other_missing_keys_are_missing(self) -> None:
        record = Record({"status": "queued"})
        for key in ("id", "callId", "summary"):
            with self.assertRaises(KeyError):
                record[key]
            self.assertIsNone(record.get(key))
            self.assertEqual(record.get(key, "none"), "none")
            self.assertNotIn(key, record)


class TheContract(unittest.TestCase):
    @needs_contract
    def test_the_terminal_statuses_are_those_of_the_contract(self) -> None:
        terminal = {row["status"] for row in load("statuses.json") if row["terminal"]}
        self.assertEqual(TERMINAL_STATUSES, terminal)

    @needs_contract
    def test_every_key_of_an_example_record_is_typed(self) -> None:
        known = set(get_type_hints(CallRecord))
        examples = sorted((FOLDER / "examples").glob("record_*.json"))
        self.assertGreaterEqual(len(examples), 8)
        for path in examples:
            with self.subTest(path.name):
                self.assertEqual(set(load(f"examples/{path.name}")), known)

    @needs_contract
    def test_every_key_of_an_example_webhook_is_typed(self) -> None:
        payload = load("examples/webhook_completed.json")
        self.assertEqual(set(payload), set(get_type_hints(WebhookPayload)))


if __name__ == "__main__":
    unittest.main()
