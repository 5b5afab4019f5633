"""The sources themselves: one folder for both Pythons (the constraints of CONTRIBUTING.md), and what is kept in step with C."""

import ast
import re

import pytest

from conftest import ROOT
from exoclaw_provider_openai import _codes

FOLDER = ROOT / "exoclaw_provider_openai"
FILES = sorted(FOLDER.rglob("*.py"))
SHARED = [path for path in FILES if not path.name.endswith("_cpython.py")]
CHIP = {"_broken.py", "_chunked.py", "_connect.py", "_platform_micropython.py", "_sockets.py", "_tls.py"}  # never loaded by CPython
HEAVY = {"__future__", "typing", "dataclasses", "exoclaw", "structlog", "httpx", "asyncio", "collections", "functools", "enum"}


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def names(paths):
    return [str(path.relative_to(FOLDER)) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_no_file_is_longer_than_a_chip_can_compile(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_every_file_says_what_it_is(path):
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", SHARED, ids=names(SHARED))
def test_what_micropython_does_not_have(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.names[0].name if isinstance(node, ast.Import) else node.module or ""
            allowed = {"asyncio"} if path.name in CHIP else set()
            assert module.split(".")[0] not in HEAVY - allowed, f"line {node.lineno} imports {module}"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}: raise … from"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.name != "__del__"
            assert not node.args.posonlyargs, f"line {node.lineno}: positional-only"
        if isinstance(node, ast.AsyncFunctionDef):
            inner = [n for n in ast.walk(node) if isinstance(n, (ast.Yield, ast.YieldFrom))]
            assert not inner, f"line {node.lineno}: an async generator"
        if isinstance(node, ast.ClassDef):
            assert len(node.bases) <= 1, f"line {node.lineno}: two bases"
        assert not isinstance(node, (ast.Match, ast.TryStar)), f"line {node.lineno}"
        if isinstance(node, ast.Dict):
            assert None not in node.keys, f"line {node.lineno}: ** in a dict"
        if isinstance(node, ast.JoinedStr):
            raise AssertionError(f"line {node.lineno}: an f-string, which costs a chip more than %")


@pytest.mark.parametrize("path", SHARED, ids=names(SHARED))
def test_platform_files_are_loaded_where_they_are(path):
    """A module at its top level loads no _cpython file: a chip has none."""
    for node in tree_of(path).body:
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").endswith("_cpython")
            assert not any(alias.name.endswith("_cpython") for alias in node.names)


def test_codes_are_those_of_error_h():
    text = (ROOT / "include/exochat/error.h").read_text(encoding="utf-8")
    table = {name: int(number) for name, number in re.findall(r"X\(EXO_E_(\w+),\s*(-\d+)", text)}
    ours = {name: value for name, value in vars(_codes).items() if name.isupper()}
    assert ours and all(table[name] == value for name, value in ours.items())


def test_names_of_attributes_are_not_made_anew_at_each_look():
    """The interpreter's cache of look-ups keeps such names: memory grows for thousands of calls. exopy_attribute() interns."""
    for path in sorted((ROOT / "bindings" / "python").glob("*.c")):
        assert not re.search(r"AttrString\(|PyObject_CallMethod\(", path.read_text(encoding="utf-8")), path.name


def test_no_shared_object_lies_in_the_folder():
    assert not [path for path in FOLDER.rglob("*") if path.suffix in (".so", ".pyd", ".mpy", ".pyi")]
