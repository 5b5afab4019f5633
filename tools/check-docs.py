#!/usr/bin/env python3
"""Every public declaration has a comment directly above it: tools/check-docs.py [ROOT]

A declaration is a function, a type or a macro of include/exochat. Those that follow each other without an empty line
share one comment. Macros that the same header undefines are not public, and neither is its guard. A header begins with
a comment that names it.
"""

import pathlib
import re
import sys

CPLUSPLUS = re.compile(r"#ifdef __cplusplus\n.*?#endif\n", re.S)
LAYOUT = re.compile(r"/\* clang-format (?:on|off) \*/")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
DIRECTIVE = re.compile(r"#(?:\\\n|/\*.*?\*/|[^\n])*", re.S)
SPACE = re.compile(r"[\s\x01]+")  # \x01 stands for what was left out
TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"|[^/"{};]+|.', re.S)


def declaration_end(text, at):
    """Where the declaration at `at` ends: behind its semicolon, or behind the body of a function."""
    depth = 0
    body = False
    before = ""
    while at < len(text):
        token = TOKEN.match(text, at)
        at = token.end()
        if token.group() == "{":
            body = body or (depth == 0 and before.endswith(")"))
            depth += 1
        elif token.group() == "}":
            depth -= 1
        if depth == 0 and (token.group() == ";" or (token.group() == "}" and body)):
            break
        if not token.group().startswith("/*"):
            before = token.group().rstrip() or before
    return at


def declarations(text):
    """Yields for each declaration whether a comment stands above it, its line number and its first line."""
    guard = re.search(r"^#ifndef (\w+)$", text, re.M)
    hidden = set(re.findall(r"^\s*#\s*undef\s+(\w+)", text, re.M)) | {guard.group(1) if guard else ""}
    for pattern in (CPLUSPLUS, LAYOUT):
        text = pattern.sub(lambda match: "\x01\n" * match.group().count("\n") or "\x01", text)
    at = 0
    documented = False
    while at < len(text):
        space = SPACE.match(text, at)
        comment = COMMENT.match(text, at)
        directive = DIRECTIVE.match(text, at)
        if space:
            documented = documented and not re.search(r"\n[ \t]*\n", space.group())
            end = space.end()
        elif comment:
            documented = True
            end = comment.end()
        else:
            macro = re.match(r"#\s*define\s+(\w+)", text[at:])
            end = directive.end() if directive else declaration_end(text, at)
            if not directive or (macro and macro.group(1) not in hidden):
                yield documented, text.count("\n", 0, at) + 1, text[at:end].split("\n")[0]
        at = end


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    count = 0
    failed = 0
    for header in sorted(root.glob("include/exochat/*.h")):
        text = header.read_text(encoding="utf-8")
        if not text.startswith(f"/*\n * {header.name}: "):
            print(f"{header}:1: does not begin with a comment that names it")
            failed += 1
        for documented, line, code in declarations(text):
            count += 1
            if not documented:
                print(f"{header}:{line}: no comment above: {code}")
                failed += 1
    print(f"{count} declarations, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
