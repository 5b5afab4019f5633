"""What goes out on the wire: the request line, the header set, the body, and that --dry-run tells the truth."""

import json

import pytest
from command import body_of
from upstream.chunks import TEXT


def test_the_header_set_is_exactly_this(exochat, upstream):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--api-key-env", "KEY", "hello", env={"KEY": "sk-1"})
    assert ran.out == TEXT
    (request,) = upstream.requests
    assert (request.method, request.target, request.version) == ("POST", "/v1/chat/completions", "HTTP/1.1")
    headers = dict(request.headers)
    assert headers.pop("User-Agent").startswith("exochat/")
    assert headers == {
        "Host": f"127.0.0.1:{upstream.port}",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Authorization": "Bearer sk-1",
        "Content-Length": str(len(request.body)),
    }
    assert len(request.headers) == 7  # none twice; no Expect, no Transfer-Encoding


def test_without_a_key_no_authorization_is_sent(ask, upstream):
    ask("ok")
    assert upstream.requests[0].header("authorization") is None


PROMPTS = ["hello", "gr\u00fc\u00df \U0001f30a \u2028", 'a "quote" \\ / \t\r\n\x01\x7f', "x" * 100000]


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_the_body_is_exactly_this(ask, upstream, prompt):
    assert ask("ok", prompt=prompt).out == TEXT
    assert upstream.requests[0].body == body_of("ok", prompt)
    assert upstream.requests[0].content_length == len(body_of("ok", prompt))


def test_a_chunked_body_is_the_same(exochat, upstream, write_config, tmp_path):
    (tmp_path / "long.txt").write_text("0123456789" * 30000)
    config = write_config({"sized": {"model": "digest"}, "chunked": {"model": "digest", "chunked": True}})
    options = ("--config", config, "-a", tmp_path / "long.txt")
    sized, chunked = (json.loads(exochat(*options, "-m", name, "hello").out) for name in ("sized", "chunked"))
    assert sized["sha256"] == chunked["sha256"] and (sized["chunks"], chunked["chunks"] > 1) == (0, True)
    request = upstream.requests[1]
    assert request.chunked and request.content_length is None and request.header("expect") is None


@pytest.mark.parametrize(
    "suffix, target",
    [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1//", "/v1/chat/completions"),
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1?api-version=2024-10-21", "/v1/chat/completions?api-version=2024-10-21"),
        ("/v1/?a=b&c=d", "/v1/chat/completions?a=b&c=d"),
        ("/openai/deployments/gpt%204o", "/openai/deployments/gpt%204o/chat/completions"),
    ],
)
def test_the_path_goes_before_the_query(exochat, upstream, suffix, target):
    ran = exochat("--base-url", upstream.origin + suffix, "-m", "ok", "hello")
    assert ran.out == TEXT and upstream.requests[0].target == target


def test_azure_wants_its_own_header_and_a_version(exochat, upstream, write_config):
    azure = {"model": "ok", "auth_header": "api-key", "auth_scheme": "", "api_key": "az-1"}
    config = write_config({"azure": {**azure, "base_url": upstream.base_url + "?api-version=2024-10-21"}})
    assert exochat("--config", config, "-m", "azure", "hello").out == TEXT
    (request,) = upstream.requests
    assert request.header("api-key") == "az-1" and request.header("authorization") is None
    assert request.query == "api-version=2024-10-21"


def test_extra_headers_are_added_and_never_take_a_place(exochat, upstream, write_config):
    headers = {"HTTP-Referer": "https://example.org", "X-Title": "t\u00e9st", "authorization": "Bearer other"}
    headers |= {"content-type": "text/plain", "X-Empty": ""}
    config = write_config({"m": {"model": "ok", "api_key": "sk-1", "headers": headers}})
    ran = exochat("--config", config, "-m", "m", "hello")
    if ran.code == 2:  # refused by name is as good as ignored
        assert "authorization" in ran.complaint.lower() or "content-type" in ran.complaint.lower()
        headers = {"HTTP-Referer": "https://example.org", "X-Title": "t\u00e9st"}
        config = write_config({"m": {"model": "ok", "api_key": "sk-1", "headers": headers}})
        ran = exochat("--config", config, "-m", "m", "hello")
    assert ran.out == TEXT
    (request,) = upstream.requests
    assert request.header("authorization") == "Bearer sk-1"
    assert request.header("content-type") == "application/json"
    assert request.header("http-referer") == "https://example.org"
    assert request.header("x-title").encode("latin-1").decode() == "t\u00e9st"


def test_drop_rename_and_body(exochat, upstream, write_config):
    keys = {
        "model": "ok",
        "drop": ["stream_options", "temperature"],
        "rename": {"max_tokens": "max_completion_tokens"},
        "body": {"top_p": 0.5, "seed": 1, "provider": {"order": ["a", "b"], "deep": [1.50, True, None]}},
    }
    options = ("-o", "temperature=0.3", "-o", "max_tokens=7", "-o", "seed=2")
    assert exochat("--config", write_config({"m": keys}), "-m", "m", *options, "hello").out == TEXT
    assert upstream.requests[0].json == {
        "model": "ok",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "max_completion_tokens": 7,
        "seed": 2,
        "top_p": 0.5,
        "provider": {"order": ["a", "b"], "deep": [1.5, True, None]},
    }


