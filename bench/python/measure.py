"""Measures the package beside the provider that it takes the place of, openai and litellm, and prints a table:

    measure.py PYTHON EXTENSION SERVER

PYTHON has the others installed, EXTENSION is the folder of _exochat, SERVER is bench/server.c, built. Every figure is of a
process of its own (clients.py); the clients take turns, $PYTHON_ROUNDS (5) times; medians are shown, and their ratios to the
original. Figures of two runs are not to be compared.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = ("ours", "original", "openai", "litellm")
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


def measured(python, extension, client, row, origin):
    if row == "big-file" and client not in ("ours", "original"):
        return {}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # litellm takes deltas that are all alike for a model that has gone astray.
    environment.update(LITELLM_LOCAL_MODEL_COST_MAP="True", REPEATED_STREAMING_CHUNK_LIMIT="1000000")
    if client == "ours":
        environment["PYTHONPATH"] = os.pathsep.join([extension, str(HERE.parents[1])])
    ran = subprocess.run(
        [python, str(HERE / "clients.py"), client, row, origin], env=environment, capture_output=True, text=True, timeout=600
    )
    if ran.returncode:
        print(f"{row} of {client} failed: {ran.stderr[-500:]}", file=sys.stderr)
        return {}
    return json.loads(ran.stdout.splitlines()[-1])


def shown(row, found):
    """The lines of the table of a row."""
    what, figures = ROWS[row]
    for key, (unit, factor) in figures.items():
        medians = {}
        for client in CLIENTS:
            values = [one[key] for one in found[client] if key in one]
            medians[client] = statistics.median(values) * factor if values else None
        base = medians["original"]
        cells = []
        for client in CLIENTS:
            value = medians[client]
            cells.append("" if value is None else f"{value:.1f} ({value / base:.3f})" if base else f"{value:.1f}")
        print("| {:<42} | {:<11} | {} |".format(what, unit, " | ".join(f"{cell:>17}" for cell in cells)), flush=True)


def main(python, extension, server):
    process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
    try:
        origin = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        print("| {:<42} | {:<11} | {} |".format("what (ratio to the original)", "unit", " | ".join(f"{c:>17}" for c in CLIENTS)))
        print("|:-----|:-----|" + "-----:|" * len(CLIENTS))
        for row in os.environ.get("PYTHON_ROWS", " ".join(ROWS)).split():
            found = {client: [] for client in CLIENTS}
            for _ in range(int(os.environ.get("PYTHON_ROUNDS", "5"))):
                for client in CLIENTS:
                    found[client].append(measured(python, extension, client, row, origin))
            shown(row, found)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
