#!/usr/bin/env python3
"""What two repair libraries make of tests/core/json_repair.cases: tools/compare-repair.py [--all] [FILE]

Prints how many cases agree with PyPI's json_repair, with npm's jsonrepair and with both, and every case in which both
libraries agree with each other and not with the table; with --all every case in which one of them differs. FILE may be
another table of the same form. Both libraries are installed under build/compare, with pip and npm; no test needs them.
Cases that are not UTF-8 or expect an error are left out, and values are compared, not texts.
"""

import json
import pathlib
import re
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "compare"
PYTHON = FOLDER / "venv" / "bin" / "python"

RUN_PYTHON = """
import json, sys
import json_repair
def repair(text):
    try:
        return json_repair.repair_json(text)
    except Exception:
        return None
json.dump([repair(text) for text in json.load(sys.stdin)], sys.stdout)
"""
RUN_NODE = """
const {jsonrepair} = require('jsonrepair');
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const repair = (text) => { try { return jsonrepair(text); } catch (error) { return null; } };
process.stdout.write(JSON.stringify(texts.map(repair)));
"""


def install():
    if not PYTHON.exists():
        venv.create(FOLDER / "venv", with_pip=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "json_repair"], check=True)
    if not (FOLDER / "node_modules" / "jsonrepair").exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", FOLDER, "jsonrepair"], check=True)


def decode(line):
    """A line of the table: %XX is the byte XX."""
    return re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), line)


def read_cases(path):
    """Pairs of input and expected output."""
    cases = []
    lines = []
    for line in path.read_bytes().split(b"\n"):
        if line.startswith(b"< "):
            lines.append(decode(line[2:]))
        elif lines:
            text, lines = b"\n".join(lines), []
            try:
                if not line.startswith(b"!"):
                    cases.append((text.decode(), decode(line[2:]).decode()))
            except UnicodeDecodeError:
                pass
    return cases


def run(command, texts):
    ran = subprocess.run(command, cwd=FOLDER, input=json.dumps(texts), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout)


def value(text):
    """The value of a JSON text as a text that can be compared; no text and one that is not JSON are none."""
    try:
        return json.dumps(json.loads(text or ""), ensure_ascii=False)
    except ValueError:
        return "(none)"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    everything = "--all" in sys.argv
    sys.stdout.reconfigure(errors="backslashreplace")
    install()
    cases = read_cases(pathlib.Path(arguments[0]) if arguments else ROOT / "tests" / "core" / "json_repair.cases")
    texts = [text for text, _ in cases]
    counts = dict.fromkeys(("json_repair", "jsonrepair", "both of them", "one of them"), 0)
    united = against = 0
    for (text, expected), python, node in zip(
        cases, run([PYTHON, "-c", RUN_PYTHON], texts), run(["node", "-e", RUN_NODE], texts), strict=True
    ):
        ours, python, node = value(expected), value(python), value(node)
        counts["json_repair"] += ours == python
        counts["jsonrepair"] += ours == node
        counts["both of them"] += ours == python == node
        counts["one of them"] += ours in (python, node)
        united += python == node
        against += ours != python == node
        if ours != python == node or (everything and not ours == python == node):
            print(f"{text}\n    table        {ours}\n    json_repair  {python}\n    jsonrepair   {node}")
    print(f"{len(cases)} cases; the table agrees with", ", ".join(f"{name} in {count}" for name, count in counts.items()))
    print(f"the libraries agree with each other in {united}, and there the table with them in {united - against}")


if __name__ == "__main__":
    main()
