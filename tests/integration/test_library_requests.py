"""The hosted library: what is sent: messages, attachments and sources of every kind, and what a deployment does to it."""

import base64
import json

import pytest

BYTES = bytes(range(256)) * 40
DATA = base64.b64encode(BYTES).decode()
PATTERN = b"abcdefghijklmnopqrstuvwxyz\n"


def pattern(total):
    return (PATTERN * (total // len(PATTERN) + 1))[:total]


def parts(upstream, number=0):
    """The content of a request's last message, without the text that setup() put first."""
    return upstream.requests[number].json["messages"][-1]["content"][1:]


# --- kinds of attachments


ATTACHED = [
    ("image/png", {"type": "image_url", "image_url": {"url": "data:image/png;base64," + DATA}}),
    ("audio/wav", {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}),
    ("audio/mpeg", {"type": "input_audio", "input_audio": {"data": DATA, "format": "mp3"}}),
    ("application/pdf", {"type": "file", "file": {"filename": "a.bin", "file_data": f"data:application/pdf;base64,{DATA}"}}),
    ("text/plain", {"type": "text", "text": BYTES.decode(errors="replace")}),
]


@pytest.mark.parametrize("media_type, part", ATTACHED, ids=[name for name, _ in ATTACHED])
def test_a_file_is_sent_by_its_type(driver, upstream, tmp_path, media_type, part):
    (tmp_path / "a.bin").write_bytes(BYTES)
    driver.setup(upstream, "ok")
    driver.ok("file", 0, "user", tmp_path / "a.bin", type=media_type)
    assert driver.chat().failed is None
    sent = parts(upstream)
    if media_type == "text/plain":  # how many U+FFFD stand for an ill-formed sequence is the decoder's choice
        assert sent[0]["text"].replace("\ufffd", "") == part["text"].replace("\ufffd", "")
    else:
        assert sent == [part]


@pytest.mark.parametrize("offset, length", [(0, 1), (10, 5), (0, 10240), (10239, 1), (5, 0)])
def test_a_range_of_a_file(driver, upstream, tmp_path, offset, length):
    (tmp_path / "a.bin").write_bytes(BYTES)
    driver.setup(upstream, "ok")
    driver.ok("file", 0, "user", tmp_path / "a.bin", type="image/png", offset=offset, length=length)
    assert driver.chat().failed is None
    url = parts(upstream)[0]["image_url"]["url"]
    assert base64.b64decode(url.partition(",")[2]) == BYTES[offset : offset + length]


@pytest.mark.parametrize("offset, length", [(10240, 1), (0, 10241), (1 << 40, 1)])
def test_a_range_that_is_not_there(driver, upstream, tmp_path, offset, length):
    (tmp_path / "a.bin").write_bytes(BYTES)
    driver.setup(upstream, "ok")
    driver.ok("file", 0, "user", tmp_path / "a.bin", type="image/png", offset=offset, length=length)
    said = driver.chat()
    assert said.failed == "EXO_E_SOURCE_READ" and "a.bin" in said.failure["message"]
    assert upstream.connections == 0


def test_a_file_that_is_not_there(driver, upstream, tmp_path):
    driver.setup(upstream, "ok")
    driver.ok("file", 0, "user", tmp_path / "none.png")
    said = driver.chat()
    assert said.failed == "EXO_E_SOURCE_READ" and "none.png: No such file" in said.failure["message"]
    assert said.attempts == [] and upstream.connections == 0


def test_bytes_in_memory(driver, upstream):
    driver.setup(upstream, "ok")
    driver.ok("bytes", 0, "user", "in memory", type="application/pdf", name="m.pdf")
    assert driver.chat().failed is None
    file = {"filename": "m.pdf", "file_data": "data:application/pdf;base64," + base64.b64encode(b"in memory").decode()}
    assert parts(upstream) == [{"type": "file", "file": file}]


def test_files_of_a_hundred_kilobytes_and_more_arrive_whole(driver, upstream, tmp_path):
    upstream.keep_body = 64 << 20
    data = bytes(i * 7 % 251 for i in range(1 << 20)) * 5 + b"odd"
    (tmp_path / "big.png").write_bytes(data)
    driver.setup(upstream, "ok", "chunked")
    driver.deploy(upstream, "chunked", chunked=1, model="ok")
    driver.ok("file", 0, "user", tmp_path / "big.png")
    for model in ("ok", "chunked"):
        assert driver.chat(model=model).failed is None
    plain, chunked = upstream.requests
    assert base64.b64decode(parts(upstream)[0]["image_url"]["url"].partition(",")[2]) == data
    assert plain.sha256 == chunked.sha256 and (plain.chunked, chunked.chunked) == (False, True)
    assert plain.content_length == plain.length and chunked.header("content-length") is None
    assert plain.header("expect") is None and chunked.header("expect") is None


# --- sources of the caller's


@pytest.mark.parametrize("stutters", [0, 1, 3])
@pytest.mark.parametrize("media_type", ["text/plain", "image/png"])
@pytest.mark.parametrize("unsized", [False, True])
@pytest.mark.parametrize("total", [0, 1, 100000])
def test_a_source_that_can_rewind(driver, upstream, total, unsized, media_type, stutters):
    driver.setup(upstream, "ok")
    driver.ok("source", 0, "user", total=total, unsized=unsized, type=media_type, stutters=stutters)
    said = driver.chat()
    assert said.failed is None
    request = upstream.requests[0]
    assert request.content_length == request.length and not request.chunked
    part = parts(upstream)[0]
    sent = part["text"].encode() if media_type == "text/plain" else base64.b64decode(part["image_url"]["url"][22:])
    assert sent == pattern(total)


@pytest.mark.parametrize("stutters", [0, 2])
@pytest.mark.parametrize("unsized", [False, True])
@pytest.mark.parametrize("total", [0, 100000])
def test_a_source_that_can_be_read_once_is_sent_chunked(driver, upstream, total, unsized, stutters):
    driver.setup(upstream, "ok")
    driver.ok("source", 0, "user", total=total, unsized=unsized, once=True, type="text/plain", stutters=stutters)
    assert driver.chat().failed is None
    request = upstream.requests[0]
    assert request.chunked and request.content_length is None and parts(upstream)[0]["text"].encode() == pattern(total)


def test_a_source_that_can_be_read_once_has_one_attempt(driver, upstream):
    driver.setup(upstream, "status-503", "ok")
    driver.ok("policy", "status-503", retries=3, backoff_first=1)
    driver.ok("fallback", "status-503", "ok")
    driver.ok("source", 0, "user", total=100, once=True, type="text/plain")
    said = driver.chat()
    assert said.failed == "EXO_E_SERVER" and len(said.attempts) == 1 and len(upstream.requests) == 1


def test_a_source_that_was_read_up_is_of_no_use_again(driver, upstream, tmp_path):
    driver.setup(upstream, "ok")
    driver.ok("source", 0, "user", total=100, once=True, type="text/plain", name="pipe")
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed == "EXO_E_SOURCE_ONCE" and "pipe" in said.failure["message"] and said.attempts == []
    assert driver("body", 0, path=tmp_path / "body").code == "EXO_E_SOURCE_ONCE"
    assert len(upstream.requests) == 1


def test_a_source_that_nobody_has_read_yet_serves_the_next_attempt(driver, upstream, closed_port):
    driver.setup(upstream, "closed", base_url=f"http://127.0.0.1:{closed_port}/v1")
    driver.deploy(upstream, "ok")
    driver.ok("fallback", "closed", "ok")
    driver.ok("source", 0, "user", total=100, once=True, type="text/plain")
    assert driver.chat(model="closed").failed is None
    assert parts(upstream)[0]["text"].encode() == pattern(100)


def test_a_source_that_two_calls_want_serves_one(driver, upstream):
    driver.setup(upstream, "ok")
    driver.ok("source", 0, "user", total=100000, once=True, type="text/plain")
    driver.ok("start", 0, 0, count=2)
    driver("run", quiet=True)
    assert sorted(str(driver.ok("reply", call).failed) for call in (0, 1)) == ["EXO_E_STATE", "None"]
    driver.ok("free", 0, count=2)


@pytest.mark.parametrize("media_type", ["text/plain", "image/png"])
def test_a_source_that_fails_before_anything_is_sent(driver, upstream, media_type):
    driver.setup(upstream, "ok")
    driver.ok("source", 0, "user", total=100000, unsized=True, fails_at=50000, type=media_type)
    assert driver.chat().failed == "EXO_E_SOURCE_READ"
    assert upstream.connections == 0


@pytest.mark.parametrize("source", [{"once": True, "type": "text/plain"}, {"type": "image/png"}], ids=["once", "sized"])
def test_a_source_that_fails_while_it_is_sent(driver, upstream, source):
    driver.setup(upstream, "ok", "never")
    driver.ok("fallback", "ok", "never")
    driver.ok("source", 0, "user", total=1 << 20, fails_at=1 << 19, **source)
    said = driver.chat()
    assert said.failed == "EXO_E_SOURCE_READ" and said.failure["verdict"] == "stop" and len(said.attempts) == 1
    assert upstream.wait_for(lambda: all(request.end_time for request in upstream.requests))
    assert not any(request.complete for request in upstream.requests)


@pytest.mark.parametrize("change", ["changes_pass", "lengthens_pass"])
@pytest.mark.parametrize("chunked", [0, 1])
@pytest.mark.parametrize("unsized", [0, 1])
def test_a_source_that_changes_between_the_passes(driver, upstream, change, chunked, unsized):
    driver.setup(upstream, "ok", chunked=chunked)
    driver.ok("source", 0, "user", total=100000, unsized=unsized, type="text/plain", **{change: 2})
    said = driver.chat()
    assert said.failed == "EXO_E_BODY_CHANGED" and len(said.attempts) == 1
    assert upstream.wait_for(lambda: all(request.end_time for request in upstream.requests))
    assert not any(request.complete for request in upstream.requests)


@pytest.mark.parametrize("name", ["a.txt", "a.png"])
@pytest.mark.parametrize("change", [b"other", b"longer than before", b""])
def test_a_file_that_changes_between_two_attempts(driver, upstream, tmp_path, name, change):
    (tmp_path / name).write_bytes(b"first")
    driver.setup(upstream, "fail-1-then-ok")
    driver.ok("policy", "fail-1-then-ok", retries=1, backoff_first=100)
    driver.ok("file", 0, "user", tmp_path / name)
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests and upstream.requests[0].end_time)
    (tmp_path / name).write_bytes(change)
    driver("run")
    said = driver.ok("reply", 0)
    assert said.failed == "EXO_E_BODY_CHANGED" and [a["code"] for a in said.attempts] == ["EXO_E_SERVER", said.failed]
    assert upstream.wait_for(lambda: all(request.end_time for request in upstream.requests))
    assert not any(request.complete for request in upstream.requests[1:])


def test_a_file_that_is_replaced_is_not_a_change(driver, upstream, tmp_path):
    """The descriptor is kept: all attempts send the file that was opened first."""
    (tmp_path / "a.txt").write_text("first")
    driver.setup(upstream, "fail-1-then-ok")
    driver.ok("policy", "fail-1-then-ok", retries=1, backoff_first=100)
    driver.ok("file", 0, "user", tmp_path / "a.txt")
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests and upstream.requests[0].end_time)
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "b.txt").replace(tmp_path / "a.txt")
    driver("run")
    assert driver.ok("reply", 0).failed is None
    assert parts(upstream, 1) == [{"type": "text", "text": "first"}]


