"""The plugin for the llm command (examples/llm_plugin), by the command itself."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from places import environment

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 300  # seconds
TEXT = "Every stream finds its sea."


class Command:
    """`llm` with a folder of its own, and the plugin as pip would have laid it."""

    def __init__(self, folder, upstream):
        self.user = folder / "user"
        self.user.mkdir()
        plugin = folder / "plugin"
        plugin.mkdir()
        shutil.copy(ROOT / "examples" / "llm_plugin" / "llm_exochat.py", plugin)
        information = plugin / "llm_exochat-0.1.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-exochat\nVersion: 0.1\n")
        (information / "entry_points.txt").write_text("[llm]\nexochat = llm_exochat\n")
        self.plugin = plugin
        self.url = upstream.base_url
        self.write(ok={}, usual={"model": "ok", "api_key_env": "MINE"})

    def write(self, **models):
        """The plugin's settings."""
        self.models = json.dumps({name: {"base_url": self.url, **given} for name, given in models.items()})

    def __call__(self, *arguments):
        given = environment(LLM_USER_PATH=str(self.user), LLM_EXOCHAT_MODELS=self.models, MINE="secret")
        given["PYTHONPATH"] += os.pathsep + str(self.plugin)
        return subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env=given, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def command(upstream, tmp_path):
    pytest.importorskip("llm")
    return Command(tmp_path, upstream)


def test_a_question(command, upstream):
    ran = command("-m", "exochat/usual", "hello", "-s", "Be short.", "-o", "max_tokens", "7", "--usage")
    assert (ran.returncode, ran.stdout) == (0, TEXT + "\n"), ran.stderr
    assert "7 input, 5 output" in ran.stderr
    (request,) = upstream.requests
    assert request.header("authorization") == "Bearer secret"
    assert request.json["model"] == "ok" and request.json["max_tokens"] == 7
    assert [message["role"] for message in request.json["messages"]] == ["system", "user"]


def test_its_models_are_listed(command):
    ran = command("models")
    assert ran.returncode == 0 and "exochat/usual" in ran.stdout, ran.stderr


def test_a_conversation_goes_on(command, upstream):
    for arguments in (["-m", "exochat/ok", "first"], ["-c", "second"]):
        ran = command(*arguments)
        assert ran.returncode == 0, ran.stderr
    messages = upstream.requests[-1].json["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == [{"type": "text", "text": TEXT}]


def test_a_fallback(command, upstream):
    command.write(**{"status-503": {"fallbacks": ["ok"]}, "ok": {}})
    ran = command("-m", "exochat/status-503", "hello")
    assert ran.stdout == TEXT + "\n", ran.stderr
    assert [request.json["model"] for request in upstream.requests] == ["status-503", "ok"]


def test_a_failure_is_said(command):
    command.write(**{"status-401": {}})
    ran = command("-m", "exochat/status-401", "hello")
    assert ran.returncode != 0 and "401" in ran.stderr


def test_reasoning_is_no_text(command):
    command.write(reasoning={})
    ran = command("-m", "exochat/reasoning", "hello")
    assert ran.returncode == 0 and ran.stdout == TEXT + "\n", ran.stderr
    assert "Rivers run down." in ran.stderr


def test_a_tool_is_called(command, upstream):
    command.write(**{"tool-loop": {}})
    code = "def get_weather(city: str, days: int) -> str:\n    'The weather.'\n    return f'rain in {city} for {days}'"
    ran = command("-m", "exochat/tool-loop", "weather?", "--functions", code)
    assert ran.returncode == 0 and ran.stdout.strip() == "The tool said: rain in Oslo for 2", ran.stderr
    first, second = (request.json for request in upstream.requests)
    assert first["tools"][0]["function"]["name"] == "get_weather"
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool"]


def test_a_schema(command, upstream):
    command("-m", "exochat/ok", "hello", "--schema", "name, age int")
    assert set(upstream.requests[0].json["response_format"]["json_schema"]["schema"]["properties"]) == {"name", "age"}


def test_an_attachment_is_read_from_its_file(command, upstream, tmp_path):
    image = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    (tmp_path / "a.png").write_bytes(image)
    ran = command("-m", "exochat/ok", "what?", "--at", str(tmp_path / "a.png"), "image/png")
    assert ran.returncode == 0, ran.stderr
    text, part = upstream.requests[0].json["messages"][0]["content"]
    head, _, encoded = part["image_url"]["url"].partition(",")
    assert text["text"] == "what?" and head == "data:image/png;base64" and base64.b64decode(encoded) == image


def test_an_attachment_that_lies_elsewhere(command, upstream):
    url = "http://127.0.0.1:9/a.png"
    ran = command("-m", "exochat/ok", "what?", "--at", url, "image/png")
    assert ran.returncode == 0, ran.stderr
    assert upstream.requests[0].json["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": url}}
