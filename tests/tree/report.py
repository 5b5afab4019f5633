#!/usr/bin/env python3
"""What bench/report.py makes of results, by small ones that lie in tests/tree/report: report.py [--write]

The tables and the chart of stored/ are page.md and chart.svg there. What newer/ has, one row of a part and another part whole, takes
the place of what was measured again and of nothing else: again.md. A page that lacks a place, or has one that nothing is made for, is refused. No time
is measured. --write writes the three files anew, after a change of the tables.
"""

import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "tree" / "report"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

import report  # noqa: E402
import results  # noqa: E402

EMPTY = "".join(f"# {name}\n\n<!-- bench: {name} -->\nwhat was there\n<!-- end -->\n\n" for name in report.TABLES)


def made(parts):
    return report.written(EMPTY, report.Book(parts))


def taken(names=()):
    """The tables of stored/ with what newer/ has measured over it, by way of the files."""
    with tempfile.TemporaryDirectory() as folder:
        stored = pathlib.Path(folder) / "stored"
        shutil.copytree(HERE / "stored", stored)
        parts, newer = report.merged(stored, HERE / "newer", names)
        for name in newer:
            parts[name].write(stored)
        return made(results.read(stored))


def changed(first, second):
    """The names of the tables that differ."""
    pairs = zip(report.MARKED.findall(first), report.MARKED.findall(second), strict=True)
    return {one[1] for one, other in pairs if one[2] != other[2]}


def refused(page):
    try:
        report.written(page, report.Book({}))
    except ValueError:
        return True
    return False


def main():
    parts = results.read(HERE / "stored")
    page, again = made(parts), taken()
    files = {"page.md": page, "again.md": again, "chart.svg": report.chart.drawn(report.peaks(report.Book(parts)))}
    if sys.argv[1:] == ["--write"]:
        for name, text in files.items():
            (HERE / name).write_text(text, encoding="utf-8")
        return
    for name, text in files.items():
        assert text == (HERE / name).read_text(encoding="utf-8"), f"{name} is another by now: tests/tree/report.py --write"
    assert made(results.read(HERE / "stored")) == report.written(page, report.Book(parts)), "written twice, it is another"
    assert changed(page, again) == {"summary", "chats", "counted", "latency", "streams-memory", "versions"}, changed(page, again)
    assert changed(page, taken(["counted"])) == {"summary", "counted", "versions"}
    lacking = EMPTY.replace("<!-- bench: chats -->", "")
    assert refused(lacking) and refused(EMPTY + EMPTY) and refused(EMPTY.replace("bench: chats", "bench: chat")) and refused("")
    assert "Not measured yet." in made({})


if __name__ == "__main__":
    main()
