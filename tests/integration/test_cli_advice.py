"""What the command says to do about a failure: on a line of its own, about that failure, by the names that people type."""

import re
import threading
import time

import pytest
from command import ROOT
from listener import Listener, answer, hear_and_close, hear_and_reset
from test_failures import OTHERS, STATUSES
from upstream import Upstream

KEY = "sk-advice-0123456789abcdef"
BEHIND = "; behind text that was printed that takes --restart or --no-stream"


@pytest.mark.parametrize("behaviour", sorted({f"status-{row[0]}" for row in STATUSES} | {row[0] for row in OTHERS}))
def test_every_failure_has_advice(ask, behaviour):
    ran = ask(behaviour)
    assert ran.code in (1, 3, 4) and len(ran.hint) > 10
    failed = ask(behaviour, "--json")
    assert failed.error["advice"] == failed.hint == ran.hint.replace(BEHIND, "")
    assert ask(behaviour, "--events").events[-2]["error"]["advice"].replace(BEHIND, "") == failed.hint
    assert ask(behaviour, "-q").hint.replace(BEHIND, "") == failed.hint


@pytest.mark.parametrize("behaviour", sorted({f"status-{row[0]}" for row in STATUSES[::3]} | {row[0] for row in OTHERS}))
def test_what_is_advised_helps(ask, behaviour):
    """Options that are named make another attempt, those that were given are not named again, and --retries is not
    named where it would do nothing.
    """
    hint = ask(behaviour).hint
    options = ["--trace", *(["--restart"] if BEHIND in hint else [])]
    if "--fallback NAME" in hint:
        assert "exochat: attempt 2: ok as ok: answered" in ask(behaviour, *options, fallbacks=["ok"]).err
    if "try again" in hint:
        ran = ask(behaviour, *options, "--retries", "1")
        assert ("exochat: attempt 2: " in ran.err) == ("--retries 2" in hint)
        assert "--retries" not in ran.err


@pytest.mark.parametrize("option", ["--restart", "--no-stream", "--json"])
def test_text_that_was_printed_is_not_in_the_way(ask, option):
    assert BEHIND in ask("error-mid-stream").hint and BEHIND in ask("error-mid-stream", "--retries", "2").hint
    assert BEHIND not in ask("error-mid-stream", option).hint and BEHIND not in ask("status-503").hint


def test_a_wait_that_is_too_long_is_not_left_to_retries(ask, upstream, exochat, write_config):
    assert ask("retry-after-3600").hint == "wait for 3600 s; try again; --fallback NAME asks another model"
    assert "--retries 2" in ask("retry-after-60").hint
    config = write_config({"m": {"model": "retry-after-60", "retry_after_max": "59s"}})
    assert "--retries" not in exochat("--config", config, "-m", "m", "hello").hint
    config = write_config({"m": {"model": "status-503", "retries": 1, "backoff_first": 0}})
    assert "--retries" not in exochat("--config", config, "-m", "m", "hello").err


def test_advice_names_options_that_there_are(exochat):
    listed = set(re.findall(r"--[a-z][\w-]+", exochat("--help").out + exochat("models", "--help").out))
    advice = (ROOT / "src/cli/advice.c").read_text() + (ROOT / "src/cli/failure_words.c").read_text()
    advice += (ROOT / "src/cli/mistaken.c").read_text() + (ROOT / "src/cli/setup.c").read_text()
    strings = " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', advice))
    named = set(re.findall(r"--[a-z][\w-]+", strings))
    assert named and named - listed == {"--probe"} & named


# --- clocks

CLOCKS = [  # (behaviour, options, clock, option, key)
    ("silent", ("--ttft", "300ms"), "first event", "--ttft", "stream_ttft_timeout"),
    ("headers-then-silent", ("--ttft", "300ms"), "first event", "--ttft", "stream_ttft_timeout"),
    ("silent", ("--ttft", "auto", "--idle-timeout", "300ms"), "idle", "--idle-timeout", "request_timeout"),
    ("one-delta-then-stall", ("--idle-timeout", "300ms"), "idle", "--idle-timeout", "request_timeout"),
    ("silent", ("--total-timeout", "300ms"), "total", "--total-timeout", "total_timeout"),
    ("slow-100", ("--total-timeout", "300ms"), "total", "--total-timeout", "total_timeout"),
]


