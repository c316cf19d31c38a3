"""What holds for every file of both packages."""

import ast
import importlib
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Iterator, Tuple, get_type_hints

import byourside
import voxplo

ROOT = Path(__file__).resolve().parents[1]
OURS = ("byourside", "voxplo")
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))

# Names that came after 3.8 and are easily reached for.
NEWER_ATTRIBUTES = {
    "removeprefix",
    "removesuffix",
    "bit_count",
    "to_thread",
    "batched",
    "pairwise",
    "lcm",
    "UTC",
}
NEWER_IMPORTS = {
    "NotRequired", "Required", "TypeAlias", "ParamSpec", "Self", "Annotated", "Unpack", "TypeGuard",
    "StrEnum", "UTC", "cache", "zoneinfo", "tomllib", "graphlib",
}  # fmt: skip
BUILTIN_GENERICS = {"dict", "list", "tuple", "set", "frozenset", "type"}
STANDARD = {
    "argparse", "base64", "binascii", "datetime", "email", "hashlib", "hmac", "http", "ipaddress", "json",
    "math", "os", "random", "re", "shutil", "ssl", "sys", "tempfile", "textwrap", "time", "typing", "urllib",
    "uuid",
}  # fmt: skip


def nodes() -> Iterator[Tuple[str, ast.AST]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}", node


class OldPythons(unittest.TestCase):
    def test_every_file_is_written_in_the_grammar_of_3_8(self) -> None:
        self.assertGreater(len(SOURCES), 12)
        for path in SOURCES + TESTS:
            with self.subTest(path.name):
                ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))

    def test_nothing_younger_than_3_8_is_used(self) -> None:
        for where, node in nodes():
            with self.subTest(where):
                if isinstance(node, ast.Attribute):
                    self.assertNotIn(node.attr, NEWER_ATTRIBUTES)
                elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                    self.assertNotIn(node.value.id, BUILTIN_GENERICS)
                elif isinstance(node, ast.ImportFrom):
                    self.assertFalse(NEWER_IMPORTS & {name.name for name in node.names})

    def test_the_standard_library_is_all_that_is_imported(self) -> None:
        for where, node in nodes():
            roots = []
            if isinstance(node, ast.Import):
                roots = [name.name.split(".")[0] for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots = [str(node.module).split(".")[0]]
            for root in roots:
                self.assertIn(root, STANDARD.union(OURS), where)

    def test_annotations_can_be_read_at_run_time(self) -> None:
        for owner in (byourside.Client, byourside.ByoursideError, byourside.CallRecord):
            for member in [owner, *(value for value in vars(owner).values() if callable(value))]:
                get_type_hints(member)
        for function in (byourside.verify_webhook, byourside.verify_standard_webhook, byourside.map_error):
            self.assertIn("return", get_type_hints(function))


class BothNames(unittest.TestCase):
    def test_each_published_import_works_under_both_names_and_is_one_thing(self) -> None:
        for module, names in (
            ("", ("Client", "ByoursideError", "verify_webhook", "map_error", "__version__")),
            (".client", ("Client",)),
            (".errors", ("ByoursideError", "map_error")),
            (".webhooks", ("verify_webhook",)),
        ):
            first, second = (importlib.import_module(package + module) for package in OURS)
            for name in names:
                with self.subTest(module=module, name=name):
                    self.assertIs(getattr(first, name), getattr(second, name))

    def test_voxplo_has_its_own_name_for_the_error(self) -> None:
        self.assertIs(voxplo.VoxploError, byourside.ByoursideError)
        self.assertIs(importlib.import_module("voxplo.errors").VoxploError, byourside.ByoursideError)

    def test_everything_announced_is_there(self) -> None:
        for package in (byourside, voxplo):
            for name in package.__all__:
                self.assertTrue(hasattr(package, name), name)

    def test_both_packages_are_marked_as_typed(self) -> None:
        for package in OURS:
            self.assertTrue((ROOT / package / "py.typed").is_file())

    def test_both_run_as_commands_under_their_own_name(self) -> None:
        for package in OURS:
            done = subprocess.run(
                [sys.executable, "-m", package, "--help"], cwd=str(ROOT), stdout=subprocess.PIPE, check=True
            )
            self.assertIn(f"usage: python -m {package}", done.stdout.decode())


if __name__ == "__main__":
    unittest.main()
