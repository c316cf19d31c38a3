"""Where a recording is put: whole, or not at all.

Knows files; the bytes come from whoever fills them.
"""

import os
import shutil
import tempfile
from typing import BinaryIO, Callable, Protocol, Union


class Path(Protocol):
    """What pathlib's paths are; os.PathLike can't be subscripted on 3.8."""

    def __fspath__(self) -> str: ...


Destination = Union[str, Path, BinaryIO]


def keep_whole(destination: Destination, fill: Callable[[BinaryIO], object]) -> int:
    """Have `fill` write a file and put it at `destination` once it is complete; returns its size in bytes.

    A path is left as it was where `fill` raises; a file object has then had nothing written to it.
    """
    if isinstance(destination, str) or hasattr(destination, "__fspath__"):
        return _keep_at(os.fspath(destination), fill)
    with tempfile.TemporaryFile() as whole:
        fill(whole)
        size = whole.tell()
        whole.seek(0)
        shutil.copyfileobj(whole, destination)
    return size


def _keep_at(path: str, fill: Callable[[BinaryIO], object]) -> int:
    # Beside the target, so that the last step is a rename within one file system.
    unfinished = path + ".part"
    try:
        with open(unfinished, "wb") as out:
            fill(out)
            size = out.tell()
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise
    return size
