"""Tests of the composed streams themselves: they are as composed, complete, and say only what error.h knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ROOT / "tests" / "streams"
EXPECTED = json.loads((STREAMS / "expected.json").read_text(encoding="utf-8"))
CODES = set(re.findall(r"X\((EXO_E_\w+)", (ROOT / "include" / "exochat" / "error.h").read_text(encoding="utf-8")))
KEYS = {"text", "reasoning", "tool_calls", "finish_reason", "usage", "error", "done", "accepted"}
MAY = {"refusal", "counts", "options", "note"}


def test_the_folder_is_as_composed():
    ran = subprocess.run([sys.executable, str(STREAMS / "compose.py"), "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_stream_is_expected_and_listed():
    readme = (STREAMS / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in STREAMS.glob("*.sse")}
    assert names == set(EXPECTED)
    assert [name for name in names if f"`{name.removesuffix('.sse')}`" not in readme] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_an_expectation_is_sound(name):
    expected = EXPECTED[name]
    assert KEYS <= set(expected) <= KEYS | MAY
    assert expected["accepted"] == (expected["error"] is None)
    if expected["error"]:
        assert expected["error"]["code"] in CODES
        assert expected["tool_calls"] == []
    elif not expected.get("options", {}).get("lenient_end"):
        assert expected["finish_reason"] or expected["done"]
    for call in expected["tool_calls"]:
        assert isinstance(json.loads(call["arguments"]), dict)
    if expected["done"]:
        assert b"[DONE]" in (STREAMS / name).read_bytes()
