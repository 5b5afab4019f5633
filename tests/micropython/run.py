"""Runs tests on either Python, and ends with a line `N passed, N failed`: run.py [-v] [at=FILE] MODULE ...

A module's functions that begin with test_ are tests; those that are coroutine functions run in a loop of their own. A
function table() yields pairs of a name and a function without arguments: a test each. Where the module says
TOGETHER = n, so many of the table's coroutines wait at the same time. at=FILE: see at.py.
"""

import sys

LIMIT = 120  # seconds until a coroutine counts as hanging; far more than any needs

if sys.implementation.name == "micropython":
    PRINT = sys.print_exception
else:
    import traceback

    PRINT = traceback.print_exception


class Counts:
    def __init__(self, verbose):
        self.passed = self.failed = 0
        self.verbose = verbose

    def end(self, name, title, error):
        if error is None:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: %s: %s" % (name, title))
            PRINT(error)
        if self.verbose:
            print(title)


def run(function):
    made = function()
    if hasattr(made, "send"):
        import asyncio

        asyncio.run(asyncio.wait_for(made, LIMIT))


async def work(name, pairs, counts):
    """One of those that go through the pairs at the same time."""
    import asyncio

    while pairs:
        title, function = pairs.pop(0)
        try:
            await asyncio.wait_for(function(), LIMIT)
            counts.end(name, title, None)
        except Exception as error:
            counts.end(name, title, error)


def run_together(name, pairs, counts, number):
    import asyncio

    async def all_of_them():
        await asyncio.gather(*[work(name, pairs, counts) for _ in range(number)])

    asyncio.run(all_of_them())


def main(names, verbose=False):
    counts = Counts(verbose)
    for name in names:
        module = __import__(name)
        tests = [(title, getattr(module, title)) for title in sorted(dir(module)) if title.startswith("test_")]
        table = list(module.table()) if hasattr(module, "table") else []
        together = getattr(module, "TOGETHER", 1)
        if together > 1:
            run_together(name, table, counts, together)
        for title, function in tests + table:
            try:
                run(function)
                counts.end(name, title, None)
            except Exception as error:
                counts.end(name, title, error)
    print("%d passed, %d failed" % (counts.passed, counts.failed))
    return counts.failed


if __name__ == "__main__":
    given = [name for name in sys.argv[1:] if name != "-v" and not name.startswith("at=")]
    for one in sys.argv[1:]:
        if one.startswith("at="):
            from at import AT

            AT.open(one[3:])
    sys.exit(1 if main(given, "-v" in sys.argv) else 0)
