"""--continue: a file of messages that grows by a turn and its answer, and by nothing else."""

import json
import os
import stat

import pytest
from upstream.chunks import TEXT, WORDS

SAID = {"role": "assistant", "content": TEXT}


def user(content):
    return {"role": "user", "content": content}


@pytest.fixture
def talk(tmp_path):
    """A folder of its own, so that it shows what else is left there."""
    folder = tmp_path / "talks"
    folder.mkdir()
    return folder / "talk.json"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def alone(path):
    """Nothing else is left beside the file."""
    return os.listdir(path.parent) in ([], [path.name])


def test_a_conversation(ask, upstream, talk):
    assert ask("ok", "--continue", talk, prompt="one").out == TEXT
    assert read(talk) == [user("one"), SAID] and stat.S_IMODE(talk.stat().st_mode) == 0o600
    assert ask("echo", "--continue", talk, prompt='two "q" \\ [x] {y} \u20ac').code == 0
    turns = [user("one"), SAID, user('two "q" \\ [x] {y} \u20ac')]
    assert upstream.requests[1].json["messages"] == turns
    assert read(talk) == [*turns, {"role": "assistant", "content": 'two "q" \\ [x] {y} \u20ac'}]
    assert ask("ok", "--messages", talk, prompt="three").out == TEXT
    assert upstream.requests[2].json["messages"] == [*read(talk), user("three")]
    assert len(read(talk)) == 4 and alone(talk) and talk.read_text().endswith("\n")


@pytest.mark.parametrize("options", [(), ("--json",), ("--events",), ("--no-stream",), ("-q", "--trace"), ("--no-newline",)])
def test_every_form_of_output_keeps_the_answer(ask, talk, options):
    assert ask("ok", *options, "--continue", talk).code == 0
    assert read(talk) == [user("hello"), SAID] and alone(talk)


@pytest.mark.parametrize("text", ["", "\n", "[]", " [ ] \n"])
def test_a_file_that_holds_nothing_yet(ask, talk, text):
    talk.write_text(text)
    assert ask("ok", "--continue", talk).out == TEXT and read(talk) == [user("hello"), SAID]


FORMS = [
    '[{"role":"user","content":"a"}]',
    '[\n  {"role": "user", "content": "a"}\n]\n',
    '{"messages":[{"role":"user","content":"a"}]}',
    '{"temperature": 0.50, "messages" : [ {"role":"user","content":"a"} ] , "stop": ["messages", "]"] }\n',
    '{"x": {"messages": [1]}, "messages": [{"role":"user","content":"a"}]}',
]


@pytest.mark.parametrize("text", FORMS)
def test_what_was_there_stays_as_it_was(ask, upstream, talk, text):
    """To the byte: only in front of the bracket that ends the messages something is added."""
    talk.write_text(text)
    assert ask("ok", "--continue", talk).out == TEXT
    new = talk.read_text()
    start = text.index('"a"}') + 4
    assert new.startswith(text[:start]) and new.endswith(text[start:].lstrip(" \n"))
    value = read(talk)
    messages = value if isinstance(value, list) else value["messages"]
    assert messages == [user("a"), user("hello"), SAID] and upstream.requests[0].json["messages"] == messages[:2]


def test_metadata_stays_in_the_file_and_is_not_sent(ask, upstream, talk):
    talk.write_text('[{"role":"user","content":"a","_id":7}]')
    assert ask("ok", "--continue", talk).out == TEXT
    assert read(talk)[0] == {**user("a"), "_id": 7} and upstream.requests[0].json["messages"][0] == user("a")


def test_a_conversation_that_waits_is_asked_as_it_stands(ask, upstream, talk):
    talk.write_text(json.dumps([user("a")]))
    assert ask("ok", "--continue", talk, prompt=None).out == TEXT and read(talk) == [user("a"), SAID]
    ran = ask("ok", "--continue", talk, prompt=None)  # and one that does not is not
    assert ran.code == 2 and "its last message is an answer" in ran.complaint and len(upstream.requests) == 1
    assert ask("ok", "--continue", talk.with_name("new"), prompt=None).code == 2 and alone(talk)