# --- requests from JSON


def test_a_request_from_json(driver, upstream):
    whole = {"model": "echo", "messages": [{"role": "user", "content": "from JSON"}], "temperature": 0.5, "seed": 7}
    driver.setup(upstream, "echo", "ok")
    driver.ok("json_request", 0, json.dumps(whole))
    assert driver.chat().answer["text"] == "from JSON"
    sent = upstream.requests[0].json
    assert {key: sent[key] for key in whole} == whole and sent["stream"] is True
    driver.ok("json_request", 0, json.dumps(whole), model="ok")
    assert driver.chat().reply["deployment"] == "ok"
    driver.ok("json_request", 0, json.dumps(whole["messages"]), model="echo")
    assert driver.chat().answer["text"] == "from JSON"


REFUSED = [
    ('{"messages":[}', "EXO_E_JSON_SYNTAX", 13),
    ('{"messages":"\\x"}', "EXO_E_JSON_ESCAPE", None),
    ("17", "EXO_E_REQUEST", None),
    ('{"a":1,"a":2}', "EXO_E_DUPLICATE_KEY", None),
    ('{"model":7}', "EXO_E_REQUEST", None),
    ("[" * 100 + "]" * 100, "EXO_E_DEPTH_LIMIT", None),
    ("{" + ",".join(f'"k{i}":1' for i in range(65)) + "}", "EXO_E_KEYS_LIMIT", None),
]


