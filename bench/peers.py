"""Measures the library beside clients that are written for one endpoint: peers.py FOLDER [ROW[:AMOUNT] ...]

FOLDER is what peers.sh made: the library and programs over libcurl and yyjson, and over raw sockets and yyjson (rows.c has the
rows). Beside them are curl, the command, and, where $BENCH_PYTHON has it (python/prepare.sh), the Python provider that this
project takes the place of (python/clients.py). All take turns ($ROUNDS, 7; the Python provider takes part in the first
three, and at 2,000 streams in one), each figure is of a process of its own, and a ratio is of two of the same round. $PEERS
names those that are wanted. Figures of two runs are not to be compared.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys

import results

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"exochat": "peer_exochat", "libcurl": "peer_curl", "raw": "peer_raw", "curl": None, "original": None}
ROWS = ("start", "chat", "paced", "big-list", "big-one", "big-file", "long", "long-shown", "streams:500", "streams:2000", "hold:500")
PATIENCE = 120  # seconds that one run may take
BODY = '{"model":"bench","messages":[{"role":"user","content":"hello"}],"stream":true}'
CURL = ["curl", "-sSN", "--noproxy", "*", "-o", "/dev/null", "-H", "Content-Type: application/json", "-H", "Authorization: Bearer k"]


def rounds_of(client, row, rounds):
    """In how many rounds a client takes part."""
    if client == "curl":
        return rounds if row == "start" else 0
    if client == "original":
        return 0 if row.startswith("hold") or "BENCH_PYTHON" not in os.environ else min(1 if row == "streams:2000" else 3, rounds)
    return rounds


def command_of(folder, client, row, origin):
    if client == "curl":
        return [*CURL, "--data-binary", BODY, f"{origin}/one/chat/completions"]
    if client == "original":
        return [os.environ["BENCH_PYTHON"], str(HERE / "python" / "clients.py"), client, "whole" if row == "start" else row, origin]
    return [os.path.join(folder, PEERS[client]), row.partition(":")[0], origin, *row.split(":")[1:]]


def measured(command):
    """{figure: number} of one run, empty if it failed; what says nothing is measured as a whole, in milliseconds of processor time."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        ran = subprocess.run(command, capture_output=True, text=True, env=kept, timeout=PATIENCE, check=True)
    except subprocess.SubprocessError as error:
        print(f"{' '.join(command[1:])}: left out, {type(error).__name__}: {(error.stderr or '')[-200:].strip()}", file=sys.stderr)
        return {}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.stdout.startswith("{"):
        return json.loads(ran.stdout)
    found = {name: float(number) for name, number in (line.split() for line in ran.stdout.splitlines())}
    return found or {"cpu": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3}


def versions(folder):
    found = {"libcurl": results.said("pkg-config", "--modversion", "libcurl"), "curl": results.said("curl", "--version").split()[1]}
    yyjson = pathlib.Path(folder) / "yyjson" / "version"
    found["yyjson"] = yyjson.read_text(encoding="utf-8").strip() if yyjson.exists() else "unknown"
    return found


def main(folder, *rows):
    rounds = int(os.environ.get("ROUNDS", "7"))
    wanted = os.environ.get("PEERS", " ".join(PEERS)).split()
    part = results.Measured("chats", versions(folder))
    server = subprocess.Popen([os.path.join(folder, "server")], stdout=subprocess.PIPE, text=True)
    try:
        origin = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        for row in rows or ROWS:
            found = {client: [] for client in wanted if rounds_of(client, row, rounds)}
            for number in range(rounds):
                for client, ones in found.items():
                    if number < rounds_of(client, row, rounds):
                        ones.append(measured(command_of(folder, client, row, origin)))
                        if not ones[-1] and client != "original":
                            sys.exit(f"{client} cannot do {row}")
            part.add_rounds(row, found)
        part.done(whole=not rows and "PEERS" not in os.environ)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
