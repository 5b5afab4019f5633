"""The example programs, run against the scripted server; and the example of the README."""

import os
import re
import subprocess

import pytest
from command import BINARY, PASSED_ON, ROOT, SANITIZED, TIMEOUT
from upstream.chunks import TEXT

EXAMPLES = BINARY.parent / "examples"
LOOPS = ["parallel", "poll", "epoll", "libuv"]
QUESTIONS = ["Why?", "What for?", "Since when?", "Who says so?", "And then?"]


def run(program, base_url, *args):
    path = EXAMPLES / program
    if program in ("epoll", "libuv") and not path.exists():
        pytest.skip(f"{program} is not to be had here")
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment.update(EXOCHAT_BASE_URL=base_url, EXOCHAT_API_KEY="sk-test", NO_PROXY="*")
    return subprocess.run([path, *args], env=environment, capture_output=True, text=True, timeout=TIMEOUT)


def test_one_question(upstream):
    ran = run("chat", upstream.base_url, "ok", "hello")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, TEXT + "\n", "")
    assert upstream.requests[0].header("authorization") == "Bearer sk-test"


def test_one_question_that_fails(upstream):
    ran = run("chat", upstream.base_url, "status-503", "hello")
    assert ran.returncode == 1 and "scripted failure 503" in ran.stderr and "sk-test" not in ran.stderr


@pytest.mark.parametrize("program", ["chat", *LOOPS])
@pytest.mark.parametrize("model", ["tool-length", "content-filter", "refusal"])
def test_an_answer_that_is_not_whole_is_no_success(upstream, program, model):
    ran = run(program, upstream.base_url, model, "hello")
    assert ran.returncode == 1
    assert (ran.stderr == "the answer was cut, filtered or refused\n") == (program == "chat")

def test_a_loop_of_tools(upstream):
    ran = run("tools", upstream.base_url, "tool-loop", "Do I need a coat in Oslo?")
    assert (ran.returncode, ran.stdout) == (0, "The tool said: 4 degrees, sleet\n")
    assert ran.stderr == 'get_weather {"city":"Oslo","days":2}\n'
    question, answer, result = upstream.requests[1].json["messages"]
    assert question == upstream.requests[0].json["messages"][0]
    function = {"name": "get_weather", "arguments": '{"city":"Oslo","days":2}'}
    assert answer == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_0", "type": "function", "function": function}],
    }
    assert result == {"role": "tool", "tool_call_id": "call_0", "content": "4 degrees, sleet"}


@pytest.mark.parametrize("model", ["tool-length", "content-filter", "refusal"])
def test_a_loop_of_tools_that_is_cut(upstream, model):
    """No tool is run: what was cut are its arguments too."""
    ran = run("tools", upstream.base_url, model, "Do I need a coat in Oslo?")
    assert (ran.returncode, ran.stderr) == (1, "the answer was cut, filtered or refused\n")
    assert len(upstream.requests) == 1


def test_a_loop_of_tools_that_never_ends(upstream):
    """And whose arguments are repaired."""
    ran = run("tools", upstream.base_url, "tool-repair", "Do I need a coat in Oslo?")
    assert (ran.returncode, ran.stderr) == (1, 'get_weather {"city":"Oslo","days":2}\n' * 8 + "no answer after 8 turns\n")
    assert len(upstream.requests) == 8


@pytest.mark.parametrize("program", ["chat", "tools"])
def test_a_failure_without_a_message_of_its_own(upstream, program):
    ran = run(program, upstream.base_url, "no-end", "hello")
    assert ran.returncode == 1 and ran.stderr == "no finish_reason or [DONE]: try again; lenient_end accepts such servers\n"


def test_a_loop_of_tools_that_fails(upstream):
    ran = run("tools", upstream.base_url, "tool-truncated", "Do I need a coat in Oslo?")
    assert ran.returncode == 1 and len(upstream.requests) == 1 and ran.stderr


@pytest.mark.parametrize("program", LOOPS)
def test_many_questions(upstream, program):
    ran = run(program, upstream.base_url, "echo+piece-40+pause-2", *QUESTIONS)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(ran.stdout.splitlines()) == sorted(f"{question}: {question}" for question in QUESTIONS)
    assert upstream.connections == len(QUESTIONS)


@pytest.mark.parametrize("program", LOOPS)
@pytest.mark.parametrize("model", ["status-503", "cut-after-300", "reset-before-headers"])
def test_many_questions_that_fail(upstream, program, model):
    ran = run(program, upstream.base_url, model, *QUESTIONS)
    assert ran.returncode in (0, 1) and ran.stderr == ""
    assert len(ran.stdout.splitlines()) == len(QUESTIONS) and "finds" not in ran.stdout


@pytest.mark.parametrize("program", LOOPS)
@pytest.mark.parametrize("model", ["never-ends", "big-2", "ok+close", "slow-5"])
def test_many_questions_in_a_loop_of_ones_own(upstream, program, model):
    """Responses that must be drained or broken off, and transfers that must pause."""
    ran = run(program, upstream.base_url, model, *QUESTIONS)
    assert (ran.returncode, ran.stderr) == (0, "") and len(ran.stdout.splitlines()) == len(QUESTIONS)


@pytest.mark.skipif(SANITIZED, reason="a gigabyte takes too long")
def test_the_demo(tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EXOCHAT_BINARY": str(BINARY)}
    ran = subprocess.run(
        [ROOT / "examples" / "demo" / "run.sh"], env=environment, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert ran.returncode == 0 and "the upstream received: " in ran.stdout and "3 attempts, " in ran.stderr
    assert all(line.startswith("exochat: ") for line in ran.stderr.splitlines()), ran.stderr


@pytest.mark.parametrize("program", ["chat", "tools", *LOOPS])
def test_a_base_url_that_is_none(program):
    ran = run(program, "localhost/v1", "ok", "hello")
    assert ran.returncode == 2 and ran.stderr.startswith("base_url: ")


def test_the_example_of_the_readme_is_the_one_that_is_tested():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    assert blocks == [(ROOT / "examples" / "chat.c").read_text(encoding="utf-8")]
