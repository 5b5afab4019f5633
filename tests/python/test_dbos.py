"""exoclaw-executor-dbos on SQLite over the package: a process that is killed with SIGKILL, and one that goes on.

A call that was recorded is not made again; one that was under way when the process died is, exactly that one. Where the
system's SQLite is older than 3.42, dbos after 2.12 does not work on it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("dbos")
pytest.importorskip("exoclaw_executor_dbos")
if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

from upstream import behaviours, chunks

WORKER = Path(__file__).with_name("dbos_worker.py")


class Worker:
    """A worker process; its log is in a file."""

    def __init__(self, folder, upstream, model, *turn):
        self.log = open(folder / "worker.log", "a+")
        database = f"sqlite:///{folder / 'dbos.sqlite'}"
        command = [sys.executable, str(WORKER), database, upstream.base_url, model, str(folder / "tool"), *turn]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        out, _ = self.process.communicate(timeout=100)
        self.log.seek(0)
        assert self.process.returncode == 0, self.log.read()[-4000:]
        return json.loads([line for line in out.splitlines() if line.startswith('{"f')][-1])


@pytest.fixture
def worker(tmp_path, upstream):
    started = []

    def start(model, *turn):
        started.append(Worker(tmp_path, upstream, model, *turn))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.log.close()


def until(condition):
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def roles(upstream):
    return [request.json["messages"][-1]["role"] for request in upstream.requests if request.complete]


def test_killed_between_steps(worker, upstream, tmp_path):
    tool = tmp_path / "tool"
    first = worker("tool-loop", "turn")
    until(tool.exists)
    first.kill()
    assert roles(upstream) == ["user"]
    (tmp_path / "tool.go").touch()
    assert "rain" in worker("tool-loop").said()["final"]
    assert roles(upstream) == ["user", "tool"]
    assert tool.read_text() == "run\n" * 2  # the tool was under way: it runs again, the recorded call does not


def test_killed_during_a_call(worker, upstream, tmp_path):
    (tmp_path / "tool.go").touch()
    stalled = []

    def scripted(conn):
        if conn.request.json["messages"][-1]["role"] == "tool" and not stalled:
            stalled.append(conn)
            chunks.begin(conn)
            chunks.text(conn, "half an ")
            conn.stall()
        behaviours.run(conn, "tool-loop")

    upstream.scripts["scripted"] = scripted
    first = worker("scripted", "turn")
    until(lambda: stalled)
    first.kill()
    assert roles(upstream) == ["user", "tool"]
    assert "rain" in worker("scripted").said()["final"]
    assert roles(upstream) == ["user", "tool", "tool"]
    assert (tmp_path / "tool").read_text() == "run\n"


def test_an_exception_crosses_the_journal(worker, upstream):
    """The executor tries a failing step three times; what it raised is read by another process, which raised nothing."""
    failed = {"failed": [["HTTPStatusError", "status 401: scripted failure 401"]] * 3}
    assert worker("status-401", "turn").said() == failed
    assert worker("status-401").said() == failed
    assert roles(upstream) == ["user"] * 3
