#!/usr/bin/env python3
"""Draws how much memory a prompt takes, by its size, as an SVG: bench/memory.py [FILE], docs/memory.svg by default.

A message of 1 KB to 1 GB, of a file's text, is sent to server.c by each client in a process of its own, and the peak resident
memory of the whole process is what counts, as GNU time has it. Clients that hold a prompt in memory are asked for no more than
100 MB. Measured is what was built: exochat in build/, the two programs of bench/peers.sh, the Python clients of
bench/python/run.sh; what is not there is left out, with a word. The figures are printed as a table, too.
"""

import math
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
PYTHON = BUILD / "python-heavy" / "bench" / "bin" / "python"
OURS = BUILD / "python-heavy" / "ours"
NODE = BUILD / "node"
SIZES = [10**power for power in range(3, 10)]
HELD = 10**8  # no more for those that hold it
LINE = b'wave after wave "after" wave after wave, until there was nothing left of the shore\n'

PEER = BUILD / "bench"
MEASURED = HERE / "python" / "clients.py"
# what it is called, what it is run as ({origin}, {prompt}), what must be there, whether it holds a prompt, its colour
CLIENTS = (
    ("exochat, command", [BUILD / "exochat", "--base-url", "{origin}/one", "-m", "m", "-n", "-a", "{prompt}"], None, False, "#0b7a3b"),
    ("exochat, library", [PEER / "peer_exochat", "given", "{origin}"], None, False, "#35b36a"),
    ("exochat, Python, a file", [PYTHON, MEASURED, "ours", "given-file", "{origin}"], OURS, False, "#1f5fbf"),
    ("exochat, Python, a str", [PYTHON, MEASURED, "ours", "given", "{origin}"], OURS, True, "#6fa8ff"),
    ("libcurl and yyjson", [PEER / "peer_curl", "given", "{origin}"], None, True, "#b8860b"),
    ("Python original, a file", [PYTHON, MEASURED, "original", "given-file", "{origin}"], None, False, "#7d3cb5"),
    ("Python original, a str", [PYTHON, MEASURED, "original", "given", "{origin}"], None, True, "#b98be0"),
    ("openai (npm)", ["/usr/bin/env", "node", HERE / "node" / "clients.mjs", NODE, "given", "{origin}"], NODE, True, "#e67e22"),
    ("openai (Python)", [PYTHON, MEASURED, "openai", "given", "{origin}"], None, True, "#c0392b"),
)  # fmt: skip


def peak(command, origin, prompt, package):
    """Peak resident memory in MB, or None. GNU time starts the program: a child of this process would have its peak."""
    words = [str(word).format(origin=origin, prompt=prompt) for word in command]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    kept["PROMPT"] = str(prompt)
    if package:
        kept["PYTHONPATH"] = str(package)
    with tempfile.NamedTemporaryFile("r") as told:
        timed = ["/usr/bin/time", "-f", "%M", "-o", told.name, *words]
        ran = subprocess.run(timed, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode:
            print(f"{' '.join(words)}: {ran.stderr[-300:]}", file=sys.stderr)
            return None
        return int(told.read().split()[-1]) / 1024


def measure(origin, folder):
    """{client: {size: MB}}"""
    found = {name: {} for name, command, package, *_ in CLIENTS if is_there(name, command, package)}
    for size in SIZES:
        prompt = folder / f"prompt-{size}.txt"
        with open(prompt, "wb") as file:
            block = LINE * (1 + min(size, 1 << 20) // len(LINE))
            for at in range(0, size, len(block)):
                file.write(block[: size - at])
        for name, command, package, holds, _ in CLIENTS:
            if name in found and not (holds and size > HELD):
                memory = peak(command, origin, prompt, package)
                if memory is not None:
                    found[name][size] = memory
        prompt.unlink()
    return found


def is_there(name, command, package):
    lacking = [str(path) for path in (command[0], package) if path and not pathlib.Path(path).exists()]
    if lacking:
        print(f"{name}: left out, there is no {lacking[0]}", file=sys.stderr)
    return not lacking


def words(size):
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= one:
            return f"{size // one} {unit}"
    return str(size)


def table(found):
    print("| peak resident memory, MB | " + " | ".join(map(words, SIZES)) + " |")
    print("|:--|" + "--:|" * len(SIZES))
    for name, points in found.items():
        cells = [f"{points[size]:.1f}" if points.get(size, 100) < 100 else f"{points[size]:.0f}" for size in SIZES if size in points]
        print(f"| {name} | " + " | ".join(cells + ["–"] * (len(SIZES) - len(cells))) + " |")


WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 620, 40, 400  # of the plot


def place(size, memory):
    x = LEFT + (RIGHT - LEFT) * (math.log10(size) - 3) / 6
    low, high = math.log10(4), math.log10(2048)
    return x, BOTTOM - (BOTTOM - TOP) * (math.log10(memory) - low) / (high - low)


def text(x, y, said, anchor="start", **more):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{said}</text>'


def apart(ends):
    """Names beside the ends of their lines, none over another: {name: y}."""
    placed, last = {}, -100.0
    for y, name in sorted(ends):
        last = max(y, last + 17)
        placed[name] = last
    over = max(0.0, last - HEIGHT + 30)
    return {name: y - over for name, y in placed.items()} if over else placed


def draw(found, path):
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 22, "Peak resident memory of a process that sends one prompt", font_size=15, font_weight="bold"),
        text((LEFT + RIGHT) / 2, HEIGHT - 18, "size of the prompt", "middle"),
    ]
    for memory in (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048):
        _, y = place(1000, memory)
        lines.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#ddd"/>')
        lines.append(text(LEFT - 8, y + 4, f"{memory} MB" if memory < 1024 else f"{memory // 1024} GB", "end"))
    for size in SIZES:
        x, _ = place(size, 4)
        lines.append(f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="#eee"/>')
        lines.append(text(x, BOTTOM + 20, words(size), "middle"))
    ends = [(place(max(points), points[max(points)])[1], name) for name, points in found.items() if points]
    beside = apart(ends)
    for name, *_, colour in CLIENTS:
        if not found.get(name):
            continue
        points = [place(size, memory) for size, memory in found[name].items()]
        shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        lines.append(f'<path d="M{x + 4:.1f} {y:.1f}L{RIGHT + 14} {beside[name]:.1f}" stroke="{colour}" stroke-width="0.6"/>')
        lines.append(text(RIGHT + 18, beside[name] + 4, name, fill=colour))
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "memory.svg"
    with tempfile.TemporaryDirectory() as folder:
        server = pathlib.Path(folder) / "server"
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", HERE / "server.c", "-o", server], check=True)
        process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
        try:
            found = measure(f"http://127.0.0.1:{process.stdout.readline().strip()}", pathlib.Path(folder))
        finally:
            process.kill()
            process.wait()
    table(found)
    draw(found, path)


if __name__ == "__main__":
    main()