def test_a_rename_that_collides_is_the_callers_error(exochat, upstream, write_config):
    config = write_config({"m": {"model": "ok", "rename": {"max_tokens": "max_completion_tokens"}}})
    ran = exochat("--config", config, "-m", "m", "-o", "max_tokens=7", "-o", "max_completion_tokens=8", "hello")
    assert ran.code == 2 and "max_" in ran.complaint and upstream.requests == []


OPTIONS = [
    ("temperature=0.5", "temperature", 0.5),
    ("n=1", "n", 1),
    ("stop=null", "stop", None),
    ("flag=true", "flag", True),
    ("user=me", "user", "me"),
    ("user=", "user", ""),
    ('user="true"', "user", "true"),
    ("user=tr\u00fce", "user", "tr\u00fce"),
    ('stop=["a","b"]', "stop", ["a", "b"]),
    ("big=123456789012345678901234567890", "big", 123456789012345678901234567890),
    ('object={"a":{"b":[1]}}', "object", {"a": {"b": [1]}}),
    ('object={"a":1,}', "object", '{"a":1,}'),
    ("a=b=c", "a", "b=c"),
    ("text=NaN", "text", "NaN"),
]


@pytest.mark.parametrize("option, key, value", OPTIONS)
def test_an_option_is_json_or_else_a_string(ask, upstream, option, key, value):
    assert ask("ok", "-o", option).out == TEXT
    assert upstream.requests[0].json[key] == value


def test_the_last_value_of_a_key_counts(ask, upstream):
    ask("ok", "-o", "top_k=1", "-o", "top_k=2")
    assert upstream.requests[0].body.count(b"top_k") == 1 and upstream.requests[0].json["top_k"] == 2


@pytest.mark.parametrize("option", ["stream=false", "model=x", "messages=[]", "novalue", "=x", 'stream={"a":1}'])
def test_options_that_are_refused(ask, upstream, option):
    ran = ask("ok", "-o", option)
    assert ran.code == 2 and "--option" in ran.complaint and upstream.requests == []


def test_system_prompt_standard_input_and_arguments(exochat, upstream):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "-s", "Be brief.", "two", "words", input="from a pipe\n")
    assert ran.out == TEXT
    assert upstream.requests[0].json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "two words\n\nfrom a pipe\n"},
    ]


def test_no_prompt_at_all(ask, upstream):
    ran = ask("ok", prompt=None)
    assert ran.code == 2 and "prompt" in ran.complaint and upstream.requests == []


HISTORY = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:,"}}]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]},
    {"role": "tool", "tool_call_id": "call_0", "content": "4 \u00b0C"},
]


def test_messages_are_an_array(ask, upstream, write_messages):
    ran = ask("ok", "--messages", write_messages(HISTORY), prompt="and now?")
    assert ran.out == TEXT
    assert upstream.requests[0].json["messages"] == [*HISTORY, {"role": "user", "content": "and now?"}]


def test_messages_are_a_request(ask, upstream, write_messages):
    whole = {"model": "other", "messages": HISTORY, "temperature": 0, "stream": False, "stream_options": None}
    ran = ask("ok", "--messages", write_messages(whole), prompt=None)
    assert ran.out == TEXT
    sent = upstream.requests[0].json
    assert (sent["model"], sent["stream"], sent["messages"], sent["temperature"]) == ("ok", True, HISTORY, 0)


def test_messages_come_on_standard_input(ask, upstream):
    ran = ask("ok", "--messages", "-", prompt=None, input=json.dumps(HISTORY))
    assert ran.out == TEXT and upstream.requests[0].json["messages"] == HISTORY


def test_a_system_prompt_comes_before_messages(ask, upstream, write_messages):
    ask("ok", "-s", 'first "of" all', "--messages", write_messages({"messages": HISTORY[1:]}), prompt=None)
    assert upstream.requests[0].json["messages"] == [{"role": "system", "content": 'first "of" all'}, *HISTORY[1:]]


def test_transport_metadata_never_reaches_the_wire(ask, upstream, write_messages):
    kept = {"role": "user", "content": "x", "name": "n", "nested": {"_kept": 1}}
    ask("ok", "--messages", write_messages([{"_id": 7, **kept, "_cache": {"a": []}}]), prompt=None)
    assert upstream.requests[0].json["messages"] == [kept]


def test_lone_surrogates_are_repaired(ask, upstream, write_messages):
    ask("ok", "--messages", write_messages('[{"role":"user","content":"a\\ud800b \\ud83c\\udf0a"}]'), prompt=None)
    assert upstream.requests[0].json["messages"][0]["content"] == "a\ufffdb \U0001f30a"


BAD_MESSAGES = [
    ("", 0),
    ("   ", 3),
    ('[{"role":"user" "content":"x"}]', 16),
    ('[{"role":"user","content":"x"}', 30),
    ('[{"role":"user","content":"x"}]]', 31),
    ('[{"role":"user","content":"\x01"}]', 27),
    ('[{"role":"user","content":nul}]', 29),
    ('[{"role":"user","content":01}]', 27),
    ("[1]", 1),
    ('"text"', 0),
    ("7", 0),
    ('{"messages":{}}', 12),
    ("[" * 200, 64),
]


