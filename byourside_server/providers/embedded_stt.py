"""Recognition without a vendor: pocketsphinx in worker processes, led by what may be said next.

Good at yes and no, numbers, times, days, names and stock phrases; not a general recogniser.
Knows nothing of calls: each request stands alone, so any worker may take it.
"""

import os

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.recognition_message import read_recognition, write_request
from byourside_server.providers.worker_process import WorkerProcess

LONGEST_UTTERANCE = 8000 * 60  # a minute; decoding longer ones would hold up everyone behind


# A machine's greeting is decoded for seconds; whoever just said "yes" must not wait behind it.
LONG_UTTERANCE = 8000 * 3


def default_worker_count() -> int:
    """One for each two cores, since the others carry media and conversation, and one for long speech."""
    return max(1, (os.cpu_count() or 1) // 2) + 1


class EmbeddedSpeechToText:
    """A `SpeechToText` over a few workers: the least busy one answers, and the last one all long speech."""

    name = "pocketsphinx"

    def __init__(self, workers: int | None = None) -> None:
        count = workers if workers is not None else default_worker_count()
        self._workers = [
            WorkerProcess("byourside_server.providers.recognition_worker") for _ in range(max(1, count))
        ]

    @property
    def process_ids(self) -> list[int]:
        """The worker processes that run now."""
        return [worker.process_id for worker in self._workers if worker.process_id is not None]

    async def prepare(self, expect: Expectation) -> None:
        """Start every worker that does not run, and have each build the grammar of `expect`."""
        for worker in self._workers:
            await worker.ask(write_request(b"", expect))

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""
        if len(ulaw) > LONGEST_UTTERANCE:
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT, f"{len(ulaw) / 8000:.0f} s of speech; a minute is the most"
            )
        able = self._workers[-1:] if len(ulaw) > LONG_UTTERANCE else self._workers
        worker = min(able, key=lambda candidate: candidate.waiting)
        return read_recognition(await worker.ask(write_request(ulaw, expect)))

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()
