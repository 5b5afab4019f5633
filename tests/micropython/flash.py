#!/usr/bin/env python3
"""What the user module takes of a board's flash, by what the linker put into the firmware: `check()` holds a Cortex-M4 to
LIMITS; as a program it prints bytes of each file, for the boards that are named and have been built:

    flash.py m3-user m4-user m4-user-small …
"""

import collections
import re
import sys

import stage

# Bytes of code and constants, whole and with EXOCHAT_SMALL=1.
LIMITS = {"m4-user": 56 * 1024, "m4-user-small": 48 * 1024}


def files(board):
    """{file: bytes} of what of the module is in the firmware."""
    text = (stage.MADE / f"board-{board}" / "firmware.map").read_text(encoding="utf-8")
    placed = text[text.index("Linker script and memory map") :]
    sizes = collections.Counter()
    # A long name of a section stands on a line of its own, before where it lies, its bytes and its file.
    row = r"^ \.(?:text|s?rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*/exochat/(\S+)\.o$"
    for size, file in re.findall(row, placed, re.M):
        sizes[file + ".c"] += int(size, 16)
    return {file: size for file, size in sorted(sizes.items()) if size}


def check(counts):
    for board, most in LIMITS.items():
        size = sum(files(board).values())
        counts.check(f"flash, {board}: {size} of {most}", 0 < size <= most)


def main(boards):
    found = [files(board) for board in boards]
    rows = {name: [sizes.get(name, 0) for sizes in found] for name in sorted(set().union(*found))}
    for part in ("bindings/", "src/core/", ""):
        sums = (sum(size for name, size in sizes.items() if name.startswith(part)) for sizes in found)
        rows["all of " + (part or "it")] = list(sums)
    print("| |" + "|".join(boards) + "|")
    for name, sizes in rows.items():
        print(f"| {name} | " + " | ".join(f"{size:,}" for size in sizes) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
