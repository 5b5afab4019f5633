"""What is wrong with the command line or the configuration is said in one line, with exit code 2; nothing is sent."""

import os

import pytest
from upstream.chunks import TEXT

CONTROLS = ["\r", "\n", "\r\nX-Injected: 1", "\0", "\x7f", "\x01"]
TEXTS = ["base_url", "api_key", "auth_header", "auth_scheme", "model", "proxy", "unix_socket"]
TEXTS += ["ca_file", "ca_dir", "client_cert", "client_key"]


def refused(ran, upstream, *words):
    assert ran.code == 2, ran
    for word in words:
        assert word in ran.complaint, (word, ran)
    assert ran.stdout == b"" and upstream.connections == 0


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("field", TEXTS)
def test_control_characters_in_a_text(exochat, upstream, write_config, field, control):
    good = {"base_url": upstream.base_url, "client_cert": "/c.pem"}
    value = good.get(field, "value") + control
    keys = {"client_cert": "/c.pem"} if field == "client_key" else {}
    ran = exochat("--config", write_config({"ok": {**keys, field: value}}), "-m", "ok", "hello")
    if field == "api_key" and control in ("\r", "\n"):  # a line end behind a key was not meant
        assert ran.out == TEXT and upstream.requests[0].header("authorization") == "Bearer value"
    else:
        refused(ran, upstream, field, "config.yaml:")


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("where", ["name", "value"])
def test_control_characters_in_a_header(exochat, upstream, write_config, where, control):
    header = {"X-Title" + control: "v"} if where == "name" else {"X-Title": "v" + control}
    ran = exochat("--config", write_config({"ok": {"headers": header}}), "-m", "ok", "hello")
    refused(ran, upstream, "headers", "config.yaml:")


@pytest.mark.parametrize("control", ["\r", "\n", "\r\nX-Injected: 1", "\x01", "\x7f"])
def test_control_characters_of_the_command_line(exochat, upstream, control):
    base = ("--base-url", upstream.base_url, "-m", "ok")
    refused(exochat("--base-url", upstream.base_url + control, "-m", "ok", "hello"), upstream, "--base-url")
    refused(exochat(*base, "--proxy", "http://127.0.0.1:1" + control, "hello"), upstream, "--proxy")
    refused(exochat(*base, "--api-key-env", "KEY", "hello", env={"KEY": f"sk{control}-1"}), upstream, "KEY: ")


@pytest.mark.parametrize("control", ["\r\nX-Injected: 1", "\x01"])
def test_control_characters_in_a_model_name(exochat, upstream, control):
    """It is a JSON string like any other: refused, or escaped, and never a line of a header."""
    ran = exochat("--base-url", upstream.base_url, "-m", "ok" + control, "hello")
    if ran.code == 2:
        refused(ran, upstream, "model")
    else:
        request = upstream.requests[0]  # which models there are is asked behind it
        assert request.json["model"] == "ok" + control and request.header("x-injected") is None


HEADERS = ["Content-Length", "transfer-encoding", "Host", "connection", "Expect", "TE", "Upgrade", "", "a b", "a:"]


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_cannot_be_set(exochat, upstream, write_config, name):
    ran = exochat("--config", write_config({"ok": {"headers": {name: "1"}}}), "-m", "ok", "hello")
    refused(ran, upstream, "headers", "config.yaml:")


URLS = ["", "127.0.0.1/v1", "/v1", "ftp://127.0.0.1/v1", "file:///etc/passwd", "http://", "http:///v1"]
URLS += ["http://u:p@h/v1", "http://u@h/v1", "http://h/v1#f", "http://h:99999/v1", "http://h:x/v1", "http://a b/v1"]
URLS += ["https//h"]


@pytest.mark.parametrize("url", URLS)
def test_urls_that_are_none(exochat, upstream, write_config, url):
    refused(exochat("--config", write_config({"ok": {"base_url": url}}), "-m", "ok", "hello"), upstream, "base_url")
    refused(exochat("--base-url", url, "-m", "ok", "hello"), upstream, "--base-url: ")