@pytest.mark.parametrize("behaviour, options, clock, option, key", CLOCKS)
def test_a_clock_names_the_option_that_changes_it(exochat, ask, write_config, behaviour, options, clock, option, key):
    ran = ask(behaviour, *options)
    assert ran.code == 1 and ran.complaint.startswith(f"timeout from {behaviour}: ")
    assert f"{option} " in ran.complaint + " " and f"{clock} clock)" in ran.complaint
    assert "network error" not in ran.err and key not in ran.err
    assert f"{option} " in ran.hint and "0.3 s" in ran.hint
    config = write_config({"m": {"model": behaviour}})
    ran = exochat("--config", config, "-m", "m", *options, "hello")
    assert option in ran.complaint and f"{option} " in ran.hint and f"{key} in {config}" in ran.hint
    assert option in ask(behaviour, *options, "--json").error["message"]
    assert option in ask(behaviour, *options, "--trace").err


def test_the_connect_clock_names_its_option(exochat, full_port, write_config):
    url = f"http://127.0.0.1:{full_port}/v1"
    for line in (["-m", "m", "hello"], ["models", "--remote"], ["check", "--probe", "-m", "m"]):
        ran = exochat("--base-url", url, "--connect-timeout", "300ms", *line)
        assert ran.code == 1 and ran.complaint.startswith("timeout from ") and "--connect-timeout" in ran.complaint
        assert "--connect-timeout 5m" in ran.hint and "0.3 s" in ran.hint


def test_the_clock_of_a_configuration_is_the_one_that_is_named(exochat, write_config, upstream):
    config = write_config({"m": {"model": "silent", "stream_ttft_timeout": "0.25s"}})
    assert "0.25 s" in exochat("--config", config, "-m", "m", "hello").hint


def test_earlier_attempts_speak_of_options_too(ask):
    ran = ask("silent", "--ttft", "300ms", fallbacks=["status-503"])
    first, last, hint = ran.err.splitlines()
    assert first.startswith("exochat: attempt 1: silent: timeout: ") and "--ttft" in first
    assert "status-503" in last and hint.startswith("exochat: hint: ")


# --- addresses

PATHS = [
    ("", "/v1"),
    ("/", "/v1"),
    ("/api", "/api/v1"),
    ("/chat/completions", "/v1"),
    ("/api/chat/completions", "/api/v1"),
]


@pytest.mark.parametrize("behaviour", ["status-404", "html-404", "status-405", "html-200"])
@pytest.mark.parametrize("path, better", PATHS)
def test_a_version_that_is_missing(exochat, upstream, path, better, behaviour):
    ran = exochat("--base-url", upstream.origin + path, "-m", behaviour, "hello")
    assert ran.hint.endswith(f"--base-url {upstream.origin}{better}")
    assert exochat("--base-url", upstream.origin + better, "-m", behaviour, "hello").hint.endswith(better) is False


@pytest.mark.parametrize("path", ["/v1", "/api/v1/", "/v1beta/openai", "/openai/deployments/gpt"])
def test_a_version_that_is_there(exochat, upstream, path):
    ran = exochat("--base-url", upstream.origin + path, "-m", "html-404", "hello")
    assert "want a version" not in ran.hint and "--base-url" in ran.hint


def test_a_configuration_is_told_its_own_key(exochat, upstream, write_config):
    config = write_config({"m": {"model": "html-404", "base_url": upstream.origin}})
    assert exochat("--config", config, "-m", "m", "hello").hint.endswith(f"base_url {upstream.origin}/v1")


PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_https_to_a_port_of_plain_http(exochat):
    with Listener(answer(PLAIN)) as listener:
        ran = exochat("--base-url", f"https://127.0.0.1:{listener.port}/v1", "-m", "m", "hello")
    assert ran.code == 1 and f"--base-url http://127.0.0.1:{listener.port}/v1" in ran.hint


def test_https_to_a_port_that_waits_for_more(exochat):
    """As a server that reads lines, and of a handshake finds none."""
    with Listener(lambda sock: (time.sleep(0), sock.recv(65536), threading.Event().wait(30))[1]) as listener:
        url = f"https://127.0.0.1:{listener.port}/v1"
        ran = exochat("--base-url", url, "-m", "m", "--connect-timeout", "400ms", "hello")
    assert ran.code == 1 and f"--base-url http://127.0.0.1:{listener.port}/v1" in ran.hint


