"""Tests of `exochat debug`: each part of the core from standard input to standard output, whole and in pieces."""

import json
import random
import re
import subprocess
from pathlib import Path

import pytest
from command import BINARY

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "streams"
COMPOSED = ROOT / "tests" / "streams"
REPLACED = "\ufffd"


class Debug:
    """`exochat debug`, with the answers read."""

    def __init__(self, exochat):
        self.exochat = exochat

    def run(self, *arguments, data=b""):
        return self.exochat("debug", *arguments, input=data)

    def value(self, part, data, cuts=None, *flags):
        """The exit code and the JSON value that comes out, which is all that comes out."""
        ran = self.run(part, *flags, *(["--cuts", ",".join(map(str, cuts))] if cuts else []), data=data)
        if ran.code == 0:
            assert ran.stderr == b""
        else:
            assert re.fullmatch(rb"exochat: EXO_E_\w+: [^\n]+ \((key [^\n]+, )?at byte \d+\)\n", ran.stderr)
        if ran.stdout:
            assert ran.stdout.endswith(b"\n") and ran.stdout.count(b"\n") == 1
        return ran.code, json.loads(ran.stdout) if ran.stdout else None

    def code(self, part, data, cuts=None):
        """The symbol of the error, or "" where all is well."""
        ran = self.run(part, *(["--cuts", ",".join(map(str, cuts))] if cuts else []), data=data)
        return re.search(r"EXO_E_\w+|$", ran.stderr.decode()).group()


@pytest.fixture
def debug(exochat):
    return Debug(exochat)


def ways_to_cut(data, seed):
    """Whole, a byte at a time, and at random."""
    yield None
    chance = random.Random(seed)
    if 1 < len(data) <= 8000:
        yield range(1, len(data))
    if len(data) > 1:
        yield sorted(chance.sample(range(1, len(data)), min(12, len(data) - 1)))


# ---- chat ----


def expectations(folder):
    path = folder / "expected.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def check_chat(debug, path, expected):
    flags = ["--" + name.replace("_", "-") for name, on in expected.get("options", {}).items() if on]
    wanted = expected["error"]
    for cuts in ways_to_cut(path.read_bytes(), path.name):
        exit_code, answer = debug.value("chat", path.read_bytes(), cuts, *flags)
        assert list(answer) == ["text", "reasoning", "tool_calls", "finish_reason", "usage", "error"]
        for key in ("text", "reasoning", "tool_calls", "finish_reason", "usage"):
            assert answer[key] == expected[key], key
        assert exit_code == (1 if wanted else 0)
        if not wanted:
            assert answer["error"] is None
            continue
        assert answer["error"]["code"] == wanted["code"]
        assert answer["error"]["message"] == wanted.get("message", answer["error"]["message"])
        assert wanted.get("message_contains", "") in answer["error"]["message"]


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded streams in {RECORDED}")
@pytest.mark.parametrize("name", expectations(RECORDED) or ["none"])
def test_a_recorded_stream(debug, name):
    check_chat(debug, RECORDED / name, expectations(RECORDED)[name])


@pytest.mark.parametrize("name", expectations(COMPOSED))
def test_a_composed_stream(debug, name):
    check_chat(debug, COMPOSED / name, expectations(COMPOSED)[name])


def test_a_failure_says_what_is_known(debug):
    body = '{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"},"status":429}'
    exit_code, answer = debug.value("chat", body)
    assert exit_code == 1
    assert answer["error"].items() >= {
        "code": "EXO_E_RATE_LIMIT",
        "class": "provider",
        "verdict": "retry",
        "message": "slow down",
        "type": "requests",
        "provider_code": "rate_limit_exceeded",
        "clock": None,
    }.items()


def test_an_answer_is_valid_utf8_whatever_was_sent(debug):
    data = b'data: {"choices":[{"delta":{"content":"a\xff\xe2\x82"},"finish_reason":"stop"}],"usage":{"x":"\xc3"}}\n\n'
    for cuts in (None, range(1, len(data))):
        exit_code, answer = debug.value("chat", data, cuts)
        assert (exit_code, answer["text"]) == (0, "a" + REPLACED * 2)
        assert answer["usage"] == {"x": REPLACED}


# ---- sse ----


