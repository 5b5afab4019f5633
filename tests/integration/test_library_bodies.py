"""The hosted library: calls that send no exo_request, and what the options of a call do, over a real connection."""

import base64
import hashlib
import json
import os
import threading

import pytest
from command import body_of
from upstream import Upstream

PATTERN = b"abcdefghijklmnopqrstuvwxyz\n"
MESSAGES = [{"role": "user", "content": "hello"}]
KEY = "sk-of-the-call-0123456789abcdef"


def pattern(total):
    return (PATTERN * (total // len(PATTERN) + 1))[:total]


def run(driver, call=0, **options):
    """Runs a call that was started to its end, and gives its reply."""
    driver("run", **options)
    said = driver.ok("reply", call)
    driver.ok("free", call)
    return said


def ask(driver, value, model, **options):
    driver.ok("value", 0, json.dumps(value, ensure_ascii=False))
    driver.ok("start", 0, 0, value=0, model=model, **options)
    return run(driver)


# --- values


def test_a_value_is_sent_like_a_request(driver, upstream):
    driver.setup(upstream, "ok")
    assert ask(driver, {"messages": MESSAGES, "seed": 7}, "ok").failed is None
    request = upstream.requests[0]
    assert request.content_length == request.length and not request.chunked
    assert request.json == json.loads(body_of("ok", seed=7))


def test_a_large_value_falls_back_whole(driver, upstream):
    text = "\u00fc" * 20000
    driver.setup(upstream, "status-503", "ok")
    driver.ok("fallback", "status-503", "ok")
    assert ask(driver, {"messages": [{"role": "user", "content": text}]}, "status-503").failed is None
    assert [request.json["messages"][0]["content"] for request in upstream.requests] == [text, text]


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "note.txt").write_text("note")
    (tmp_path / "secret.txt").write_text("TOP SECRET")
    (inside / "out").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to("..")
    return inside


FILES = {"default": 0, "refuse": 1, "folder": 2, "any": 3}


@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("key", ["_content_file", "_file"])
@pytest.mark.parametrize("name", ["in/note.txt", "in/out", "in/up/secret.txt", "in/../secret.txt", "secret.txt"])
def test_which_files_a_value_may_name(driver, upstream, folder, files, key, name):
    driver.setup(upstream, "ok")
    path = f"{folder.parent}/{name}"
    named = {"content": [{key: path}]} if key == "_file" else {key: path}
    root = {"file_root": folder} if files == "folder" else {}
    said = ask(driver, {"messages": [{"role": "user", **named}]}, "ok", files=FILES[files], **root)
    if files == "any" or (files == "folder" and name == "in/note.txt"):
        content = upstream.requests[0].json["messages"][0]["content"]
        text = content[0]["text"] if key == "_file" else content
        assert said.failed is None and text == ("note" if "note" in name else "TOP SECRET")
    else:
        assert said.failed == "EXO_E_FILE_REFUSED" and upstream.requests == []


@pytest.mark.parametrize("name", ["note.txt", "out"])
def test_what_a_request_allows_a_call_can_refuse(driver, upstream, folder, name):
    driver.setup(upstream, "ok")
    driver.ok("message", 0, json.dumps({"role": "user", "_content_file": name}))
    driver.ok("allow_files", 0, folder)
    assert driver.chat(files=FILES["refuse"]).failed == "EXO_E_FILE_REFUSED"
    assert driver.chat().failed == (None if name == "note.txt" else "EXO_E_FILE_REFUSED")


# --- what is read once


@pytest.mark.parametrize("kind", ["attached", "named"])
def test_a_fifo_is_read_once_and_sent_twice(driver, upstream, tmp_path, kind):
    """Its writer takes its time; meanwhile another call goes on."""
    os.mkfifo(tmp_path / "fifo")
    data = pattern(300000)
    driver.setup(upstream, "status-503", "ok", "digest")
    driver.ok("fallback", "status-503", "ok")
    driver.ok("request", 1)
    driver.ok("text", 1, "user", "other")
    begun = threading.Event()

    def write():
        begun.wait()
        with open(tmp_path / "fifo", "wb", buffering=0) as fifo:
            fifo.write(data[:1000])
            upstream.wait_for(lambda: any(request.behaviour == "digest" for request in upstream.requests))
            fifo.write(data[1000:])

    writer = threading.Thread(target=write)
    writer.start()
    if kind == "attached":
        driver.ok("file", 0, "user", tmp_path / "fifo", type="image/png")
        driver.ok("start", 0, 0)
    else:
        part = {"_file": str(tmp_path / "fifo"), "_type": "image/png"}
        driver.ok("value", 0, json.dumps({"messages": [{"role": "user", "content": [part]}]}))
        driver.ok("start", 0, 0, value=0, model="status-503", files=FILES["any"])
    begun.set()
    driver.ok("start", 1, 1, model="digest")
    said = run(driver)
    writer.join()
    assert said.failed is None and driver.ok("reply", 1).failed is None
    driver.ok("free", 1)
    sent = [request for request in upstream.requests if request.behaviour != "digest"]
    assert len(sent) == 2
    for request in sent:
        url = request.json["messages"][-1]["content"][-1]["image_url"]["url"]
        assert base64.b64decode(url.partition(",")[2]) == data
        assert request.content_length == request.length and not request.chunked


def test_a_fifo_that_nobody_writes_to(driver, upstream, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    driver.setup(upstream, "ok")
    driver.ok("file", 0, "user", tmp_path / "fifo", type="text/plain")
    said = driver.chat(request_timeout=150)
    assert said.failed == "EXO_E_SOURCE_READ" and said.ms >= 150 and upstream.requests == []
    assert "fifo: nothing came of it for request_timeout" in said.failure["message"]
    driver.ok("start", 0, 0)
    driver("run", **{"for": 20})
    driver.ok("cancel", 0)
    driver.ok("free", 0)


# --- bytes as they are


def setup_raw(driver, upstream, *models, **options):
    driver.setup(upstream)
    for model in models:
        driver.deploy(upstream, model, base_url=upstream.url_for(model), **options)
    for model, fallback in zip(models, models[1:]):
        driver.ok("fallback", model, fallback)


@pytest.mark.parametrize("unsized", [False, True])
@pytest.mark.parametrize("total", [1, 27, 5 << 20])
def test_a_body_is_sent_as_it_is_to_each(driver, upstream, total, unsized):
    setup_raw(driver, upstream, "status-503", "ok")
    driver.ok("body_source", total=total, unsized=unsized)
    driver.ok("start", 0, 0, body=0, model="status-503")
    assert run(driver).failed is None
    assert len(upstream.requests) == 2
    for request in upstream.requests:
        assert request.sha256 == hashlib.sha256(pattern(total)).hexdigest()
        assert request.chunked == unsized and (request.content_length is None) == unsized
        assert request.header("content-type") == "application/json"


@pytest.mark.parametrize("unsized", [False, True])
def test_a_body_that_can_be_read_once_is_sent_once(driver, upstream, unsized):
    setup_raw(driver, upstream, "status-503", "ok")
    driver.ok("body_source", total=300000, unsized=unsized, once=True)
    driver.ok("start", 0, 0, body=0, model="status-503")
    said = run(driver)
    assert said.failed == "EXO_E_SERVER" and len(said.attempts) == 1
    (request,) = upstream.requests
    assert request.chunked and request.sha256 == hashlib.sha256(pattern(300000)).hexdigest()


def test_a_body_is_chunked_where_the_deployment_wants_it(driver, upstream):
    setup_raw(driver, upstream, "ok", chunked=True)
    driver.ok("body_source", total=1000)
    driver.ok("start", 0, 0, body=0, model="ok")
    assert run(driver).failed is None
    assert upstream.requests[0].chunked and upstream.requests[0].length == 1000


@pytest.mark.parametrize("fault", [{"lengthens_pass": 1}, {"fails_at": 290000}])
def test_a_body_that_is_not_what_it_said_is_never_complete(driver, upstream, fault):
    setup_raw(driver, upstream, "ok", "never")
    driver.ok("body_source", total=300000, **fault)
    driver.ok("start", 0, 0, body=0, model="ok")
    expected = "EXO_E_SOURCE_READ" if "fails_at" in fault else "EXO_E_BODY_CHANGED"
    assert run(driver).failed == expected
    assert upstream.wait_for(lambda: all(request.end_time for request in upstream.requests))
    assert all(request.peer_gone for request in upstream.requests)


# --- sources that have nothing ready


@pytest.mark.parametrize("kind", ["body", "once", "attached"])
def test_who_resumes_is_not_polled(driver, upstream, kind):
    setup_raw(driver, upstream, "ok")
    if kind == "attached":
        driver.ok("source", 0, "user", total=1000, unsized=True, type="text/plain", closed=True)
        driver.ok("start", 0, 0, model="ok", resumes=True)
    else:
        driver.ok("body_source", total=1000, once=kind == "once", closed=True)
        driver.ok("start", 0, 0, body=0, model="ok", resumes=True)
    driver("run", **{"for": 300})
    assert driver.ok("resume", 0, closed=True).lines[0]["reads"] in (1, 2)
    driver("run", **{"for": 300})
    assert driver.ok("resume", 0).lines[0]["reads"] in (2, 3, 4)
    assert run(driver).failed is None
    body = upstream.requests[0].body
    assert body == pattern(1000) or upstream.requests[0].json["messages"][0]["content"][1]["text"].encode() == pattern(1000)


# --- headers and keys of a call


def test_a_call_has_headers_and_a_key_of_its_own(driver, upstream):
    driver.setup(upstream, "ok", api_key="sk-of-the-deployment", header=["X-A:1", "X-B:2"])
    said = driver.chat(api_key=KEY, header=["x-b:3", "X-C:4"], traceparent="00-ab-cd-01")
    assert said.failed is None
    request = upstream.requests[0]
    assert request.header("authorization") == f"Bearer {KEY}"
    assert [request.header(name) for name in ("x-a", "x-b", "x-c")] == ["1", "3", "4"]
    assert request.header("traceparent") == "00-ab-cd-01"
    assert driver.chat().failed is None
    request = upstream.requests[1]
    assert request.header("authorization") == "Bearer sk-of-the-deployment" and request.header("x-b") == "2"
    assert driver.chat(api_key="").failed is None
    assert upstream.requests[2].header("authorization") is None
    driver.deploy(upstream, "ok", header=["Authorization:Basic of-the-headers"])
    assert driver.chat().failed is None
    assert upstream.requests[3].header("authorization") == "Basic of-the-headers"
    for key, sent in (("", None), (KEY, f"Bearer {KEY}")):
        assert driver.chat(api_key=key).failed is None
        assert upstream.requests[-1].header("authorization") == sent


def test_a_key_of_a_call_goes_to_no_other_place(driver, upstream):
    with Upstream(default="ok") as other:
        driver.setup(upstream, "status-503", "status-500", api_key="sk-own-1")
        driver.deploy(other, "ok", api_key="sk-own-2")
        driver.deploy(other, "bare", model="ok")
        for fallback in ("status-500", "ok"):
            driver.ok("fallback", "status-503", fallback)
        driver.ok("fallback", "status-500", "bare")
        assert driver.chat(model="status-503", api_key=KEY).failed is None
        assert driver.chat(model="status-500", api_key=KEY).failed is None
        assert [request.header("authorization") for request in upstream.requests] == [f"Bearer {KEY}"] * 3
        assert [request.header("authorization") for request in other.requests] == ["Bearer sk-own-2", None]


def test_an_echo_of_the_calls_key_is_taken_out(driver, upstream):
    token = "tok-0123456789abcdef0123456789"
    upstream.scripts["echoed"] = lambda conn: conn.respond(401, {"error": {"message": f"Wrong key {KEY} and {token}"}})
    driver.setup(upstream, "echoed", log=True)
    said = driver.chat(api_key=KEY, header=[f"X-Token:Bearer {token}"])
    assert said.failed == "EXO_E_AUTH" and "Wrong key ***" in said.failure["message"]
    assert KEY not in str(said.lines) and token not in str(said.lines)


def test_defaults_of_a_call(driver, upstream):
    driver.setup(upstream, "ok", extra_body='{"seed":1}')
    driver.ok("set", 0, "user", '"me"')
    assert driver.chat(defaults='{"seed":2,"user":"you","temperature":0.5}').failed is None
    sent = upstream.requests[0].json
    assert (sent["seed"], sent["user"], sent["temperature"]) == (1, "me", 0.5)


def test_clocks_of_a_call(driver, upstream):
    driver.setup(upstream, "silent")
    said = driver.chat(stream_ttft_timeout=150)
    assert said.failed == "EXO_E_CLOCK_FIRST" and said.ms >= 150
    said = driver.chat(request_timeout=-5)
    assert said.failed == "EXO_E_ARGUMENT" and said.failure["message"].startswith("request_timeout: ")
