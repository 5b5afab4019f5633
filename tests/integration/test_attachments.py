"""Files on the command line and files that messages name: what is sent of them, and when nothing is."""

import base64
import hashlib
import os
import socket
import subprocess

import pytest
from command import TIMEOUT, body_of
from upstream import behaviours
from upstream.chunks import TEXT

BYTES = bytes(range(256)) * 3 + b"end"  # no multiple of three


def data_url(media_type, data):
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def image(media_type, data):
    return {"type": "image_url", "image_url": {"url": data_url(media_type, data)}}


def audio(form, data):
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": form}}


def document(media_type, name, data):
    return {"type": "file", "file": {"filename": name, "file_data": data_url(media_type, data)}}


def text(words):
    return {"type": "text", "text": words}


UTF8 = "gr\u00fc\u00df \u2028 \U0001f30a \"q\" \\ / \b\f\n\r\t\x00\x01\x7f"
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + BYTES, b"\xff\xd8\xff\xe0" + BYTES
WAVE, MP3 = b"RIFF\x10\0\0\0WAVEfmt " + BYTES, b"ID3\x04" + BYTES
PDF = b"%PDF-1.7\n" + BYTES
KINDS = [  # (file name, bytes, part)
    ("a.png", BYTES, image("image/png", BYTES)),
    ("a.PNG", BYTES, image("image/png", BYTES)),
    ("a.jpg", BYTES, image("image/jpeg", BYTES)),
    ("a.jpeg", BYTES, image("image/jpeg", BYTES)),
    ("a.gif", BYTES, image("image/gif", BYTES)),
    ("a.webp", BYTES, image("image/webp", BYTES)),
    ("a.wav", BYTES, audio("wav", BYTES)),
    ("a.mp3", BYTES, audio("mp3", BYTES)),
    ("a.pdf", BYTES, document("application/pdf", "a.pdf", BYTES)),
    ("a.zip", BYTES, document("application/zip", "a.zip", BYTES)),
    ("a.unknown", BYTES, document("application/octet-stream", "a.unknown", BYTES)),
    ('odd "name" \u00fc.pdf', BYTES, document("application/pdf", 'odd "name" \u00fc.pdf', BYTES)),
    ("a.txt", UTF8.encode(), text(UTF8)),
    ("a.md", UTF8.encode(), text(UTF8)),
    ("a.py", b"print()\n", text("print()\n")),
    ("a.svg", b"<svg/>", text("<svg/>")),
    ("png", PNG, image("image/png", PNG)),
    ("jpeg", JPEG, image("image/jpeg", JPEG)),
    ("wave", WAVE, audio("wav", WAVE)),
    ("mp3", MP3, audio("mp3", MP3)),
    ("pdf", PDF, document("application/pdf", "pdf", PDF)),
    ("words", "gr\u00fc\u00df\n".encode(), text("gr\u00fc\u00df\n")),
    ("binary", b"\x00\x01\x02", document("application/octet-stream", "binary", b"\x00\x01\x02")),
    ("empty.txt", b"", text("")),
    ("empty.png", b"", image("image/png", b"")),
    ("one.png", b"\xff", image("image/png", b"\xff")),
    ("two.png", b"\xff\xfe", image("image/png", b"\xff\xfe")),
]


@pytest.mark.parametrize("name, data, part", KINDS)
def test_a_file_is_sent_by_its_kind(ask, upstream, tmp_path, name, data, part):
    (tmp_path / name).write_bytes(data)
    assert ask("ok", "-a", tmp_path / name).out == TEXT
    assert upstream.requests[0].body == body_of("ok", [{"role": "user", "content": [text("hello"), part]}])


def test_several_files_keep_their_order(ask, upstream, tmp_path):
    parts = []
    options = []
    for name, data, part in KINDS:
        (tmp_path / name).write_bytes(data)
        options += ["-a", tmp_path / name]
        parts.append(part)
    assert ask("ok", *options).out == TEXT
    expected = body_of("ok", [{"role": "user", "content": [text("hello"), *parts]}])
    assert upstream.requests[0].sha256 == hashlib.sha256(expected).hexdigest()


def test_a_file_without_a_prompt(ask, upstream, tmp_path):
    (tmp_path / "a.png").write_bytes(BYTES)
    assert ask("ok", "-a", tmp_path / "a.png", prompt=None).out == TEXT
    (message,) = upstream.requests[0].json["messages"]
    assert message == {"role": "user", "content": [image("image/png", BYTES)]}


