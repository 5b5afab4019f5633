"""The other end of tests/library/driver.c: the hosted library, one command after another.

    with Driver() as driver:
        driver.setup(upstream)
        reply = driver.ask("ok").reply

Every command gives a Said: the lines that came, and the code and duration of the last one.
"""

import contextlib
import json
import subprocess
import threading
import time

from command import BINARY, PATIENCE, TIMEOUT

PROGRAM = BINARY.parent / "tests" / "library_driver"


class Said:
    """What the driver said to one command."""

    def __init__(self, lines):
        self.lines = lines[:-1]
        self.code = lines[-1]["code"]
        self.ms = lines[-1]["ms"]
        self.message = lines[-1]["message"]

    def all(self, key):
        return [line[key] for line in self.lines if key in line]

    @property
    def events(self):
        return [line for line in self.lines if "event" in line]

    @property
    def kinds(self):
        return [event["event"] for event in self.events]

    @property
    def shown(self):
        """The text of all text events."""
        return "".join(event["text"] for event in self.events if event["event"] == "text")

    @property
    def summary(self):
        return self.all("summary")[-1]

    @property
    def records(self):
        return self.all("record")

    @property
    def reply(self):
        return self.all("reply")[-1]

    @property
    def failure(self):
        return self.reply.get("failure")

    @property
    def failed(self):
        """The code of the reply's failure, or None."""
        return self.failure and self.failure["code"]

    @property
    def answer(self):
        return self.reply["answers"][0]

    @property
    def attempts(self):
        return self.reply["attempts"]


class Driver:
    """A running driver program with one client. Leaving it asserts that it ended well, leaks included."""

    def __init__(self):
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sanitized = self("hello").lines[0]["sanitized"]
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self._process.kill()
        self._process.stdin.close()
        status = self._process.wait(TIMEOUT)
        self._process.stdout.close()
        assert kind is not None or status == 0

    def __call__(self, command, /, *words, **options):
        """One command. An option that is a list is given once for each element."""
        line = [command, *map(str, words)]
        for key, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                line.append(f"{key}={int(one) if isinstance(one, bool) else one}")
        self._process.stdin.write("\t".join(line).encode() + b"\n")
        self._process.stdin.flush()
        lines = []
        while not lines or "done" not in lines[-1]:
            read = self._process.stdout.readline()
            assert read, f"the driver ended at {command}, exit status {self._process.wait(TIMEOUT)}"
            lines.append(json.loads(read))
        return Said(lines)

    def ok(self, command, /, *words, **options):
        """A command that must not fail."""
        said = self(command, *words, **options)
        assert said.code == "EXO_OK", (command, words, said.code, said.message)
        return said

    def setup(self, upstream, *models, **options):
        """A client, a deployment for each model, and request 0 with one message."""
        self.ok("client", **{key: options.pop(key) for key in list(options) if key.startswith(("limits", "log", "bounds"))})
        for model in models:
            self.deploy(upstream, model, **options)
        self.ok("request", 0, *models[:1])
        self.ok("text", 0, "user", "hello")

    def deploy(self, upstream, name, /, **options):
        clocks = {name: seconds * 1000 for name, seconds in PATIENCE.items()}
        self.ok("deploy", name, **{"base_url": upstream.base_url, **clocks, **options})

    def chat(self, request=0, **options):
        return self.ok("chat", request, **options)

    def pump(self, condition, seconds=TIMEOUT):
        """Runs the client's loop until the condition is true."""
        deadline = time.monotonic() + seconds
        said = []
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            said += self("run", **{"for": 10}).lines
        return said


@contextlib.contextmanager
def opened_when(upstream, gate, *behaviours):
    """Opens a gate as soon as requests of all these behaviours have been answered, which they must be."""
    answered = lambda: {request.behaviour for request in upstream.requests if request.end_time}  # noqa: E731
    seen = []

    def wait():
        seen.append(upstream.wait_for(lambda: answered() >= set(behaviours)))
        upstream.gate(gate).set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    yield
    waiting.join()
    assert seen == [True], answered()
