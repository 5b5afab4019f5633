"""What was measured, as data: lines of JSON, a file for each part of the bench.

The first line of PART.jsonl says with what, and whether that is all there is to the part: {"machine", "versions", "whole"}; each
other one what a client took, with the load and the date: {"row", "figure", "client", "values", "load", "date"}, a value for each round, null where it failed. Values that stand
at the same place in two clients' lists are of the same round. A part writes to the folder $BENCH_RESULTS, where that is set
(all.sh); report.py takes over into bench/results what has been measured. Each figure is printed when it is there.

    results.py PART [NAME=VERSION ...] <LINES    keeps what a shell script has measured: row, figure, client and values, apart by
                                                 tabs; $BENCH_SAID: it has said so itself
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPREAD_ROUNDS = 4  # of fewer the lowest and the highest are what is known of the spread


def machine():
    """What of this machine may be told: no names, no paths."""
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    cpus = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    lines = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    names = dict(line.split("=", 1) for line in lines if "=" in line)
    system = names.get("PRETTY_NAME", "").strip('"').split(" (")[0]
    return {"processor": cpus[0] if cpus else "unknown", "processors": os.cpu_count(), "system": system}


def said(*command):
    """The output of a command, without the line end; empty where there is none."""
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    except OSError:
        return ""


def tree():
    """Which commit this tree is, and whether with changes to what is measured."""
    changed = said("git", "status", "--porcelain", "--", "src", "include", "bindings", "exoclaw_provider_openai", "CMakeLists.txt")
    return said("git", "rev-parse", "--short=9", "HEAD") + (" and changes" if changed else "")


class Part:
    """The figures of one part: figures[row, figure][client] is {"values", "load", "date"}."""

    def __init__(self, name, versions=None, where=None, whole=False):
        self.name = name
        self.whole = whole
        self.versions = versions or {}
        self.machine = where or {}
        self.figures = {}

    def values(self, row, figure, client):
        return self.figures.get((row, figure), {}).get(client, {}).get("values", [])

    def rows(self):
        return list(dict.fromkeys(row for row, _ in self.figures))

    def take(self, newer):
        """Takes over what has been measured again, each row and figure with all its clients: what is compared is of one run.

        Of a part that was measured whole, nothing older stays."""
        self.versions = newer.versions if newer.whole else {**self.versions, **newer.versions}
        self.machine = newer.machine or self.machine
        self.figures = newer.figures if newer.whole else {**self.figures, **newer.figures}
        self.whole = self.whole or newer.whole

    def write(self, folder):
        path = pathlib.Path(folder) / f"{self.name}.jsonl"
        lines = [json.dumps({"machine": self.machine, "versions": self.versions, "whole": self.whole}, ensure_ascii=False)]
        for (row, figure), clients in self.figures.items():
            for client, found in clients.items():
                lines.append(json.dumps({"row": row, "figure": figure, "client": client, **found}, ensure_ascii=False))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text("\n".join([*lines, ""]), encoding="utf-8")
        path.with_suffix(".new").replace(path)


def read(folder):
    """{name: Part} of a folder."""
    parts = {}
    for path in sorted(pathlib.Path(folder).glob("*.jsonl")):
        head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        part = parts[path.stem] = Part(path.stem, head["versions"], head["machine"], head["whole"])
        for line in lines:
            clients = part.figures.setdefault((line.pop("row"), line.pop("figure")), {})
            clients[line.pop("client")] = line
    return parts


class Measured(Part):
    """A part that is being measured: what is added is printed, and kept in $BENCH_RESULTS."""

    def __init__(self, name, versions=None):
        super().__init__(name, {"exochat": tree(), **(versions or {})}, machine())
        self.folder = os.environ.get("BENCH_RESULTS")

    def add(self, row, figure, clients, quiet=False, compares=True):
        """{client: values}; what follows a client's median is the ratio of the first one to it."""
        when = {"load": round(os.getloadavg()[0], 1), "date": time.strftime("%Y-%m-%d")}
        self.figures[row, figure] = {name: {"values": [short(one) for one in values], **when} for name, values in clients.items()}
        if self.folder:
            self.write(self.folder)
        if not quiet:
            self.print_figure(row, figure, compares)

    def add_rounds(self, row, found):
        """{client: [{figure: value}, of each round]}; which figures there are is the first client's to say."""
        for figure in dict.fromkeys(figure for one in next(iter(found.values())) for figure in one):
            values = {client: [one.get(figure) for one in rounds] for client, rounds in found.items()}
            self.add(row, figure, {client: ones for client, ones in values.items() if median(ones) is not None})

    def done(self, whole=True):
        """Everything was measured that was wanted; `whole`: and that is all there is."""
        self.whole = whole
        if self.folder:
            self.write(self.folder)

    def print_figure(self, row, figure, compares):
        shown = []
        first = next(iter(self.figures[row, figure]), None)
        for client in self.figures[row, figure]:
            values = self.values(row, figure, client)
            compared = over(self.values(row, figure, first), values) if compares and client != first else None
            shown.append(f"{client} {number(median(values))}" + (f" = {spread(compared)}" if compared else ""))
        print(f"{row} {figure}: " + "; ".join(shown), flush=True)


# ---- numbers


def short(value):
    return value if value is None or isinstance(value, int) else float(f"{value:.4g}")


def median(values):
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def over(ours, theirs):
    """(lower quartile, median, upper quartile) of the ratios of each round; None: there is no pair. Some take part in fewer rounds."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=False) if a is not None and b)
    if not ratios:
        return None
    if len(ratios) < SPREAD_ROUNDS:
        return ratios[0], statistics.median(ratios), ratios[-1]
    return tuple(statistics.quantiles(ratios))


def number(value):
    """As a cell has it: three digits or so."""
    if value is None:
        return "–"
    if isinstance(value, int) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value):
    """A small one as a fraction, which is how often faster."""
    if value >= 0.35:
        return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    return "0" if value <= 0 else f"1/{1 / value:.1f}" if value > 0.1 else f"1/{1 / value:,.0f}"


def spread(found):
    """The median of ratios, and how far they are apart."""
    if found is None:
        return "–"
    low, middle, high = map(ratio, found)
    return middle if low == high else f"{middle} ({low}–{high})"


def main(name, *versions):
    part = Measured(name, dict(one.split("=", 1) for one in versions))
    rows = {}
    for line in sys.stdin:
        row, figure, client, *values = line.rstrip("\n").split("\t")
        rows.setdefault((row, figure), {})[client] = [int(value) if value.isdigit() else float(value) for value in values]
    for (row, figure), clients in rows.items():
        part.add(row, figure, clients, quiet="BENCH_SAID" in os.environ)
    part.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
