#!/usr/bin/env python3
"""All tests of MicroPython: builds what they run on (tools/micropython.sh), runs them, and prints `N passed, N failed`.

    check.py [NAME ...]       NAME: a suite of SUITES; all without

The machines of _exochat run on the unix port with the user module, again under sanitizers, on Debian's own interpreter
with the native module, and on emulated boards; the provider and tests/scenarios over sockets, plain and TLS, on the
first and the third; then the limits of the heap and of the flash.
"""

import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import servers
import stage

HERE = pathlib.Path(__file__).parent
# With so much of a heap, and on which interpreters.
PROVIDER = (
    ("200m", ["test_provider", "test_upstream"], ("unix", "stock", "newer-stock", "asan")),
    ("4m", ["test_faults", "test_dialects", "test_midway"], ("unix", "stock", "newer-stock", "asan")),
    ("256k", ["test_leaks"], ("unix",)),
)
NEWER = {"EXO_MICROPYTHON_SUITE": "forky", "EXO_MICROPYTHON_DIR": str(stage.MADE / "newer")}  # a version behind Debian's stable one
MACHINES = ["test_rest", "test_locked", "test_encoder", "test_attempt", "test_streams"]
BOARDS = (("m3", "armv7m"), ("m3", "armv6m"), ("m4", "armv7emsp"), ("m7", "armv7emdp"), ("rv32", "rv32imc"), ("m3-user", "-"))


class Counts:
    """What the runners counted."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, title, said):
        """Adds the last line of a runner; one that has none counts as a failure."""
        found = re.findall(r"^(\d+) passed, (\d+) failed$", said, re.M)
        passed, failed = (int(number) for number in found[-1]) if found else (0, 1)
        self.passed += passed
        self.failed += failed
        print(f"{title}: {passed} passed, {failed} failed", flush=True)
        if failed:
            print("\n".join(line for line in said.splitlines() if '"llm_fallback"' not in line)[-8000:])

    def check(self, title, good, words=""):
        self.add(title, f"{int(good)} passed, {int(not good)} failed\n")
        if not good:
            print(words)


def tool(*arguments):
    """tools/micropython.sh; "newer" before its arguments: for that version."""
    variables = {**os.environ, **NEWER} if arguments[0] == "newer" else None
    arguments = arguments[1:] if variables else arguments
    subprocess.run([stage.ROOT / "tools" / "micropython.sh", *arguments], check=True, env=variables)


# ---- suites


LACKS = """
import errno, os, sys
try:
    import _thread
except ImportError:
    _thread = None
try:
    import ssl
except ImportError:
    ssl = None
names = [str(number) for number in range(50)]
ordered = list({name: 0 for name in names}) == names
try:
    raise ValueError
except ValueError as error:
    cause = hasattr(error, "__cause__")
print(hasattr(os, "getenv"), hasattr(errno, "errorcode"), bool(_thread), bool(ssl), ordered, cause)
"""


def lacks(counts):
    """The interpreter that the tests build has no more than a board."""
    done = subprocess.run([stage.MADE / "unix", "-c", LACKS], capture_output=True, text=True)
    counts.check("the unix port lacks what boards lack", done.stdout.split() == ["False"] * 6, done.stdout + done.stderr)


def machines(counts, names=("unix", "stock")):
    if "unix" in names:
        lacks(counts)
    for name in names:
        _, said = stage.run(name, [HERE / "run.py", *MACHINES], [HERE], heap="8m")
        counts.add(f"machines, {name}", said)


def sanitized(counts):
    machines(counts, ["asan"])
    provider(counts, ["asan"])


def over_sockets(counts, title, interpreter, modules, made=servers.usual, arguments=(), heap="200m", first=(), behind=()):
    """Runs modules that talk to servers: `made` makes these in a folder, with `arguments`; `first` stands before all else
    on the interpreter's path, `behind` behind it."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        stage.package(work)
        with made(work, *arguments) as at:
            command = [HERE / "run.py", f"at={at}", *modules]
            _, said = stage.run(interpreter, command, [*first, HERE, work, *behind], heap=heap)
    counts.add(f"{title}, {interpreter}", said)


