"""Measures the package beside the provider that it takes the place of, openai, litellm and aiohttp, and openai of npm:

    measure.py PYTHON PACKAGE SERVER

PYTHON has the others installed, PACKAGE is the folder of this package and of _exochat, or such folders as in PYTHONPATH,
SERVER is bench/server.c, built. Every figure is of a process of its own (clients.py); the clients take turns, $PYTHON_ROUNDS
(4) times, but those that are slow and not what is compared with only in the first round or two. $PYTHON_ROWS and $PYTHON_CLIENTS
name those that are wanted. Figures of two runs are not to be compared.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import results  # noqa: E402

CLIENTS = os.environ.get("PYTHON_CLIENTS", "ours original openai litellm aiohttp openai-npm").split()
ROUNDS = {"openai": 2, "openai-npm": 2, "litellm": 1}  # at most
NODE = os.environ.get("NODE_FOLDER")  # with node_modules; without it openai of npm is left out
ROWS = "start chat long long-shown big-one big-file streams sequence"


def environment(package):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # litellm takes deltas that are all alike for a model that has gone astray.
    kept.update(LITELLM_LOCAL_MODEL_COST_MAP="True", REPEATED_STREAMING_CHUNK_LIMIT="1000000")
    if package:
        kept["PYTHONPATH"] = package
    return kept


def measured(python, package, client, row, origin):
    """{figure: number}; empty where the client cannot do it."""
    if row == "big-file" and client not in ("ours", "original"):
        return {}
    command = [python, str(HERE / "clients.py"), client, row, origin]
    if client == "openai-npm":
        if not NODE:
            return {}
        command = ["node", str(HERE.parent / "node" / "clients.mjs"), NODE, row, origin]
    kept = environment(package if client == "ours" else None)
    ran = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=600, check=False)
    if ran.returncode:
        print(f"{row} of {client} failed: {ran.stderr[-500:]}", file=sys.stderr)
        return {}
    return json.loads(ran.stdout.splitlines()[-1])


def versions(python):
    asked = "import importlib.metadata as m, platform; print('Python', platform.python_version(), *(n + ' ' + m.version(n) for n in %r), sep='\\n')"
    others = ["exoclaw-provider-openai", "httpx", "openai", "litellm", "aiohttp"]
    name, version, *lines = results.said(python, "-c", asked % (others,)).splitlines()
    found = {name: version, **dict(line.split() for line in lines)}
    if NODE:
        package = json.loads((Path(NODE) / "node_modules" / "openai" / "package.json").read_text(encoding="utf-8"))
        found.update({"openai of npm": package["version"], "node": results.said("node", "--version").lstrip("v")})
    return found


def main(python, package, server):
    part = results.Measured("python", versions(python))
    rounds = int(os.environ.get("PYTHON_ROUNDS", "4"))
    process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
    try:
        origin = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        for row in os.environ.get("PYTHON_ROWS", ROWS).split():
            found = {client: [] for client in CLIENTS}
            for number in range(rounds):
                for client in CLIENTS[::-1] if number % 2 else CLIENTS:  # a machine that gets slower favours nobody
                    if number < ROUNDS.get(client, rounds):
                        found[client].append(measured(python, package, client, row, origin))
            part.add_rounds(row, found)
        part.done(whole=not {"PYTHON_ROWS", "PYTHON_CLIENTS"} & set(os.environ))
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
