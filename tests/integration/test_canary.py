"""A canary key: once a program has run, the key is in nothing that it has said, on no other host, and in no copy of
ours in its memory: tests/canary/canary.c looks there, at the very end, for the last part of the key (freed memory keeps
its end longest).
"""

import subprocess

import pytest
from command import BINARY, SANITIZED, TIMEOUT
from upstream import Upstream
from upstream.chunks import TEXT

LIBRARY = BINARY.parent / "tests" / "canary.so"
PROGRAM = BINARY.parent / "tests" / "canary_program"
KEY = "sk-canary-a6f1c39e-7d2b4085-51c8e96f-d03b72ea-98f4160c-c7a2"
END = KEY[-24:]

pytestmark = pytest.mark.skipif(SANITIZED, reason="AddressSanitizer must be the first library that is loaded")


@pytest.fixture
def watched(tmp_path):
    """watched(run, *args, **environment) has the canary at work while run() runs, and returns what it returned, and how
    often the end of the key was found: in the arguments and the environment, and elsewhere.
    """

    def watch(run, *args, env=None):
        report = tmp_path / "report"
        report.unlink(missing_ok=True)
        env = {"LD_PRELOAD": str(LIBRARY), "EXO_CANARY": END, "EXO_CANARY_REPORT": str(report), **(env or {})}
        ran = run(*args, env=env)
        given, elsewhere = map(int, report.read_text().split())
        return ran, given, elsewhere

    return watch


# How the key comes: keys of the model, and what is in the environment.
WAYS = {
    "api_key_env": ({"api_key_env": "KEY"}, {"KEY": KEY}),
    "api_key_file": ({"api_key_file": "key"}, {}),
    "api_key": ({"api_key": "${KEY}"}, {"KEY": KEY}),
    "headers": ({"headers": {"X-Api-Key": "${KEY}"}}, {"KEY": KEY}),
    "base_url": ({"query": "key=${KEY}"}, {"KEY": KEY}),
    "body": ({"api_key_env": "KEY", "body": {"token": "${KEY}"}}, {"KEY": KEY}),
}
ENDS = ["ok", "status-401", "echoed", "refused", "reset-before-headers", "silent", "no-end"]
OPTIONS = [("--trace",), ("--json", "--trace"), ("--events",)]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_the_command(exochat, watched, upstream, closed_port, write_config, tmp_path, way, end, options):
    keys, env = WAYS[way]
    base_url = f"http://127.0.0.1:{closed_port}/v1" if end == "refused" else upstream.base_url
    upstream.scripts["echoed"] = lambda conn: conn.respond(401, {"error": {"message": f"Wrong key {KEY}", "type": KEY}})
    (tmp_path / "key").write_text(KEY + "\n")
    first = {"base_url": base_url, "model": end, "fallbacks": ["second"], **keys}
    if end == "silent":
        first["stream_ttft_timeout"] = "200ms"
    if query := first.pop("query", None):
        first["base_url"] += "?" + query
    with Upstream(default="ok") as other:
        second = {"base_url": other.base_url, "model": "ok"}
        config = write_config({"first": first, "second": second})
        arguments = ("--config", config, "-m", "first", *options, "--", "hello")
        ran, given, elsewhere = watched(exochat, *arguments, env=env)
        shown = end == "no-end" and "--json" not in options  # text has been printed: no fallback
        assert ran.code == (1 if end in ("status-401", "echoed") or shown else 0), ran
        assert KEY.encode() not in ran.stdout + ran.stderr and END.encode() not in ran.stdout + ran.stderr
        assert all(END.encode() not in request.raw_head + request.body for request in other.requests)
    if end != "refused":
        assert END.encode() in upstream.requests[0].raw_head + upstream.requests[0].body
    assert given == 1 + len(env)  # EXO_CANARY itself is there, so what is there is found
    assert elsewhere == 0 or end == "echoed"  # what a server sends back is no copy of ours, but its answer


@pytest.mark.parametrize("command", [("models",), ("models", "--remote"), ("check",), ("check", "--probe")])
@pytest.mark.parametrize("way", ["api_key_env", "api_key_file", "headers"])
def test_the_other_commands(exochat, watched, upstream, write_config, tmp_path, way, command):
    keys, env = WAYS[way]
    (tmp_path / "key").write_text(KEY)
    config = write_config({"ok": keys}, default_model="ok")
    ran, _, elsewhere = watched(exochat, *command, "--config", config, env=env)
    assert (ran.code, elsewhere) == (0, 0) and END.encode() not in ran.stdout + ran.stderr


def test_what_is_there_is_found(exochat, watched, upstream, write_config):
    """The text of a message is no secret, and is freed as it is."""
    config = write_config({"ok": {"api_key": "sk-other"}})
    ran, given, elsewhere = watched(exochat, "--config", config, "-m", "ok", KEY)
    assert ran.out == TEXT and given == 2 and elsewhere >= 1


@pytest.mark.parametrize("per_call", [False, True])
@pytest.mark.parametrize("models", [["ok"], ["status-401"], ["echoed"], ["status-503", "silent", "no-end", "ok"]])
def test_the_library(watched, upstream, models, per_call):
    def run(*args, env):
        environment = {"KEY": KEY, "NO_PROXY": "*", **env, **({"PER_CALL": "1"} if per_call else {})}
        return subprocess.run([PROGRAM, *args], env=environment, capture_output=True, timeout=TIMEOUT, check=True)

    upstream.scripts["echoed"] = lambda conn: conn.respond(401, {"error": {"message": f"Wrong key {KEY}", "type": KEY}})
    ran, given, elsewhere = watched(run, upstream.base_url, *models)
    assert ran.stdout.count(b'"attempt"') > 0 and END.encode() not in ran.stdout + ran.stderr
    assert all(request.header("x-token") == KEY for request in upstream.requests)
    assert all(request.header("authorization") == f"Bearer {KEY}" for request in upstream.requests)
    assert given == 2 and (elsewhere == 0 or models == ["echoed"])


def test_the_library_when_nobody_listens(watched, closed_port):
    def run(*args, env):
        environment = {"KEY": KEY, "NO_PROXY": "*", **env}
        return subprocess.run([PROGRAM, *args], env=environment, capture_output=True, timeout=TIMEOUT, check=True)

    ran, given, elsewhere = watched(run, f"http://127.0.0.1:{closed_port}/v1", "m")
    assert b"EXO_E_CONNECT" in ran.stdout and END.encode() not in ran.stdout + ran.stderr
    assert (given, elsewhere) == (2, 0)
