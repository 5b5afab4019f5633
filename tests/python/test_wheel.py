"""The repaired wheel, as tools/wheel.sh makes it: what it brings along, and that nothing else is needed."""

import importlib.metadata
import os
import re
import subprocess
from pathlib import Path

import pytest

import _exochat

pytestmark = pytest.mark.skipif(not os.environ.get("EXOCHAT_WHEEL"), reason="EXOCHAT_WHEEL is not set")

NAME = "exoclaw-provider-openai"
SYSTEM = "libc|libdl|libm|libpthread|librt|libz|ld-linux-x86-64|ld-linux-aarch64|linux-vdso"


def files():
    return [Path(str(file)) for file in importlib.metadata.files(NAME)]


def test_it_brings_what_it_needs():
    needed = subprocess.run(["ldd", _exochat.__file__], capture_output=True, text=True, check=True).stdout
    folder = Path(_exochat.__file__).parent / "exoclaw_provider_openai.libs"
    for line in needed.splitlines():
        name, _, place = line.strip().partition(" => ")
        assert re.match(rf"(.*/)?({SYSTEM})\.so", name.split(" ")[0]) or Path(place.split(" ")[0]).resolve().parent == folder, line


def test_a_licence_lies_beside_for_each_library():
    licences = {file.name for file in files() if file.parent.name == "licenses"}
    brought = {file.name.split("-")[0] for file in files() if file.parent.name.endswith(".libs")}
    assert brought == {"libcrypto", "libnghttp2", "libssl", "libyaml"}
    assert {"LICENSE", "curl"} <= licences
    for library in brought - {"libcrypto"}:  # a part of OpenSSL, as libssl
        assert any(name.startswith(library) for name in licences), library


def test_what_its_libcurl_can_do():
    below = _exochat.versions()
    assert "OpenSSL/3" in below and "nghttp2/" in below and "zlib/" in below
    assert not re.search("idn|psl|ssh|ldap|krb5|gssapi|brotli|zstd", below, re.I)


def test_it_reads_configuration_files():
    with pytest.raises(ValueError):
        _exochat.config("/nowhere")
