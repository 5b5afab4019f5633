"""Answers and breaks while a large body is still on its way, and redirects, which are never followed."""

import hashlib

import pytest
from upstream import Upstream, behaviours, chunks
from upstream.chunks import TEXT

LARGE = 24 << 20  # far more than any socket buffers
REFUSALS = [("401", "EXO_E_AUTH", "Incorrect API key provided"), ("413", "EXO_E_STATUS", "scripted failure 413")]


@pytest.mark.parametrize("ending", ["", "-unread", "-fin", "-after-64", "-after-256"])
@pytest.mark.parametrize("status, code, message", REFUSALS)
def test_an_early_refusal_is_reported_as_what_it_is(ask, upstream, sparse, status, code, message, ending):
    ran = ask(f"early-{status}{ending}", "--json", "-a", sparse(LARGE), fallbacks=["ok"])
    assert (ran.code, ran.error["code"], ran.error["http_status"]) == (1, code, int(status)), ran
    assert ran.error["message"] == message and len(upstream.requests) == 1
    assert ran.seconds < 100


@pytest.mark.parametrize("ending", ["-close", "-reset"])
@pytest.mark.parametrize("status, code, message", REFUSALS)
def test_an_early_refusal_that_a_reset_overtakes(ask, upstream, sparse, status, code, message, ending):
    """The reset may destroy the answer on its way: either of the two is reported, and nothing else."""
    ran = ask(f"early-{status}{ending}", "--json", "-a", sparse(LARGE))
    assert ran.code == 1 and ran.error["code"] in (code, "EXO_E_RESET_IN_UPLOAD"), ran
    assert not upstream.requests[0].complete


@pytest.mark.parametrize("chunked", [False, True])
def test_what_comes_during_an_upload_changes_nothing_of_it(exochat, upstream, write_config, tmp_path, chunked):
    """The body waits while the client reads, again and again, and arrives as it is."""

    @behaviours.early
    def talkative(conn):
        conn.limit_receive_buffer(behaviours.SMALL_BUFFER)
        for kilobytes in range(64, 4096, 64):
            conn.send(conn.head(102, []))
            conn.read_body(kilobytes << 10)
        conn.read_body()
        chunks.begin(conn)
        chunks.text(conn, TEXT)
        chunks.complete(conn)

    upstream.scripts["talkative"] = talkative
    data = hashlib.shake_128(b"seed").digest(6 << 20)
    (tmp_path / "a.png").write_bytes(data)
    config = write_config({"m": {"model": "talkative", "chunked": chunked}})
    args = ("--config", config, "-m", "m", "-a", tmp_path / "a.png")
    expected = exochat(*args, "--dry-run", "--no-newline", "hello").stdout
    ran = exochat(*args, "hello")
    assert (ran.code, ran.out) == (0, TEXT)
    assert upstream.requests[-1].sha256 == hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize("behaviour", ["reset-upload-after-64", "reset-upload-after-0", "reset-upload-after-200"])
def test_a_reset_in_the_upload(ask, upstream, sparse, behaviour):
    ran = ask(behaviour, "--json", "-a", sparse(LARGE))
    assert (ran.code, ran.error["code"], ran.error["verdict"]) == (1, "EXO_E_RESET_IN_UPLOAD", "retry")
    assert ran.error["http_status"] is None and not upstream.requests[0].complete


def test_a_fin_in_the_upload(ask, upstream, sparse):
    """The server will not answer any more, but goes on reading."""

    @behaviours.early
    def fin(conn):
        conn.read_body(1 << 16)
        conn.half_close()
        conn.read_body()
        conn.close()

    upstream.scripts["fin-in-upload"] = fin
    ran = ask("fin-in-upload", "--json", "-a", sparse(LARGE), fallbacks=["ok"])
    assert ran.code == 0 and ran.trail[0][1] in ("EXO_E_RESET_IN_UPLOAD", "EXO_E_CLOSED")