def sse_events(data):
    """WHATWG HTML, 9.2.6, as slowly as it is written there."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    events, buffer, kind, last_id = [], "", "", ""
    for line in re.split("\r\n|\n|\r", text)[:-1]:
        if line == "":
            if buffer:
                events.append({"type": kind or "message", "data": buffer.removesuffix("\n"), "lastEventId": last_id})
            buffer, kind = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            buffer += value + "\n"
        elif field == "event":
            kind = value
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


SSE = {
    "one line": b"data: one\n\n",
    "several lines": b"data: YHOO\ndata: +2\ndata: 10\n\n",
    "comments and ids": b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
    "fields without a colon": b"data\n\ndata\ndata\n\ndata:",
    "one space is not part of it": b"data:test\n\ndata: test\n\ndata:  test\n\ndata:\ttest\n\n",
    "types": b"event: add\ndata: 1\n\nevent: remove\ndata: 2\n\ndata: 3\n\n",
    "a type alone is forgotten": b"event: add\n\ndata: 1\n\n",
    "the last type counts": b"event: a\nevent: b\nevent\ndata: 1\n\n",
    "line ends": b"data: a\r\rdata: b\r\n\r\ndata: c\n\ndata: d\r\n\ndata: e\r\n\r",
    "CR at the end": b"data: a\n\r",
    "a byte order mark": b"\xef\xbb\xbfdata: a\n\n",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
    "half a byte order mark": b"\xef\xbbdata: a\n\ndata: b\n\n",
    "ids stay": b"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
    "an id without data": b"id: 7\n\ndata: a\n\n",
    "NUL in an id": b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
    "retry": b"retry: 10\ndata: a\n\nretry: x\ndata: b\n\n",
    "other fields": b"data: a\nfoo: b\nData: c\n data: d\ndata : e\n\n",
    "only comments": b":\n:x\n: y\n\n\n",
    "no blank line at the end": b"data: a\n\ndata: b\n",
    "no line end at the end": b"data: a\n\ndata: b",
    "colons": b"data::\n\ndata: :a:\n\n:data: b\n\n",
    "not UTF-8": b"data: \xff\xe2\x82\n\ndata: \xf0\x9f\x98\nevent: \xc3\n\n",
    "other line separators": "data: a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(),
    "NUL in data": b"data: a\0b\n\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", SSE)
def test_sse(debug, name):
    for cuts in ways_to_cut(SSE[name], name):
        assert debug.value("sse", SSE[name], cuts) == (0, sse_events(SSE[name]))


def test_the_field_error_is_no_event(debug):
    assert debug.value("sse", b"error: {}\n\ndata: a\n\n") == (0, sse_events(b"data: a\n\n"))


def test_sse_at_random(debug):
    pieces = [b"data", b"event", b"id", b"retry", b":", b": ", b"\n", b"\n\n", b"\r", b"\r\n", b"a", b"\xff", b"\xe2\x82"]
    for seed in range(40):
        chance = random.Random(seed)
        data = b"".join(chance.choices(pieces, k=80))
        cuts = sorted(chance.sample(range(1, len(data)), 20))
        assert debug.value("sse", data, cuts) == (0, sse_events(data)), data


# ---- json ----

GOOD_JSON = [
    b"{}", b"[]", b"null", b"true", b"false", b"0", b"-0", b"1.5e-7", b"1E+400", b"123456789012345678901234567890",
    b'""', b'"a"', b' [ 1 , 2 ] \r\n\t', b'{"a":{"b":[{}]}}', b'{"a":1,"a":2}', b'["\\u0000\\/\\b\\f\\n\\r\\t\\"\\\\"]',
    b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\x7f"', '"\u2028\U0010ffff"'.encode(), b"[" * 64 + b"]" * 64,
]  # fmt: skip

BAD_JSON = {
    b"": "END", b" ": "END", b"[": "END", b'{"a"': "END", b'{"a":': "END", b'"a': "END", b"[1": "END", b"tru": "END",
    b"[1,]": "SYNTAX", b"[,1]": "SYNTAX", b"[1 2]": "SYNTAX", b'{"a" 1}': "SYNTAX", b"{a:1}": "SYNTAX",
    b'{"a":1,}': "SYNTAX", b"{1:1}": "SYNTAX", b"[}": "SYNTAX", b"'a'": "SYNTAX", b"\xef\xbb\xbf{}": "SYNTAX",
    b"01": None, b"+1": "NUMBER", b".5": "NUMBER", b"1.": None, b"1e": None, b"-": None, b"0x1": None, b"NaN": "LITERAL",
    b"True": "LITERAL", b"nul": None, b'"\n"': "STRING", b'"\0"': "STRING", b'"\\x"': "ESCAPE", b'"\\u12g4"': "ESCAPE",
    b'"\xff"': "UTF8", b'"\xed\xa0\x80"': "UTF8", b'"\xc0\xaf"': "UTF8", b"{}{}": "TRAILING", b"1 2": "TRAILING",
    b"// a\n1": "SYNTAX", b"[1]]": "TRAILING",
}  # fmt: skip


@pytest.mark.parametrize("text", GOOD_JSON)
def test_good_json(debug, text):
    for cuts in ways_to_cut(text, 1):
        ran = debug.run("json", *(["--cuts", ",".join(map(str, cuts))] if cuts else []), data=text)
        assert (ran.code, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize("text", BAD_JSON)
def test_bad_json(debug, text):
    assert debug.value("json", text) == (1, None)
    assert BAD_JSON[text] is None or debug.code("json", text) == "EXO_E_JSON_" + BAD_JSON[text]


def test_json_that_nests_too_deep(debug):
    assert debug.code("json", b"[" * 65 + b"]" * 65) == "EXO_E_DEPTH_LIMIT"
    assert debug.code("json", b"[" * 1000000) == "EXO_E_DEPTH_LIMIT"


# ---- repair ----

REPAIRED = {
    '{"a": [1, 2]}': {"a": [1, 2]},
    '{"a": 1,}': {"a": 1},
    '{"a": [1, 2': {"a": [1, 2]},
    "{'a': None, 'b': True}": {"a": None, "b": True},
    "{a: 1}": {"a": 1},
    '```json\n{"a": 1}\n```': {"a": 1},
    "{“a”: 1}": {"a": 1},
    '{"a": "x\ny"}': {"a": "x\ny"},
}


@pytest.mark.parametrize("text", REPAIRED)
def test_repair(debug, text):
    for cuts in ways_to_cut(text.encode(), text):
        assert debug.value("repair", text, cuts) == (0, {"ok": True, "value": REPAIRED[text]})


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_to_repair(debug, text):
    assert debug.value("repair", text) == (1, {"ok": False})
    assert debug.code("repair", text) == "EXO_E_REPAIR"


# ---- encode ----

USAGE = '"stream":true,"stream_options":{"include_usage":true}'
BODIES = {
    '{"model":"m","messages":[]}': '{"model":"m","messages":[],' + USAGE + "}",
    ' { "model" : "m" , "messages" : [ { "role" : "user" , "content" : "hé\\u00e9\\n" } ] } ':
        '{"model":"m","messages":[{"role":"user","content":"héé\\n"}],' + USAGE + "}",
    '{"messages":[],"stream":false,"stream_options":null}': '{"messages":[],"stream":true,"stream_options":null}',
    '{"messages":[{"role":"user","content":"a","_b":{"c":1}}],"x":1.50}':
        '{"messages":[{"role":"user","content":"a"}],"x":1.50,' + USAGE + "}",
    '{"tool_choice":"auto","messages":[]}': '{"messages":[],' + USAGE + "}",
}  # fmt: skip


@pytest.mark.parametrize("text", BODIES)
def test_encode(debug, text):
    for windows in ("", "1", "2", "3", "0,1,64", "7,1", "100000"):
        ran = debug.run("encode", *(["--cuts", windows] if windows else []), data=text)
        assert (ran.code, ran.stdout.decode(), ran.stderr) == (0, BODIES[text] + "\n", b"")


@pytest.mark.parametrize("text, code", [
    ("", "JSON_END"), ("[]", "REQUEST"), ('{"messages":[', "JSON_END"), ('{"a":1,}', "JSON_SYNTAX"),
    ('{"a":1,"a":2}', "DUPLICATE_KEY"), ('{"messages":[{"role":"u","role":"v"}]}', "DUPLICATE_KEY"),
    ('{"tools":[{"a":{"b":1,"\\u0062":2}}]}', "DUPLICATE_KEY"), ('{"messages":[{"_content_file":"/etc/hostname"}]}', "FILE_REFUSED"),
    ('{"messages":[{"role":"user","content":[{"_file":"/etc/hostname"}]}]}', "FILE_REFUSED"),
])  # fmt: skip
def test_encode_refuses(debug, text, code):
    assert debug.value("encode", text) == (1, None)
    assert debug.code("encode", text) == "EXO_E_" + code


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded streams in {RECORDED}")
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.request.json")), ids=lambda path: path.name)
def test_encode_a_recorded_request(debug, path):
    request = json.loads(path.read_text(encoding="utf-8"))
    request["stream"] = True
    request.setdefault("stream_options", {"include_usage": True})
    if not request.get("tools"):
        request.pop("tool_choice", None)
    for windows in ("4096", "13"):
        ran = debug.run("encode", "--cuts", windows, data=path.read_bytes())
        assert (ran.code, json.loads(ran.stdout)) == (0, request)


# ---- http ----

OK = b"HTTP/1.1 200 OK\r\n"
RESPONSES = {
    OK + b"Content-Length: 2\r\n\r\nab": (200, {"content-length": "2"}, "ab"),
    OK + b"Content-Length: 2\r\n\r\nabc": (200, {"content-length": "2"}, "ab"),
    OK + b"A:  b\t\r\na: c\r\nB:\r\n\r\nrest\n": (200, {"a": "b, c", "b": ""}, "rest\n"),
    OK + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n":
        (200, {"transfer-encoding": "chunked"}, "abc"),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n": (404, {"content-length": "0"}, ""),
    b"HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nab": (200, {"a": "b", "content-length": "2"}, "ab"),
    OK + b"A: b\r\n c\r\n\t\r\n d\r\nContent-Length: 2\r\n\r\nab": (200, {"a": "b c d", "content-length": "2"}, "ab"),
    b"HTTP/1.0 503 \r\n\r\n\xff\xe2\x82\xac": (503, {}, REPLACED + "€"),
    b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n": (204, {"content-length": "5"}, ""),
}  # fmt: skip

REFUSED = {
    b"": "CLOSED",
    b"HTTP/2 200 OK\r\n\r\n": "HEAD",
    b"garbage\r\n\r\n": "HEAD",
    OK + b"A : b\r\n\r\n": "HEAD",
    OK + b" A: b\r\n\r\n": "OBS_FOLD",
    OK + b"Content-Length: 2\r\n 3\r\n\r\n": "OBS_FOLD",
    OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n": "BOTH_LENGTHS",
    OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n": "CONTENT_LENGTH",
    OK + b"Content-Length: -2\r\n\r\n": "CONTENT_LENGTH",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n": "CODING",
    OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n": "CHUNK",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n": "CHUNK",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2;\r\nab\r\n0\r\n\r\n": "CHUNK",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n": "CHUNK",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nT: u\n\n": "CHUNK",
    OK + b"Content-Length: 3\r\n\r\nab": "BODY_CUT",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n": "BODY_CUT",
    OK + b"A: " + b"b" * 70000: "HEAD_LIMIT",
    OK + b"A: b\r\n" * 300 + b"\r\n": "HEADERS_LIMIT",
}


@pytest.mark.parametrize("data", RESPONSES)
def test_http(debug, data):
    status, headers, body = RESPONSES[data]
    for cuts in ways_to_cut(data, 1):
        assert debug.value("http", data, cuts) == (0, {"status": status, "headers": headers, "body": body})


@pytest.mark.parametrize("data", REFUSED, ids=lambda data: repr(data[-30:]))
def test_http_refuses(debug, data):
    for cuts in ways_to_cut(data, 1):
        assert debug.value("http", data, cuts) == (1, None)
        assert debug.code("http", data, cuts) == "EXO_E_" + REFUSED[data]


# ---- the command line ----


@pytest.mark.parametrize("arguments, word", [
    ([], "sse, json, repair"), (["xml"], "'xml'"), (["sse", "json"], "json"), (["sse", "--cuts"], "--cuts"),
    (["sse", "--cuts", "a"], "'a'"), (["sse", "--cuts", "1,,2"], "--cuts"), (["sse", "--cuts", "1,"], "--cuts"),
    (["sse", "--cuts", "3,1"], "ascending"), (["sse", "--cuts=-1"], "--cuts"), (["sse", "--bogus"], "--bogus"),
    (["json", "--think-tags"], "--think-tags"), (["--cuts", "99999999999999999999", "sse"], "--cuts"),
])  # fmt: skip
def test_a_wrong_command_line(debug, arguments, word):
    ran = debug.run(*arguments)
    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"exochat: ") and ran.stderr.count(b"\n") == 1 and word in ran.stderr.decode()


def test_cuts_past_the_end_and_twice_the_same(debug):
    assert debug.value("sse", b"data: a\n\n", [0, 3, 3, 9, 9, 1000]) == (0, sse_events(b"data: a\n\n"))


@pytest.mark.parametrize("command", ["", "models", "check", "debug"])
def test_help_fits_a_terminal_and_the_manual_says_as_much(exochat, command):
    ran = exochat(*command.split(), "--help")
    assert ran.code == 0 and ran.stderr == b""
    assert max(map(len, ran.out.splitlines())) <= 80
    manual = (ROOT / "docs" / "man" / "exochat.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert [option for option in re.findall(r"^ +(?:-\w, )?(--[\w-]+)", ran.out, re.M) if option not in manual] == []


def test_a_reader_that_goes_away_is_no_news():
    with subprocess.Popen([BINARY, "debug", "sse"], stdin=-1, stdout=-1, stderr=-1) as process:
        process.stdout.close()
        process.stdin.write((b"data: " + b"a" * 60 + b"\n\n") * 5000)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_news():
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([BINARY, "debug", "repair"], input=b"{}", stdout=full, stderr=subprocess.PIPE)
    assert ran.returncode == 1
    assert ran.stderr.decode().startswith("exochat: standard output: ")