KEYS = [  # (key, value, words)
    ("modle", "x", ["modle", "model"]),
    ("retries", -1, ["retries"]),
    ("retries", "many", ["retries"]),
    ("retries", 1.5, ["retries"]),
    ("connect_timeout", "soon", ["connect_timeout"]),
    ("stream_ttft_timeout", -1, ["stream_ttft_timeout"]),
    ("request_timeout", [1], ["request_timeout"]),
    ("request_timeout", "100000000s", ["request_timeout"]),
    ("ttft_until", "later", ["ttft_until"]),
    ("lenient_end", "perhaps", ["lenient_end"]),
    ("chunked", 2, ["chunked"]),
    ("drop", {"a": 1}, ["drop"]),
    ("drop", [["a"]], ["drop"]),
    ("rename", ["a"], ["rename"]),
    ("rename", {"a": ""}, ["rename"]),
    ("headers", ["a"], ["headers"]),
    ("headers", {"a": {"b": 1}}, ["headers"]),
    ("body", [1], ["body"]),
    ("fallbacks", "second", ["fallbacks"]),
    ("base_url", None, ["base_url"]),
    ("base_url", ["http://h"], ["base_url"]),
    ("api_key_file", "nowhere", ["api_key_file", "nowhere"]),
    ("api_key", "${NOT_SET_ANYWHERE}", ["api_key", "NOT_SET_ANYWHERE"]),
    ("api_key", "${", ["api_key"]),
    ("auth_header", "a b", ["auth_header"]),
    ("auth_header", "Content-Length", ["auth_header", "Authorization or api-key"]),
    ("auth_header", "content-type", ["auth_header", "Authorization or api-key"]),
    ("resolve", ["h:1:127.0.0.1", "h:1"], ["resolve", "host:port:address"]),
    ("resolve", ["h:443:somewhere"], ["resolve", "host:port:address"]),
    ("resolve", ["h:1:127.0.0.1\n"], ["resolve", "control characters"]),
]


@pytest.mark.parametrize("key, value, words", KEYS)
def test_a_key_of_a_model(exochat, upstream, write_config, key, value, words):
    ran = exochat("--config", write_config({"ok": {key: value}}), "-m", "ok", "hello")
    refused(ran, upstream, "config.yaml:", *words)


FILES = [  # (text, words)
    ("", ["config.yaml"]),
    ("models:\n", ["config.yaml"]),
    ("models: []\n", ["config.yaml", "models"]),
    ("models: {}\n", ["config.yaml", "models"]),
    ("- a\n", ["config.yaml:1"]),
    ("models: {m: {base_url: http://h/v1}\n", ["config.yaml:"]),
    ("\tmodels:\n", ["config.yaml:1"]),
    ("modles:\n  m:\n    base_url: http://h/v1\n", ["config.yaml:1", "modles", "models"]),
    ("models:\n  m:\n    base_url: http://h/v1\n    retires: 1\n", ["config.yaml:4", "retires", "retries"]),
    ("models:\n  m:\n    base_url: http://h/v1\n  m:\n    base_url: http://h/v1\n", ["config.yaml:4", "m"]),
    ("models:\n  m:\n    base_url: http://h/v1\n    base_url: http://h/v1\n", ["config.yaml:4", "base_url"]),
    ("models:\n  m:\n    base_url: http://h/v1\n    api_key: a\n    api_key_env: b\n", ["config.yaml:", "api_key"]),
    ("default_model: n\nmodels:\n  m:\n    base_url: http://h/v1\n", ["config.yaml:1", "default_model"]),
    ("total_timeout: x\nmodels:\n  m:\n    base_url: http://h/v1\n", ["config.yaml:1", "total_timeout"]),
    ("models:\n  m: &a\n    base_url: http://h/v1\n    body: *a\n", ["config.yaml"]),
    ("models: !!python/object:os.system x\n", ["config.yaml"]),
    ("a: &a [x, x]\nb: &b [*a, *a]\nmodels: {}\n", ["config.yaml"]),
    ("models:\n  m:\n    base_url: 'http://h/v1\n", ["config.yaml:"]),
    ("models:\n  m:\n    base_url: http://h/\xff\n", ["config.yaml"]),
    ("---\nmodels: {m: {base_url: http://h/v1}}\n---\nmodels: {}\n", ["config.yaml"]),
    ("[" * 5000, ["config.yaml"]),
]