WORDS = [
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><head><title>400 The plain "
    b"HTTP request was sent to HTTPS port</title></head></html>",
    b"\x15\x03\x01\x00\x02\x02\x46",  # an alert
]


@pytest.mark.parametrize("said", WORDS, ids=range(len(WORDS)))
def test_http_to_a_port_of_tls(exochat, said):
    def reply(sock):
        data = sock.recv(65536)
        sock.sendall(said)
        return data

    with Listener(reply) as listener:
        ran = exochat("--base-url", f"http://127.0.0.1:{listener.port}/v1", "-m", "m", "hello")
    assert ran.code == 1 and f"--base-url https://127.0.0.1:{listener.port}/v1" in ran.hint


def test_http_to_a_port_that_closes(exochat):
    with Listener(hear_and_close) as listener:
        ran = exochat("--base-url", f"http://127.0.0.1:{listener.port}/v1", "-m", "m", "hello")
    assert f"--base-url https://127.0.0.1:{listener.port}/v1" in ran.hint and "try again" in ran.hint


def test_a_certificate_that_is_not_trusted(exochat, certificates):
    with Upstream(tls=certificates.server()) as server:
        ran = exochat("--base-url", f"https://127.0.0.1:{server.port}/v1", "-m", "ok", "hello")
    assert ran.code == 1 and "--ca FILE" in ran.hint


def test_http_to_a_port_of_tls_that_resets(exochat):
    """As OpenSSL's own server does."""
    with Listener(hear_and_reset) as listener:
        ran = exochat("--base-url", f"http://127.0.0.1:{listener.port}/v1", "-m", "m", "hello")
    assert f"--base-url https://127.0.0.1:{listener.port}/v1" in ran.hint


def test_a_file_of_authorities_that_holds_none(exochat, certificates, write_config, tmp_path):
    (tmp_path / "none.pem").write_text("no certificate\n")
    with Upstream(tls=certificates.server()) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        ran = exochat("--base-url", url, "-m", "ok", "--ca", tmp_path / "none.pem", "hello")
        assert ran.code == 1 and "PEM" in ran.hint and ran.hint.endswith("check --ca")
        for key in ("ca_file", "ca_dir"):
            config = write_config({"m": {"base_url": url, "model": "ok", key: "nowhere"}})
            ran = exochat("--config", config, "-m", "m", "hello")
            assert ran.code == 1 and (key == "ca_dir" or "check ca_file and ca_dir" in ran.hint)


def test_a_name_that_is_not_found(exochat):
    ran = exochat("--base-url", "http://nowhere.invalid/v1", "-m", "m", "--connect-timeout", "20", "hello")
    assert "nowhere.invalid spelled" in ran.hint or "--connect-timeout" in ran.hint


def test_nobody_listens(exochat, closed_port):
    ran = exochat("--base-url", f"http://127.0.0.1:{closed_port}/v1?key=sk-secret", "-m", "m", "hello")
    assert f"http://127.0.0.1:{closed_port}?" in ran.hint and "sk-secret" not in ran.err


def test_a_proxy_and_where_it_is_from(exochat, write_config, closed_port):
    """That nobody listens is said of the proxy, and not of an endpoint that is asked without one."""
    proxy = f"http://127.0.0.1:{closed_port}"
    base = ("--base-url", "http://example.invalid/v1", "-m", "ok", "hello")
    for name in ("http_proxy", "all_proxy"):
        assert f"through the proxy of {name}, --proxy '' does without" in exochat(*base, env={name: proxy}).hint
    assert "proxy" not in exochat(*base, "--proxy", "", env={"http_proxy": proxy}).hint
    assert exochat(*base, "--proxy", proxy).hint.endswith("through the proxy of --proxy")
    config = write_config({"ok": {"base_url": "http://example.invalid/v1", "proxy": proxy}})
    assert "the proxy of proxy in the configuration" in exochat("--config", config, "-m", "ok", "hello").hint
    direct = ("--base-url", f"http://localhost:{closed_port}/v1", "-m", "ok", "hello")
    for exceptions in ("localhost", "*"):
        hint = exochat(*direct, env={"http_proxy": "http://127.0.0.1:9", "no_proxy": exceptions}).hint
        assert "proxy" not in hint and f"http://localhost:{closed_port}?" in hint


# --- keys

