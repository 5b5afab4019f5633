"""Standard input: what of it belongs to the prompt, and what is somebody else's."""

import json
import os
import subprocess

import pytest
from command import BINARY, TIMEOUT
from upstream.chunks import TEXT


@pytest.fixture
def shell(exochat, upstream):
    """shell(script) runs it with $ASK, the command that asks the scripted server."""

    def run(script, **more):
        ask = f"{BINARY} --base-url {upstream.base_url} -m ok"
        return subprocess.run(
            ["bash", "-c", script.replace("$ASK", ask)],
            env=exochat.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            **more,
        )

    return run


def prompts(upstream):
    return [request.json["messages"][-1]["content"] for request in upstream.requests]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines"
    path.write_text("one\ntwo\nthree\n")
    return path


def test_a_loop_over_the_lines_of_a_file_keeps_them(shell, upstream, lines):
    ran = shell(f'while read -r line; do $ASK "Q $line"; done <{lines}')
    assert prompts(upstream) == ["Q one", "Q two", "Q three"] and ran.stdout == f"{TEXT}\n" * 3
    notes = ran.stderr.splitlines()
    assert len(notes) == 2 and all("a part is read already" in note and "-n" in note for note in notes)


@pytest.mark.parametrize("option", ["-n", "--no-stdin", "-q"])
def test_a_loop_can_be_quiet(shell, upstream, lines, option):
    ran = shell(f'while read -r line; do $ASK {option} "Q $line"; done <{lines}')
    assert prompts(upstream) == ["Q one", "Q two", "Q three"] and ran.stderr == ""


def test_a_loop_over_a_pipe_wants_n(shell, upstream, lines):
    shell(f'cat {lines} | while read -r line; do $ASK -n "Q $line"; done')
    assert prompts(upstream) == ["Q one", "Q two", "Q three"]
    upstream.clear()
    shell(f'cat {lines} | while read -r line; do $ASK "Q $line"; done')
    assert prompts(upstream) == ["Q one\n\ntwo\nthree\n"]  # as git diff | exochat wants it


WAYS = ["cat {} | $ASK Q", "$ASK Q <{}", "$ASK Q < <(cat {})", '$ASK Q <<<"$(cat {})"', "cat {} | (sleep 0; $ASK Q)"]


@pytest.mark.parametrize("way", WAYS)
def test_what_nobody_has_read_is_read(shell, upstream, lines, way):
    ran = shell(way.format(lines))
    assert prompts(upstream) == ["Q\n\none\ntwo\nthree\n"] and ran.stderr == ""


def test_a_file_that_is_read_to_its_end_is_no_matter(shell, upstream, lines):
    ran = shell(f"(cat; $ASK Q) <{lines}")
    assert prompts(upstream) == ["Q"] and ran.stderr == ""


def test_no_prompt_but_a_file_that_was_begun(shell, upstream, lines):
    ran = shell(f"(read -r line; $ASK) <{lines}")
    assert ran.returncode == 2 and "a prompt is expected" in ran.stderr and upstream.connections == 0


def test_standard_input_that_is_named_is_read_from_where_it_stands(shell, upstream, tmp_path):
    (tmp_path / "m").write_text('skip\n[{"role":"user","content":"x"}]\n')
    ran = shell(f"(read -r line; $ASK --messages -) <{tmp_path / 'm'}")
    assert ran.stdout == TEXT + "\n" and prompts(upstream) == ["x"]


def test_who_waits_for_standard_input_says_so(exochat, upstream):
    running = exochat.start("--base-url", upstream.base_url, "-m", "ok", "Q", stdin=subprocess.PIPE)
    line = running.process.stderr.readline()
    assert b"waiting for standard input" in line and b"-n" in line
    ran = running.wait(b"rest")
    assert (ran.out, prompts(upstream)) == (TEXT, ["Q\n\nrest"])


def test_n_reads_nothing(exochat, upstream):
    assert exochat("--base-url", upstream.base_url, "-m", "ok", "-n", "Q", input="more").out == TEXT
    assert prompts(upstream) == ["Q"]
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "-n", "--messages", "-", input="[]")
    assert ran.code == 2 and "-n: " in ran.complaint


EMPTY = [([""], None), (["", " "], None), ([" \t\n"], None), ([""], "\n"), ([], "  \n"), ([], "")]


@pytest.mark.parametrize("arguments, text", EMPTY)
def test_an_empty_prompt_is_not_sent(exochat, upstream, arguments, text, write_messages):
    base = ("--base-url", upstream.base_url, "-m", "ok")
    ran = exochat(*base, *arguments, input=text)
    assert ran.code == 2 and "prompt" in ran.complaint and upstream.connections == 0
    if arguments:
        ran = exochat(*base, "--messages", write_messages([{"role": "user", "content": "x"}]), *arguments, input=text)
        assert ran.code == 2 and "prompt is empty" in ran.complaint and upstream.connections == 0