def test_a_system_message_is_the_first_and_stays_one(ask, upstream, talk):
    for _ in range(2):
        assert ask("ok", "-s", 'Be "brief".', "--continue", talk).out == TEXT
    system = {"role": "system", "content": 'Be "brief".'}
    assert read(talk) == [system, user("hello"), SAID, user("hello"), SAID]
    assert upstream.requests[1].json["messages"] == read(talk)[:4]
    before = talk.read_bytes()
    ran = ask("ok", "-s", "Be long.", "--continue", talk)
    assert ran.code == 2 and "another system message" in ran.complaint and talk.read_bytes() == before
    assert ask("ok", "--continue", talk).out == TEXT and len(read(talk)) == 7


def test_what_is_attached_is_kept_as_it_was_sent(ask, upstream, talk, tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(range(256)) * 2000)
    (tmp_path / "b.txt").write_text('t"ext\n')
    assert ask("ok", "--continue", talk, "-a", tmp_path / "a.png", "-a", tmp_path / "b.txt").out == TEXT
    assert read(talk) == [*upstream.requests[0].json["messages"], SAID] and len(read(talk)[0]["content"]) == 3
    assert ask("ok", "--continue", talk).out == TEXT
    assert upstream.requests[1].json["messages"] == read(talk)[:3]


def test_a_call_of_a_tool_and_its_result(ask, upstream, talk):
    ran = ask("tool-loop", "--continue", talk, prompt="weather?")
    (call,) = read(talk)[1]["tool_calls"]
    assert ran.code == 0 and (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo", "days": 2}
    messages = [*read(talk), {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}]
    talk.write_text(json.dumps(messages))
    assert ask("tool-loop", "--continue", talk, prompt=None).out == "The tool said: 4 degrees"
    assert read(talk) == [*messages, {"role": "assistant", "content": "The tool said: 4 degrees"}]


def test_what_endpoints_want_to_see_again(ask, upstream, talk):
    details = [{"type": "reasoning.encrypted", "data": "x\u20ac"}]
    extra = {"google": {"thought_signature": "abc"}}
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}

    def reply(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"reasoning_details": details, "tool_calls": [call]}}]})
        conn.event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
        conn.end()

    upstream.scripts["signed"] = reply
    assert ask("signed", "--continue", talk).code == 0
    said = read(talk)[1]
    assert said["reasoning_details"] == details and said["tool_calls"][0]["extra_content"] == extra
    assert said["content"] is None


# --- what is not kept

