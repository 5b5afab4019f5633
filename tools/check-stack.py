#!/usr/bin/env python3
"""How deep the stack of the core gets on a Cortex-M3: tools/check-stack.py [--all] [ROOT]

Compiles the core with arm-none-eabi-gcc -Os, adds up the frames along its graph of calls, and prints the ten deepest
chains that begin with a public function (with --all, every one). Fails where a chain is deeper than CAP, where a frame
has no fixed size, and where functions call each other in a circle that BOUNDS does not bound. What a pointer leads to
is a leaf, unless POINTERS names the functions of the core behind it; so are string.h and libgcc, which the core does
not bring.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# Bytes, the caller's own frame apart.
CAP = 1228

# Functions that call themselves, directly or not, and how often each of them stands in a chain at most.
BOUNDS = {"chunk.c:chunk_read_members": 2}

# The file that calls through a pointer -> the functions of the core that it may find there. Allocators, sources,
# openers and random numbers are the caller's.
CURSORS = [f"value.c:{kind}_{call}" for kind in ("json", "node") for call in ("next", "rewind", "mark", "reset")]
POINTERS = {
    "encode.c": CURSORS,
    "encode_file.c": CURSORS,
    "failure_body.c": ["exo_failure_put", "failure_body.c:put_escaped"],
    "http1.c": ["http1.c:is_token", "http1.c:is_text", "http1.c:is_visible"],
}

COMPILER = "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -DEXO_SMALL -Os -std=c11 -ffreestanding -fno-stack-protector".split()
NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "[^"\\]*\\n[^"\\]*(?:\\n(\d+) bytes \(([^)]*)\))?', re.M)
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', re.M)
INDIRECT = "__indirect_call"


def compile_core(root, work):
    """Yields the name of every source and its graph."""
    sources = re.findall(r"^EXO_CORE_SOURCES \+= (\S+)$", (root / "src/core/core.mk").read_text(), re.M)
    for source in sources:
        made = pathlib.Path(work, source).with_suffix(".o")
        command = [*COMPILER, "-Iinclude", "-fcallgraph-info=su", "-c", f"src/core/{source}", "-o", str(made)]
        subprocess.run(command, cwd=root, check=True)
        yield source, made.with_suffix(".ci").read_text()


def short(title):
    """file.c:function, without folders and what the compiler appended."""
    return re.sub(r"\.(constprop|isra|part|cold)\.\d+", "", title.rsplit("/", 1)[-1])


class Graph:
    """The frames and the calls of all files together."""

    def __init__(self, texts):
        self.frames = {}
        self.calls = {}
        self.deepest = {}
        self.pointers = {}
        self.wrong = []
        for source, text in texts:
            for title, size, kind in NODE.findall(text):
                if size:
                    self.frames[title] = int(size)
                if size and kind != "static":
                    self.wrong.append(f"{short(title)}: a frame of {kind} size")
            for caller, callee in EDGE.findall(text):
                if callee == INDIRECT:
                    self.pointers[caller] = source
                else:
                    self.calls.setdefault(caller, set()).add(callee)
        titles = {short(title): title for title in self.frames}
        for caller, source in self.pointers.items():
            for name in POINTERS.get(source, ()):
                if name in titles:  # what the compiler made part of its caller has no frame
                    self.calls.setdefault(caller, set()).add(titles[name])

    def depth(self, title, path=()):
        """The bytes of the deepest chain from a function on, and the chain."""
        if title in self.deepest:
            return self.deepest[title]
        if title in path:
            circle = [short(one) for one in path[path.index(title) :]]
            if not all(one in BOUNDS for one in circle):
                self.wrong.append("an unbounded circle: " + " > ".join([*circle, circle[0]]))
            return 0, ()
        best = (0, ())
        for callee in sorted(self.calls.get(title, ())):
            if callee in self.frames:
                best = max(best, self.depth(callee, (*path, title)))
        frame = self.frames[title] * BOUNDS.get(short(title), 1)
        result = (best[0] + frame, (title, *best[1]))
        self.deepest[title] = result
        return result


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    try:
        with tempfile.TemporaryDirectory() as work:
            graph = Graph(compile_core(root, work))
    except FileNotFoundError:
        print(f"{COMPILER[0]} is not installed: the stack is not measured")
        return 0
    public = set()
    for header in (root / "include/exochat").glob("*.h"):
        public.update(re.findall(r"\bexo_\w+(?=\()", header.read_text()))
    called = set().union(*graph.calls.values())
    roots = [title for title in graph.frames if title in public or (title not in called and ":" not in title)]
    depths = {title: graph.depth(title) for title in graph.frames}  # of all: a circle may have no way in
    chains = sorted((depths[title] for title in roots), reverse=True)
    for size, chain in chains if "--all" in sys.argv else chains[:10]:
        print(f"{size:6}  " + " > ".join(f"{short(title)} {graph.frames[title]}" for title in chain))
    print("a pointer is called by: " + ", ".join(sorted(short(title) for title in graph.pointers)))
    deep = [chain for chain in chains if chain[0] > CAP]
    failures = [f"{short(chain[0])}: {size} bytes of stack, more than {CAP}" for size, chain in deep] + graph.wrong
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{len(chains)} public functions, {len(failures)} failures, {chains[0][0]} of {CAP} bytes at most")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
