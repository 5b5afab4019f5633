#!/usr/bin/env python3
"""Makes tables and a chart of what was measured: bench/report.py [--print FOLDER | --take FOLDER | --check] [PART ...]

    --print FOLDER   prints the tables of the parts (results.py) in FOLDER, and the table of all aims with bench/results below it
    --take FOLDER    takes those parts over into bench/results, row by row, and writes the tables of docs/performance.md, each
                     between `<!-- bench: NAME -->` and `<!-- end -->`, and docs/memory.svg
    --check          exit status 1 where docs/performance.md or docs/memory.svg is not what bench/results makes of it, or a table
                     has no place there
    none of them     writes the tables and the chart again, of bench/results

PART chooses parts of FOLDER; without any it is all that are there. Nothing is measured here.
"""

import re
import sys

import chart
import results
from results import median, number, over, spread

ROOT = results.ROOT
STORED = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "memory.svg"

MARKED = re.compile(r"(<!-- bench: ([a-z-]+) -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)

SHAPES = {
    "plain": "plain, 250 bytes",
    "obfuscation": "with `obfuscation` (OpenAI)",
    "mistral": "with `p` (Mistral)",
    "tool": 'tool arguments full of `\\\\\\"`',
    "azure": "Azure, 550 bytes",
}
TEXTS = {
    "clean": "clean ASCII",
    "prose": 'prose: `"` or a line end every 40 bytes',
    "mixed": "many scripts, UTF-8",
    "source": "prose, read from a source",
    "base64": "made into base64, by bytes of input",
}
INPUTS = {
    "comments": "comments, in a block of code",
    "cut": "cut off",
    "keys": "bare keys",
    "python": "as Python writes it",
    "quotes": "quotation marks not escaped",
    "valid": "valid",
}
COUNTED = {
    "chat": "a chat: 20 KB in 40 messages, 200 chunks",
    "long": "a chunk of 20,000, for the whole answer",
    "long-shown": "a chunk of 20,000, each shown",
    "big-list": "1,000 bytes of a request in 400 messages",
    "big-file": "1,000 bytes of a file, read twice",
}
CHATS = {
    "start": "start and one small chat, the whole process",
    "chat": "a chat: 20 KB in 40 messages, 200 chunks",
    "paced": "the same, chunks 2 ms apart",
    "big-list": "100 MB in 400 messages",
    "big-one": "100 MB in one message",
    "big-file": "100 MB from a file",
    "long": "20,000 chunks, for the whole answer",
    "long-shown": "20,000 chunks, each shown",
    "streams:500": "500 streams of 50 chunks, 20 ms apart",
    "streams:2000": "2,000 streams of 50 chunks, 20 ms apart",
}
DELAYS = {
    "first50": "first deltas, half of them within",
    "first99": "first deltas, 99 of 100 within",
    "delta50": "later deltas, half of them within",
    "delta99": "later deltas, 99 of 100 within",
}
PEERS = {
    "libcurl": "libcurl and yyjson",
    "raw": "raw sockets and yyjson",
    "curl": "curl, the command",
    "original": "Python original",
}
PYTHON = {
    "start": "import and construct, over import asyncio",
    "chat": "chat: 20 KB in 40 messages, 200 chunks",
    "long": "20,000 chunks, at once",
    "long-shown": "20,000 chunks, each shown",
    "big-one": "100 MB in one message",
    "big-file": "100 MB in a `_content_file`",
    "streams": "500 streams of 50 chunks",
    "sequence": "100 calls, one after the other",
}
CLIENTS = {
    "ours": "exochat",
    "original": "original",
    "aiohttp": "aiohttp, JSON by hand",
    "openai": "openai",
    "openai-npm": "openai of npm",
    "litellm": "litellm",
}
FIGURES = {"cpu": "", "wall": ", wall time over the ideal", "kilobytes": ", peak memory", "connections": ", connections"}


class Book:
    """What was measured, by part, and which parts the tables that are being made are of."""

    def __init__(self, parts):
        self.parts = parts

    def part(self, name):
        return self.parts.get(name) or results.Part(name)

    def values(self, part, row, figure, client):
        return self.part(part).values(row, figure, client)

    def value(self, part, row, figure, client="exochat"):
        return median(self.values(part, row, figure, client))

    def ratios(self, part, row, figure, ours, theirs):
        return over(self.values(part, row, figure, ours), self.values(part, row, figure, theirs))

    def context(self, *names):
        """On what, under what load, when, and how often."""
        found, rounds = [], 0
        for name in names:
            for clients in self.part(name).figures.values():
                found += clients.values()
                rounds = max([rounds, *(len(one["values"]) for one in clients.values())])
        if not found:
            return "Not measured yet."
        machines = {"{processors} × {processor}, {system}".format(**part.machine) for part in map(self.part, names) if part.machine}
        loads = sorted({one["load"] for one in found})
        dates = sorted({one["date"] for one in found})
        said = ["; ".join(sorted(machines)), f"load {span(loads)}", span(dates)]
        return ", ".join([*said, f"up to {rounds} rounds"] if rounds > 1 else said) + "."


def span(ordered):
    return str(ordered[0]) if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"


def table(head, lines, context):
    """Lines of cells, the first one left; "" where there is none."""
    said = ["| " + " | ".join(cells) + " |" for cells in (head, [":--", *["--:"] * (len(head) - 1)], *lines)]
    return "\n".join([*said, "", *([context, ""] if context else [])])


# ---- the tables


def events(book):
    parts = "instructions"
    lines = [[SHAPES[one], *(number(book.value(parts, f"decode/{one}/{how}", "count")) for how in ("hit", "miss"))] for one in SHAPES]
    return table(["an event of a stream, bytes to applied delta", "of a remembered shape", "read in full"], lines, book.context(parts))


def body(book):
    lines = []
    for name, label in TEXTS.items():
        counts = [number(book.value("instructions", f"encode/{name}/{how}", "count")) for how in ("size", "write")]
        speeds = [number(book.value("bytes", name, "MB/s", client)) for client in ("exochat", "yyjson", "openssl")]
        lines.append([label, *counts, *speeds])
    copied = book.value("bytes", "clean", "MB/s", "memcpy")
    head = ["a body", "instructions for 1,000 bytes, sized", "written", "MB/s, written", "yyjson's writer", "OpenSSL's base64"]
    return table(head, lines, book.context("instructions", "bytes") + f" memcpy of the same: {number(copied)} MB/s.")


def repair(book):
    lines = []
    for name, label in INPUTS.items():
        ours, theirs = (book.value("repair", name, "us", client) for client in ("exochat", "json_repair"))
        faster = spread(book.ratios("repair", name, "us", "json_repair", "exochat"))
        lines.append([label, number(book.value("instructions", f"repair/{name}", "count")), number(ours), number(theirs), faster])
    head = ["repair of a kilobyte of JSON", "instructions", "time, us", "json_repair, us", "times as fast"]
    return table(head, lines, book.context("instructions", "repair"))


def counted(book):
    lines = []
    for row, label in COUNTED.items():
        ours, theirs = (book.value("counted", row, "count", client) for client in ("exochat", "libcurl"))
        lines.append([label, number(ours), number(theirs), spread(book.ratios("counted", row, "count", "exochat", "libcurl"))])
    return table(["instructions", "exochat", "libcurl and yyjson", "ratio"], lines, book.context("counted"))


def compared(book, part, rows, ours, columns, unit=number):
    """A line for each (row, figure, label): our median, and of each peer its median and our ratio to it."""
    for row, figure, label in rows:
        cells = [label, unit(book.value(part, row, figure, ours))]
        for client in columns:
            theirs = book.value(part, row, figure, client)
            cells.append(f"{unit(theirs)}: {spread(book.ratios(part, row, figure, ours, client))}" if theirs is not None else "–")
        yield cells


def chats(book):
    known = [(row, "cpu", label) for row, label in CHATS.items()]
    others = [(row, "cpu", row) for row, figure in book.part("chats").figures if figure == "cpu" and row not in CHATS]
    lines = compared(book, "chats", known + others, "exochat", PEERS)
    return table(["processor time, ms", "exochat", *PEERS.values()], lines, book.context("chats"))


def latency(book):
    rows = [("streams:500", figure, label) for figure, label in DELAYS.items()]
    peers = {client: PEERS[client] for client in ("libcurl", "raw")}
    lines = [*compared(book, "chats", rows, "exochat", peers)]
    return table(["from sent to shown at 500 streams, ms", "exochat", *peers.values()], lines, book.context("chats"))


def streams_memory(book):
    peers = {client: PEERS[client] for client in ("libcurl", "raw")}
    lines = []
    for figure, label in (("resident", "resident memory"), ("private", "memory of its own")):
        lines.append([label, *(number(book.value("chats", "hold:500", figure, client)) for client in ("exochat", *peers))])
    return table(["each of 500 streams that have begun, bytes", "exochat", *peers.values()], lines, book.context("chats"))


def alone(book):
    lines = []
    for row, figure in book.part("alone").figures:
        ours, base = (book.value("alone", row, figure, client) for client in ("exochat", "baseline"))
        ratio = spread(book.ratios("alone", row, figure, "exochat", "baseline"))
        lines.append([row, figure, number(ours), number(base), ratio])
    return table(["", "unit", "exochat", "baseline", "ratio"], lines, book.context("alone"))


def size(kilobytes):
    if kilobytes is None:
        return "–"
    return f"{kilobytes / 1024:,.0f} MB" if kilobytes >= 10240 else f"{number(kilobytes)} KB"


def python(book):
    lines = []
    for row, label in PYTHON.items():
        for figure, more in FIGURES.items():
            if (row, figure) not in book.part("python").figures:
                continue
            cells = [label + more + (" of each" if (row, figure) == ("streams", "kilobytes") else "")]
            for client in CLIENTS:
                value = book.value("python", row, figure, client)
                said = (size if figure == "kilobytes" else number)(value)
                compares = figure in ("cpu", "wall") and client != "original" and value is not None
                cells.append(f"{said}: {spread(book.ratios('python', row, figure, client, 'original'))}" if compares else said)
            lines.append(cells)
    return table(["processor time, ms", *CLIENTS.values()], lines, book.context("python"))


def micropython(book):
    lines = []
    clients = ("exochat", "original", "original, all of exoclaw")
    for row, unit in book.part("micropython").figures:
        lines.append([f"{row}, {unit}", *(number(book.value("micropython", row, unit, client)) for client in clients)])
    return table(["", *clients], lines, book.context("micropython"))


def words(size):
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= one:
            return f"{size // one} {unit}"
    return str(size)


def peaks(book):
    """{client: {size: MB}}"""
    found = {}
    for (row, _), clients in book.part("memory").figures.items():
        for client in clients:
            found.setdefault(client, {})[int(row)] = book.value("memory", row, "peak", client)
    return found


def memory(book):
    found = peaks(book)
    sizes = sorted({size for points in found.values() for size in points})
    lines = [[client, *(number(points.get(size)) for size in sizes)] for client, points in found.items()]
    return table(["MB", *map(words, sizes)], lines, book.context("memory"))


def versions(book):
    """Of everything that was measured; where two parts have two, both."""
    found = {}
    for part in book.parts.values():
        for name, version in part.versions.items():
            found.setdefault(name, {})[version] = True
    return table(["what", "version"], [[name, ", ".join(of)] for name, of in sorted(found.items(), key=lambda item: item[0].lower())], "")


# ---- the aims


def is_most(limit):
    return f"≤ {limit:,}", lambda value: value <= limit


def is_least(limit):
    return f"≥ {limit:,}", lambda value: value >= limit


def is_part(limit):
    return f"≤ 1/{limit}", lambda value: value <= 1 / limit


def with_unit(value, unit):
    return "–" if value is None else f"{number(value)} {unit}"


def middle(found):
    return found[1] if found else None


class Aim:
    """A line: what was measured, beside libcurl and beside the original, and what it is to be."""

    def __init__(self, label, said, aim, value, curl=None, original=None):
        self.cells = [label, said, spread(curl), spread(original), aim[0], "–" if value is None else "yes" if aim[1](value) else "no"]


def aims_of_chats(book):
    """Those that are ratios to libcurl."""
    limits = {"start": 1.02, "chat": 1.0, "paced": 1.05, "big-list": 1.3, "big-one": 1.3, "big-file": 1.6, "long": 0.8,
              "long-shown": 0.8, "streams:500": 0.75, "streams:2000": 0.8}  # fmt: skip
    for row, limit in limits.items():
        curl, original = (book.ratios("chats", row, "cpu", "exochat", client) for client in ("libcurl", "original"))
        said = with_unit(book.value("chats", row, "cpu"), "ms")
        yield Aim(CHATS[row], said, is_most(limit), middle(curl), curl, original)
        counts = book.ratios("counted", row, "count", "exochat", "libcurl")
        if row in COUNTED:
            said = number(book.value("counted", row, "count"))
            each = COUNTED[row].partition(":")[0].partition(" of ")[0]
            yield Aim(f"the same, instructions of {each}", said, is_most(limit), middle(counts), counts)
    said = with_unit(book.value("chats", "start", "cpu", "curl"), "ms")
    command = book.ratios("chats", "start", "cpu", "curl", "libcurl")
    yield Aim("curl, the command: start and one small chat", said, ("", bool), None, command)


def aims_of_streams(book):
    for figure, limit in (("delta50", 0.3), ("delta99", 2)):
        curl, value = book.ratios("chats", "streams:500", figure, "exochat", "libcurl"), book.value("chats", "streams:500", figure)
        label, most = is_most(limit)
        yield Aim(f"latency, {DELAYS[figure]}", with_unit(value, "ms"), (f"{label} ms", most), value, curl)
    curl = book.ratios("chats", "streams:500", "first99", "exochat", "libcurl")
    said = with_unit(book.value("chats", "streams:500", "first99"), "ms")
    yield Aim(f"latency, {DELAYS['first99']}", said, is_most(1.0), middle(curl), curl)
    ours, theirs = (book.value("chats", "hold:500", "resident", client) for client in ("exochat", "libcurl"))
    more = None if ours is None or theirs is None else (ours - theirs) / 1024
    label, most = is_most(4)
    yield Aim("memory of a stream at 500, over libcurl's", with_unit(more, "KB"), (f"{label} KB", most), more)


def aims_of_core(book):
    for how, label, limit in (("hit", "of a remembered shape", 600), ("miss", "read in full", 6000)):
        counts = [book.value("instructions", f"decode/{shape}/{how}", "count") for shape in SHAPES]
        worst = None if None in counts else max(counts)
        yield Aim(f"an event {label}, instructions, the dearest shape", number(worst), is_most(limit), worst)
    whole, shown = (book.value("counted", row, "count") for row in ("long", "long-shown"))
    handed = None if whole is None or shown is None else shown - whole
    yield Aim("hand-out of a delta, instructions", number(handed), is_most(300), handed)
    for text in ("clean", "prose"):
        count = book.value("instructions", f"encode/{text}/write", "count")
        each = None if count is None else count / 1000
        yield Aim(f"a byte of a body, {text}: instructions", number(each), is_most(2), each)
    for text, limit in (("clean", 3000), ("prose", 2000), ("mixed", 1000), ("base64", 2000)):
        speed = book.value("bytes", text, "MB/s")
        label, least = is_least(limit)
        yield Aim(f"a body, {text}: written", with_unit(speed, "MB/s"), (f"{label} MB/s", least), speed)
    broken = [book.ratios("repair", name, "us", "json_repair", "exochat") for name in INPUTS if name != "valid"]
    faster = None if None in broken else sorted(found[1] for found in broken)
    said = f"{number(faster[0])} to {number(faster[-1])} × as fast" if faster else "–"
    label, least = is_least(200)
    yield Aim("repair of broken JSON, beside json_repair", said, (f"{label} ×", least), faster and faster[0])
    valid = middle(book.ratios("repair", "valid", "us", "exochat", "json_repair"))
    yield Aim("repair of valid JSON, beside json_repair", "–" if valid is None else results.ratio(valid), is_part(3), valid)


def aims_of_python(book):
    limits = {"chat": 40, "long": 60, "long-shown": 12, "big-one": 5, "big-file": 6, "streams": 5}
    for row, limit in limits.items():
        original = book.ratios("python", row, "cpu", "ours", "original")
        said = with_unit(book.value("python", row, "cpu", "ours"), "ms")
        yield Aim(f"Python: {PYTHON[row]}", said, is_part(limit), middle(original), None, original)


def summary(book):
    lines = [aim.cells for aims in (aims_of_chats, aims_of_streams, aims_of_core, aims_of_python) for aim in aims(book)]
    head = ["row", "measured", "over libcurl and yyjson", "over the original", "aim", "reached"]
    return table(head, lines, book.context("chats", "counted", "instructions", "bytes", "repair", "python"))


# each table of the page, and the part that brings it; "" for those of all parts
TABLES = {
    "summary": (summary, ""),
    "events": (events, "instructions"),
    "body": (body, "instructions bytes"),
    "repair": (repair, "instructions repair"),
    "counted": (counted, "counted"),
    "chats": (chats, "chats"),
    "latency": (latency, "chats"),
    "streams-memory": (streams_memory, "chats"),
    "alone": (alone, "alone"),
    "python": (python, "python"),
    "micropython": (micropython, "micropython"),
    "memory": (memory, "memory"),
    "versions": (versions, ""),
}


def written(page, book):
    """The page with its tables; what is between two markers is thrown away. Raises ValueError where a table has no place."""
    places = [name for _, name, _, _ in MARKED.findall(page)]
    if sorted(places) != sorted(TABLES):
        raise ValueError(f"places without a table, or tables without one place: {sorted(set(places) ^ set(TABLES)) or places}")
    return MARKED.sub(lambda found: found[1] + "\n" + TABLES[found[2]][0](book) + "\n" + found[4], page)


def write(book, page=PAGE, picture=CHART):
    page.write_text(written(page.read_text(encoding="utf-8"), book), encoding="utf-8")
    picture.write_text(chart.drawn(peaks(book)), encoding="utf-8")


def merged(below, folder, names):
    """What is stored in `below`, and what is in the folder over it; the latter by itself."""
    stored = results.read(below)
    newer = {name: part for name, part in results.read(folder).items() if not names or name in names}
    for name, part in newer.items():
        stored.setdefault(name, results.Part(name)).take(part)
    return stored, newer


def main(how="", folder="", *names):
    if how == "--check":
        book = Book(results.read(STORED))
        page = PAGE.read_text(encoding="utf-8")
        same = written(page, book) == page and chart.drawn(peaks(book)) == CHART.read_text(encoding="utf-8")
        sys.exit(0 if same else "docs/performance.md is not what bench/results makes of it: bench/report.py writes it")
    if how == "":
        write(Book(results.read(STORED)))
        return
    if how not in ("--print", "--take") or not folder:
        sys.exit(__doc__)
    parts, newer = merged(STORED, folder, names)
    if how == "--print":
        for name, (made, of) in TABLES.items():
            if set(of.split()) & set(newer) and name != "summary":
                print(f"\n{made(Book(newer))}")
        print(f"\n{versions(Book(newer))}\n{summary(Book(parts))}")
        return
    for name in newer:
        parts[name].write(STORED)
    write(Book(results.read(STORED)))


if __name__ == "__main__":
    main(*sys.argv[1:])
