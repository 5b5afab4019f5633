#!/usr/bin/env python3
"""Measures the package on MicroPython beside the provider that it takes the place of, and prints a table:

    compare.py

Both are compiled alike and run the same job.py on the unix port of tools/micropython.sh, against the scripted server of the
tests: the least heap with which each thing passes, and processor time of a chat. The original (0.4.3, with what it needs of
exoclaw 0.32.0; from PyPI) checks no certificate. It is measured alone, with exoclaw's __init__.py empty, and with all that
importing exoclaw brings.
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
sys.path[:0] = [str(ROOT / "tests" / "micropython"), str(ROOT / "tests")]

import stage  # noqa: E402
from upstream import Upstream  # noqa: E402
from upstream.tls import Certificates  # noqa: E402

WHEELS = ("exoclaw-provider-openai==0.4.3", "exoclaw==0.32.0")
NAMES = ("ours", "original", "original, all of exoclaw")
CALLS = 50

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
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, *WHEELS]
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
        stage.package(folder / "ours")
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
        ca = self.certificates.ca if name == "ours" and url.startswith("https") else ""
        command = [stage.MADE / "unix", "-X", f"heapsize={heap}k", HERE / "job.py", what, url, ca, self.folder / "ten", calls]
        environment = {"MICROPYPATH": f"{self.folder / name}:.frozen", "PATH": os.environ["PATH"]}
        before = os.times()
        ran = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600)
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


def row(title, values, unit):
    cells = ["–" if value is None else f"{value:.1f} {unit}" if unit == "ms" else f"{value} {unit}" for value in values]
    print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


def main():
    subprocess.run([ROOT / "tools" / "micropython.sh", "unix"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder))
        with Upstream(streams=[folder]) as plain, Upstream(streams=[folder], tls=bench.certificates.server()) as tls:
            urls = {"plain": plain.base_url, "TLS": tls.base_url.replace("127.0.0.1", "localhost")}
            print("| | " + " | ".join(NAMES) + " |\n|---|" + "--:|" * len(NAMES))
            alive = [bench.run(name, "import", urls["plain"], 1024)[1].split()[1] for name in NAMES]
            row("alive after the import", [int(size) // 1024 for size in alive], "KB")
            row("least heap: import", [bench.least(name, "import", urls["plain"]) for name in NAMES], "KB")
            for what in ("chat", "file", "answer"):
                for kind, url in urls.items():
                    row(f"least heap: {what}, {kind}", [bench.least(name, what, url) for name in NAMES], "KB")
            for what, kind in (("calls", "plain"), ("calls", "TLS"), ("handshakes", "TLS")):
                row(f"processor: {what}, {kind}", [bench.processor(name, what, urls[kind]) for name in NAMES], "ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
