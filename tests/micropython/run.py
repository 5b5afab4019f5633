"""Runs tests on either Python, and ends with a line `N passed, N failed`: run.py MODULE ...

A module's functions that begin with test_ are tests; those that are coroutine functions run in a loop of their own. A
function table() yields pairs of a name and a function without arguments: a test each.
"""

import sys

LIMIT = 60  # seconds until a coroutine counts as hanging; far more than any needs

if sys.implementation.name == "micropython":
    PRINT = sys.print_exception
else:
    import traceback

    PRINT = traceback.print_exception


def run(function):
    made = function()
    if hasattr(made, "send"):
        import asyncio

        asyncio.run(asyncio.wait_for(made, LIMIT))


def tests(module):
    names = [name for name in dir(module) if name.startswith("test_")]
    for name in sorted(names):
        yield name, getattr(module, name)
    if hasattr(module, "table"):
        for pair in module.table():
            yield pair


VERBOSE = "-v" in sys.argv


def main(names):
    passed = failed = 0
    for name in names:
        module = __import__(name)
        for title, function in tests(module):
            if VERBOSE:
                print(title)
            try:
                run(function)
                passed += 1
            except Exception as error:
                failed += 1
                print("FAILED: %s: %s" % (name, title))
                PRINT(error)
    print("%d passed, %d failed" % (passed, failed))
    return failed


if __name__ == "__main__":
    sys.exit(1 if main([name for name in sys.argv[1:] if name != "-v"]) else 0)