@pytest.mark.parametrize("text, words", FILES, ids=range(len(FILES)))
def test_a_file_that_is_wrong(exochat, upstream, tmp_path, text, words):
    (tmp_path / "config.yaml").write_bytes(text.encode("latin-1"))
    refused(exochat("--config", tmp_path / "config.yaml", "-m", "m", "hello"), upstream, *words)


def test_a_file_that_is_too_large(exochat, upstream, tmp_path):
    (tmp_path / "config.yaml").write_text("# " + "x" * (2 << 20))
    refused(exochat("--config", tmp_path / "config.yaml", "-m", "m", "hello"), upstream, "config.yaml")


def test_a_configuration_that_is_missing(exochat, upstream, tmp_path):
    refused(exochat("--config", tmp_path / "nowhere.yaml", "hello"), upstream, "nowhere.yaml")
    refused(exochat("hello", env={"EXOCHAT_CONFIG": "/nowhere.yaml"}), upstream, "/nowhere.yaml")
    refused(exochat("hello"), upstream, "--config")
    refused(exochat("--config", tmp_path, "hello"), upstream, str(tmp_path))


def test_where_a_configuration_is_looked_for(exochat, upstream, write_config, tmp_path):
    path = write_config({"ok": {}}, default_model="ok")
    assert exochat("hello", env={"EXOCHAT_CONFIG": str(path)}).out == TEXT
    for place, env in (("x", {"XDG_CONFIG_HOME": str(tmp_path / "x")}), (exochat.home / ".config", {})):
        folder = tmp_path / place / "exochat"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_bytes(path.read_bytes())
        assert exochat("hello", env=env).out == TEXT
        os.unlink(folder / "config.yaml")


def test_an_unknown_model(exochat, upstream, write_config):
    config = write_config({"ok": {}})
    refused(exochat("--config", config, "-m", "nobody", "hello"), upstream, "nobody", "--model")
    refused(exochat("--config", config, "hello"), upstream, "default_model")
    refused(exochat("--config", config, "-m", "ok", "--fallback", "nobody", "hello"), upstream, "nobody", "--fallback")
    refused(exochat("--base-url", upstream.base_url, "hello"), upstream, "--model")


def test_a_key_that_is_not_there(exochat, upstream):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--api-key-env", "NOT_SET", "hello")
    refused(ran, upstream, "--api-key-env", "NOT_SET")


LINES = [  # (options, words)
    (["--nonsense"], ["--nonsense"]),
    (["-z"], ["-z"]),
    (["--model"], ["--model"]),
    (["--retries", "x"], ["--retries"]),
    (["--retries", "-1"], ["--retries"]),
    (["--ttft-until", "never"], ["--ttft-until"]),
    (["--json=1"], ["--json"]),
    (["--json", "--events"], ["--events"]),
    (["--dry-run", "--json"], ["--dry-run"]),
    (["--no-stream", "--events"], ["--no-stream"]),
    (["--config", "c", "--base-url", "http://h"], ["--config"]),
    (["--api-key-env", "X"], ["--api-key-env"]),
    (["--messages", ""], ["--messages"]),
    (["--fallback", ""], ["--fallback"]),
]


@pytest.mark.parametrize("options, words", LINES)
def test_a_command_line_that_is_wrong(exochat, upstream, options, words):
    refused(exochat(*options), upstream, *words)


