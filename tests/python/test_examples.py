"""The examples in Python, run as they stand."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT
from upstream.chunks import TEXT

if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

EXAMPLES = ROOT / "examples"


def environment(tmp_path, **more):
    return dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), HOME=str(tmp_path), LLM_USER_PATH=str(tmp_path), **more)


def test_a_loop_of_tools(upstream, tmp_path):
    command = [sys.executable, str(EXAMPLES / "python" / "tools.py"), "tool-loop", "Umbrella in Oslo?"]
    variables = environment(tmp_path, EXOCHAT_BASE_URL=upstream.base_url, EXOCHAT_API_KEY="k")
    ran = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert ran.returncode == 0, ran.stderr
    assert "Oslo: rain, for 2 days" in ran.stdout and len(upstream.requests) == 2


def test_the_plugin_of_llm(upstream, tmp_path):
    pytest.importorskip("llm")
    table = {
        "bad": {"base_url": upstream.base_url, "model": "status-503", "api_key_env": "KEY", "fallbacks": ["good"]},
        "good": {"base_url": upstream.base_url, "model": "ok"},
    }
    code = "import llm, llm_exochat; llm.plugins.pm.register(llm_exochat); from llm.cli import cli; cli()"
    variables = environment(tmp_path, LLM_EXOCHAT_MODELS=json.dumps(table), KEY="sk-of-a-test")
    variables["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES / "llm_plugin"), variables["PYTHONPATH"]])

    def llm(*arguments):
        ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=variables)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "exochat/bad" in llm("models")
    assert llm("-m", "exochat/bad", "-s", "Be short.", "hello").strip() == TEXT
    assert llm("-c", "--no-stream", "again").strip() == TEXT
    assert [request.header("authorization") for request in upstream.requests] == ["Bearer sk-of-a-test", None] * 2
    assert [message["role"] for message in upstream.requests[-1].json["messages"]] == ["system", "user", "assistant", "user"]
