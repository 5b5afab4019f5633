#!/usr/bin/env python3
"""What the core costs a small board: tools/size.py [--check] [ROOT] writes docs/size.md.

Compiles the core for a Cortex-M4 and asks nm for the sizes of the structs in STATE, on a Cortex-M and on 64-bit. Fails
where code and constants exceed CAP of tools/check-freestanding.sh, where there is writable data, and where the state of
a call exceeds LIMITS. With --check nothing is written, and docs/size.md must say the same, unless it was made with
other compilers.
"""

import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

# The structs that one call needs, each with what it belongs to. What lies in another struct counts with that one.
STATE = (
    ("exo_attempt", "call"),
    ("exo_sse", "exo_attempt"),
    ("exo_chunk", "exo_attempt"),
    ("exo_failure", "exo_attempt"),
    ("exo_trail_entry", "exo_attempt"),
    ("exo_answer", "call"),
    ("exo_encoder", "encoder"),
    ("exo_http1_head", "http1"),
    ("exo_http1_response", "http1"),
)

# The most bytes of what belongs to a call alone, and of all structs together; None: not held.
LIMITS = {"Cortex-M": {"call": 3072, "all": 4608}, "64-bit": {"call": None, "all": 5120}}

ARM = "arm-none-eabi-"
OPTIONS = "-std=c11 -ffreestanding -Os -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections".split()
M4 = [f"{ARM}gcc", "-mthumb", "-mcpu=cortex-m4", "-DEXO_SMALL", *OPTIONS, "-fdata-sections", "-Iinclude"]
LEFT_OUT = ("-DEXO_NO_ERROR_TEXTS", "-DEXO_NO_ERROR_NAMES", "-DEXO_NO_ERROR_TEXTS -DEXO_NO_ERROR_NAMES")


def run(root, *command):
    """What a command writes to its standard output."""
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def core_sources(root):
    """The names of the core's sources."""
    return re.findall(r"^EXO_CORE_SOURCES \+= (\S+)$", (root / "src/core/core.mk").read_text(), re.M)


def section_sizes(root, work, source, *options):
    """(code and constants, .data, .bss) of one source on a Cortex-M4."""
    made = str(pathlib.Path(work, "module.o"))
    run(root, *M4, *options, "-c", f"src/core/{source}", "-o", made)
    return tuple(int(number) for number in run(root, f"{ARM}size", made).splitlines()[1].split()[:3])


def struct_sizes(root, work, prefix, *compiler):
    """The bytes of every struct of STATE."""
    source, made = pathlib.Path(work, "state.c"), str(pathlib.Path(work, "state.o"))
    headers = [source[:-1] + "h" for source in core_sources(root)]
    rows = [f'#include "exochat/{name}"\n' for name in headers if (root / "include/exochat" / name).exists()]
    rows += [f"char size_of_{name}[sizeof({name})];\n" for name, _ in STATE]
    source.write_text("".join(rows), encoding="utf-8")
    run(root, *compiler, "-std=c11", "-fno-common", "-Iinclude", "-c", str(source), "-o", made)
    found = re.findall(r"^\w+ (\w+) . size_of_(\w+)$", run(root, f"{prefix}nm", "-S", made), re.M)
    return {name: int(size, 16) for size, name in found}


def purpose(root, source):
    """What the first comment of a source says that it is."""
    text = (root / "src/core" / source).read_text(encoding="utf-8")
    said = re.match(r"/\*\n \* \S+: (.*?)\.?\n \*(?:\n|/)", text, re.S)
    sentence = re.sub(r"\s+\*?\s*", " ", said.group(1)).split(". ")[0] if said else ""
    return sentence.replace("<", "&lt;")


