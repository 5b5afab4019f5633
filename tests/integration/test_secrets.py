"""A key goes to its own endpoint, in its own header, and nowhere else: not into any output, not to any other host."""

import base64
import os

import pytest
from upstream import Upstream
from upstream.chunks import TEXT

KEY = "sk-canary-5f2b81c07d9e4a63"
PIECE = KEY[:14]  # of which no output may hold even so much

FAILING = ["status-400", "status-401", "status-403", "status-429", "status-503", "html-500", "empty-500"]
FAILING += ["redirect-307", "json-200-error", "json-200-unfinished", "html-200", "error-first-frame"]
FAILING += ["error-mid-stream", "event-error", "no-end", "cut-after-300", "reset-after-300", "reset-before-headers"]
FAILING += ["fin-before-headers", "garbage", "bad-chunk", "nul-in-header", "huge-header-99", "many-headers-300"]
FAILING += ["endless-1xx", "unlabelled-gzip", "coding:zstd", "context-400", "content-filter-400", "quota-429"]
FAILING += ["retry-after-3600", "early-401-reset", "silent", "headers-then-silent", "one-delta-then-stall"]
FAILING += ["finish:error", "empty-stream", "endless-body-500"]
OUTPUTS = [("--json", "--trace"), ("--events", "--trace")]


def is_clean(ran, secret=PIECE):
    return secret.encode() not in ran.stdout + ran.stderr


@pytest.mark.parametrize("behaviour", FAILING)
@pytest.mark.parametrize("options", OUTPUTS)
def test_no_failure_tells_the_key(ask, upstream, behaviour, options):
    options = (*options, "--ttft", "2s", "--idle-timeout", "2s", "--api-key-env", "KEY")
    ran = ask(behaviour, *options, fallbacks=["status-500"], env={"KEY": KEY})
    assert ran.code != 0 and is_clean(ran), ran
    assert upstream.requests[0].header("authorization") == f"Bearer {KEY}"


ECHOES = [
    lambda conn: conn.respond(401, {"error": {"message": f"Incorrect API key provided: {KEY}. See docs."}}),
    lambda conn: conn.respond(401, {"error": {"message": "x" * 620 + KEY}}),  # cut by the field in its middle
    lambda conn: conn.respond(401, {"error": {"message": "m", "type": KEY, "code": KEY}}),
    lambda conn: conn.respond(401, {"error": {"message": "m"}}, headers=[("x-request-id", KEY)]),
    lambda conn: conn.respond(401, f"<html><title>{KEY}</title><h1>{KEY}</h1></html>", "text/html"),
    lambda conn: conn.respond(401, f"Bearer {KEY}", "text/plain"),
    lambda conn: conn.respond(200, f"<html><title>{KEY}</title></html>", "text/html"),
    lambda conn: conn.respond(200, {"error": {"message": KEY}}),
    lambda conn: (conn.begin(), conn.event({"error": {"message": f"key {KEY}"}}), conn.end()),
    lambda conn: (conn.begin(), conn.event({"choices": [{"finish_reason": "error"}], "error": KEY}), conn.end()),
    lambda conn: conn.respond(302, b"", None, headers=[("Location", f"http://127.0.0.1:1/{KEY}")]),
    lambda conn: (conn.send(f"HTTP/1.1 200 {KEY}\r\nX: {KEY}\0\r\n\r\n".encode()), conn.finish()),
    lambda conn: (conn.send(f"{KEY}\r\n".encode()), conn.finish()),
]


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
@pytest.mark.parametrize("options", [(), *OUTPUTS])
def test_a_server_that_echoes_the_key_is_not_quoted(ask, upstream, echo, options):
    upstream.scripts["echo-key"] = echo
    ran = ask("echo-key", *options, "--api-key-env", "KEY", env={"KEY": KEY})
    assert ran.code == 1 and is_clean(ran), ran


def test_a_dry_run_does_not_tell_the_key(ask, exochat, upstream, write_config):
    assert is_clean(ask("ok", "--dry-run", "--api-key-env", "KEY", env={"KEY": KEY}))
    config = write_config({"ok": {"api_key": KEY, "headers": {"X-Token": KEY}}}, default_model="ok")
    for args in (("--dry-run", "hello"), ("hello", "--trace"), ("hello", "--json", "--trace"), ("hello", "--events")):
        ran = exochat("--config", config, *args)
        assert ran.code == 0 and is_clean(ran)
    for command in (("models",), ("models", "--json"), ("models", "--remote"), ("check",), ("check", "--probe")):
        ran = exochat(*command, "--config", config)
        assert is_clean(ran), ran