def test_help_and_version(exochat):
    ran = exochat("--help")
    assert (ran.code, ran.stderr) == (0, b"") and "--fallback" in ran.out and max(map(len, ran.out.splitlines())) <= 80
    ran = exochat("--version")
    assert (ran.code, ran.stderr) == (0, b"") and ran.out.startswith("exochat 0.")


def test_a_fallback_that_is_wrong_is_found_before_anything_is_sent(exochat, upstream, write_config):
    """The error of a deployment that may never be used is an error all the same."""
    config = write_config({"ok": {"fallbacks": ["second"]}, "second": {"base_url": "nonsense"}})
    refused(exochat("--config", config, "-m", "ok", "hello"), upstream, "base_url", "config.yaml:")


def test_a_proxy_that_is_none(exochat, upstream):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--proxy", "gopher://127.0.0.1", "--json", "hello")
    assert ran.code in (1, 2) and "proxy" in ran.complaint.lower() and upstream.connections == 0


# --- keys that are not there

ABSENT = [{}, {"KEY": ""}, {"KEY": "\n"}]


@pytest.mark.parametrize("env", ABSENT, ids=["not set", "empty", "a line end"])
@pytest.mark.parametrize("command", [("hello",), ("--json", "hello"), ("models", "--remote"), ("check", "--probe")])
def test_a_model_without_its_key_is_not_asked(exochat, upstream, write_config, command, env):
    config = write_config({"first": {"api_key_env": "KEY", "model": "ok", "fallbacks": ["second"]}, "second": {}})
    ran = exochat(*command, "--config", config, "-m", "first", env=env)
    assert ran.code == 2 and upstream.connections == 0
    why = "KEY is empty in the environment" if env else "the environment has no KEY"
    assert ran.complaint == f"{config}: models.first.api_key_env: {why}"
    ran = exochat(*command, "--config", config, "-m", "first", env={"KEY": "sk-1"})
    assert ran.code == 0 and upstream.requests[0].header("authorization") == "Bearer sk-1"


def test_what_needs_no_key(exochat, upstream, write_config):
    """What is sent nowhere can be looked at."""
    config = write_config({"first": {"api_key_env": "KEY", "fallbacks": ["second"]}, "second": {"api_key_env": "KEY"}})
    for command in (("--dry-run", "-m", "first", "hello"), ("models",), ("check",)):
        ran = exochat(*command, "--config", config)
        assert (ran.code, ran.stderr, upstream.connections) == (0, b"", 0)


def test_a_probe_goes_on_with_the_models_that_have_their_key(exochat, upstream, write_config):
    config = write_config({"first": {"api_key_env": "KEY"}, "ok": {}})
    ran = exochat("check", "--probe", "--config", config)
    assert ran.code == 2 and "models.first.api_key_env" in ran.complaint and "ok: answered" in ran.out
    assert [request.json["model"] for request in upstream.requests if request.body] == ["ok"]


@pytest.mark.parametrize("kind", ["fallbacks", "--fallback", "context_fallbacks"])
def test_a_fallback_without_its_key_is_left_out(exochat, upstream, write_config, kind):
    failing = "context-400" if kind == "context_fallbacks" else "status-503"
    lists = {} if kind == "--fallback" else {kind: ["second", "third"]}
    options = ["--fallback", "second", "--fallback", "third"] if kind == "--fallback" else []
    models = {"first": {"model": failing, **lists}, "second": {"api_key_env": "KEY", "model": "ok"}}
    models["third"] = {"model": "ok"}
    arguments = ["--config", write_config(models), "-m", "first", *options, "--json", "hello"]
    ran = exochat(*arguments)
    assert ran.code == 0 and [name for name, _ in ran.trail] == ["first", "third"] and len(upstream.requests) == 2
    assert ran.complaint == f"{kind}: second is left out, since the environment has no KEY (its api_key_env)"
    assert exochat("--quiet", *arguments).stderr == b""
    ran = exochat(*arguments, env={"KEY": "sk-1"})
    assert [name for name, _ in ran.trail] == ["first", "second"] and ran.stderr == b""
