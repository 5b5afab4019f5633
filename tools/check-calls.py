#!/usr/bin/env python3
"""No two files call each other in a circle: tools/check-calls.py FOLDER ...

Looks at the object files in the folders, as nm shows them: a file depends on the one that defines what it calls, or
whose data it uses. Fails when files depend on each other, however many others are between them, and names them with what
they use of each other.
"""

import subprocess
import sys
from pathlib import Path


def symbols(path):
    """(what an object file defines, what it wants of others)."""
    listed = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    words = [line.split() for line in listed.splitlines()]
    return {word[-1] for word in words if word[-2] in "TDRBCVW"}, {word[-1] for word in words if word[-2] == "U"}


def graph(folders):
    """{file: {other file: a name that it uses of it}}"""
    read = {}
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.o")):
            read[str(path.relative_to(folder)).removesuffix(".o")] = symbols(path)
    home = {name: file for file, (defined, _) in read.items() for name in defined}
    return {
        file: {home[name]: name for name in sorted(wanted) if home.get(name, file) != file}
        for file, (_, wanted) in read.items()
    }


def reach(uses, file):
    """Every file that is reached from one, itself only by way of others."""
    found, left = set(), [file]
    while left:
        more = set(uses[left.pop()]) - found
        found |= more
        left += more
    return found


def main(folders):
    uses = graph(folders)
    reached = {file: reach(uses, file) for file in uses}
    circles = sorted({tuple(sorted(o for o in reached[f] if f in reached[o])) for f in uses if f in reached[f]})
    for circle in circles:
        print("a circle: " + " ".join(circle))
        for file in circle:
            print(*(f"  {file} > {other}: {uses[file][other]}" for other in circle if other in uses[file]), sep="\n")
    calls = sum(map(len, uses.values()))
    print(f"{len(uses)} files, {calls} that use one another, {len(circles)} circles")
    return 1 if circles or calls == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
