#!/usr/bin/env python3
"""What `mip` installs on a board: tools/mip.py [--check] [--base URL] [FOLDER] writes FOLDER (build/mip), a folder for each
architecture. URL is where FOLDER will be found: mip of MicroPython 1.25 takes no relative addresses.

    FOLDER/ARCH/package.json     for mip.install("https://…/ARCH/"): the package as .mpy, and _exochat.mpy beside it
    FOLDER/user/package.json     the same without _exochat, for firmware that has the user module

Each package.json has, beside what mip reads ("urls", "version"), "sha256" of every file. Wants the native modules of
tools/micropython.sh natmod; an architecture that is not built is left out. --check holds a folder to what it says of
itself.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MADE = ROOT / "build" / "micropython"
PACKAGE = "exoclaw_provider_openai"
# Firmware loads a native .mpy of its own architecture, or of one before it in its family.
ARCHITECTURES = ("x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc")


def version():
    return re.search(r'EXO_VERSION "([\d.]+)"', (ROOT / "include/exochat/client.h").read_text(encoding="utf-8")).group(1)


def compile_package(folder):
    """The package without what is CPython's, as .mpy; their paths."""
    target = folder / PACKAGE
    target.mkdir(parents=True)
    for source in sorted((ROOT / PACKAGE).glob("*.py")):
        if not source.stem.endswith("_cpython") and source.stem != "__main__":
            made = target / (source.stem + ".mpy")
            command = [MADE / "mpy-cross", "-O3", "-s", source.stem, "-o", made, source]
            subprocess.run(command, check=True)


def describe(folder, base):
    """Writes package.json of what is in the folder, which is found at `base`."""
    files = sorted(path for path in folder.rglob("*.mpy"))
    names = [str(path.relative_to(folder)) for path in files]
    described = {
        "version": version(),
        "urls": [[name, base + name] for name in names],
        "deps": [],
        "sha256": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in zip(names, files)},
    }
    (folder / "package.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def make(folder, base):
    shutil.rmtree(folder, ignore_errors=True)
    compile_package(folder / "user")
    describe(folder / "user", f"{base}user/")
    for arch in ARCHITECTURES:
        native = MADE / f"natmod-{arch}" / "_exochat.mpy"
        if native.exists():
            shutil.copytree(folder / "user", folder / arch)
            shutil.copy(native, folder / arch)
            describe(folder / arch, f"{base}{arch}/")


def check(folder):
    """What is wrong with a folder, in words."""
    wrong = []
    for described in sorted(folder.glob("*/package.json")):
        said = json.loads(described.read_text(encoding="utf-8"))
        here = described.parent
        there = {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} - {"package.json"}
        if there != {name for name, _ in said["urls"]} or there != set(said["sha256"]):
            wrong.append(f"{here.name}: package.json names other files than there are")
        for name in sorted(there & set(said["sha256"])):
            data = (here / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != said["sha256"][name]:
                wrong.append(f"{here.name}/{name}: another hash")
            if data[:2] != b"M\x06":
                wrong.append(f"{here.name}/{name}: no .mpy of format 6")
        if ("_exochat.mpy" in there) != (here.name != "user"):
            wrong.append(f"{here.name}: _exochat.mpy is missing, or one too many")
    return wrong or ([] if list(folder.glob("*/package.json")) else [f"nothing in {folder}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--base", default="", metavar="URL")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=ROOT / "build" / "mip")
    options = parser.parse_args()
    if not options.check:
        make(options.folder, options.base)
    wrong = check(options.folder)
    for words in wrong:
        print("FAILED:", words)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