def test_a_file_after_messages_joins_the_prompt(ask, upstream, tmp_path, write_messages):
    (tmp_path / "a.txt").write_text("file")
    ask("ok", "--messages", write_messages([{"role": "user", "content": "first"}]), "-a", tmp_path / "a.txt")
    first, second = upstream.requests[0].json["messages"]
    assert first == {"role": "user", "content": "first"}
    assert second == {"role": "user", "content": [text("hello"), text("file")]}


REPAIRS = [  # WHATWG: each maximal part of a sequence becomes one U+FFFD
    (b"a\xffb", "a\ufffdb"),
    (b"\xc3", "\ufffd"),
    (b"\xe2\x82", "\ufffd"),
    (b"\xe2\x82x", "\ufffdx"),
    (b"\xc0\xaf", "\ufffd\ufffd"),
    (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    (b"\xf0\x9f\x8c", "\ufffd"),
    (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
    (b"\xef\xbb\xbfbom", "\ufeffbom"),
    (b"x" * 70000 + b"\xf0\x9f", "x" * 70000 + "\ufffd"),
]


@pytest.mark.parametrize("data, repaired", REPAIRS, ids=range(len(REPAIRS)))
def test_invalid_utf8_becomes_replacement_characters(ask, upstream, tmp_path, data, repaired):
    assert data.decode(errors="replace") == repaired
    (tmp_path / "a.txt").write_bytes(data)
    ask("ok", "-a", tmp_path / "a.txt")
    assert upstream.requests[0].body == body_of("ok", [{"role": "user", "content": [text("hello"), text(repaired)]}])


def test_a_large_file_arrives_whole(ask, upstream, tmp_path):
    data = hashlib.shake_128(b"seed").digest(6 << 20)
    (tmp_path / "a.png").write_bytes(data)
    ask("ok", "-a", tmp_path / "a.png")
    expected = body_of("ok", [{"role": "user", "content": [text("hello"), image("image/png", data)]}])
    assert upstream.requests[0].sha256 == hashlib.sha256(expected).hexdigest()


def test_every_attempt_sends_the_whole_file(ask, upstream, tmp_path):
    (tmp_path / "a.png").write_bytes(BYTES * 1000)
    (tmp_path / "b.txt").write_text("words " * 20000)
    chain = ["empty-stream", "status-503", "ok"]
    ran = ask(chain[0], "--json", "-a", tmp_path / "a.png", "-a", tmp_path / "b.txt", fallbacks=chain[1:])
    assert ran.code == 0
    parts = [text("hello"), image("image/png", BYTES * 1000), text("words " * 20000)]
    bodies = [body_of(model, [{"role": "user", "content": parts}]) for model in chain]
    assert [request.sha256 for request in upstream.requests] == [hashlib.sha256(body).hexdigest() for body in bodies]


NO_FILES = ["missing", "folder", "fifo", "unreadable"]


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_cannot_be_attached(ask, upstream, tmp_path, kind):
    path = tmp_path / "thing.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "unreadable":
        path.write_text("secret")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root reads everything")
    ran = ask("ok", "-a", path, "--idle-timeout", "0.2")  # nobody writes to the FIFO
    assert ran.code == 2 and os.path.basename(path) in ran.complaint and upstream.requests == []


def test_a_file_whose_size_is_a_lie(ask, upstream):
    assert os.stat("/proc/cpuinfo").st_size == 0
    assert ask("ok", "-a", "/proc/cpuinfo").code == 0
    sent = upstream.requests[0]
    assert sent.json["messages"][0]["content"][1]["text"].startswith("processor")
    assert sent.content_length == sent.length and not sent.chunked


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("size", [0, 5, 300000])
def test_standard_input_is_attached(ask, upstream, name, size):
    words = ("some words\n" * 30000)[:size]
    ran = ask("status-503", "-q", "-a", name, fallbacks=["ok"], input=words)
    assert ran.code == 0 and ran.err == ""
    contents = [request.json["messages"][0]["content"] for request in upstream.requests]
    assert contents == [[text("hello"), text(words)]] * 2
    assert not any(request.chunked for request in upstream.requests)


def test_standard_input_can_be_a_socket(exochat, upstream):
    """Which cannot be opened by its name in /dev."""
    ours, its = socket.socketpair()
    with ours, its:
        args = ("--base-url", upstream.base_url, "-m", "ok", "-a", "-", "hello")
        running = exochat.start(*args, stdin=its)
        its.close()
        ours.sendall(b"over a socket")
        ours.shutdown(socket.SHUT_WR)
        assert running.wait().code == 0
    assert upstream.requests[0].json["messages"][0]["content"][1] == text("over a socket")


def test_what_a_command_writes_is_attached_and_falls_back(exochat, upstream):
    """A process substitution can be read once, and both attempts have it whole."""
    written = "<(printf 'a b c'; sleep 0.1; echo d)"
    words = f"{exochat} --base-url {upstream.base_url} -m status-503 --fallback ok hello -a {written}"
    ran = subprocess.run(["bash", "-c", words], capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT)
    assert ran.returncode == 0, ran
    bodies = [request.json["messages"] for request in upstream.requests]
    assert len(bodies) == 2 and bodies[0] == bodies[1]
    assert bodies[0][0]["content"][1] == text("a b cd\n")


def test_one_missing_file_among_several(ask, upstream, tmp_path):
    (tmp_path / "a.txt").write_text("here")
    ran = ask("ok", "-a", tmp_path / "a.txt", "-a", tmp_path / "b.txt")
    assert ran.code == 2 and "b.txt" in ran.complaint and upstream.requests == []


# --- a file that changes while it is sent

SIZE = 16 << 20  # much more than the socket buffers hold


def rewrite(path):
    with open(path, "r+b") as file:
        file.seek(SIZE - 100)
        file.write(b"y" * 50)


def rewrite_secretly(path):
    before = os.stat(path)
    rewrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shrink(path):
    os.truncate(path, SIZE // 2)


def shrink_a_little(path):
    os.truncate(path, SIZE - 1)


def grow(path):
    with open(path, "ab") as file:
        file.write(b"more")


CHANGES = [("a.png", change) for change in (rewrite, shrink, shrink_a_little, grow)]
CHANGES += [("a.txt", change) for change in (rewrite, rewrite_secretly, shrink, shrink_a_little)]


def in_the_upload(change):
    """A good answer to a request in whose upload `change` is called."""

    @behaviours.early
    def run(conn):
        conn.limit_receive_buffer(1 << 17)
        conn.read_body(1 << 16)
        change()
        conn.read_body()
        behaviours.ok(conn)

    return run


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name, change", CHANGES)
def test_a_file_that_changes_is_never_sent_to_its_end(
    exochat, upstream, write_config, tmp_path, name, change, chunked
):
    """The server changes the file itself, when it has the beginning; the rest it could read if there were one."""
    path = tmp_path / name
    path.write_bytes(b"x" * SIZE)

    upstream.scripts["change"] = in_the_upload(lambda: change(path))
    config = write_config({"change": {"chunked": chunked, "fallbacks": ["ok"]}, "ok": {}})
    ran = exochat("--config", config, "-m", "change", "--json", "-a", path, "hello")
    assert (ran.code, ran.error["verdict"]) == (2, "stop"), ran
    assert ran.error["code"] == "EXO_E_BODY_CHANGED" and ran.complaint
    (request,) = upstream.wait_requests(1)
    assert not request.complete


def test_a_file_that_is_replaced_is_still_the_one_that_was_opened(ask, upstream, tmp_path):
    """Editors write a new file and rename it: the call goes on with the old one."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * SIZE)
    (tmp_path / "new").write_text("new")
    upstream.scripts["replace"] = in_the_upload(lambda: os.replace(tmp_path / "new", path))
    assert ask("replace", "-a", path).out == TEXT
    expected = body_of("replace", [{"role": "user", "content": [text("hello"), text("x" * SIZE)]}])
    assert upstream.requests[0].sha256 == hashlib.sha256(expected).hexdigest()


def test_a_text_that_grows_is_sent_as_long_as_it_was(ask, upstream, tmp_path):
    """A log, say: its length is fixed when the call begins, and the checksum proves that it is what was sized."""
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * SIZE)
    upstream.scripts["grow"] = in_the_upload(lambda: grow(path))
    assert ask("grow", "-a", path).out == TEXT
    expected = body_of("grow", [{"role": "user", "content": [text("hello"), text("x" * SIZE)]}])
    assert upstream.requests[0].sha256 == hashlib.sha256(expected).hexdigest()


# --- files that messages name


def content_file(path, inline="inline", **more):
    return [{"role": "user", "content": inline, "_content_file": str(path), **more}]


@pytest.fixture
def folder(tmp_path):
    """A folder that is allowed, beside a file that is not."""
    (tmp_path / "secret.txt").write_text("TOP SECRET")
    folder = tmp_path / "allowed"
    (folder / "sub").mkdir(parents=True)
    (folder / "note.txt").write_text(UTF8)
    (folder / "sub" / "deep.txt").write_text("deep")
    (folder / "inside").symlink_to(folder / "note.txt")
    (folder / "relative").symlink_to("sub/deep.txt")
    (folder / "out").symlink_to(tmp_path / "secret.txt")
    (folder / "out-relative").symlink_to("../secret.txt")
    (folder / "out-folder").symlink_to(tmp_path)
    return folder


def test_a_named_file_is_refused_unless_a_folder_is_allowed(ask, upstream, folder, write_messages):
    ran = ask("ok", "--messages", write_messages(content_file(folder / "note.txt")), prompt=None)
    assert ran.code == 2 and "note.txt" in ran.complaint and upstream.requests == []


@pytest.mark.parametrize("name, content", [("note.txt", UTF8), ("sub/deep.txt", "deep"), ("relative", "deep")])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_named_file_takes_the_place_of_the_content(
    ask, upstream, folder, write_messages, name, content, absolute
):
    path = folder / name if absolute else name
    messages = write_messages(content_file(path, name="n"))
    ran = ask("ok", "--messages", messages, "--allow-files", folder, prompt=None)
    assert ran.out == TEXT, ran
    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": content, "name": "n"}]


LEADS_OUT = ["out", "out-relative", "out-folder/secret.txt", "../secret.txt", "sub/../../secret.txt", "/etc/hostname"]


@pytest.mark.parametrize("name", LEADS_OUT)
@pytest.mark.parametrize("absolute", [True, False])
def test_no_name_leads_out_of_the_folder(ask, upstream, folder, write_messages, name, absolute):
    path = f"{folder}/{name}" if absolute and not name.startswith("/") else name
    messages = write_messages(content_file(path))
    ran = ask("ok", "--messages", messages, "--allow-files", folder, prompt=None)
    assert ran.code == 2 and name.split("/")[-1] in ran.complaint and upstream.requests == []
    assert "TOP SECRET" not in ran.err


def test_a_folder_whose_name_begins_alike_is_another(ask, upstream, folder, write_messages):
    (folder.parent / "allowed-not").mkdir()
    (folder.parent / "allowed-not" / "x.txt").write_text("TOP SECRET")
    messages = write_messages(content_file(folder.parent / "allowed-not" / "x.txt"))
    ran = ask("ok", "--messages", messages, "--allow-files", folder, prompt=None)
    assert ran.code == 2 and upstream.requests == []


def test_a_named_file_that_is_missing_leaves_the_inline_content(ask, upstream, folder, write_messages):
    messages = write_messages(content_file("nowhere.txt", "inline"))
    assert ask("ok", "--messages", messages, "--allow-files", folder, prompt=None).out == TEXT
    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": "inline"}]


def test_a_folder_or_fifo_in_place_of_a_named_file(ask, upstream, folder, write_messages):
    os.mkfifo(folder / "fifo")
    for name in ("sub", "fifo"):
        messages = write_messages(content_file(name))
        ran = ask("ok", "--messages", messages, "--allow-files", folder, prompt=None)
        assert ran.code == 2 and name in ran.complaint and upstream.requests == []


@pytest.mark.parametrize("path", ["nowhere", "secret.txt"])
def test_only_a_folder_can_be_allowed(ask, upstream, folder, write_messages, path):
    messages = write_messages(content_file("note.txt"))
    ran = ask("ok", "--messages", messages, "--allow-files", folder.parent / path, prompt=None)
    assert ran.code == 2 and path in ran.complaint and upstream.requests == []


def test_options_cannot_name_files(ask, upstream, folder):
    """What looks like a file part in a parameter is sent as it is, or refused: never read."""
    part = '{"_file":"' + str(folder / "note.txt") + '"}'
    ran = ask("ok", "-o", f"metadata={part}")
    assert ran.code == 2 or upstream.requests[0].json["metadata"] == {"_file": str(folder / "note.txt")}
