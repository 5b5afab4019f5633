#!/usr/bin/env python3
"""The repair of JSON beside the Python package json_repair: bench/repair/measure.py [FILE ...]

The files beside this one are a tool's arguments of a kilobyte: valid.txt, and what models make of such: cut off, with
quotation marks that are not escaped, as Python writes them, with comments in a block of code, with bare keys. For each
one the shortest of several times is taken, the two in turn. The package is installed under build/compare, with pip.
"""

import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "build" / "compare"
PYTHON = FOLDER / "venv" / "bin" / "python"

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


def install():
    if not PYTHON.exists():
        venv.create(FOLDER / "venv", with_pip=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "json_repair"], check=True)


def build():
    program = FOLDER / "repair"
    core = ROOT / "src" / "core"
    lines = (core / "core.mk").read_text().splitlines()
    sources = [core / line.split()[-1] for line in lines if line.startswith("EXO_CORE_SOURCES += ")]
    options = ["-std=gnu11", "-O2", f"-I{ROOT / 'include'}"]
    subprocess.run(["cc", *options, HERE / "repair.c", *sources, "-o", program], check=True)
    return program


def times(*command):
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) / 1000 for line in output.split()]


def main():
    files = sys.argv[1:] or sorted(HERE.glob("*.txt"))
    install()
    program = build()
    ours = [min(pair) for pair in zip(*(times(program, "2000", *files) for _ in range(3)), strict=True)]
    theirs = [min(pair) for pair in zip(*(times(PYTHON, "-c", THEIRS, "20", *files) for _ in range(3)), strict=True)]
    print("| input | bytes | exochat | json_repair | ratio |")
    print("|:------|------:|--------:|------------:|------:|")
    for file, us, them in zip(map(pathlib.Path, files), ours, theirs, strict=True):
        print(f"| {file.stem} | {file.stat().st_size} | {us:.1f} us | {them:.0f} us | {them / us:.0f} |")


if __name__ == "__main__":
    main()
