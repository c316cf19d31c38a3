"""Speech by the `flite` program where it is installed: a warmer voice than espeak's, in American English.

flite ends after every sentence, so each synthesis is a process of its own. The text goes in as a file,
never as an argument: arguments can be read by everyone on the machine.
"""

import asyncio
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.telephone_band import from_int16, to_telephone

VOICE = "rms"
TIMEOUT_S = 20.0


def find_flite() -> str | None:
    """Path of the program, or None where it is not installed."""
    return shutil.which("flite")


class FliteVoice:
    """One voice of flite; synthesises on a thread."""

    def __init__(self, program: str, voice: str = VOICE) -> None:
        self._program = program
        self._voice = voice

    async def say(self, text: str, language: str) -> bytes:
        """µ-law at 8 kHz. Raises ProviderError."""
        if language.partition("-")[0].lower() != "en":
            raise ProviderError(ProviderErrorKind.BAD_INPUT, f"flite has no voice for language {language!r}")
        return await asyncio.to_thread(self.say_now, text)

    def say_now(self, text: str) -> bytes:
        """The same, blocking; for scripts."""
        with tempfile.TemporaryDirectory(prefix="flite-") as folder:
            words, sound = Path(folder, "words.txt"), Path(folder, "sound.wav")
            words.write_text(text)
            self._run(str(words), str(sound))
            with wave.open(str(sound)) as opened:
                return to_telephone(from_int16(opened.readframes(opened.getnframes())), opened.getframerate())

    def _run(self, words: str, sound: str) -> None:
        command = [self._program, "-voice", self._voice, "-f", words, "-o", sound]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as late:
            raise ProviderError(ProviderErrorKind.TIMED_OUT, "flite took too long") from late
        except (OSError, subprocess.CalledProcessError) as failure:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"flite failed: {failure}") from failure

    async def close(self) -> None:
        """Nothing stays open between sentences."""