@pytest.mark.parametrize("key", ["api_key: [{}]", "api_key: {}\n    api_key_env: X", "api_key: '{}\n", "api_keys: {}"])
def test_a_configuration_that_is_wrong_is_not_quoted(exochat, tmp_path, key):
    path = tmp_path / "config.yaml"
    path.write_text("models:\n  m:\n    base_url: http://127.0.0.1:1/v1\n    " + key.format(KEY))
    for command in ((), ("models",), ("check",)):
        ran = exochat(*command, "--config", path, "-m", "m")
        assert ran.code == 2 and is_clean(ran), ran


@pytest.mark.parametrize("control", ["\n", "\r\n", "\x01"])
def test_a_key_that_cannot_be_sent_is_not_quoted(exochat, upstream, write_config, tmp_path, control):
    ran = exochat("--config", write_config({"m": {"api_key": KEY + control + "x"}}), "-m", "m", "hello")
    assert ran.code == 2 and is_clean(ran)
    (tmp_path / "key").write_text(KEY + control + "x")
    ran = exochat("--config", write_config({"m": {"api_key_file": "key"}}), "-m", "m", "hello")
    assert ran.code == 2 and is_clean(ran) and upstream.connections == 0


def test_a_key_comes_from_a_file_or_the_environment(exochat, upstream, write_config, tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    ways = [{"api_key": KEY}, {"api_key_env": "KEY"}, {"api_key_file": "key"}, {"api_key": "${KEY}"}]
    for way in ways:
        ran = exochat("--config", write_config({"ok": way}), "-m", "ok", "hello", env={"KEY": KEY})
        assert ran.out == TEXT and upstream.requests[-1].header("authorization") == f"Bearer {KEY}"


def test_each_host_gets_its_own_key_alone(exochat, upstream, write_config):
    with Upstream(default="ok") as other:
        config = write_config(
            {
                "first": {"model": "status-503", "api_key": KEY, "headers": {"X-Token": KEY}, "fallbacks": ["a", "b"]},
                "a": {"base_url": other.base_url, "api_key": "sk-other", "model": "no-end+cut-0"},
                "b": {"base_url": other.base_url},
            }
        )
        assert exochat("--config", config, "-m", "first", "hello").out == TEXT
        for request in other.requests:
            assert PIECE.encode() not in request.raw_head + request.body
        keys = [request.header("authorization") for request in other.requests]
        assert keys[0] == "Bearer sk-other" and keys[-1] is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["Bearer", ""])
def test_no_redirect_takes_the_key_elsewhere(exochat, upstream, write_config, status, scheme):
    with Upstream(default="ok") as other:
        upstream.redirect_to = other.base_url + "/chat/completions"
        keys = {"model": f"redirect-{status}", "api_key": KEY, "auth_scheme": scheme, "auth_header": "api-key"}
        ran = exochat("--config", write_config({"m": keys}), "-m", "m", "--json", "--trace", "hello")
        assert ran.code == 1 and is_clean(ran) and other.connections == 0


def test_a_query_of_base_url_and_extra_headers_are_secrets_too(exochat, upstream, write_config):
    """Some endpoints take their key there."""
    for behaviour in ("status-500", "garbage", "reset-before-headers", "redirect-302", "nul-in-header"):
        keys = {"base_url": f"{upstream.base_url}?key={KEY}", "headers": {"X-Token": KEY}, "model": behaviour}
        ran = exochat("--config", write_config({"m": keys}), "-m", "m", "--json", "--trace", "hello")
        assert ran.code == 1 and is_clean(ran), ran


def test_the_password_of_a_proxy_is_a_secret(exochat, upstream, closed_port):
    for url in (f"http://user:{KEY}@127.0.0.1:{closed_port}", f"socks5h://user:{KEY}@127.0.0.1:{closed_port}"):
        args = ("--base-url", upstream.base_url, "-m", "ok", "--proxy", url, "--trace", "--json", "hello")
        ran = exochat(*args)
        assert ran.code == 1 and is_clean(ran), ran


def test_the_key_is_not_in_the_arguments(ask, upstream):
    """The key comes by the environment; nothing puts it into the arguments, where all users can read it."""
    running = ask("gate:go", "--api-key-env", "KEY", env={"KEY": KEY}, start=True)
    assert running.read(1)
    with open(f"/proc/{running.process.pid}/cmdline", "rb") as file:
        assert KEY.encode() not in file.read()
    upstream.gate("go").set()
    assert running.wait().code == 0


def test_a_wrong_key_is_refused(ask):
    assert ask(f"key:{KEY}", "--api-key-env", "KEY", env={"KEY": KEY}).out == TEXT
    ran = ask(f"key:{KEY}x", "--api-key-env", "KEY", "--json", env={"KEY": KEY})
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_AUTH")


def test_a_saved_stream_holds_the_answer_alone(ask, tmp_path):
    ask("ok", "--save-stream", tmp_path / "s", "--api-key-env", "KEY", env={"KEY": KEY})
    data = (tmp_path / "s").read_bytes()
    assert PIECE.encode() not in data and base64.b64encode(KEY.encode()) not in data and os.path.exists(tmp_path / "s")