def test_a_refusal_after_most_of_the_upload(ask, upstream, sparse):
    @behaviours.early
    def late(conn):
        conn.read_body(LARGE)
        conn.respond(413, {"error": "enough"})
        conn.stall()

    upstream.scripts["late-413"] = late
    ran = ask("late-413", "--json", "-a", sparse(LARGE))
    assert (ran.code, ran.error["http_status"], ran.error["message"]) == (1, 413, "enough")


@pytest.mark.parametrize("behaviour", ["reset-upload-after-64", "early-503", "early-429-unread"])
def test_a_break_in_the_upload_falls_back_with_the_whole_body(ask, upstream, sparse, behaviour):
    ran = ask(behaviour, "--json", "-a", sparse(4 << 20), fallbacks=["ok"])
    assert (ran.code, ran.json["text"]) == (0, TEXT), ran
    assert [name for name, _ in ran.trail] == [behaviour, "ok"]
    last = upstream.requests[-1]
    assert last.complete and last.length == last.content_length > (4 << 20) * 4 // 3


def test_an_early_answer_of_a_chunked_upload(exochat, upstream, write_config, sparse):
    config = write_config({"first": {"model": "early-413-unread", "chunked": True}})
    ran = exochat("--config", config, "-m", "first", "--json", "-a", sparse(LARGE), "hello")
    assert (ran.code, ran.error["http_status"]) == (1, 413) and upstream.requests[0].chunked


def test_an_early_good_answer(ask, upstream, sparse):
    """A server may answer before it has read everything; what it says is an answer."""
    ran = ask("early-ok", "--json", "-a", sparse(8 << 20))
    assert (ran.code, ran.json["text"]) == (0, TEXT)


REDIRECTS = [300, 301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_is_refused_and_the_key_stays(exochat, upstream, status):
    """To another port, and so to another origin: nobody ever connects there."""
    with Upstream(default="ok") as other:
        upstream.redirect_to = other.base_url + "/chat/completions"
        options = ("-m", f"redirect-{status}", "--json", "--api-key-env", "KEY", "--fallback", "ok")
        ran = exochat("--base-url", upstream.base_url, *options, "hello", env={"KEY": "sk-stays-here"})
        assert (ran.code, ran.error["code"], ran.error["verdict"]) == (1, "EXO_E_REDIRECT", "stop")
        assert ran.error["http_status"] == status and other.connections == 0
        assert ran.error["message"] == f"it leads to {other.base_url}/chat/completions"
        assert f"--base-url {other.base_url};" in ran.error["advice"]
    assert len(upstream.requests) == 1 and "sk-stays-here" not in ran.out + ran.err


@pytest.mark.parametrize("target", ["/v1/chat/completions", "//127.0.0.1/v1", "file:///etc/passwd", "http://u:p@h/"])
def test_no_redirect_at_all_is_followed(ask, upstream, target):
    upstream.redirect_to = target
    ran = ask("redirect-307", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_REDIRECT") and len(upstream.requests) == 1
    assert "u:p" not in ran.out + ran.err


@pytest.mark.parametrize("target, shown", [
    ("https://h.invalid/v1/chat/completions?key=sk-query#f", "https://h.invalid/v1/chat/completions"),
    ("https://h.invalid/a\x1b[31m", "https://h.invalid/a"),
    ("http://u:p@h.invalid/", None),
])  # fmt: skip
def test_what_is_shown_of_a_redirect(ask, upstream, target, shown):
    upstream.redirect_to = target
    ran = ask("redirect-308", "--json")
    assert ran.error["message"].startswith(f"it leads to {shown}" if shown else "redirect not followed")
    assert "sk-query" not in ran.out + ran.err and "\x1b" not in ran.err and "u:p" not in ran.out + ran.err


def test_a_redirect_in_the_upload(ask, upstream, sparse):
    with Upstream(default="ok") as other:

        def early_redirect(conn):
            conn.respond(307, b"", None, headers=[("Location", other.base_url)])

        early_redirect.early = True
        upstream.scripts["early-redirect"] = early_redirect
        ran = ask("early-redirect", "--json", "-a", sparse(LARGE))
        assert (ran.code, ran.error["code"]) == (1, "EXO_E_REDIRECT") and other.connections == 0
