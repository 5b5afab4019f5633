"""exoclaw-nanobot, which wires all of exoclaw's packages together, over ours (nanobot_turn.py)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from places import environment

pytest.importorskip("exoclaw_nanobot")

PATIENCE = 300  # seconds


def turn(folder, upstream, model):
    """What the channel was sent in a turn."""
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("nanobot_turn.py")), str(folder), upstream.base_url, model, "weather?"],
        env=environment(HOME=str(folder), LITELLM_LOCAL_MODEL_COST_MAP="True"), capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_message_of_a_channel_is_answered(upstream, tmp_path):
    sent = turn(tmp_path, upstream, "tool-loop")
    assert "rain in Oslo" in sent[-1]
    first, second = (request.json for request in upstream.requests)
    assert {"get_weather", "read_file", "spawn"} <= {tool["function"]["name"] for tool in first["tools"]}
    assert first["user"] == second["user"] == "test:room"
    assert [message["role"] for message in second["messages"]][-2:] == ["assistant", "tool"]
    assert os.listdir(tmp_path / "workspace" / "sessions")
