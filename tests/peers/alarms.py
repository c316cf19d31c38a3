"""When each rule of docs/metrics-alerts.yml rings and when it keeps quiet, for promtool to try.

Series are written in promtool's own words, one sample a minute: `0+1x30` rises by one thirty times, `0x5 1x9`
stands at 0 for six minutes and at 1 for nine more, `_x2` is not there. Every series is of one server, unless
it names its instance itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Labels = Mapping[str, str]
JOB = 'job="byourside"'
BUCKETS_RESPONSE = ("1.5", "2.0", "3.0", "+Inf")
BUCKETS_MOS = ("3.0", "3.4", "4.0", "+Inf")
BUCKETS_COMMIT = ("0.1", "0.5", "1.0", "+Inf")


@dataclass(frozen=True)
class Case:
    """One story: the series, the minutes at which the alarm rings, and those at which it does not."""

    alert: str
    told: str
    series: Mapping[str, str]
    rings: tuple[int, ...] = ()
    quiet: tuple[int, ...] = ()
    labels: Labels = field(default_factory=dict)
    """Those that the alarm carries besides its severity."""

    def as_test(self, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """As promtool reads it."""
        rule = rules[self.alert]
        summary = re.sub(
            r"{{ \$labels\.(\w+) }}", lambda m: self.labels.get(m[1], ""), rule["annotations"]["summary"]
        )
        expected = {
            "exp_labels": {**rule["labels"], **self.labels},
            "exp_annotations": {"summary": summary},
        }
        return {
            "name": f"{self.alert}: {self.told}",
            "interval": "1m",
            "input_series": [{"series": placed(name), "values": told} for name, told in self.series.items()],
            "alert_rule_test": [
                {"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": found}
                for minutes, found in ((self.rings, [expected]), (self.quiet, []))
                for minute in minutes
            ],
        }


def placed(series: str) -> str:
    """The series with the job and instance that a scrape gives it."""
    name, _, labels = series.rstrip("}").partition("{")
    given = labels.split(",") if labels else []
    where = [] if "instance=" in labels else ['instance="a"']
    return f"{name}{{{','.join([*given, JOB, *where])}}}"


def spread(name: str, bounds: tuple[str, ...], rises: tuple[str, ...], labels: str = "") -> dict[str, str]:
    """A histogram: its buckets with what each holds in all, and its count."""
    comma = "," if labels else ""
    found = {
        f'{name}_bucket{{{labels}{comma}le="{bound}"}}': rise
        for bound, rise in zip(bounds, rises, strict=True)
    }
    return {**found, f"{name}_count{{{labels}}}": rises[-1]}


def calls(state: str, error: str = "none") -> str:
    return f'byourside_calls_total{{state="{state}",error="{error}"}}'


HOUSE = {"job": "byourside"}
HERE = {**HOUSE, "instance": "a"}
LOST = {**HERE, "state": "failed", "error": "worker_lost"}
STARTED = "process_start_time_seconds"
RESPONSE = "byourside_turn_response_seconds"
MOS = "byourside_call_mos"
COMMITS = "byourside_store_commit_seconds"
TICKS = "byourside_media_tick_lateness_seconds_count"
TICKS_LATE = "byourside_media_ticks_late_total"
RETRIED = 'byourside_webhook_attempts_total{result="retried",answer="5xx"}'
DELIVERED = 'byourside_webhook_attempts_total{result="delivered",answer="2xx"}'
FAILURES = 'byourside_vendor_failures_total{door="mind",engine="openai",kind="timed_out"}'
ANSWERS = 'byourside_vendor_first_answer_seconds_count{door="mind",engine="openai"}'
REFUSALS = "byourside_store_refusals_total"

CASES = (
    Case("ServerGone", "no answer for two minutes", {"up": "1x5 0x9"}, (8,), (5, 6), HERE),
    Case(
        "CallsFail",
        "every other call fails",
        {calls("failed", "placement_failed"): "0+1x40", calls("completed"): "0+1x40"},
        (10, 30),
        (3,),
        HOUSE,
    ),
    Case(
        "CallsFail",
        "a quiet house in which two calls fail, and nobody else calls",
        {calls("failed", "placement_failed"): "0x5 1 2x40", calls("completed"): "0x50"},
        quiet=(10, 20, 30),
    ),
    Case(
        "CallsFail",
        "one call in ten fails",
        {calls("failed", "placement_failed"): "0+1x40", calls("completed"): "0+9x40"},
        quiet=(10, 30),
    ),
    Case(
        "CallsFail",
        "half of the numbers do not exist",
        {calls("failed", "unallocated_number"): "0+1x40", calls("completed"): "0+1x40"},
        quiet=(10, 30),
    ),
    Case(
        "CallsLost",
        "the first one ever, and no more for half an hour",
        {calls("failed", "worker_lost"): "0x8 1x40", STARTED: "-9000+0x50"},
        (9, 15),
        (8, 25),
        LOST,
    ),
    Case(
        "CallsLost",
        "as many as the process before had lost, counted before the first scrape",
        {calls("failed", "worker_lost"): "1x10 _x2 1x40", STARTED: "-9000+0x10 _x2 720+0x40"},
        (14, 20),
        (9, 11, 30),
        LOST,
    ),
    Case(
        "DeadAir",
        "four silences in a quarter of an hour, three before",
        {'byourside_silence_seconds_count{cause="mind"}': "0x5 1 2 3 3 4x40"},
        (12,),
        (9, 35),
        {**HOUSE, "cause": "mind"},
    ),
    Case(
        "DeadAir",
        "three that are seen in the middle of a long life",
        {'byourside_silence_seconds_count{cause="mind"}': "70x20 71 72 73x20"},
        quiet=(22, 23, 30),
    ),
    Case(
        "AnswersSlow",
        "one in ten takes more than 2 s",
        spread(RESPONSE, BUCKETS_RESPONSE, ("0+18x60", "0+18x60", "0+20x60", "0+20x60")),
        (30,),
        (5,),
        HOUSE,
    ),
    Case(
        "AnswersSlow",
        "one in fifty does",
        spread(RESPONSE, BUCKETS_RESPONSE, ("0+49x60", "0+49x60", "0+50x60", "0+50x60")),
        quiet=(30,),
    ),
    Case(
        "AnswersSlow",
        "a single call, all of whose ten answers do",
        spread(RESPONSE, BUCKETS_RESPONSE, ("0x60", "0x60", "0x5 10x60", "0x5 10x60")),
        quiet=(10, 18),
    ),
    Case(
        "SoundBad",
        "half of the calls sound bad at the far end",
        spread(MOS, BUCKETS_MOS, ("0+1x90", "0+1x90", "0+2x90", "0+2x90"), 'side="far_end"'),
        (40,),
        (10,),
        {**HOUSE, "side": "far_end"},
    ),
    Case(
        "SoundBad",
        "one in twenty does",
        spread(MOS, BUCKETS_MOS, ("0+1x90", "0+1x90", "0+20x90", "0+20x90"), 'side="far_end"'),
        quiet=(40,),
    ),
    Case(
        "SoundBad",
        "four calls in all, each of them bad",
        spread(MOS, BUCKETS_MOS, ("0x5 4x90", "0x5 4x90", "0x5 4x90", "0x5 4x90"), 'side="here"'),
        quiet=(25, 30),
    ),
    Case("TicksLate", "one in ten", {TICKS_LATE: "0+300x20", TICKS: "0+3000x20"}, (12,), (4,), HERE),
    Case("TicksLate", "one in a hundred", {TICKS_LATE: "0+30x20", TICKS: "0+3000x20"}, quiet=(12,)),
    Case("TicksLate", "no engines, as at virtual time", {TICKS_LATE: "0x20", TICKS: "0x20"}, quiet=(12,)),
    Case(
        "MediaEngineSilent",
        "for three minutes",
        {'byourside_media_engines{state="silent"}': "0x5 1x9"},
        (8,),
        (5, 7),
        {**HERE, "state": "silent"},
    ),
    Case(
        "HouseFull",
        "no place for six minutes",
        {"byourside_live_calls": "199x5 200x20", "byourside_live_calls_limit": "200x26"},
        (11, 20),
        (5, 10),
        HERE,
    ),
    Case(
        "QueueStands",
        "one alarm, however many servers tell of the same queue",
        {f'byourside_queue_oldest_seconds{{instance="{name}"}}': "240+60x20" for name in "ab"},
        (9,),
        (6,),
        HOUSE,
    ),
    Case("QueueStands", "not quite", {"byourside_queue_oldest_seconds": "299x20"}, quiet=(15,)),
    Case(
        "TrunkDown",
        "for three minutes, while another is up",
        {'byourside_trunk_up{trunk="main"}': "1x5 0x9", 'byourside_trunk_up{trunk="spare"}': "1x14"},
        (8,),
        (5, 7),
        {**HERE, "trunk": "main"},
    ),
    Case(
        "TrunkNotRegistered",
        "for six minutes",
        {'byourside_trunk_registered{trunk="main"}': "1x5 0x9"},
        (11,),
        (5, 10),
        {**HERE, "trunk": "main"},
    ),
    Case(
        "WebhooksDoNotArrive",
        "every other one",
        {RETRIED: "0+1x60", DELIVERED: "0+1x60"},
        (25,),
        (10,),
        HOUSE,
    ),
    Case("WebhooksDoNotArrive", "one in ten", {RETRIED: "0+1x60", DELIVERED: "0+9x60"}, quiet=(25,)),
    Case(
        "WebhooksDoNotArrive",
        "one that is tried four times in a quiet house",
        {RETRIED: "0x3 1 2 2x3 3 3x5 4x40", DELIVERED: "0x60"},
        quiet=(16, 20, 30),
    ),
    Case(
        "EngineFails",
        "that answers nothing at all",
        {FAILURES: "0+1x20"},
        (7, 15),
        (4,),
        {**HOUSE, "door": "mind", "engine": "openai"},
    ),
    Case(
        "EngineFails",
        "that fails as often as it answers",
        {FAILURES: "0+1x20", ANSWERS: "0+1x20"},
        (15,),
        labels={**HOUSE, "door": "mind", "engine": "openai"},
    ),
    Case("EngineFails", "one request in fifty", {FAILURES: "0+1x20", ANSWERS: "0+50x20"}, quiet=(15,)),
    Case(
        "StoreSlow",
        "one transaction in fifty",
        spread(COMMITS, BUCKETS_COMMIT, ("0+49x40", "0+49x40", "0+50x40", "0+50x40")),
        (20,),
        (5,),
        HOUSE,
    ),
    Case(
        "StoreSlow",
        "one in a thousand",
        spread(COMMITS, BUCKETS_COMMIT, ("0+999x40", "0+999x40", "0+1000x40", "0+1000x40")),
        quiet=(20,),
    ),
    Case("StoreRefuses", "once", {REFUSALS: "0x5 1x20"}, (6, 9), (5, 15), HERE),
    Case(
        "StoreRefuses",
        "it can't even be asked",
        {REFUSALS: "0x20", 'byourside_scrape_part_up{part="store"}': "1x5 0x9"},
        (6,),
        (5,),
        {**HERE, "part": "store"},
    ),
    Case(
        "TracesLost",
        "for half an hour",
        {'byourside_spans_total{result="failed"}': "0+5x60"},
        (30,),
        (10,),
        {**HERE, "result": "failed"},
    ),
    Case(
        "TracesLost",
        "all of them sent",
        {
            'byourside_spans_total{result="sent"}': "0+5x60",
            'byourside_spans_total{result="failed"}': "0x60",
        },
        quiet=(30,),
    ),
)