NOT_KEPT = ["status-503", "no-end", "cut-after-900", "error-mid-stream", "finish:error", "finish:length", "refusal"]
NOT_KEPT += ["content-filter", "tool-truncated", "html-200", "context-400"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("behaviour", NOT_KEPT)
def test_an_answer_that_is_not_whole_is_not_kept(ask, talk, behaviour, there):
    before = json.dumps([user("a"), SAID])
    if there:
        talk.write_text(before)
    ran = ask(behaviour, "--continue", talk)
    assert ran.code == 0 if behaviour == "finish:length" else ran.code != 0
    assert (talk.read_text() == before) if there else not talk.exists()
    assert alone(talk)
    if behaviour in ("finish:length", "refusal", "content-filter"):
        assert "this turn is not kept" in ran.err


def test_an_interruption_keeps_the_file_as_it_was(ask, upstream, talk):
    talk.write_text(json.dumps([user("a"), SAID]))
    running = ask("gate:never", "--continue", talk, start=True)
    assert running.read(len(WORDS[0])).decode() == WORDS[0]
    assert read(talk) == [user("a"), SAID]
    running.interrupt()
    assert running.wait().code == 130 and read(talk) == [user("a"), SAID] and alone(talk)


def test_a_fallback_answers(ask, talk):
    assert ask("status-503", "--continue", talk, fallbacks=["ok"]).out.endswith(TEXT)
    assert read(talk) == [user("hello"), SAID]
    assert ask("no-end", "--restart", "--json", "--continue", talk, fallbacks=["ok"]).code == 0
    assert read(talk)[2:] == [user("hello"), SAID]


def test_a_dry_run_keeps_nothing(ask, talk):
    ran = ask("ok", "--dry-run", "--continue", talk)
    assert ran.code == 0 and ran.json["messages"] == [user("hello")] and not talk.exists() and alone(talk)


def test_somebody_else_has_changed_the_file(ask, upstream, talk):
    talk.write_text("[]")
    running = ask("gate:go", "--continue", talk, start=True)
    assert running.read(len(WORDS[0])).decode() == WORDS[0]
    talk.write_text(json.dumps([user("theirs")]))
    upstream.gate("go").set()
    ran = running.wait()
    assert ran.code == 1 and "changed it meanwhile" in ran.complaint and ran.out == "".join(WORDS[1:])
    assert read(talk) == [user("theirs")] and alone(talk)


def test_somebody_else_has_made_the_file(ask, upstream, talk):
    running = ask("gate:go", "--continue", talk, start=True)
    assert running.read(len(WORDS[0])).decode() == WORDS[0]
    talk.write_text("[1]")
    upstream.gate("go").set()
    assert running.wait().code == 1 and talk.read_text() == "[1]" and alone(talk)


# --- files and folders

def test_mode_and_link_stay(ask, talk, tmp_path):
    talk.write_text("[]")
    talk.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(talk)
    assert ask("ok", "--continue", link).out == TEXT
    assert link.is_symlink() and read(talk) == [user("hello"), SAID] and stat.S_IMODE(talk.stat().st_mode) == 0o640


def test_a_relative_name(exochat, upstream, talk):
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--continue", "talk.json", "hello", cwd=talk.parent)
    assert ran.out == TEXT and read(talk) == [user("hello"), SAID]


BAD = [  # (text, words)
    ("{", "JSON: cut off (at byte 1)"),
    ("[1", "JSON: cut off (at byte 2)"),
    ("7", "a JSON array of messages expected"),
    ('"x"', "a JSON array of messages expected"),
    ("{}", "a JSON array of messages expected"),
    ('{"messages": {}}', "a JSON array of messages expected"),
    ('[{"role":"user","role":"x"}]', "twice"),
    ("[1]", "at byte 1"),
]


@pytest.mark.parametrize("text, words", BAD)
def test_a_file_that_cannot_be_gone_on_with(ask, upstream, talk, text, words):
    talk.write_text(text)
    ran = ask("ok", "--continue", talk)
    assert ran.code == 2 and words in ran.complaint and "--continue: " in ran.complaint
    assert talk.read_text() == text and upstream.connections == 0 and alone(talk)


def test_what_stands_in_the_way_is_found_before_anything_is_paid(ask, upstream, talk, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", "/dev/null", tmp_path / "nowhere" / "talk.json", "/proc/talk.json"):
        ran = ask("ok", "--continue", path)
        assert ran.code == 2 and ran.complaint.startswith(f"--continue: {path}: ")
    ran = ask("ok", "--continue", talk, "-a", tmp_path / "fifo")
    assert ran.code == 2 and "regular file" in ran.complaint
    assert upstream.connections == 0 and alone(talk)


@pytest.mark.parametrize("options", [("--messages", "x"), ("--n", "2"), ("-o", "n=2")])
def test_what_does_not_go_with_it(ask, upstream, talk, options):
    ran = ask("ok", "--continue", talk, *options)
    assert ran.code == 2 and "--continue: " in ran.complaint and upstream.connections == 0 and alone(talk)


def test_a_loop_of_tools(ask, upstream, talk):
    """The calls of an answer are answered in the file, and the conversation goes on without a prompt."""
    assert ask("tool-loop", "--continue", talk, prompt="weather?").code == 0
    messages = read(talk)
    call = messages[-1]["tool_calls"][0]["id"]
    messages.append({"role": "tool", "tool_call_id": call, "content": "4 degrees"})
    talk.write_text(json.dumps(messages), encoding="utf-8")
    assert ask("tool-loop", "--continue", talk, prompt=None).out == "The tool said: 4 degrees"
    assert upstream.requests[1].json["messages"] == messages
    assert read(talk) == [*messages, {"role": "assistant", "content": "The tool said: 4 degrees"}] and alone(talk)
