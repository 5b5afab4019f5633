"""The source distribution: unpacked where nothing else is it builds, and what it builds can be imported.

It wants a compiler and PyPI, from which pip takes the backend: run where $EXOCHAT_SDIST is set, once in `make test`.
"""

import os
import subprocess
import sys
import tarfile

import pytest

from conftest import ROOT

pytestmark = pytest.mark.skipif(not os.environ.get("EXOCHAT_SDIST"), reason="EXOCHAT_SDIST is not set")

MAKE = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"


def run(*command, **options):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert ran.returncode == 0, ran.stdout[-4000:]
    return ran.stdout


def test_it_builds_elsewhere(tmp_path):
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "EXOCHAT_EXTENSION", "LD_PRELOAD")}
    run(sys.executable, "-m", "venv", tmp_path / "maker")
    run(tmp_path / "maker/bin/pip", "install", "--quiet", "scikit-build-core>=0.10", env=variables)
    run(tmp_path / "maker/bin/python", "-c", MAKE, tmp_path, cwd=ROOT, env=variables)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "elsewhere")
    assert not [name for name in names if "/tests/" in name or "/shared/" in name or name.endswith((".so", ".pyc"))]
    assert made.stat().st_size < 1_000_000
    (unpacked,) = (tmp_path / "elsewhere").iterdir()
    run(sys.executable, "-m", "venv", tmp_path / "user")
    run(tmp_path / "user/bin/pip", "install", "--quiet", unpacked, cwd=tmp_path, env=variables)
    said = run(tmp_path / "user/bin/python", "-m", "exoclaw_provider_openai", cwd=tmp_path, env=variables)
    assert said.startswith("exoclaw_provider_openai ")