def provider(counts, names=("unix", "stock")):
    for name in names:
        for heap, modules, where in PROVIDER:
            if name in where:
                over_sockets(counts, ", ".join(modules), name, modules, heap=heap)


def other_time(counts):
    for name in ("unix", "stock"):
        over_sockets(counts, "other time", name, ["test_other_time"], heap="4m", first=[HERE / "other_time"])


def newer(counts):
    """Debian's next MicroPython with the native module that was built for the present one, and with the user module."""
    machines(counts, ("newer-stock", "newer-unix"))
    provider(counts, ("newer-stock",))


def scenarios(counts):
    for name, secure in (("unix", False), ("unix", True), ("stock", False)):
        title = f"scenarios, {'TLS' if secure else 'plain'}"
        over_sockets(counts, title, name, ["test_scenarios"], servers.for_scenarios, (secure,))


def exoclaw(counts):
    """exoclaw as its firmware stages it, from PyPI, and its own tests of what it imports, with this package in place of its."""
    made = stage.MADE / "exoclaw"
    own = sorted(path.stem for path in (made / "tests").glob("test_*.py"))
    path = (HERE.parent / "agent", HERE / "exoclaw_stubs", made / "tests", made / "stage")
    for name in ("unix", "stock"):
        over_sockets(counts, "exoclaw", name, ["test_exoclaw", *own], heap="8m", behind=path)


def boards(counts):
    def one(pair):
        modules = [*MACHINES, "test_stack"] if pair[0] == "m3-user" else MACHINES
        command = [sys.executable, str(HERE / "board.py"), *pair, *modules]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.stdout + done.stderr  # the emulator's own words behind, not within a line of ours

    with ThreadPoolExecutor(2) as pool:
        for pair, said in zip(BOARDS, pool.map(one, BOARDS)):
            counts.add(f"board {pair[0]}, {'user module' if pair[1] == '-' else pair[1]}", said)


def heap(counts):
    import heap as limits

    limits.check(counts)


def flash(counts):
    import flash as limits

    limits.check(counts)


def cmake(counts):
    """micropython.cmake, as CMake-based ports include it."""
    with tempfile.TemporaryDirectory() as folder:
        board = stage.MADE / "board-m3-user"
        command = ["cmake", "-S", HERE / "cmake", "-B", folder, f"-DMPY_DIR={stage.MADE / 'source'}", f"-DBOARD_BUILD={board}"]
        said = ""
        for step in (command, ["cmake", "--build", folder, "-j2"]):
            done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            said += done.stdout
            if done.returncode:
                break
        counts.check("micropython.cmake", done.returncode == 0, said)


INSTALL = """
import mip, sys
mip.install({url!r}, target={target!r})
sys.path[:] = [{target!r}, ".frozen"]
import _exochat
from exoclaw_provider_openai import OpenAIStreamingProvider
print(_exochat.__version__, OpenAIStreamingProvider.__name__)
"""


