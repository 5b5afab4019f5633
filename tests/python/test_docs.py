"""The pages that speak of the package: what they name is there, and what they show runs."""

import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT
from upstream.chunks import TEXT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MIGRATION = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*python/test_*.py"))


def test_every_numbered_fault_has_a_row_and_every_row_its_tests():
    rows = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.*)$", MIGRATION, re.M)}
    assert sorted(rows) == list(range(1, 28))
    for number, row in rows.items():
        names = re.findall(r"`(test_\w+)`", row)
        assert names and all(f"def {name}(" in TESTS for name in names), number
    for name in re.findall(r"def (test_fault_(\d+)\w+)\(", TESTS):
        assert int(name[1]) in rows


def test_the_readme_shows_the_example_as_it_is():
    example = (ROOT / "examples" / "python" / "chat.py").read_text(encoding="utf-8")
    code = example.split('"""\n\n', 1)[1]
    assert f"```python\n{code}```" in README


def test_the_readmes_example(upstream):
    if not hasattr(pytest.importorskip("_exochat"), "Client"):
        pytest.skip("_exochat has no Client")
    code = re.search(r"^```python\n(.*?)^```", README, re.S | re.M)[1]
    variables = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), EXOCHAT_BASE_URL=upstream.base_url)
    ran = subprocess.run([sys.executable, "-c", code, "ok", "Why?"], capture_output=True, text=True, env=variables)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == TEXT and "total_tokens" in ran.stderr
