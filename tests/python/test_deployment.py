"""Deployment: what it takes, what it refuses, what it never shows."""

import copy
import pickle

import pytest

from exoclaw_provider_openai import Deployment

URL = "https://api.example.com/v1"


def test_positional_order():
    made = Deployment(URL, "key", {"X-Title": "t"}, {"provider": {"order": ["a"]}})
    assert (made.base_url, made.api_key) == (URL, "key")
    assert made.extra_headers == {"X-Title": "t"}
    assert made.extra_body == {"provider": {"order": ["a"]}}


def test_defaults_are_not_shared():
    one, other = Deployment(URL, "k"), Deployment(URL, "k")
    assert one.extra_headers == {} and one.extra_headers is not other.extra_headers
    assert one.extra_body == {} and one.extra_body is not other.extra_body


def test_further_options_are_keywords():
    with pytest.raises(TypeError):
        Deployment(URL, "k", {}, {}, "glm-4.7")
    assert Deployment(URL, "k", model="glm-4.7").model == "glm-4.7"
    with pytest.raises(TypeError, match="verify"):
        Deployment(URL, "k", verify=False)


def test_it_is_frozen():
    made = Deployment(URL, "k")
    with pytest.raises(AttributeError):
        made.api_key = "other"
    with pytest.raises(AttributeError):
        del made.base_url


def test_it_is_a_value():
    assert Deployment(URL, "k") == Deployment(URL, "k")
    assert Deployment(URL, "k") != Deployment(URL, "k", drop=["n"])
    for made in (pickle.loads(pickle.dumps(Deployment(URL, "k", {"a": "b"}))), copy.copy(Deployment(URL, "k", {"a": "b"}))):
        assert made == Deployment(URL, "k", {"a": "b"})
    assert len({Deployment(URL, "k"), Deployment(URL, "k")}) == 1


def test_fault_21_the_repr_hides_the_key():
    shown = repr(Deployment(URL, "sk-secret", {"X-Api-Key": "sk-other"}, proxy="http://user:word@proxy"))
    assert "secret" not in shown and "other" not in shown and "word" not in shown
    assert URL in shown and "X-Api-Key" in shown


@pytest.mark.parametrize("url", ["", "api.example.com/v1", "ftp://host/v1", "https://", "http:///v1", "https://u:p@host/v1"])
def test_an_unusable_url_is_refused(url):
    with pytest.raises(ValueError, match="base_url"):
        Deployment(url, "k")


@pytest.mark.parametrize("text", ["a\r\nX-Injected: 1", "a\nb", "a\0b", "a\x7fb"])
def test_fault_18_control_characters_are_refused(text):
    for arguments in ((URL, text), (URL, "k", {"X-A": text}), (URL, "k", {text: "v"}), (URL + text, "k")):
        with pytest.raises(ValueError):
            Deployment(*arguments)


def test_a_key_may_be_a_function_and_no_coroutine_function():
    async def later():
        return "k"

    assert Deployment(URL, lambda: "now").key() == "now"
    with pytest.raises(TypeError, match="coroutine"):
        Deployment(URL, later)
    with pytest.raises(TypeError):
        Deployment(URL, 7)
    with pytest.raises(TypeError):
        Deployment(URL, lambda: 7).key()


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION", "content-type", "Content-type"])
def test_extra_headers_never_override(name):
    pairs = Deployment(URL, "k", {name: "other", "X-Title": "t"}).headers("k")
    assert pairs == [("Authorization", "Bearer k"), ("Content-Type", "application/json"), ("X-Title", "t")]


def test_other_ways_to_authenticate():
    assert Deployment(URL, "k", auth_header="api-key", auth_scheme="").headers("k")[0] == ("api-key", "k")
    assert Deployment(URL).headers("") == [("Content-Type", "application/json")]


@pytest.mark.parametrize(
    "base, url",
    [
        ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("https://h", "https://h/chat/completions"),
        ("https://h/v1?api-version=1", "https://h/v1/chat/completions?api-version=1"),
    ],
)
def test_where_requests_go(base, url):
    assert Deployment(base, "k").url() == url


@pytest.mark.parametrize("options", [{"request_timeout": -1}, {"connect_timeout": 1e9}, {"ttft_until": "never"}])
def test_values_out_of_range(options):
    with pytest.raises(ValueError):
        Deployment(URL, "k", **options)
