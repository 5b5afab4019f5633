"""Durable turns: workers of exoclaw-executor-dbos over the package are killed, and their turns go on elsewhere.

The scripted server counts the requests of each step of each turn. A call whose answer was recorded is not made again; the
one that was under way is, and no other. The executor itself retries a call that raises, up to three times.
"""

import collections
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import postgres
from places import environment
from upstream import chunks

pytest.importorskip("exoclaw_executor_dbos")

WORKER = Path(__file__).with_name("dbos_worker.py")
STEPS = 3  # two calls of a tool, and the text
PATIENCE = 300  # seconds for what ends by itself


class Turns:
    """The endpoint: which turn and which step a request is of, its messages tell."""

    def __init__(self, upstream):
        self.count = collections.Counter()  # (turn, step)
        self.holds = {}  # (turn, step) → an Event: its first request gets half an answer, or half a text, and no more
        self.fails = set()  # turns that get 503
        upstream.scripts["durable"] = self.answer

    def hold(self, turn, step):
        self.holds[turn, step] = threading.Event()

    def answer(self, conn):
        messages = conn.request.json["messages"]
        turn = chunks.last_user_text(messages)
        step = sum(message["role"] == "tool" for message in messages) + 1
        self.count[turn, step] += 1
        if turn in self.fails:
            conn.respond(503, chunks.error("busy"))
            return
        chunks.begin(conn)
        held = self.holds.pop((turn, step), None)
        if held is not None:
            if step == STEPS:
                chunks.text(conn, "It rains, ")
            held.set()
            conn.stall()
        if step < STEPS:
            function = {"name": "get_weather", "arguments": '{"city": "Oslo", "days": %d}' % step}
            chunks.delta(conn, tool_calls=[{"index": 0, "id": f"call_{step}", "type": "function", "function": function}])
            chunks.complete(conn, "tool_calls")
        else:
            chunks.text(conn, "It rains, ", turn)
            chunks.complete(conn)

    def of(self, turn):
        """How many requests each step of a turn has had."""
        return [self.count[turn, step] for step in range(1, STEPS + 1)]


class Worker:
    """The process. `lines` is what it has said; what it logs goes to a file."""

    def __init__(self, folder, **given):
        self.log = open(folder / f"{given['executor']}.log", "ab")
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(given)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment(),
        )  # fmt: skip
        self.lines = []
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait(lambda: "ready" in self.lines)

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.strip())
                self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), (self.lines, Path(self.log.name).read_text()[-3000:])

    def shown(self):
        """The pieces of text that it has shown."""
        return [json.loads(line)["piece"] for line in self.lines if line.startswith('{"piece"')]

    def ended(self, *turns):
        """What became of these turns, as this worker tells it."""

        def said():
            found = [json.loads(line) for line in self.lines if line.startswith("{")]
            return {one["turn"]: one for one in found if one.get("turn") in turns}

        self.wait(lambda: len(said()) == len(turns))
        return [said()[turn] for turn in turns]

    def take(self, worker):
        self.process.stdin.write(f"take {worker}\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        """Asks it to end; whether it did so in peace."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.log.close()
        return status == 0


@pytest.fixture
def turns(upstream):
    return Turns(upstream)


@pytest.fixture
def worker(upstream, tmp_path):
    """worker(database=…, executor=…, …) starts one; what is left of them is ended."""
    made = []

    def start(**given):
        given.setdefault("database", f"sqlite:///{tmp_path}/turns.sqlite")
        given.setdefault("executor", "one")
        made.append(Worker(tmp_path, base_url=upstream.base_url, **given))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.kill()


def text_of(turn):
    return {"turn": turn, "text": f"It rains, {turn}"}


def test_a_turn_that_nothing_disturbs(worker, turns):
    one = worker(start=["a"])
    assert one.ended("a") == [text_of("a")]
    assert turns.of("a") == [1, 1, 1]
    assert one.close()


def test_killed_between_two_calls_no_recorded_call_is_made_again(worker, turns):
    first = worker(start=["a"], hold=True)
    first.wait(lambda: "called" in first.lines)
    first.kill()
    assert turns.of("a") == [1, 0, 0]
    second = worker(**{"await": ["a"]})
    assert second.ended("a") == [text_of("a")]
    assert turns.of("a") == [1, 1, 1]
    assert second.close()


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_during_a_call_that_one_alone_is_made_again(worker, turns, step):
    turns.hold("a", step)
    held = turns.holds["a", step]
    first = worker(start=["a"])
    assert held.wait(PATIENCE)
    first.kill()
    second = worker(**{"await": ["a"]})
    assert second.ended("a") == [text_of("a")]
    assert turns.of("a") == [1 + (one == step) for one in range(1, STEPS + 1)]
    assert second.close()


def test_a_failure_is_the_same_in_the_process_that_did_not_see_it(worker, turns):
    """It is pickled into the database. The executor has tried the call three times."""
    turns.fails.add("a")
    first = worker(start=["a"])
    (seen,) = first.ended("a")
    assert turns.of("a") == [3, 0, 0]
    assert first.close()
    second = worker(**{"await": ["a"]})
    assert second.ended("a") == [seen]
    assert turns.of("a") == [3, 0, 0]
    assert [cause[:2] for cause in seen["causes"]] == [["HTTPStatusError", 503]] * 3
    assert all("status 503: busy" in cause[2] for cause in seen["causes"])
    assert second.close()


def test_text_that_is_shown(worker, turns):
    one = worker(start=["a"], show=True)
    assert one.ended("a") == [text_of("a")] and one.shown() == ["It rains, ", "a"]
    assert turns.of("a") == [1, 1, 1]
    assert one.close()


def test_killed_while_text_is_shown_that_call_alone_is_made_again(worker, turns):
    turns.hold("a", STEPS)
    first = worker(start=["a"], show=True)
    first.wait(first.shown)
    first.kill()
    assert first.shown() == ["It rains, "] and turns.of("a") == [1, 1, 1]
    second = worker(**{"await": ["a"]})
    assert second.ended("a") == [text_of("a")] and second.shown() == ["It rains, ", "a"]
    assert turns.of("a") == [1, 1, 2]
    assert second.close()


def test_a_call_that_shows_its_text_is_not_made_again_by_the_executor(worker, turns):
    turns.fails.add("a")
    one = worker(start=["a"], show=True)
    (seen,) = one.ended("a")
    assert seen["error"] == "HTTPStatusError" and turns.of("a") == [1, 0, 0]
    assert one.close()


def test_two_workers_on_postgresql_one_of_them_killed(worker, turns):
    pytest.importorskip("psycopg")
    lost, kept = [f"lost {n}" for n in range(4)], [f"kept {n}" for n in range(4)]
    for n, turn in enumerate(lost[:3]):
        turns.hold(turn, n + 1)
    held = dict(turns.holds)
    with postgres.running() as database:
        first = worker(database=database, executor="one", start=lost)
        second = worker(database=database, executor="two", start=kept)
        for one in held.values():
            assert one.wait(PATIENCE)
        first.ended(lost[3])
        assert second.ended(*kept) == [text_of(turn) for turn in kept]
        first.kill()
        second.take("one")
        assert second.ended(*lost[:3]) == [text_of(turn) for turn in lost[:3]]
        assert second.close()
    for n, turn in enumerate(lost):
        assert turns.of(turn) == [1 + (n + 1 == step) for step in range(1, STEPS + 1)]
    for turn in kept:
        assert turns.of(turn) == [1, 1, 1]
