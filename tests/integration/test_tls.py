"""TLS: what is trusted, what is refused and why, that nothing is sent before that is settled, and that nothing can
switch it off.
"""

import os
import shutil
import socket
import ssl
import subprocess

import listener
import pytest
from listener import Listener
from route import KEY
from upstream import Upstream

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert, RFC 8446, 6.2
HALF_A_RECORD = b"\x16\x03\x03\x10\x00\x02"
OLD_TLS_ALLOWED = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MinProtocol = TLSv1
CipherString = DEFAULT@SECLEVEL=0
"""


@pytest.fixture
def secure(certificates):
    with Upstream(tls=certificates.server("good")) as server:
        yield server


def of_version(certificates, version, **more):
    """A server's context for one version of TLS only."""
    context = certificates.server("good", **more)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    if version in ("1.0", "1.1"):
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    return context


# --- certificates


def test_a_good_certificate(route, secure):
    attempt = route.answers(base_url=secure.base_url)
    assert attempt["connected_ms"] is not None and attempt["http_version"] == "1.1"
    assert secure.requests[-1].header("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_certificate_is_good_for_each_of_its_names(route, certificates, host):
    try:
        server = Upstream("::1" if host == "[::1]" else "127.0.0.1", tls=certificates.server("good")).start()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    try:
        resolve = [f"localhost:{server.port}:127.0.0.1"] if host == "localhost" else []
        route.answers(base_url=f"https://{host}:{server.port}/v1", resolve=resolve)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "name, words",
    [
        ("expired", "certificate has expired"),
        ("not_yet", "certificate is not yet valid"),
        ("wrong_name", "does not match|no alternative certificate subject name matches"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_a_bad_certificate(route, certificates, name, words):
    with Upstream(tls=certificates.server(name)) as server:
        attempt = route.fails("EXO_E_TLS", "TLS handshake failed: ", base_url=server.base_url)
        assert any(word in attempt["message"] for word in words.split("|"))
        assert (attempt["connected_ms"], attempt["bytes_sent"], attempt["http_status"]) == (None, 0, None)
        assert server.requests == []


def test_an_authority_that_is_not_the_systems(route, secure):
    route.fails("EXO_E_TLS", "certificate", base_url=secure.base_url, ca_file=None)
    assert secure.requests == []


def test_a_fixed_address_does_not_change_whose_certificate_is_asked_for(route, secure):
    url = f"https://endpoint.example:{secure.port}/v1"
    resolve = [f"endpoint.example:{secure.port}:127.0.0.1"]
    route.fails("EXO_E_TLS", "endpoint.example", base_url=url, resolve=resolve)
    assert secure.requests == []


def test_a_certificate_that_is_refused_is_refused_again(exochat, write_config, certificates):
    """Retries do not wear verification down."""
    with Upstream(tls=certificates.server("expired")) as server:
        keys = {"base_url": server.base_url, "ca_file": certificates.ca, "retries": 2, "backoff_first": "1ms"}
        ran = exochat("--config", write_config({"m": keys}), "-m", "m", "--json", "hello")
        assert ran.trail == [("m", "EXO_E_TLS")] * 3 and ran.code == 1
        assert server.requests == []


# --- what is trusted


def test_a_path_is_relative_to_the_configuration(route, secure, certificates, tmp_path):
    shutil.copy(certificates.ca, tmp_path / "authority.pem")
    route.answers(base_url=secure.base_url, ca_file="authority.pem")


def test_a_folder_of_authorities(route, secure, certificates, tmp_path):
    folder = tmp_path / "authorities"
    folder.mkdir()
    shutil.copy(certificates.ca, folder)
    route.fails("EXO_E_TLS", "certificate", base_url=secure.base_url, ca_file=None, ca_dir=str(folder))
    subprocess.run(["openssl", "rehash", folder], check=True)
    route.answers(base_url=secure.base_url, ca_file=None, ca_dir=str(folder))


def test_bytes_of_an_authority(driver, secure, certificates):
    driver.setup(secure, "ok", ca_pem_from=certificates.ca)
    assert driver.chat(quiet=1).failed is None
    certificates.make("self_signed")
    driver.deploy(secure, "ok", ca_pem_from=certificates.path("self_signed"))
    assert driver.chat(quiet=1).failed == "EXO_E_TLS"
    both = driver("deploy", "ok", base_url=secure.base_url, ca_file=certificates.ca, ca_pem_from=certificates.ca)
    assert both.code == "EXO_E_ARGUMENT" and both.message.startswith("ca_pem: ")


def test_another_authority(route, secure, certificates):
    certificates.make("self_signed")
    route.fails("EXO_E_TLS", "certificate", base_url=secure.base_url, ca_file=certificates.path("self_signed"))
    assert secure.requests == []


@pytest.mark.parametrize("content", [None, b"", b"not a certificate\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_an_authority_that_cannot_be_read(route, secure, tmp_path, content):
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    route.fails("EXO_E_TLS", str(path), base_url=secure.base_url, ca_file=str(path))
    assert secure.requests == []


def test_the_flag(exochat, secure, certificates, tmp_path):
    url = ("--base-url", secure.base_url, "-m", "ok")
    assert exochat(*url, "--ca", certificates.ca, "hello").code == 0
    missing = exochat(*url, "--ca", tmp_path / "none.pem", "hello")
    assert missing.code == 2 and "--ca: " in missing.complaint and "none.pem" in missing.complaint


# --- versions


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_version_that_will_do(route, certificates, version):
    with Upstream(tls=of_version(certificates, version)) as server:
        route.answers(base_url=server.base_url)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("relaxed", [False, True], ids=["", "and OpenSSL is told to allow it"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_version_that_is_too_old(route, certificates, version, relaxed, tmp_path):
    env = {}
    if relaxed:
        (tmp_path / "openssl.cnf").write_text(OLD_TLS_ALLOWED)
        env["OPENSSL_CONF"] = str(tmp_path / "openssl.cnf")
    with Upstream(tls=of_version(certificates, version)) as server:
        route.fails("EXO_E_TLS", "protocol version", base_url=server.base_url, env=env)
        assert server.requests == [] and server.handshake_errors
        assert speaks(server.port, certificates, version)


def speaks(port, certificates, version):
    """A client that wants to can talk to the server: what was refused was the version."""
    context = ssl.create_default_context(cafile=certificates.ca)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port)) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            return client.version() == f"TLSv{version}".removesuffix(".0")


# --- no TLS at all


@pytest.mark.parametrize(
    "handle, words",
    [
        (listener.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), "wrong version number"),
        (listener.say(b"SSH-2.0-OpenSSH_9.9\r\n"), "wrong version number"),
        (listener.answer(HANDSHAKE_FAILURE), "alert handshake failure"),
        (listener.answer(b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), "unexpected message"),
        (listener.close, ""),
        (listener.hear_and_close, ""),
        (listener.hear_and_reset, "reset by peer"),
    ],
    ids=["plain HTTP", "another protocol", "alert", "wrong message", "closes", "closes after hello", "resets"],
)
def test_no_handshake(route, handle, words):
    with Listener(handle) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        attempt = route.fails("EXO_E_TLS", "TLS handshake failed", words, base_url=url)
        assert (attempt["connected_ms"], attempt["bytes_sent"]) == (None, 0)
        assert KEY.encode() not in server.everything and b"POST" not in server.everything


@pytest.mark.parametrize("handle", [listener.stall, listener.answer(HALF_A_RECORD)], ids=["silence", "half a record"])
def test_a_handshake_that_stalls_is_the_connect_clocks(route, handle):
    with Listener(handle) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        attempt = route.fails("EXO_E_CLOCK_CONNECT", "connect clock", base_url=url, connect_timeout="300ms")
        assert attempt["connected_ms"] is None and 300 <= attempt["end_ms"] < 60000
        assert KEY.encode() not in server.everything and b"POST" not in server.everything


# --- the client's certificate


def test_a_client_certificate(route, certificates):
    certificate, key = certificates.make("client")
    with Upstream(tls=certificates.server("good", client_ca=True)) as server:
        route.answers(base_url=server.base_url, client_cert=certificate, client_key=key)


def test_a_client_certificate_and_its_key_in_one_file(route, certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(open(path, "rb").read() for path in certificates.make("client")))
    with Upstream(tls=certificates.server("good", client_ca=True)) as server:
        route.answers(base_url=server.base_url, client_cert=str(both))


def handshake(context):
    """Does no more than a handshake, and keeps a connection open on which it failed, so that the alert arrives."""

    def handle(sock):
        with context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False) as secure:
            try:
                secure.do_handshake()
            except ssl.SSLError:
                socket.socket.recv(secure, 1 << 16)  # until the client is gone
                while socket.socket.recv(secure, 1 << 16):
                    pass

    return handle


@pytest.mark.parametrize("version, words", [("1.2", "alert handshake failure"), ("1.3", "alert certificate required")])
def test_a_client_certificate_is_missing(route, certificates, version, words):
    with Listener(handshake(of_version(certificates, version, client_ca=True))) as server:
        route.fails("EXO_E_TLS", words, base_url=f"https://127.0.0.1:{server.port}/v1")


@pytest.mark.parametrize(
    "certificate, key, words",
    [
        ("client.pem", "other.key", "private key"),
        ("none.pem", None, "client certificate"),
        ("other.key", "other.key", "client certificate"),
    ],
    ids=["a key of another", "no file", "no certificate"],
)
def test_a_client_certificate_that_cannot_be_used(route, certificates, tmp_path, certificate, key, words):
    shutil.copy(certificates.make("client")[0], tmp_path / "client.pem")
    shutil.copy(certificates.make("good")[1], tmp_path / "other.key")
    with Upstream(tls=certificates.server("good", client_ca=True)) as server:
        route.fails("EXO_E_TLS", words, base_url=server.base_url, client_cert=certificate, client_key=key)
        assert server.requests == []


def test_a_client_key_without_a_certificate(route, secure, certificates):
    ran = route.run(base_url=secure.base_url, client_key=certificates.make("client")[1])
    assert ran.code == 2 and "client_key" in ran.complaint


# --- no switch


@pytest.mark.parametrize(
    "key, value",
    [(key, True) for key in ("insecure", "allow_insecure", "skip_verify", "tls_skip_verify", "no_verify")]
    + [(key, False) for key in ("verify", "verify_peer", "verify_host", "verify_ssl", "verify_tls", "ssl", "tls")]
    + [(key, "no") for key in ("ssl_verify", "ssl_verifypeer", "tls_verify", "check_hostname")]
    + [("tls_min", "1.0"), ("ssl_version", "1.0")],
)
def test_no_key_switches_verification_off(exochat, write_config, secure, key, value):
    path = write_config({"m": {"base_url": secure.base_url, key: value}})
    ran = exochat("--config", path, "-m", "m", "hello")
    assert ran.code == 2 and f"models.m.{key}: unknown key" in ran.complaint
    assert secure.connections == 0


@pytest.mark.parametrize("flag", ["-k", "--insecure", "--no-verify", "--no-check-certificate", "--tls-max", "--ca="])
def test_no_flag_switches_verification_off(exochat, secure, flag):
    ran = exochat("--base-url", secure.base_url, "-m", "ok", flag, "hello")
    assert ran.code == 2 and flag.rstrip("=") in ran.complaint
    assert secure.connections == 0


def test_no_variable_switches_verification_off(route, secure, tmp_path):
    (tmp_path / "curlrc").write_text("insecure\n")
    shutil.copy(tmp_path / "curlrc", tmp_path / ".curlrc")
    off = {"NODE_TLS_REJECT_UNAUTHORIZED": "0", "PYTHONHTTPSVERIFY": "0", "GIT_SSL_NO_VERIFY": "1"}
    off |= {"CURL_INSECURE": "1", "EXOCHAT_INSECURE": "1", "SSL_VERIFY": "0", "SSL_NO_VERIFY": "1", "INSECURE": "1"}
    off |= {"CURL_HOME": str(tmp_path), "CURL_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "", "HOME": str(tmp_path)}
    route.fails("EXO_E_TLS", "certificate", base_url=secure.base_url, ca_file=None, env=off)
    assert secure.requests == []


# --- save-ca




def test_save_ca(exochat, secure, certificates, tmp_path):
    saved = tmp_path / "root.pem"
    ran = exochat("check", "--base-url", secure.base_url, "--ca", certificates.ca, "--save-ca", saved)
    assert (ran.code, ran.err) == (0, "") and str(saved) in ran.out
    assert saved.read_text() == open(certificates.ca, encoding="ascii").read()
    assert secure.requests == []
    assert exochat("--base-url", secure.base_url, "-m", "ok", "--ca", saved, "hello").code == 0


def test_save_ca_of_a_configuration(route, exochat, secure, certificates, tmp_path):
    saved = tmp_path / "root.pem"
    path = route.config(base_url=secure.base_url)
    ran = exochat("check", "--config", path, "-m", "first", "--save-ca", saved, env={"FIRST_KEY": KEY})
    assert ran.code == 0 and KEY not in ran.out + ran.err
    assert saved.read_text() == open(certificates.ca, encoding="ascii").read()


def test_save_ca_of_a_host_that_is_not_verified(exochat, secure, certificates, tmp_path):
    saved = tmp_path / "root.pem"
    ran = exochat("check", "--base-url", secure.base_url, "--save-ca", saved)
    assert ran.code == 1 and "certificate" in ran.complaint
    with Upstream(tls=certificates.server("wrong_name")) as server:
        ran = exochat("check", "--base-url", server.base_url, "--ca", certificates.ca, "--save-ca", saved)
        assert ran.code == 1 and "TLS handshake failed" in ran.complaint
    assert not saved.exists()


def test_save_ca_without_tls(exochat, upstream, closed_port, tmp_path):
    saved = tmp_path / "root.pem"
    plain = exochat("check", "--base-url", upstream.base_url, "--save-ca", saved)
    assert plain.code == 2 and "base_url is not https" in plain.complaint
    nobody = exochat("check", "--base-url", f"https://127.0.0.1:{closed_port}/v1", "--save-ca", saved)
    assert nobody.code == 1 and "no connection could be made" in nobody.complaint
    assert not saved.exists()


def test_save_ca_where_nothing_can_be_written(exochat, secure, certificates, tmp_path):
    saved = tmp_path / "none" / "root.pem"
    ran = exochat("check", "--base-url", secure.base_url, "--ca", certificates.ca, "--save-ca", saved)
    assert ran.code == 2 and str(saved) in ran.complaint and os.strerror(2) in ran.complaint
