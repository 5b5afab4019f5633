#!/usr/bin/env python3
"""Measures the package on MicroPython beside the provider that it takes the place of:

    compare.py

Both are compiled alike and run the same job.py on the unix port of tools/micropython.sh, against the scripted server of the
tests: the least heap with which each thing passes, and processor time of a chat. The original (0.4.3, with what it needs of
exoclaw 0.32.0; from PyPI) checks no certificate. It is measured alone, with exoclaw's __init__.py empty, and with all that
importing exoclaw brings. $BENCH_PYTHON has a pip. Exit status 77 where the unix port is not to be had.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "micropython"), str(ROOT / "tests"), str(HERE.parent)]

import results  # noqa: E402
import stage  # noqa: E402
from upstream import Upstream  # noqa: E402
from upstream.tls import Certificates  # noqa: E402

WHEELS = ("exoclaw-provider-openai==0.4.3", "exoclaw==0.32.0")
NAMES = ("exochat", "original", "original, all of exoclaw")
CALLS = 50
LONGER = {
    "chat": "chat of 50 messages",
    "file": "a request of 10 MB from a file",
    "answer": "an answer of 60 KB",
    "calls": "a chat",
    "handshakes": "a chat with its own handshake",
}

# What micropython-lib has and Debian's source does not, and the environment, which the tests' unix port lacks as boards do.
# The original says no server_hostname, so that nothing can be checked.
STUBS = {
    "os.py": "from uos import *\n\n\ndef getenv(name, default=None):\n    return default\n",
    "__future__.py": "annotations = None\n",
    "datetime.py": "class datetime:\n    pass\n\n\nclass timezone:\n    utc = None\n\n\nclass timedelta:\n    pass\n",
    "ssl.py": "from tls import *\n\n\ndef create_default_context():\n    made = SSLContext(PROTOCOL_TLS_CLIENT)\n"
    "    made.verify_mode = CERT_NONE\n    return made\n",
}


def compiled(source, target, name):
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([stage.MADE / "mpy-cross", "-O3", "-s", name, "-o", target, source], check=True)


def stage_original(folder, whole):
    """Puts the original into `folder`, as .mpy; `whole`: with exoclaw's own __init__.py."""
    wheels = ROOT / "build" / "micropython" / "wheels"
    if not list(wheels.glob("*.whl")):
        pip = [os.environ.get("BENCH_PYTHON", sys.executable), "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, *WHEELS]
        subprocess.run(pip, check=True)
    with tempfile.TemporaryDirectory() as unpacked:
        sources = pathlib.Path(unpacked)
        for wheel in wheels.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(sources)
        for name, text in STUBS.items():
            (sources / name).write_text(text, encoding="utf-8")
        for lib in (sources / "exoclaw" / "_mp_lib").glob("*.py"):
            shutil.move(lib, sources / lib.name)
        if not whole:
            for package in ("exoclaw", "exoclaw/providers"):
                (sources / package / "__init__.py").write_text("", encoding="utf-8")
        for source in sorted(sources.rglob("*.py")):
            at = source.relative_to(sources)
            if not at.name.endswith("_cpython.py") and "testing" not in at.parts:
                compiled(source, folder / at.with_suffix(".mpy"), str(at))


class Bench:
    """The servers, and `folder` with what they send and both packages."""

    def __init__(self, folder):
        self.folder = folder
        for name in NAMES:
            (folder / name).mkdir()
        stage.package(folder / "exochat")
        stage_original(folder / "original", False)
        stage_original(folder / NAMES[2], True)
        self.stream("sixty", ["y" * 512] * 120)
        self.stream("chunks", ["z" * 20] * 200)
        (folder / "ten").write_bytes(b"z" * 10_000_000)
        self.certificates = Certificates(folder)

    def stream(self, name, pieces):
        chunks = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events = [json.dumps(chunk) for chunk in chunks] + ["[DONE]"]
        (self.folder / f"{name}.sse").write_text("".join(f"data: {event}\n\n" for event in events))

    def run(self, name, what, url, heap, calls=1):
        """(whether it passed, what it printed, seconds of the processor)."""
        ca = self.certificates.ca if name == "exochat" and url.startswith("https") else ""
        command = [stage.MADE / "unix", "-X", f"heapsize={heap}k", HERE / "job.py", what, url, ca, self.folder / "ten", calls]
        environment = {"MICROPYPATH": f"{self.folder / name}:.frozen", "PATH": os.environ["PATH"]}
        before = os.times()
        ran = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600, check=False)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        return ran.stdout.endswith("good\n"), ran.stdout + ran.stderr, spent

    def least(self, name, what, url):
        """The least heap, to a KB; None: not even with a megabyte."""
        low, high = 8, 1024
        if not self.run(name, what, url, high)[0]:
            return None
        while low < high:
            middle = (low + high) // 2
            if self.run(name, what, url, middle)[0]:
                high = middle
            else:
                low = middle + 1
        return low

    def processor(self, name, what, url):
        """Milliseconds of a chat, those of the process and its first calls apart."""
        good, said, few = self.run(name, what, url, 2048, 5)
        _, _, many = self.run(name, what, url, 2048, 5 + CALLS)
        if not good:
            print(said[-500:], file=sys.stderr)
        return (many - few) / CALLS * 1000 if good else None


def main():
    if subprocess.run([ROOT / "tools" / "micropython.sh", "unix"], check=False).returncode:
        return 77
    names = [wheel.partition("==") for wheel in WHEELS]
    release = results.said(str(stage.MADE / "unix"), "-c", "import sys; print('.'.join(map(str, sys.implementation.version[:3])))")
    part = results.Measured("micropython", {"MicroPython": release, **{name: version for name, _, version in names}})
    rounds = int(os.environ.get("ROUNDS", "3"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder))
        with Upstream(streams=[folder]) as plain, Upstream(streams=[folder], tls=bench.certificates.server()) as tls:
            urls = {"plain": plain.base_url, "TLS": tls.base_url.replace("127.0.0.1", "localhost")}
            alive = {name: [int(bench.run(name, "import", urls["plain"], 1024)[1].split()[1]) // 1024] for name in NAMES}
            part.add("alive after the import", "KB", alive)
            part.add("least heap: import", "KB", {name: [bench.least(name, "import", urls["plain"])] for name in NAMES})
            for what in ("chat", "file", "answer"):
                for kind, url in urls.items():
                    part.add(f"least heap: {LONGER[what]}, {kind}", "KB", {name: [bench.least(name, what, url)] for name in NAMES})
            for what, kind in (("calls", "plain"), ("calls", "TLS"), ("handshakes", "TLS")):
                taken = [[bench.processor(name, what, urls[kind]) for name in NAMES] for _ in range(rounds)]
                part.add(f"processor: {LONGER[what]}, {kind}", "ms", dict(zip(NAMES, map(list, zip(*taken, strict=True)), strict=True)))
    part.done()
    return 0


if __name__ == "__main__":
    sys.exit(main())