@pytest.mark.parametrize("text, code, offset", REFUSED, ids=[row[1] for row in REFUSED])
def test_json_that_is_no_request(driver, text, code, offset):
    said = driver("json_request", 0, text)
    assert said.code == code
    assert offset is None or said.lines[0]["offset"] == offset


def test_messages_of_every_kind(driver, upstream):
    driver.setup(upstream, "ok")
    call = {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    driver.ok("message", 0, json.dumps({"role": "assistant", "content": None, "tool_calls": [call], "_note": 1}))
    driver.ok("tool_result", 0, "call_0", "sunny")
    driver.ok("text", 0, "system", "Be brief. \u00e5\u2028\U0001f600")
    driver.ok("set", 0, "temperature", "0.25")
    driver.ok("set", 0, "temperature", "0.75")
    driver.ok("set", 0, "tool_choice", '"auto"')
    assert driver.chat().failed is None
    sent = upstream.requests[0].json
    assert sent["messages"] == [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "sunny"},
        {"role": "system", "content": "Be brief. \u00e5\u2028\U0001f600"},
    ]
    assert sent["temperature"] == 0.75 and "tool_choice" not in sent
    assert "\u00e5\u2028\U0001f600".encode() in upstream.requests[0].body
    driver.ok("set", 0, "tools", '[{"type":"function","function":{"name":"f"}}]')
    assert driver.chat().failed is None and upstream.requests[1].json["tool_choice"] == "auto"


