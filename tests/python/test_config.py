"""from_config(): the command's configuration file as a provider, and _exochat.config() below it."""

import pytest

import _exochat
from exoclaw_provider_openai import Deployment, HTTPStatusError, OpenAIStreamingProvider

if not hasattr(_exochat, "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

HELLO = [{"role": "user", "content": "hi"}]

EVERYTHING = """
default_model: b
total_timeout: 90
restart: true
defaults:
  base_url: http://127.0.0.1:9/v1
  request_timeout: 7s
models:
  a:
    api_key_env: EXOCHAT_TEST_KEY
    auth_header: api-key
    auth_scheme: ""
    model: a-1
    headers: {X-Title: Übung, X-Two: "2"}
    body: {top_k: 4, deep: {list: [1, 2.5, null, true, "ä"]}}
    drop: [temperature]
    rename: {max_tokens: max_completion_tokens}
    resolve: ["example.com:80:127.0.0.1"]
    connect_timeout: 500ms
    stream_ttft_timeout: 3
    ttft_until: token
    lenient_end: true
    strict_stream: true
    think_tags: true
    chunked: true
    http2: true
    proxy: http://127.0.0.1:3128
    retries: 2
    cooldown: 1m
    patience: 1500ms
    fallbacks: [b, c]
    context_fallbacks: [c]
  b: {}
  c: {ca_file: ca.pem, ca_dir: certs, client_cert: c.pem, client_key: k.pem, unix_socket: s}
"""


def reads_files():
    try:
        _exochat.config("")
    except RuntimeError:
        return False
    except ValueError:
        return True


needs_libyaml = pytest.mark.skipif(not reads_files(), reason="_exochat was built without libyaml")


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@needs_libyaml
def test_all_that_a_file_can_say(written, tmp_path, monkeypatch):
    monkeypatch.setenv("EXOCHAT_TEST_KEY", "k-1")
    said = _exochat.config(written(EVERYTHING))
    assert (said["default_model"], said["total_timeout"], said["restart"]) == ("b", 90000, True)
    usual = {"base_url": "http://127.0.0.1:9/v1", "request_timeout": 7000}
    assert list(said["models"]) == ["a", "b", "c"]
    assert said["models"]["a"] == {
        "deployment": {
            **usual,
            "api_key": "k-1",
            "auth_header": "api-key",
            "auth_scheme": "",
            "model": "a-1",
            "headers": {"X-Title": "Übung", "X-Two": "2"},
            "extra_body": {"top_k": 4, "deep": {"list": [1, 2.5, None, True, "ä"]}},
            "drop": ["temperature"],
            "rename": {"max_tokens": "max_completion_tokens"},
            "resolve": ["example.com:80:127.0.0.1"],
            "connect_timeout": 500,
            "stream_ttft_timeout": 3000,
            "ttft_until": "token",
            "lenient_end": True,
            "strict_stream": True,
            "think_tags": True,
            "chunked": True,
            "http2": True,
            "proxy": "http://127.0.0.1:3128",
        },
        "fallbacks": ["b", "c"],
        "context_fallbacks": ["c"],
        "policy": {"retries": 2, "cooldown": 60000, "patience": 1500},
    }
    assert said["models"]["b"] == {"deployment": usual, "fallbacks": [], "context_fallbacks": [], "policy": {}}
    files = {"ca_file": "ca.pem", "ca_dir": "certs", "client_cert": "c.pem", "client_key": "k.pem", "unix_socket": "s"}
    paths = {name: str(tmp_path / file) for name, file in files.items()}
    assert said["models"]["c"]["deployment"] == {**usual, **paths}


@needs_libyaml
def test_what_it_says_is_what_a_client_takes(written, monkeypatch):
    monkeypatch.setenv("EXOCHAT_TEST_KEY", "k-1")
    client = _exochat.Client()
    models = _exochat.config(written(EVERYTHING))["models"]
    del models["c"]  # its files are not there
    for name, model in models.items():
        client.deploy(name, model["deployment"])
    client.route("a", ["b"], ["b"], models["a"]["policy"])
    client.close()


@needs_libyaml
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {a: {base_url: nowhere}}", ":1: models.a.base_url"),
        ("models:\n  a: {base_url: 'http://h/v1', retires: 2}", ":2: models.a.retires: unknown key; did you mean retries?"),
        ("", ":1: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(written, text, words):
    path = written(text)
    with pytest.raises(ValueError) as caught:
        OpenAIStreamingProvider.from_config(path)
    assert str(caught.value).startswith(str(path)) and words in str(caught.value)


@needs_libyaml
def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="missing.yaml"):
        OpenAIStreamingProvider.from_config(tmp_path / "missing.yaml")
    with pytest.raises(TypeError):
        _exochat.config(7)


@needs_libyaml
def test_a_provider_of_it(written, tmp_path, monkeypatch):
    monkeypatch.setenv("EXOCHAT_TEST_KEY", "k-1")
    provider = OpenAIStreamingProvider.from_config(str(written(EVERYTHING)), client=object())
    assert provider.get_default_model() == "b"
    made = provider._deployments["a"]
    assert made == Deployment(
        "http://127.0.0.1:9/v1",
        "k-1",
        {"X-Title": "Übung", "X-Two": "2"},
        {"top_k": 4, "deep": {"list": [1, 2.5, None, True, "ä"]}},
        request_timeout=7.0,
        auth_header="api-key",
        auth_scheme="",
        model="a-1",
        drop=["temperature"],
        rename={"max_tokens": "max_completion_tokens"},
        resolve=["example.com:80:127.0.0.1"],
        connect_timeout=0.5,
        stream_ttft_timeout=3.0,
        ttft_until="token",
        lenient_end=True,
        strict_stream=True,
        think_tags=True,
        chunked=True,
        http2=True,
        proxy="http://127.0.0.1:3128",
    )
    assert provider._deployments["c"].ca == str(tmp_path / "ca.pem")
    settings = provider._settings
    assert settings.fallbacks["a"] == ["b", "c"] and settings.context_fallbacks["a"] == ["c"]
    assert settings.policy_of("a") == {"retries": 2, "cooldown": 60000, "patience": 1500}
    assert settings.policy_of("b") == {} and settings.restart is True
    assert settings.clocks["stream_ttft_timeout"] is None and provider._total_timeout == 90


@needs_libyaml
def test_what_the_program_says_goes_first(written):
    text = "models:\n  a: {base_url: 'http://h/v1', retries: 2}\n  b: {base_url: 'http://h/v1'}\n"
    with pytest.raises(ValueError, match="default_model"):
        OpenAIStreamingProvider.from_config(written(text))
    provider = OpenAIStreamingProvider.from_config(written(text), default_model="b", retries=1, total_timeout=5, fallbacks={"a": ["b"]})
    assert provider.get_default_model() == "b" and provider._fallbacks == {"a": ["b"]} and provider._total_timeout == 5
    assert provider._settings.policy_of("a") == provider._settings.policy_of("b") == {"retries": 1}
    only = OpenAIStreamingProvider.from_config(written("models: {a: {base_url: 'http://h/v1'}}"))
    assert only.get_default_model() == "a" and only._total_timeout is None


@needs_libyaml
async def test_calls_go_where_the_file_says(written, upstream):
    base = f"base_url: '{upstream.base_url}', "
    path = written(f"models:\n  ok: {{{base}retries: 1}}\n  status-503: {{{base}retries: 1, backoff_first: 1ms, fallbacks: [ok]}}\n")
    async with OpenAIStreamingProvider.from_config(path, default_model="status-503") as provider:
        response = await provider.chat(HELLO)
    assert response.served_model == "ok"
    assert [entry["deployment"] for entry in response.attempts] == ["status-503", "status-503", "ok"]


@needs_libyaml
def test_the_policy_is_the_models_own(written, upstream):
    base = f"base_url: '{upstream.base_url}'"
    path = written(f"models:\n  status-503: {{{base}, retries: 2, backoff_first: 1ms}}\n  ok: {{{base}}}\n")
    with OpenAIStreamingProvider.from_config(path, default_model="ok") as provider:
        assert provider.chat_sync(HELLO).served_model == "ok"
        with pytest.raises(HTTPStatusError) as caught:
            provider.chat_sync(HELLO, model="status-503")
    assert len(caught.value.attempts) == 3


def test_without_libyaml_it_says_what_to_install(monkeypatch, tmp_path):
    """Where it was found at build time, what the module says without it is stood in for."""

    def config(path):
        raise RuntimeError("_exochat was built without libyaml: libyaml-dev")

    if reads_files():
        monkeypatch.setattr(_exochat, "config", config)
    with pytest.raises(RuntimeError, match="libyaml-dev"):
        OpenAIStreamingProvider.from_config(tmp_path / "any.yaml")
