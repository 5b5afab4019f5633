"""What the tests of MicroPython are run with: the package as a board has it, and a scripted server with certificates."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADE = ROOT / "build" / "micropython"
PACKAGE = "exoclaw_provider_openai"
sys.path.insert(0, str(ROOT / "tests"))


def package(folder, compiled=True):
    """Puts the package into `folder`: without what is CPython's, as .mpy or as it is."""
    target = pathlib.Path(folder) / PACKAGE
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in sorted((ROOT / PACKAGE).glob("*.py")):
        if source.stem.endswith("_cpython"):
            continue
        if compiled:
            made = target / (source.stem + ".mpy")
            command = [MADE / "mpy-cross", "-O3", "-s", source.stem, "-o", made, source]
            subprocess.run(command, check=True)
        else:
            shutil.copy(source, target)
    return target


def interpreter(name):
    """(the program, the folder of its _exochat or None). `stock`: Debian's, with the native module; `newer-`: of its next
    version, with the same native module."""
    folder, name = (MADE / "newer", name[6:]) if name.startswith("newer-") else (MADE, name)
    if name == "stock":
        return folder / "stock" / "micropython", MADE / "natmod-x64"
    return folder / name, None


def run(name, arguments, path, environment=None, heap=None, timeout=600):
    """Runs an interpreter on a script; its standard output, standard error behind it."""
    import os

    program, module = interpreter(name)
    folders = [str(folder) for folder in path] + ([str(module)] if module else []) + [".frozen"]
    command = [str(program)] + (["-X", f"heapsize={heap}"] if heap else []) + [str(a) for a in arguments]
    variables = {**os.environ, "MICROPYPATH": ":".join(folders), "ASAN_OPTIONS": "detect_leaks=0", **(environment or {})}
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    return done.returncode, done.stdout
