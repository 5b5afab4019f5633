#!/usr/bin/env python3
"""What the package takes of the heap on the 64-bit unix port: `check()` holds it to LIMITS; as a program it prints the least
heap with which each thing passes, in KB.
"""

import contextlib
import json
import pathlib
import sys
import tempfile

import stage
from upstream import Upstream
from upstream.tls import Certificates

HERE = pathlib.Path(__file__).parent

# KB of heap with which each thing passes: over plain http, and over verified TLS.
LIMITS = {"chat": (88, 128), "file": (64, 104), "answer": (128, 168)}
ALIVE = 32  # KB alive after the import
CALLS = 256  # KB in which five hundred calls leave nothing behind


@contextlib.contextmanager
def things():
    """run(what, secure, KB) → what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        stage.package(work)
        chunk = {"choices": [{"index": 0, "delta": {"content": "y" * 512}, "finish_reason": None}]}
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        events = [json.dumps(chunk)] * 120 + [json.dumps(end), "[DONE]"]
        (work / "sixty.sse").write_text("".join(f"data: {event}\n\n" for event in events))
        (work / "ten").write_bytes(b"z" * 10_000_000)
        certificates = Certificates(work)
        with Upstream(streams=[work]) as plain, Upstream(streams=[work], tls=certificates.server()) as tls:

            def run(what, secure, kilobytes):
                url = tls.base_url.replace("127.0.0.1", "localhost") if secure else plain.base_url
                ca = certificates.ca if secure else ""
                arguments = [HERE / "heap_job.py", what, url, ca, work / "ten"]
                if what == "calls":
                    arguments = [HERE / "heap_calls.py", url, ca]
                _, said = stage.run("unix", arguments, [work], heap=f"{kilobytes}k")
                return said

            yield run


def check(counts):
    with things() as run:
        said = run("import", False, 88)
        alive = int(said.split()[1]) if said.startswith("alive") else 10**9
        counts.check(f"heap: {alive / 1024:.1f} KB alive after the import, of {ALIVE}", alive <= ALIVE * 1024, said)
        collects = [run("import", False, size).split()[2:3] for size in (88, 1024)]
        counts.check("heap: a small one is collected often, a large one as ever", collects == [["4096"], ["-1"]], collects)
        for what, limits in [*LIMITS.items(), ("calls", (CALLS, CALLS))]:
            for secure, limit in enumerate(limits):
                said = run(what, bool(secure), limit)
                title = f"heap: {what}, {'TLS' if secure else 'plain'}, {limit} KB"
                counts.check(title, said.endswith("good\n"), said)


def least(run, what, secure):
    """The least heap, to a KB."""
    low, high = 8, 512
    while low < high:
        middle = (low + high) // 2
        if run(what, secure, middle).endswith("good\n"):
            high = middle
        else:
            low = middle + 1
    return low


def main():
    with things() as run:
        print("alive after the import:", run("import", False, 256).split()[1])
        print("import:", least(run, "import", False))
        for what in LIMITS:
            print(f"{what}: {least(run, what, False)} plain, {least(run, what, True)} TLS", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
