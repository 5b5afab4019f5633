#!/usr/bin/env python3
"""The names and texts of errors as MicroPython's module has them, packed: tools/pack-errors.py [--check] [ROOT] writes
bindings/micropython/error_words.h.

Asks the core for them. In a packed string a byte from FIRST_PAIR on stands for two others, which a table tells; which
ones is found by taking the pair that comes most often until none is worth its row. With --check nothing is written, and
the file must say the same.
"""

import collections
import os
import pathlib
import subprocess
import sys
import tempfile

FIRST_PAIR = 0x80
LEAST = 3  # a pair costs two bytes, and saves one each time it comes
PROGRAM = """
#include <exochat/error.h>
#include <stdio.h>
int main(void)
{
    for (int code = EXO_NOT_FOUND; code > -128; code--) {
        printf("%s\\t%s\\n", exo_error_name(code), exo_error_text(code));
    }
}
"""
UNKNOWN = "EXO_E_UNKNOWN"


def rows(root):
    """(name, text) of each number from EXO_NOT_FOUND downwards."""
    with tempfile.TemporaryDirectory() as work:
        source, program = pathlib.Path(work, "errors.c"), pathlib.Path(work, "errors")
        source.write_text(PROGRAM, encoding="utf-8")
        core = [root / "src/core/error.c", root / "src/core/ascii.c"]
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-std=c11", "-I", root / "include", source, *core, "-o", program], check=True)
        said = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [tuple(line.split("\t")) for line in said.splitlines()]


def pack(strings):
    """(the strings as lists of bytes, the pairs that bytes from FIRST_PAIR on stand for)"""
    packed = [list(text.encode("ascii")) for text in strings]
    pairs = []
    while FIRST_PAIR + len(pairs) < 0x100:
        found = collections.Counter()
        for text in packed:
            at = 0
            while at + 1 < len(text):
                found[text[at], text[at + 1]] += 1
                at += 2 if text[at : at + 2] == text[at + 1 : at + 3] else 1
        pair, times = max(found.items(), key=lambda item: (item[1], item[0]))
        if times < LEAST:
            break
        for text in packed:
            at = 0
            while at + 1 < len(text):
                if (text[at], text[at + 1]) == pair:
                    text[at : at + 2] = [FIRST_PAIR + len(pairs)]
                at += 1
        pairs.append(pair)
    return packed, pairs


def table(name, strings):
    """The lines of the two tables of some strings, which end with NUL each."""
    packed, pairs = pack(strings)
    numbers = [str(byte) for text in packed for byte in [*text, 0]]
    lines = [f"static const uint8_t error_{name}_pairs[][2] = {{"]
    lines += ["    " + ", ".join(f"{{{a}, {b}}}" for a, b in pairs[at : at + 8]) + "," for at in range(0, len(pairs), 8)]
    lines += ["};", f"static const uint8_t error_{name}[] = {{"]
    lines += ["    " + ", ".join(numbers[at : at + 20]) + "," for at in range(0, len(numbers), 20)]
    return [*lines, "};"]


def page(root):
    """What the file says."""
    found = rows(root)
    names, texts = zip(found[-1], *(row for row in found if row[0] != UNKNOWN))
    return "\n".join(
        [
            "/*",
            " * error_words.h: the names and texts of errors, packed. Made by tools/pack-errors.py of exochat/error.h;",
            " * error_words.c reads it.",
            " */",
            "#ifndef EXOMP_ERROR_WORDS_H",
            "#define EXOMP_ERROR_WORDS_H",
            "",
            "/* clang-format off */",
            "/* The row of an unknown number, then one for each that is known, from EXO_NOT_FOUND downwards. */",
            f"#define ERROR_WORDS_MAX  {max(len(text) for text in [*names, *texts])}",
            f"#define ERROR_FIRST_PAIR {FIRST_PAIR}",
            *table("names", names),
            *table("texts", texts),
            "/* clang-format on */",
            "",
            "#endif",
            "",
        ]
    )


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    target = root / "bindings/micropython/error_words.h"
    made = page(root)
    if "--check" not in sys.argv:
        target.write_text(made, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != made:
        print(f"FAILED: {target.relative_to(root)} is not current: run tools/pack-errors.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
