#!/usr/bin/env python3
"""The repair of JSON beside the Python package json_repair: bench/repair/measure.py [FILE ...]

The files beside this one are a tool's arguments of a kilobyte: valid.txt, and what models make of such: cut off, with
quotation marks that are not escaped, as Python writes them, with comments in a block of code, with bare keys. The two take
turns, $ROUNDS (5) times, and each time the shortest of five counts. $BENCH_PYTHON has the package (python/prepare.sh).
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import results  # noqa: E402

PYTHON = os.environ["BENCH_PYTHON"]

THEIRS = """
import sys, time
import json_repair
for name in sys.argv[2:]:
    text = open(name, encoding="utf-8").read()
    rounds = int(sys.argv[1])
    best = None
    for _ in range(5):
        began = time.process_time_ns()
        for _ in range(rounds):
            json_repair.repair_json(text)
        took = (time.process_time_ns() - began) / rounds
        best = took if best is None or took < best else best
    print(best)
"""


def build(program):
    core = ROOT / "src" / "core"
    lines = (core / "core.mk").read_text().splitlines()
    sources = [core / line.split()[-1] for line in lines if line.startswith("EXO_CORE_SOURCES += ")]
    options = ["-std=gnu11", "-O2", f"-I{ROOT / 'include'}"]
    subprocess.run([os.environ.get("CC", "cc"), *options, HERE / "repair.c", *sources, "-o", program], check=True)


def times(*command):
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) / 1000 for line in output.split()]


def main():
    files = sys.argv[1:] or sorted(HERE.glob("*.txt"))
    version = "import importlib.metadata as m; print(m.version('json_repair'))"
    part = results.Measured("repair", {"json_repair": results.said(PYTHON, "-c", version)})
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "repair"
        build(program)
        rounds = range(int(os.environ.get("ROUNDS", "5")))
        found = [(times(program, "500", *files), times(PYTHON, "-c", THEIRS, "20", *files)) for _ in rounds]
    for at, file in enumerate(map(pathlib.Path, files)):
        part.add(file.stem, "us", {"exochat": [ours[at] for ours, _ in found], "json_repair": [theirs[at] for _, theirs in found]})
    part.done(whole=len(sys.argv) == 1)


if __name__ == "__main__":
    main()
