"""What the tests of the Python side want: the module under test, and hypothesis without a clock of its own.

The module is the installed one, or that in the folder $EXOCHAT_PYTHON_PATH names (a build of the tree).
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [path for path in (os.environ.get("EXOCHAT_PYTHON_PATH"), str(HERE), str(HERE.parent)) if path]

from hypothesis import HealthCheck, settings  # noqa: E402

# No verdict depends on the machine's speed, and each run looks at the same examples unless more are asked for.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    max_examples=int(os.environ.get("EXOCHAT_EXAMPLES", "200")),
)
settings.load_profile("steady")