def measure(root, work):
    """(the lines of docs/size.md, what is wrong)"""
    cap = int(re.search(r"^CAP=(\d+)$", (root / "tools/check-freestanding.sh").read_text(), re.M).group(1))
    versions = [run(root, compiler, "-dumpfullversion").strip() for compiler in (f"{ARM}gcc", "gcc")]
    wrong = []
    lines = [
        "# What the core costs",
        "",
        "Made by `tools/size.py`; the tests hold it to be current. What is counted is code and constants, which stay",
        "in flash; the core has no `.data` and no `.bss`. A linker that drops unused functions takes less of a module.",
        "",
        f"arm-none-eabi-gcc {versions[0]}, gcc {versions[1]}",
        "",
        "## Flash: Cortex-M4, -Os -mthumb",
        "",
        "With `-DEXO_SMALL`, which leaves out what only makes the core faster: the memory of shapes (`shape.c`,",
        "`chunk_learn.c`), reading in one pass (`chunk_pass.c`) and a few shorter ways. What comes out is the same.",
        "",
        "| module | bytes | what it is |",
        "|---|--:|---|",
    ]
    total = 0
    for source in core_sources(root):
        text, data, bss = section_sizes(root, work, source)
        total += text
        lines.append(f"| `{source}` | {text:,} | {purpose(root, source)} |")
        if data or bss:
            wrong.append(f"{source}: {data} bytes of .data, {bss} bytes of .bss")
    lines += [f"| all | {total:,} | of {cap:,} that it may take |", ""]
    if total > cap:
        wrong.append(f"the core takes {total} bytes, more than {cap}")

    full = section_sizes(root, work, "error.c")[0]
    lines += ["A build may leave out strings (`error.h`):", "", "| compiled with | saves |", "|---|--:|"]
    for options in LEFT_OUT:
        saved = full - section_sizes(root, work, "error.c", *options.split())[0]
        lines.append(f"| `{options}` | {saved:,} |")

    lines += ["", "## RAM: the state of one call", "", "Buffers apart: `limits.h` bounds what they grow to.", ""]
    targets = {"Cortex-M": struct_sizes(root, work, ARM, f"{ARM}gcc", "-mthumb", "-mcpu=cortex-m3", "-DEXO_SMALL")}
    targets["64-bit"] = struct_sizes(root, work, "", "gcc")
    lines += ["| struct | part of | " + " | ".join(targets) + " |", "|---|---|" + "--:|" * len(targets)]
    for name, part in STATE:
        part = f"`{part}`" if part.startswith("exo_") else part
        lines.append(f"| `{name}` | {part} | " + " | ".join(f"{sizes[name]:,}" for sizes in targets.values()) + " |")
    for wanted in ("call", "all"):
        cells = []
        for target, sizes in targets.items():
            used = sum(sizes[name] for name, part in STATE if part == wanted or (wanted == "all" and part not in sizes))
            most = LIMITS[target][wanted]
            cells.append(f"{used:,} of {most:,}" if most else f"{used:,}")
            if most and used > most:
                wrong.append(f"the state of one call ({wanted}) takes {used} bytes on {target}, more than {most}")
        lines.append(f"| {'all of a call' if wanted == 'call' else 'all'} | | " + " | ".join(cells) + " |")

    stack = re.search(r"^CAP = (\d+)$", (root / "tools/check-stack.py").read_text(), re.M).group(1)
    lines += [
        "",
        "## Stack",
        "",
        f"No function of the core takes more than {int(stack):,} bytes of stack on a Cortex-M3, with all that it",
        "calls; what allocators, sources and openers take comes on top. `tools/check-stack.py` shows the chains.",
    ]
    return lines, wrong


def compilers(text):
    """The line that names them."""
    return re.search(r"^arm-none-eabi-gcc .*$", text, re.M)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    try:
        with tempfile.TemporaryDirectory() as work:
            lines, wrong = measure(root, work)
    except FileNotFoundError as missing:
        print(f"{missing.filename} is not installed: the size is not measured")
        return 0
    page = root / "docs/size.md"
    made = "\n".join(lines) + "\n"
    if "--check" in sys.argv:
        there = page.read_text(encoding="utf-8") if page.exists() else ""
        before, now = compilers(there), compilers(made)
        if before and before.group() != now.group():
            print(f"docs/size.md is of {before.group()}, here is {now.group()}: not compared")
        elif there != made:
            was, is_now = there.splitlines(True), made.splitlines(True)
            sys.stdout.writelines(difflib.unified_diff(was, is_now, "docs/size.md", "what it should be"))
            wrong.append("docs/size.md is not current: run tools/size.py")
    else:
        page.write_text(made, encoding="utf-8")
    for line in wrong:
        print(f"FAILED: {line}")
    print(next(line for line in lines if line.startswith("| all | ")).strip("| "))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