def test_json_names_files_only_where_they_are_allowed(driver, upstream, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("inside")
    (tmp_path / "out.txt").write_text("outside")
    messages = [{"role": "user", "content": "inline", "_content_file": "a.txt"}]
    driver.setup(upstream, "echo")
    driver.ok("json_request", 0, json.dumps(messages), model="echo")
    assert driver.chat().failed == "EXO_E_FILE_REFUSED"
    driver.ok("allow_files", 0, tmp_path / "in")
    assert driver.chat().answer["text"] == "inside"
    messages[0]["_content_file"] = "../out.txt"
    driver.ok("json_request", 0, json.dumps(messages), model="echo")
    driver.ok("allow_files", 0, tmp_path / "in")
    assert driver.chat().failed == "EXO_E_FILE_REFUSED"


# --- what a deployment does to a request


def test_drop_rename_and_extra_body(driver, upstream):
    driver.setup(
        upstream,
        "ok",
        drop=["stream_options", "seed"],
        rename=["max_tokens:max_completion_tokens"],
        extra_body='{"temperature":1,"provider":{"order":["a"]}}',
    )
    for key, value in (("seed", "1"), ("max_tokens", "5"), ("temperature", "0.5")):
        driver.ok("set", 0, key, value)
    assert driver.chat().failed is None
    sent = upstream.requests[0].json
    assert sent.pop("messages") == [{"role": "user", "content": "hello"}]
    provider = {"order": ["a"]}
    assert sent == {"model": "ok", "stream": True, "max_completion_tokens": 5, "temperature": 0.5, "provider": provider}


def test_a_collision_is_found_before_anything_is_sent(driver, upstream):
    driver.setup(upstream, "ok", rename=["max_tokens:max_completion_tokens"])
    driver.ok("set", 0, "max_tokens", "5")
    driver.ok("set", 0, "max_completion_tokens", "6")
    said = driver.chat()
    assert said.failed == "EXO_E_KEY_COLLISION" and "max_" in said.failure["message"]
    assert upstream.connections == 0


def test_the_model_and_the_key_of_a_deployment(driver, upstream):
    driver.setup(upstream, "alias", api_key="k1", model="key:k1")
    assert driver.chat().failed is None
    driver.deploy(upstream, "alias", api_key="k2", model="key:k2", auth_header="api-key", auth_scheme="")
    said = driver.chat()
    assert said.failed is None and (said.attempts[0]["deployment"], said.attempts[0]["model"]) == ("alias", "key:k2")
    assert upstream.requests[1].header("api-key") == "k2" and upstream.requests[1].header("authorization") is None


def test_a_query_and_a_slash_in_base_url(driver, upstream):
    driver.setup(upstream, "ok", base_url=upstream.origin + "/v1/?api-version=2")
    assert driver.chat().failed is None
    assert upstream.requests[0].target == "/v1/chat/completions?api-version=2"


# --- the body without a call


def test_the_body_that_is_shown_is_the_one_that_is_sent(driver, upstream, tmp_path):
    (tmp_path / "a.png").write_bytes(BYTES)
    driver.setup(upstream, "ok", "other", drop=["seed"], extra_body='{"x":[1,2]}')
    driver.ok("set", 0, "seed", "1")
    driver.ok("file", 0, "user", tmp_path / "a.png")
    driver.ok("source", 0, "user", total=1000, type="text/plain")
    for number, model in enumerate(("ok", "other")):
        driver.ok("body", 0, path=tmp_path / "body", model=model)
        assert upstream.connections == min(number, 1)
        driver.chat(model=model)
        assert (tmp_path / "body").read_bytes() == upstream.requests[number].body
    assert driver("body", 0, path=tmp_path / "body", model="nobody").code == "EXO_E_UNKNOWN_MODEL"
    driver.ok("file", 0, "user", tmp_path / "none.png")
    said = driver("body", 0, path=tmp_path / "body")
    assert said.code == "EXO_E_SOURCE_READ" and "none.png" in said.message
