"""The repository's contract/ folder, for tests; absent where the package was unpacked by itself."""

import json
import unittest
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "contract"

needs_contract = unittest.skipUnless(
    FOLDER.is_dir(), "contract/ is part of the repository, not of this package"
)


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))
