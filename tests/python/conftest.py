"""What the tests of the Python package want: the package, the scripted server, clients of others over it.

The package is the installed one where there is one; else that of this tree, with `_exochat` from $EXOCHAT_EXTENSION (a
folder) or the path. Tests are coroutines where they await something: a hook runs each in a loop of its own.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TESTS), str(TESTS / "agent")]
if os.environ.get("EXOCHAT_EXTENSION"):
    sys.path.insert(0, os.environ["EXOCHAT_EXTENSION"])
if importlib.util.find_spec("exoclaw_provider_openai") is None:
    sys.path.insert(0, str(ROOT))

from upstream import Upstream  # noqa: E402

# No verdict depends on the machine's speed, and each run looks at the same examples unless more are asked for.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    max_examples=int(os.environ.get("EXOCHAT_EXAMPLES", "200")),
)
settings.load_profile("steady")

# Whoever is started in the background, by a shell, ignores it, and so would every test of Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

LIMIT = 120  # seconds until a test counts as hanging; far more than any needs
PATIENCE = 600  # seconds: of clocks that are not to ring


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs a test that is a coroutine function, and looks whether it left something behind in its loop."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    complaints = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        await asyncio.wait_for(function(**arguments), LIMIT)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"

    asyncio.run(run())
    assert not complaints
    return True


@pytest.fixture
def upstream(tmp_path):
    """The scripted server. Whatever the package sent must have been HTTP."""
    with Upstream(streams=[tmp_path, TESTS / "streams"]) as server:
        yield server
        assert not server.errors


@pytest.fixture
def plain_environment(monkeypatch):
    for name in ("LLM_LOGGING", "LLM_LOG_TRUNCATE"):
        monkeypatch.delenv(name, raising=False)


def event(**delta):
    """One chunk of a stream as a line of bytes with the blank one behind it."""
    finish = delta.pop("finish", None)
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def stream_of(*words, finish="stop", usage=None):
    """A good answer."""
    body = b"".join(event(content=word) for word in words) + event(finish=finish)
    if usage:
        body += b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    return body + b"data: [DONE]\n\n"
