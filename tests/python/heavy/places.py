"""Where the package is that these tests have found, and agent.py, for the processes that they start."""

import os
from pathlib import Path


def places():
    import _exochat
    import exoclaw_provider_openai

    return [str(Path(_exochat.__file__).parent), str(Path(exoclaw_provider_openai.__file__).parents[1])]


def environment(**more):
    """This process's, with the package and tests/agent on the path; nothing is logged."""
    path = [*places(), str(Path(__file__).resolve().parents[2] / "agent")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1", "LLM_LOGGING": "false", **more}
