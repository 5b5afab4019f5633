"""The same tests under pytest, on CPython: the machines of its _exochat, and the transport of MicroPython over CPython's
sockets (cpython.py). check.py runs them on MicroPython. What only one Python can show is left out here.
"""

import asyncio
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
if importlib.util.find_spec("exoclaw_provider_openai") is None:
    sys.path.insert(0, str(HERE.parents[1]))

import cpython  # noqa: E402
import servers  # noqa: E402
from at import AT  # noqa: E402
from run import LIMIT  # noqa: E402

# tests/python/test_exoclaw.py; heaps, stacks and clocks that CPython has not
collect_ignore = ["test_exoclaw.py", "test_leaks.py", "test_other_time.py", "test_stack.py"]

cpython.install()


def pytest_pycollect_makeitem(collector, name, obj):
    """Each pair of a table() is a test."""
    if name != "table" or not callable(obj):
        return None
    return [pytest.Function.from_parent(collector, name=title, callobj=function) for title, function in obj()]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    made = pyfuncitem.obj()
    if inspect.iscoroutine(made):
        asyncio.run(asyncio.wait_for(made, LIMIT))
    return True


@pytest.fixture(scope="module", autouse=True)
def started(request, tmp_path_factory):
    """The servers that a module wants."""
    kind = getattr(request.module, "SERVERS", None)
    if kind is None:
        yield
        return
    arguments = (False,) if kind == "for_scenarios" else ()
    with getattr(servers, kind)(tmp_path_factory.mktemp("servers"), *arguments) as file:
        AT.open(file)
        yield
