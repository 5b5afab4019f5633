"""Measures the package beside the provider that it takes the place of, openai, litellm and aiohttp, and openai of npm, and prints a table:

    measure.py PYTHON PACKAGE SERVER

PYTHON has the others installed, PACKAGE is the folder of this package and of _exochat, or such folders as in PYTHONPATH,
SERVER is bench/server.c, built. Every figure is of a process of its own (clients.py); the clients take turns, $PYTHON_ROUNDS
(5) times. Shown are, of each client, the median, and of its ratios to the original in the same round the median, the lowest
and the highest. Figures of two runs are not to be compared.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = os.environ.get("PYTHON_CLIENTS", "ours original openai litellm aiohttp openai-npm").split()
NODE = os.environ.get("NODE_FOLDER")  # with node_modules; without it openai of npm is left out
# row → what it is, and its figures: key → (unit, factor)
ROWS = {
    "start": ("import and construct, over import asyncio", {"cpu": ("ms", 1e3)}),
    "chat": ("chat: 20 KB in 40 messages, 200 chunks", {"cpu": ("ms", 1e3)}),
    "long": ("20,000 chunks, at once", {"cpu": ("ms", 1e3)}),
    "long-shown": ("20,000 chunks, each shown", {"cpu": ("ms", 1e3)}),
    "big-message": ("100 MB in one message", {"cpu": ("ms", 1e3), "kilobytes": ("KB", 1)}),
    "big-file": ("100 MB in a _content_file", {"cpu": ("ms", 1e3), "kilobytes": ("KB", 1)}),
    "streams": ("500 streams of 50 chunks", {"cpu": ("ms", 1e3), "wall": ("x ideal", 1), "kilobytes": ("KB each", 1)}),
    "sequence": ("100 calls, one after the other", {"connections": ("connections", 1)}),
}


def environment(package):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # litellm takes deltas that are all alike for a model that has gone astray.
    kept.update(LITELLM_LOCAL_MODEL_COST_MAP="True", REPEATED_STREAMING_CHUNK_LIMIT="1000000")
    if package:
        kept["PYTHONPATH"] = package
    return kept


def measured(python, package, client, row, origin):
    if row == "big-file" and client not in ("ours", "original"):
        return {}
    command = [python, str(HERE / "clients.py"), client, row, origin]
    if client == "openai-npm":
        if not NODE:
            return {}
        command = ["node", str(HERE.parent / "node" / "clients.mjs"), NODE, row, origin]
    ran = subprocess.run(
        command,
        env=environment(package if client == "ours" else None),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if ran.returncode:
        print(f"{row} of {client} failed: {ran.stderr[-500:]}", file=sys.stderr)
        return {}
    return json.loads(ran.stdout.splitlines()[-1])


def cell(client, key, factor, rounds):
    """"median (ratio lowest-highest)" of one figure of a client."""
    values = [found[client][key] * factor for found in rounds if key in found[client]]
    if not values:
        return ""
    median = f"{statistics.median(values):.1f}" if max(values) < 100 else f"{statistics.median(values):.0f}"
    ratios = sorted(
        found[client][key] / found["original"][key]
        for found in rounds
        if client != "original" and key in found[client] and found.get("original", {}).get(key)
    )
    if not ratios:
        return median
    words = [f"{ratio:.2f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}" if ratio > 0 else "0" for ratio in ratios]
    return f"{median} ({words[len(words) // 2]}; {words[0]}–{words[-1]})"


def line(cells):
    print("| {:<40} | {:<11} | {} |".format(cells[0], cells[1], " | ".join(f"{one:>26}" for one in cells[2:])), flush=True)


def show_versions(python, package):
    asked = "import importlib.metadata as m; print(*(n + ' ' + m.version(n) for n in %r), sep=', ')"
    others = ["exoclaw-provider-openai", "httpx", "openai", "litellm", "aiohttp"]
    shown = subprocess.run([python, "-c", asked % (others,)], env=environment(None), capture_output=True, text=True, check=True)
    ours = [python, "-m", "exoclaw_provider_openai"]
    found = subprocess.run(ours, env=environment(package), capture_output=True, text=True, check=True)
    print("ours: " + ", ".join(found.stdout.split("\n")).strip(", "))
    print("others: " + shown.stdout.strip())
    if NODE:
        version = json.loads((Path(NODE) / "node_modules" / "openai" / "package.json").read_text(encoding="utf-8"))["version"]
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        print(f"openai of npm {version}, node {node.stdout.strip()}")
    print()


def main(python, package, server):
    process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
    try:
        origin = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        show_versions(python, package)
        line(["what (ratio to the original)", "unit", *CLIENTS])
        print("|:-----|:-----|" + "-----:|" * len(CLIENTS))
        for row in os.environ.get("PYTHON_ROWS", " ".join(ROWS)).split():
            rounds = []
            for _ in range(int(os.environ.get("PYTHON_ROUNDS", "5"))):
                rounds.append({client: measured(python, package, client, row, origin) for client in CLIENTS})
            what, figures = ROWS[row]
            for key, (unit, factor) in figures.items():
                line([what, unit, *(cell(client, key, factor, rounds) for client in CLIENTS)])
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