@pytest.mark.parametrize("behaviour", ["status-401", "status-403"])
def test_a_refused_key_and_where_it_is_from(exochat, upstream, write_config, tmp_path, behaviour):
    base = ("--base-url", upstream.base_url, "-m", behaviour)
    env = {"KEY": KEY}
    hint = exochat(*base, "hello").hint
    assert "--api-key-env NAME" in hint and "--api-key-file" in hint and "OPENAI" not in hint
    assert "OPENAI_API_KEY is set" in exochat(*base, "hello", env={"OPENAI_API_KEY": KEY}).hint
    assert "OPENAI" not in exochat(*base, "hello", env={"OPENAI_API_KEY": ""}).hint
    assert "check the key in KEY" in exochat(*base, "--api-key-env", "KEY", "hello", env=env).hint
    (tmp_path / "key").write_text(KEY)
    assert "--api-key-file" in exochat(*base, "--api-key-file", tmp_path / "key", "hello").hint
    env = {"OPENAI_BASE_URL": upstream.base_url}
    assert "set OPENAI_API_KEY" in exochat("-m", behaviour, "hello", env=env).hint
    hint = exochat("-m", behaviour, "hello", env={**env, "OPENAI_API_KEY": KEY}).hint
    assert "check the key in OPENAI_API_KEY" in hint and "127.0.0.1" in hint
    config = write_config({"none": {"model": behaviour}, "one": {"model": behaviour, "api_key": KEY}})
    assert f"give models.none a key in {config}: api_key_env" in exochat("--config", config, "-m", "none", "hello").hint
    assert f"the key of models.one in {config}" in exochat("--config", config, "-m", "one", "hello").hint


# --- models

def test_the_models_of_an_endpoint_that_does_not_know_the_one(ask, upstream):
    ran = ask("tool-lop")
    assert ran.code == 1 and "did you mean tool-loop?" in ran.hint and "The endpoint has ok, echo, " in ran.hint
    assert "more, which exochat models --remote lists" in ran.hint
    (question, listing) = upstream.requests
    assert (question.method, listing.method, listing.target) == ("POST", "GET", "/v1/models")


@pytest.mark.parametrize("message", ["model 'x' not found, try pulling it first", "The model x does not exist"])
@pytest.mark.parametrize("status", [400, 404])
def test_an_endpoint_says_it_in_its_own_words(ask, upstream, message, status):
    upstream.scripts["x"] = lambda conn: conn.respond(status, {"error": {"message": message}})
    assert "The endpoint has x, ok, echo" in ask("x").hint


def test_nothing_is_listed_for_another_failure(ask, upstream):
    for behaviour in ("status-400", "status-404", "status-422", "status-503", "context-400"):
        ask(behaviour)
    assert all(request.method == "POST" for request in upstream.requests)


def test_the_key_is_sent_for_the_list_too(exochat, upstream, write_config):
    config = write_config({"first": {"model": "nothing", "api_key": KEY}})
    ran = exochat("--config", config, "-m", "first", "hello")
    assert "The endpoint has" in ran.hint and KEY not in ran.err
    assert [request.header("authorization") for request in upstream.requests] == ["Bearer " + KEY] * 2


def test_an_endpoint_without_a_list(exochat):
    """It says 404 to everything, and does not answer the second time."""
    body = b'{"error":{"message":"model not found"}}'
    head = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
    with Listener(answer(head + str(len(body)).encode() + b"\r\n\r\n" + body)) as listener:
        ran = exochat("--base-url", f"http://127.0.0.1:{listener.port}/v1", "-m", "m", "hello")
    assert ran.code == 1 and "exochat models --remote" in ran.hint


# --- the rest

@pytest.mark.parametrize("behaviour, words", [
    ("retry-after-7", "wait for 7 s; try again; --retries 2"),
    ("status-503", "--retries 2"),
    ("quota-429", "top up"),
    ("context-400", "context_fallbacks"),
    ("status-413", "attach less"),
    ("status-400", "--dry-run"),
    ("status-302", "https"),
    ("redirect-302", "--base-url http://127.0.0.1:9/v1;"),
    ("no-end", "lenient_end"),
])  # fmt: skip
def test_what_is_said(ask, behaviour, words):
    assert words in ask(behaviour).hint


def test_only_a_question_is_told_of_its_options(exochat, upstream):
    ran = exochat("check", "--probe", "--base-url", upstream.base_url, "-m", "status-503")
    assert ran.hint == "try again"
    ran = exochat("models", "--remote", "--base-url", upstream.origin + "/nowhere")
    assert ran.code in (0, 1)