def test_what_is_no_text_is_no_prompt(exochat, upstream):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "Q", input=b"\x7fELF\0\0")
    assert ran.code == 2 and "NUL" in ran.complaint and "-a -" in ran.complaint and upstream.connections == 0


# --- attachments

PROGRAMS = [b"\x7fELF\x02\x01\x01" + bytes(99), b"MZ\x90\0" + bytes(99), b"\xcf\xfa\xed\xfe" + bytes(99)]
PROGRAMS += [b"\xca\xfe\xba\xbe\0\0\0\x34", b"\0asm\x01\0\0\0"]


@pytest.mark.parametrize("name", ["program", "program.txt", "program.png"])
@pytest.mark.parametrize("data", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_is_not_attached(ask, upstream, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    ran = ask("ok", "-a", tmp_path / name)
    assert ran.code == 2 and f"{name}: this is a program" in ran.complaint and upstream.connections == 0


@pytest.mark.parametrize("name, data", [("a.txt", b"MZ is a text"), ("b.sh", b"#!/bin/sh\n"), ("c", b"MZ" + b"x" * 99)])
def test_a_text_is_no_program(ask, upstream, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    ran = ask("ok", "-a", tmp_path / name)
    assert (ran.out, ran.stderr) == (TEXT, b"")


NOTED = [("a.png", b"", "is empty"), ("a.txt", b"", "is empty"), ("a.csv", "a;b".encode("utf-16"), "UTF-16")]


@pytest.mark.parametrize("name, data, word", NOTED)
def test_an_attachment_that_is_likely_a_mistake_is_said(ask, upstream, tmp_path, name, data, word):
    (tmp_path / name).write_bytes(data)
    ran = ask("ok", "-a", tmp_path / name)
    assert ran.out == TEXT and word in ran.complaint and name in ran.complaint
    assert ask("ok", "-q", "-a", tmp_path / name).stderr == b""


@pytest.mark.parametrize("way", ["-a - <{}", "cat {} | $ASK -a -", "-a /dev/stdin <{}", "-a <(cat {})"])
def test_standard_input_as_an_attachment(shell, upstream, lines, way):
    """It is the library that reads it; nothing of it becomes a prompt."""
    way = way.format(lines)
    ran = shell((way if "$ASK" in way else "$ASK " + way) + " Q")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, TEXT + "\n", "")
    (request,) = upstream.requests
    words, attached = request.json["messages"][0]["content"]
    assert words["text"] == "Q" and attached == {"type": "text", "text": "one\ntwo\nthree\n"}


def test_the_rest_of_standard_input_as_an_attachment(shell, upstream, lines):
    ran = shell(f"(read -r line; $ASK -a - Q) <{lines}")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert upstream.requests[0].json["messages"][0]["content"][1]["text"] == "two\nthree\n"


def test_a_fifo_is_not_opened_to_look_at_it(ask, upstream, tmp_path):
    """Whoever writes into it would be told that nobody reads."""
    os.mkfifo(tmp_path / "fifo")
    ran = ask("ok", "--dry-run", "-a", tmp_path / "fifo", "-m", "")
    assert ran.code == 2 and "--model" in ran.complaint


TAKEN = [("-a", "-"), ("-a", "/dev/stdin"), ("--messages", "-"), ("--tools", "-"), ("--schema", "-")]

TWICE = [(a, b) for a in TAKEN for b in [*TAKEN, ("-",)] if a[0] != b[0] or a[0] == "-a"]


@pytest.mark.parametrize("first, second", TWICE)
def test_standard_input_can_be_taken_once(exochat, first, second):
    ran = exochat("--base-url", "http://127.0.0.1:9/v1", "-m", "ok", "--dry-run", *first, *second, "hello", input="[]")
    assert ran.code == 2 and ran.complaint.startswith("standard input can be read once")


@pytest.mark.parametrize("option, text, key", [
    ("--tools", '[{"type":"function","function":{"name":"f"}}]', "tools"),
    ("--schema", '{"type":"object"}', "response_format"),
    ("--messages", '[{"role":"user","content":"first"}]', "messages"),
])  # fmt: skip
def test_standard_input_in_place_of_a_file(ask, option, text, key):
    body = json.loads(ask("ok", "--dry-run", option, "-", input=text.encode()).out)
    assert body[key] and body["messages"][-1] == {"role": "user", "content": "hello"}


@pytest.mark.parametrize("option", ["--continue", "--save-stream", "--config", "--api-key-file", "--ca", "--save-ca"])
def test_a_dash_is_no_name_of_a_file(exochat, tmp_path, option):
    command = ["check"] if option == "--save-ca" else ["-m", "ok", "hello"]
    ran = exochat(*(["--base-url", "http://127.0.0.1:9/v1"] if option != "--config" else []), option, "-", *command,
                  cwd=tmp_path)  # fmt: skip
    assert ran.code == 2 and ran.complaint.startswith(f"{option}: ") and "./-" in ran.complaint
    assert not list(tmp_path.iterdir())
