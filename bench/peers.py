"""Measures the library beside a bare program over libcurl and yyjson: peers.py FOLDER [ROW[:AMOUNT] ...]

FOLDER is what peers.sh made. The two take turns ($ROUNDS, 7), each figure is of a process of its own (rows.c), medians are
shown, and the ratio of each pair: its median, and from the lowest to the highest quarter of them. Figures of two runs are not
to be compared.
"""

import os
import statistics
import subprocess
import sys

PEERS = ("peer_exochat", "peer_curl")
ROWS = "start chat paced big-list big-one big-file long long-shown streams:500 streams:2000 hold:500".split()


def measured(folder, peer, row, origin):
    """{figure: number} of one run; `process` is the processor time of all of it, in milliseconds."""
    command = [os.path.join(folder, peer), row.partition(":")[0], origin, *row.split(":")[1:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed")
    found = {name: float(number) for name, number in (line.split() for line in said.splitlines())}
    return found or {"process": (used.ru_utime + used.ru_stime) * 1e3}


def main(folder, *rows):
    server = subprocess.Popen([os.path.join(folder, "server")], stdout=subprocess.PIPE, text=True)
    try:
        origin = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        print("| {:<28} | {:>12} | {:>12} | {:>5} | {:>11} |".format("row", "exochat", "libcurl", "ratio", "quartiles"))
        for row in rows or ROWS:
            found = [[measured(folder, peer, row, origin) for peer in PEERS] for _ in range(int(os.environ.get("ROUNDS", "7")))]
            for name in found[0][0]:
                ours, theirs = ([one[at][name] for one in found] for at in (0, 1))
                ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
                low, middle, high = statistics.quantiles(ratios) if len(ratios) > 1 else ratios * 3
                print(
                    f"| {row + ' ' + name:<28} | {statistics.median(ours):>12.3f} | {statistics.median(theirs):>12.3f} "
                    f"| {middle:>5.2f} | {low:>4.2f} – {high:>4.2f} |",
                    flush=True,
                )
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
