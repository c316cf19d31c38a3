"""Counts and times, kept until somebody reads them."""

from __future__ import annotations

import sys
import threading

from byourside_server.measures.book import MOST_SERIES, Book, Measure

SEEN = Measure("seen_total", "counter", "Seen.", ("kind",))
TOOK = Measure("took_seconds", "histogram", "Took.", ("kind",), (0.1, 1.0))


def test_counts_grow_by_label() -> None:
    book = Book()
    book.count(SEEN, "a")
    book.count(SEEN, "a")
    book.count(SEEN, "b", by=3)
    assert book.counts(SEEN) == {("a",): 2.0, ("b",): 3.0}


def test_a_value_on_a_bound_belongs_below_it_as_prometheus_has_it() -> None:
    """`le` is less or equal."""
    book = Book()
    for value in (0.05, 0.1, 0.11, 1.0, 7.0):
        book.observe(TOOK, value, "a")
    tally = book.tallies(TOOK)[("a",)]
    assert tally.counts == [2, 2, 1]
    assert tally.total == 8.26


def test_threads_that_note_the_same_series_lose_nothing() -> None:
    """At virtual time one model talks in one thread and reads transcripts in another."""
    book, each = Book(), 20_000

    def note() -> None:
        for _ in range(each):
            book.count(SEEN, "a")
            book.observe(TOOK, 0.5, "a")

    before = sys.getswitchinterval()
    # As often as there is an opportunity.
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=note) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert book.counts(SEEN) == {("a",): 3.0 * each}
    tally = book.tallies(TOOK)[("a",)]
    assert (tally.counts, tally.total) == ([0, 3 * each, 0], 1.5 * each)


def test_what_was_read_does_not_change_afterwards() -> None:
    book = Book()
    book.observe(TOOK, 0.5, "a")
    read = book.tallies(TOOK)
    book.observe(TOOK, 0.5, "a")
    assert read[("a",)].counts == [0, 1, 0]


def test_a_label_that_runs_wild_costs_one_more_series_and_no_memory() -> None:
    book = Book()
    for number in range(3 * MOST_SERIES):
        book.count(SEEN, f"wild-{number}")
        book.observe(TOOK, 0.2, f"wild-{number}")
    counts, tallies = book.counts(SEEN), book.tallies(TOOK)
    assert len(counts) == len(tallies) == MOST_SERIES + 1
    assert counts[("other",)] == tallies[("other",)].counts[1] == 2 * MOST_SERIES


def test_series_that_threads_write_each_for_itself_lose_nothing() -> None:
    book = Book()

    def work(name: str) -> None:
        for _ in range(5_000):
            book.count(SEEN, name)
            book.observe(TOOK, 0.2, name)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        book.counts(SEEN)
        book.tallies(TOOK)
    assert set(book.counts(SEEN).values()) == {5_000.0}
    assert {tally.counts[1] for tally in book.tallies(TOOK).values()} == {5_000}