@pytest.mark.parametrize("text, offset", BAD_MESSAGES)
def test_messages_that_are_wrong_are_refused_with_the_place(ask, upstream, write_messages, text, offset):
    ran = ask("ok", "--messages", write_messages(text))
    assert ran.code == 2 and "--messages" in ran.complaint and upstream.requests == []
    assert f"at byte {offset})" in ran.complaint


@pytest.mark.parametrize("text", ["[1]", "[[]]", '"text"', "7", "null", '{"messages":{}}', '{"messages":[],"model":3}'])
def test_json_that_is_no_request_is_told_what_was_expected(ask, write_messages, text):
    ran = ask("ok", "--messages", write_messages(text))
    assert ran.code == 2 and "expected a list of messages, each an object, or a whole request" in ran.complaint


@pytest.mark.parametrize("text", ['{"messages":[],"messages":[]}', '{"model":"a","model":"b","messages":[]}'])
def test_a_key_is_never_sent_twice(ask, upstream, write_messages, text):
    ran = ask("ok", "--messages", write_messages(text))
    assert ran.code == 2 and "twice" in ran.complaint and upstream.requests == []


def test_tools_and_schema(ask, upstream, tmp_path):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    (tmp_path / "my schema.json").write_text(json.dumps(schema))
    ran = ask("tool-call", "--json", "--tools", tmp_path / "tools.json", "--schema", tmp_path / "my schema.json")
    assert ran.json["tool_calls"] == [{"id": "call_0", "name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}]
    sent = upstream.requests[0].json
    assert sent["tools"] == tools
    form = sent["response_format"]
    assert form["type"] == "json_schema" and form["json_schema"]["schema"] == schema
    assert form["json_schema"]["name"] == "my_schema"


@pytest.mark.parametrize("option", ["--tools", "--schema", "--messages"])
@pytest.mark.parametrize("text", ["", "{", "7", '"x"'])
def test_files_of_json_that_are_none(ask, upstream, tmp_path, option, text):
    (tmp_path / "file.json").write_text(text)
    ran = ask("ok", option, tmp_path / "file.json")
    assert ran.code == 2 and option in ran.complaint and upstream.requests == []


@pytest.mark.parametrize("option, text, place", [
    ("--tools", '[{"a":1,"a":2}]', ""), ("--schema", '{"a":{"b":1,"b":2}}', ""), ("-o", 'x={"y":[{"z":1,"z":2}]}', ""),
    ("--messages", '[{"role":"u","role":"v"}]', " (at byte 13)"),
    ("--messages", '{"messages":[],"x":{"y":1,"\\u0079":2}}', " (at byte 26)"),
])  # fmt: skip
def test_keys_that_stand_twice(ask, upstream, tmp_path, option, text, place):
    (tmp_path / "file.json").write_text(text)
    ran = ask("ok", option, text if option == "-o" else tmp_path / "file.json")
    assert ran.code == 2 and ran.complaint.endswith(": a key would be sent twice" + place), ran
    assert upstream.requests == []


@pytest.mark.parametrize("option", ["--tools", "--schema", "--messages", "--attach", "--ca"])
def test_files_that_are_missing(ask, upstream, tmp_path, option):
    ran = ask("ok", option, tmp_path / "nowhere.json")
    assert ran.code == 2 and option in ran.complaint and "nowhere.json" in ran.complaint and upstream.requests == []


def test_a_dry_run_prints_what_would_be_sent(exochat, upstream, write_config, write_messages, tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(range(256)) * 7)
    (tmp_path / "b.txt").write_bytes(b"text \xff \xc3\xbc \x00\n")
    keys = {"model": "ok", "body": {"top_p": 0.25}, "drop": ["stop"], "rename": {"max_tokens": "limit"}}
    config = write_config({"m": keys, "n": {**keys, "chunked": True}})
    for model in ("m", "n"):
        args = ["-q", "--config", config, "-m", model, "--messages", write_messages(HISTORY), "-a", tmp_path / "a.png"]
        args += ["-a", tmp_path / "b.txt", "-o", "max_tokens=5", "-o", "stop=x", "gr\u00fc\u00df"]
        dry = exochat(*args, "--dry-run")
        assert (dry.code, dry.stderr, upstream.requests) == (0, b"", [])
        assert exochat(*args).out == TEXT
        assert upstream.requests[0].body + b"\n" == dry.stdout
        assert exochat(*args, "--dry-run", "--no-newline").stdout + b"\n" == dry.stdout
        upstream.clear()


def test_a_dry_run_finds_what_cannot_be_sent(ask, upstream, tmp_path):
    assert ask("ok", "--dry-run", "-a", tmp_path).code == 2
    assert upstream.requests == []


def test_connections_are_closed_at_the_end(ask, upstream):
    ask("ok")
    assert upstream.wait_for(lambda: upstream.open_connections == 0)
