"""Whom https trusts: ca=, ca_dir=, then SSL_CERT_FILE and SSL_CERT_DIR, the system's places, certifi's; else an error that names
these. Verified always."""

import os
import ssl
import subprocess
import sys
import types
from pathlib import Path

import pytest

if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

from exoclaw_provider_openai import Deployment, HTTPConnectError, OpenAIStreamingProvider, _deploy_cpython
from upstream import Upstream
from upstream.chunks import TEXT
from upstream.tls import Certificates

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A machine that trusts nobody."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_deploy_cpython, "PLACES", (str(tmp_path / "nowhere"),))
    monkeypatch.setitem(sys.modules, "certifi", None)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def secure(certificates):
    with Upstream(tls=certificates.server()) as server:
        yield server
        assert not server.errors


def ask(server, **options):
    made = Deployment(server.base_url, "k", **options)
    with OpenAIStreamingProvider("ok", {"ok": made}, stream_ttft_timeout=600.0, request_timeout=600.0) as provider:
        return provider.chat_sync(HELLO).content


def folder_of(certificates, folder):
    """A folder as OpenSSL looks for an authority in it: by a hash of its name."""
    folder.mkdir()
    command = ["openssl", "x509", "-hash", "-noout", "-in", certificates.ca]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    os.symlink(certificates.ca, folder / f"{name}.0")
    return str(folder)


def test_nobody_is_trusted(nobody):
    """The error says what to do, before a connection is made; http needs none."""
    with Upstream() as plain:
        with pytest.raises(OSError) as caught:
            ask(types.SimpleNamespace(base_url=plain.base_url.replace("http:", "https:")))
        assert all(word in str(caught.value) for word in ("ca=", "SSL_CERT_FILE", "SSL_CERT_DIR", "ca-certificates", "certifi"))
        assert plain.connections == 0 and ask(plain) == TEXT


def test_a_stranger_is_not_trusted(nobody, monkeypatch, secure, tmp_path):
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(Certificates(tmp_path / "other").ca))
    with pytest.raises(HTTPConnectError) as caught:
        ask(secure)
    assert caught.value.code == "EXO_E_TLS" and secure.requests == []


@pytest.mark.parametrize("form", ["path", "text", "pem", "der"])
def test_ca(nobody, secure, certificates, form):
    pem = Path(certificates.ca).read_bytes()
    forms = {"path": Path(certificates.ca), "text": certificates.ca, "pem": pem, "der": ssl.PEM_cert_to_DER_cert(pem.decode())}
    assert ask(secure, ca=forms[form]) == TEXT


def test_ca_dir(nobody, secure, certificates, tmp_path):
    assert ask(secure, ca_dir=folder_of(certificates, tmp_path / "hashed")) == TEXT


def test_the_environments(nobody, monkeypatch, secure, certificates, tmp_path):
    monkeypatch.setenv("SSL_CERT_DIR", folder_of(certificates, tmp_path / "hashed"))
    assert ask(secure) == TEXT
    monkeypatch.delenv("SSL_CERT_DIR")
    monkeypatch.setenv("SSL_CERT_FILE", certificates.ca)
    assert ask(secure) == TEXT


def test_the_systems_and_certifis(nobody, monkeypatch, secure, certificates):
    monkeypatch.setitem(sys.modules, "certifi", types.SimpleNamespace(where=lambda: certificates.ca))
    assert ask(secure) == TEXT
    monkeypatch.setitem(sys.modules, "certifi", types.SimpleNamespace(where=lambda: "/never/asked"))
    monkeypatch.setattr(_deploy_cpython, "PLACES", ("/nowhere", certificates.ca))
    assert ask(secure) == TEXT


def test_the_order(nobody, monkeypatch, tmp_path):
    """Each comes before those after it."""
    places = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setitem(sys.modules, "certifi", types.SimpleNamespace(where=lambda: "certifi's"))
    monkeypatch.setattr(_deploy_cpython, "PLACES", tuple(map(str, places)))
    assert _deploy_cpython.trusted() == {"ca_file": "certifi's"}
    for place in reversed(places):
        place.write_text("")
        assert _deploy_cpython.trusted() == {"ca_file": str(place)}
    monkeypatch.setenv("SSL_CERT_DIR", "/folder")
    assert _deploy_cpython.trusted() == {"ca_dir": "/folder"}
    monkeypatch.setenv("SSL_CERT_FILE", "/file")
    assert _deploy_cpython.trusted() == {"ca_file": "/file", "ca_dir": "/folder"}
