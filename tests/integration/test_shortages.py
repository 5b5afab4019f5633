"""What this machine lacks is the caller's to mend: no other deployment is tried, none cools down, and nothing hangs."""

import os
import resource
import subprocess

import pytest
from command import BINARY, PATIENT, TIMEOUT
from upstream import Upstream
from upstream.chunks import TEXT


def run_with_descriptors(exochat, count, *args, env=None):
    script = f'ulimit -n {count}; exec "$@"'
    return subprocess.run(
        ["sh", "-c", script, "sh", str(BINARY), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**exochat.environment, **(env or {})},
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nobody.invalid"])
def test_a_command_with_few_descriptors(exochat, upstream, host):
    """From too few to begin up to enough: an answer, or a failure that says what is lacking, and one attempt."""
    base_url = f"http://{host}:{upstream.port}/v1"
    said = []
    for count in range(4, 24):
        before = len(upstream.requests)
        args = (*PATIENT, "--base-url", base_url, "-m", "ok", "--fallback", "echo", "--trace", "hello")
        ran = run_with_descriptors(exochat, count, *args)
        words = ran.stderr.decode()
        if "libcurl cannot be used" in words:
            said.append("unusable")
        elif "EXO_E_LOCAL" in words:
            said.append("local")
            assert "attempt 2" not in words and len(upstream.requests) == before
        else:
            said.append("enough")
            assert host == "nobody.invalid" or ran.stdout.decode() == TEXT + "\n", (count, ran)
            assert host != "nobody.invalid" or "EXO_E_RESOLVE" in words, (count, ran)
        assert ran.returncode == (0 if said[-1] == "enough" and host != "nobody.invalid" else 1), (count, ran)
    assert set(said) >= {"local", "enough"} and said == sorted(said, key=lambda word: word == "enough"), said


def test_certificates_that_cannot_be_opened_for_lack_of_descriptors(exochat, route, certificates):
    """Whatever the number: never a failure of TLS, which would move on."""
    codes = set()
    with Upstream(tls=certificates.server("good")) as server:
        arguments, env = route.arguments("--trace", base_url=server.base_url, fallbacks=["second"])
        for count in range(5, 24):
            ran = run_with_descriptors(exochat, count, *arguments, env=env)
            codes.add(ran.returncode)
            assert b"EXO_E_TLS" not in ran.stderr and b"attempt 2" not in ran.stderr, (count, ran)
    assert codes >= {0, 1}


@pytest.fixture
def scarce(driver):
    """scarce(count) lets the driver have so many descriptors; scarce(None) as many as before."""
    pid = driver._process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    def limit(count):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft if count is None else count, hard))

    yield limit
    limit(None)


def descriptors_of(driver):
    return sorted(int(name) for name in os.listdir(f"/proc/{driver._process.pid}/fd"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_descriptor_is_left(driver, upstream, scarce, host):
    driver.setup(upstream, "ok", "echo", base_url=f"http://{host}:{upstream.port}/v1")
    driver.ok("fallback", "ok", "echo")
    driver.ok("policy", "ok", retries=2, cooldown=60000, cooldown_after=1)
    scarce(max(descriptors_of(driver)) + 1)
    said = driver.chat()
    assert said.failed == "EXO_E_LOCAL" and said.failure["verdict"] == "stop", said.lines
    assert [attempt["deployment"] for attempt in said.attempts] == ["ok"] and upstream.connections == 0
    scarce(None)
    said = driver.chat()
    assert said.failed is None and [attempt["deployment"] for attempt in said.attempts] == ["ok"]


@pytest.mark.parametrize("call, error", [("connect", "EADDRNOTAVAIL"), ("connect", "ENOBUFS"), ("epoll", "ENOSPC")])
def test_no_port_no_buffer_no_watch_is_left(driver, upstream, call, error):
    driver.setup(upstream, "ok", "echo")
    driver.ok("fallback", "ok", "echo")
    driver.ok("policy", "ok", retries=2, cooldown=60000, cooldown_after=1)
    driver.ok("deny", call, error, 1)
    said = driver.chat()
    assert said.failed == "EXO_E_LOCAL" and said.failure["verdict"] == "stop", said.lines
    assert [attempt["deployment"] for attempt in said.attempts] == ["ok"] and upstream.requests == []
    said = driver.chat()
    assert said.failed is None and [attempt["deployment"] for attempt in said.attempts] == ["ok"]


def test_one_call_that_cannot_be_watched_ends_alone(driver, upstream):
    driver.setup(upstream, "ok", "gate:go")
    driver.ok("start", 0, 0, model="gate:go")
    driver.pump(lambda: upstream.requests and upstream.requests[0].answer_time)
    driver.ok("deny", "epoll", "ENOSPC", 1)
    assert driver.chat().failed == "EXO_E_LOCAL"
    upstream.gate("go").set()
    driver("run", quiet=1)
    assert driver.ok("reply", 0).answer["text"] == TEXT


@pytest.mark.parametrize("call, error, times", [("connect", "EACCES", 1), ("connect_any", "EADDRNOTAVAIL", 2)])
def test_what_the_system_refuses_is_no_shortage(driver, upstream, call, error, times):
    """Nor is it one where no address of ours leads to the endpoint's, whatever the port."""
    driver.setup(upstream, "ok", "echo")
    driver.ok("fallback", "ok", "echo")
    driver.ok("deny", call, error, times)
    said = driver.chat()
    assert [attempt["code"] for attempt in said.attempts] == ["EXO_E_CONNECT", "EXO_OK"]
