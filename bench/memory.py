#!/usr/bin/env python3
"""Measures how much memory a prompt takes, by its size, with each client: bench/memory.py [CLIENT ...]

A message of 1 KB to 1 GB, of a file's text, is sent to server.c by each client in a process of its own, and the peak resident
memory of the whole process is what counts, as GNU time has it. A client that holds its prompt is not asked for one that would
take more than half of the memory that is free. Measured is what was built: exochat in build/, the programs of bench/peers.sh, what
python/prepare.sh has installed; what is not there is left out, with a word.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import results

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD", HERE.parent / "build")).resolve()
PEER = BUILD / "bench"
PYTHON = os.environ.get("BENCH_PYTHON")
OURS = os.environ.get("BENCH_PACKAGE")
NODE = os.environ.get("NODE_FOLDER")
SIZES = [10**power for power in range(3, 10)]
LINE = b'wave after wave "after" wave after wave, until there was nothing left of the shore\n'
CLIENTS_PY = HERE / "python" / "clients.py"
CURL = ["curl", "-sSN", "--noproxy", "*", "-o", "/dev/null", "-H", "Expect:", "-H", "Content-Type: application/json"]


def python(client, row="given"):
    return [PYTHON, CLIENTS_PY, client, row, "{origin}"]


# what it is called, and what it is run as ({origin}, {prompt}); None: it is not there
CLIENTS = {
    "exochat, command": [BUILD / "exochat", "--base-url", "{origin}/one", "-m", "m", "-n", "-a", "{prompt}"],
    "exochat, library": [PEER / "peer_exochat", "given", "{origin}"],
    "exochat, Python, a file": python("ours", "given-file"),
    "exochat, Python, a str": python("ours"),
    "curl, command": [*CURL, "--data-binary", "@{prompt}", "{origin}/one/chat/completions"],
    "raw sockets and yyjson": [PEER / "peer_raw", "given", "{origin}"],
    "libcurl and yyjson": [PEER / "peer_curl", "given", "{origin}"],
    "Python original, a file": python("original", "given-file"),
    "Python original, a str": python("original"),
    "aiohttp, JSON by hand": python("aiohttp"),
    "openai (npm)": ["node", HERE / "node" / "clients.mjs", NODE, "given", "{origin}"],
    "openai (Python)": python("openai"),
    "litellm": python("litellm"),
}


def peak(name, origin, prompt):
    """Peak resident memory in MB, or None. GNU time starts the program: a child of this process would have its peak."""
    words = [str(word).format(origin=origin, prompt=prompt) for word in CLIENTS[name]]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    kept.update(PROMPT=str(prompt), LITELLM_LOCAL_MODEL_COST_MAP="True")
    if name.startswith("exochat, Python"):
        kept["PYTHONPATH"] = OURS
    with tempfile.NamedTemporaryFile("r") as told:
        timed = ["/usr/bin/time", "-f", "%M", "-o", told.name, *words]
        ran = subprocess.run(timed, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ran.returncode:
            print(f"{name}, {prompt.name}: {ran.stderr[-200:].strip()}", file=sys.stderr)
            return None
        return int(told.read().split()[-1]) / 1024


def free():
    """MB of memory that may be had."""
    with open("/proc/meminfo", encoding="utf-8") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:"))


def is_there(name):
    lacking = [word for word in CLIENTS[name] if word is None or (isinstance(word, pathlib.Path) and not word.exists())]
    if lacking:
        print(f"{name}: left out, it is not there", file=sys.stderr)
    return not lacking


def measure(part, names, origin, folder):
    last = {name: 0 for name in names if is_there(name)}
    for size in SIZES:
        prompt = folder / f"prompt-{size}"
        with open(prompt, "wb") as file:
            block = LINE * (1 + min(size, 1 << 20) // len(LINE))
            file.writelines(block[: size - at] for at in range(0, size, len(block)))
        found = {}
        for name in list(last):
            # at most ten times what the last one took
            memory = peak(name, origin, prompt) if last[name] * 10 < free() / 2 else None
            if memory is None:
                print(f"{name}: no prompts of {size:,} bytes and more", file=sys.stderr)
                del last[name]
            else:
                found[name] = [memory]
                last[name] = memory
        part.add(str(size), "peak", found, compares=False)
        prompt.unlink()


def main(*names):
    PEER.mkdir(parents=True, exist_ok=True)
    server = PEER / "server"
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", HERE / "server.c", "-o", server], check=True)
    process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
    try:
        with tempfile.TemporaryDirectory(dir=PEER) as folder:
            origin = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            part = results.Measured("memory")
            measure(part, names or list(CLIENTS), origin, pathlib.Path(folder))
            part.done(whole=not names)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
