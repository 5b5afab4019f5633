"""Where the package is that these tests have found, for the processes that they start."""

import os
from pathlib import Path


def places():
    import _exochat
    import exoclaw_provider_openai

    return [str(Path(_exochat.__file__).parent), str(Path(exoclaw_provider_openai.__file__).parents[1])]


def environment(**more):
    """This process's, with the package on the path; nothing is logged."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places()), "PYTHONDONTWRITEBYTECODE": "1", "LLM_LOGGING": "false", **more}
