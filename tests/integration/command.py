"""Runs the `exochat` command for the tests, and says what it is expected to send.

The command runs without the caller's environment: no proxies, no configuration but the test's, a HOME of its own; and
never without a time limit. Its clocks are so long that none can ring before what a test is about has happened, however
busy the machine is, unless the test sets them.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("EXOCHAT_BINARY") or ROOT / "build" / "exochat").resolve()
SANITIZED = os.environ.get("EXOCHAT_SANITIZED") == "1"
TIMEOUT = 120  # seconds until a command counts as hanging; far more than any needs
PATIENCE = {"connect_timeout": 600, "stream_ttft_timeout": 600, "request_timeout": 600}  # seconds; longer than TIMEOUT
PATIENT = ("--connect-timeout", "600", "--ttft", "600", "--idle-timeout", "600")  # the same, for the command line
PASSED_ON = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")
SANITIZER_EXIT = 86  # as tools/test.sh sets it


class Ran:
    """What a command that has ended said."""

    def __init__(self, args, code, stdout, stderr, seconds):
        self.args = args
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds
        broken = code < 0 or code == SANITIZER_EXIT or b"Sanitizer" in stderr
        assert not broken, f"a sanitizer or a signal ended it: {self}"

    def __repr__(self):
        return f"{self.args} -> {self.code}\n{self.stdout[:4000]!r}\n{self.stderr[:4000].decode(errors='replace')}"

    @property
    def out(self):
        """Standard output without the line end that everything ends with, unless there is nothing."""
        assert not self.stdout or self.stdout.endswith(b"\n"), self
        return self.stdout.decode().removesuffix("\n")

    @property
    def err(self):
        return self.stderr.decode()

    @property
    def json(self):
        """The object of --json."""
        return json.loads(self.stdout)

    @property
    def events(self):
        """The objects of --events."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def error(self):
        """The "error" of --json."""
        return self.json["error"]

    @property
    def trail(self):
        """(deployment, code) of every attempt in --json; the code of the one that answered is None."""
        return [(attempt["deployment"], attempt["code"]) for attempt in self.json["attempts"]]

    @property
    def complaint(self):
        """The one line on standard error, without the command's name. What to do about a failure may follow it."""
        line, end, rest = self.err.partition("\n")
        assert end and line.startswith("exochat: ") and not line.startswith("exochat: hint: "), self
        assert not rest or (rest.startswith("exochat: hint: ") and rest.count("\n") == 1), self
        return line.removeprefix("exochat: ")

    @property
    def hint(self):
        """What to do about the failure: the line behind the complaint."""
        assert self.complaint and self.err.count("\n") == 2, self
        return self.err.splitlines()[1].removeprefix("exochat: hint: ")


class Running:
    """A command that has not ended yet."""

    def __init__(self, args, process):
        self.args = args
        self.process = process
        self.began = time.monotonic()

    def read(self, size):
        """Exactly so many bytes of standard output, as they come; fewer at its end."""
        data = b""
        while len(data) < size and (part := os.read(self.process.stdout.fileno(), size - len(data))):
            data += part
        return data

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def peak_memory(self):
        """How many bytes were resident at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    def wait(self, input=None, timeout=TIMEOUT):
        stdout, stderr = self.process.communicate(input, timeout)
        return Ran(self.args, self.process.returncode, stdout, stderr, time.monotonic() - self.began)

    def stop(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


class Command:
    """The exochat command: call it to run it to its end, or start() it. As a path it is that of the binary."""

    def __init__(self, home):
        self.home = home
        self.environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.environment.update(HOME=str(home), LC_ALL="C.UTF-8")
        self.started = []

    def __fspath__(self):
        return str(BINARY)

    __str__ = __fspath__

    def start(self, *args, stdin=subprocess.DEVNULL, env=None, cwd=None):
        args = [os.fspath(arg) for arg in args]
        if args[:1] == ["--base-url"]:
            args = [*PATIENT, *args]  # of an option that is given twice the last one counts
        process = subprocess.Popen(
            [BINARY, *args],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **(env or {})},
            cwd=cwd or self.home,
        )
        self.started.append(Running(args, process))
        return self.started[-1]

    def __call__(self, *args, input=None, env=None, cwd=None, timeout=TIMEOUT):
        data = input.encode() if isinstance(input, str) else input
        running = self.start(*args, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE, env=env, cwd=cwd)
        return running.wait(data, timeout)

    def stop(self):
        for running in self.started:
            running.stop()


def require_binary():
    if not BINARY.is_file():
        pytest.fail(f"{BINARY} is not there: tools/build.sh makes it, or EXOCHAT_BINARY names another one")


def body_of(model, messages="hello", **more):
    """The bytes of the body that the command sends, by Python's own encoder; a str is the text of one message."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    request = {"model": model, "messages": messages, **more, "stream": True}
    request["stream_options"] = {"include_usage": True}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()