def mip(counts):
    """Debian's own mip installs the package, native module included, from a server on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(work / "site"))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            base = f"http://127.0.0.1:{server.server_address[1]}/"
            command = [sys.executable, stage.ROOT / "tools" / "mip.py", "--base", base, work / "site"]
            made = subprocess.run(command, capture_output=True, text=True)
            counts.check("mip: package.json", made.returncode == 0, made.stdout + made.stderr)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            (work / "install.py").write_text(INSTALL.format(url=base + "x64/", target=str(work / "lib")))
            done = subprocess.run([stage.MADE / "stock" / "micropython", work / "install.py"], capture_output=True, text=True)
            server.shutdown()
        counts.check("mip: installed and imported", "OpenAIStreamingProvider" in done.stdout, done.stdout + done.stderr)
        described = json.loads((work / "site" / "x64" / "package.json").read_text())
        pairs = [(work / "lib" / name, work / "site" / "x64" / name) for name, _ in described["urls"]]
        same = all(one.exists() and one.read_bytes() == other.read_bytes() for one, other in pairs)
        counts.check("mip: the files are the same", same)


def examples(counts):
    """examples/micropython, and what a board without `_exochat` is told."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        stage.package(work)
        for example in (stage.ROOT / "examples" / "micropython").glob("*.py"):
            shutil.copy(example, work)
        with servers.usual(work) as file:
            at = json.loads(file.read_text())
            settings = {"base_url": at["tls"], "key": "k", "question": "hello", "ca": at["ca"], "wifi": ["home", "secret"]}
            for name, model, said in (("chat", "ok", "the time is set\nEvery stream finds its sea."), ("agent", "tool-loop", "celsius")):
                (work / "settings.json").write_text(json.dumps({**settings, "model": model}))
                _, out = stage.run("unix", [work / f"{name}.py"], [work, HERE / "wifi"], heap="1m")
                counts.check(f"examples: {name}", said in out, out)
            (work / "settings.json").write_text(json.dumps({**settings, "model": "ok", "ca": at["other_ca"]}))
            _, out = stage.run("unix", [work / "chat.py"], [work, HERE / "wifi"], heap="1m")
            counts.check("examples: chat, another authority", "failed: TLS" in out, out)
            lines = (stage.ROOT / "examples" / "micropython" / "chat.py").read_text().splitlines()
            counts.check("examples: chat in 40 lines", len(lines) <= 40, str(len(lines)))
        (work / "none.py").write_text("import exoclaw_provider_openai\n")
        command = [stage.MADE / "stock" / "micropython", work / "none.py"]
        out = subprocess.run(command, capture_output=True, text=True).stderr
        counts.check("no _exochat", "ImportError" in out and "x64" in out and "6.3" in out and "1.25" in out, out)
        shutil.copy(stage.MADE / "natmod-armv7m" / "_exochat.mpy", work)
        out = subprocess.run(command, capture_output=True, text=True).stderr
        counts.check("an _exochat of another machine", "ImportError" in out and "incompatible" in out, out)


SUITES = {
    "machines": (machines, ("stock",), ("unix",), ("natmod", "x64")),
    "provider": (provider, ("stock",), ("unix",), ("natmod", "x64")),
    "scenarios": (scenarios, ("stock",), ("unix",), ("natmod", "x64")),
    "other time": (other_time, ("stock",), ("unix",), ("natmod", "x64")),
    "newer": (newer, ("newer", "stock"), ("newer", "unix"), ("natmod", "x64")),
    "exoclaw": (exoclaw, ("stock",), ("unix",), ("natmod", "x64"), ("exoclaw",)),
    "heap": (heap, ("unix",)),
    "examples": (examples, ("stock",), ("unix",), ("natmod", "armv7m")),
    "mip": (mip, ("stock",), ("natmod",)),
    "flash": (flash, ("board", "m4-user"), ("board", "m4-user-small")),
    "cmake": (cmake, ("board", "m3-user")),
    "sanitized": (sanitized, ("asan",)),
    "boards": (boards, ("natmod",), *(("board", name) for name in ("m3", "m4", "m7", "rv32", "m3-user"))),
}


def main(arguments):
    counts = Counts()
    for name in arguments or SUITES:
        suite, *needs = SUITES[name]
        try:
            for need in needs:
                tool(*need)
        except subprocess.CalledProcessError as error:
            if error.returncode == 77:
                print(f"skipped: {name}: pip reaches no PyPI")
                continue
            counts.check(f"building for {name}", False, "see above")
            continue
        suite(counts)
    print(f"{counts.passed} passed, {counts.failed} failed")
    return 1 if counts.failed or not counts.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
