#!/usr/bin/env python3
"""What the tables and headers hold is written down: tools/check-docs.py [ROOT]

Every public declaration has a comment directly above it. A declaration is a function, a type or a macro of
include/exochat. Those that follow each other without an empty line share one comment. Macros that the same header
undefines are not public, and neither is its guard. A header begins with a comment that names it.

docs/man/exochat-config.5 has an item for every key of a configuration, and for no other; what it says of the defaults
of clocks is what clock.h says, and so is what docs/contracts.md says; of those of a policy, what route.h says.
docs/failures.md names every code of error.h, and none that is not there.
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


def rows(text, table):
    """The rows X(a, b, ...) of a table as it is defined last, each as the list of its columns."""
    body = re.findall(rf"#define {table}\(X\) \\\n((?:.*\\\n)*.*\n)", text)[-1]
    body = re.sub(r"[ \t]+$", "", COMMENT.sub("", body.replace("\\\n", "\n")), flags=re.M)
    return [re.split(r"\s*,\s*", row) for row in re.findall(r"^ *X\((.*?)\)$", body, re.M | re.S)]


def default_words(standard):
    """How the manual page and the contracts name the default of a clock."""
    if standard == "0":
        return "Off unless set.", "off"
    if standard == "EXO_CLOCK_AUTO":
        return ".Li auto\nunless set.", "auto"
    return f"{int(standard) // 1000} seconds unless set.", f"{int(standard) // 1000} s"


def policy_words(kind, standard):
    """How the manual page names the default of a field of a policy."""
    if kind == "COUNT":
        return f"{standard} unless set."
    return f"{int(standard) / 1000:g} seconds unless set." if int(standard) else "Off unless set."


def wrong_keys(root):
    """Yields what is wrong with the keys of a configuration in its manual page, and with the clocks there."""
    entries = (root / "src/client/config/config_entries.h").read_text(encoding="utf-8")
    clocks = rows((root / "include/exochat/clock.h").read_text(encoding="utf-8"), "EXO_CLOCK_MAP")
    page = (root / "docs/man/exochat-config.5").read_text(encoding="utf-8")
    route = (root / "include/exochat/route.h").read_text(encoding="utf-8")
    policy = {row[1]: row[2] for row in rows(route, "EXO_ROUTE_POLICY_MAP")}
    contracts = (root / "docs/contracts.md").read_text(encoding="utf-8")
    keys = [row[0] for table in ("EXO_CONFIG_MODEL_MAP", "EXO_CONFIG_TOP_MAP") for row in rows(entries, table)]
    keys += [clock[2] for clock in clocks]
    items = re.findall(r"^\.It Ic (\w+(?: , Ic \w+)*)\n(.*?)(?=^\.(?:It|El)\b)", page, re.M | re.S)
    described = {name: text for names, text in items for name in names.split(" , Ic ")}
    for key in keys:
        if key not in described:
            yield f"docs/man/exochat-config.5: no item for {key}"
    for key in described.keys() - set(keys):
        yield f"docs/man/exochat-config.5: {key} is no key"
    for key, kind, field, *_ in rows(entries, "EXO_CONFIG_MODEL_MAP"):
        if field.startswith("policy."):
            sentence = policy_words(kind, policy[field.removeprefix("policy.")])
            if sentence not in described.get(key, ""):
                yield f"docs/man/exochat-config.5: {key}: does not say: {sentence!r}"
    for _, code, field, _, standard, *_ in clocks:
        sentence, word = default_words(standard)
        if sentence not in described.get(field, ""):
            yield f"docs/man/exochat-config.5: {field}: does not say: {sentence!r}"
        if not re.search(rf"^\| `{field}` \| {word} \|.*\| `{code}` \|$", contracts, re.M):
            yield f"docs/contracts.md: no row of {field} with {word} and {code}"


def wrong_codes(root):
    """Yields the codes that docs/failures.md does not name, and those that it makes up."""
    errors = (root / "include/exochat/error.h").read_text(encoding="utf-8")
    failures = (root / "docs/failures.md").read_text(encoding="utf-8")
    codes = {row[0].removeprefix("EXO_E_") for row in rows(errors, "EXO_ERROR_MAP")}
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", failures))
    for code in sorted(codes - named):
        yield f"docs/failures.md: does not name {code}"
    for code in sorted(named - codes - {"EXO_E_"}):
        yield f"docs/failures.md: {code} is no code of error.h"


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
    for words in (*wrong_keys(root), *wrong_codes(root)):
        print(words)
        failed += 1
    print(f"{count} declarations, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
