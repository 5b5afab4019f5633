"""Makes certificates for tests with the `openssl` command, in a folder that the caller gives.

    certificates = Certificates(tmp_path)
    Upstream(tls=certificates.server("good"))       # or "expired", "wrong_name", "self_signed"
    client trusts certificates.ca, and may present certificates.path("client"), certificates.key("client")

"good" is for localhost, 127.0.0.1 and ::1. All keys are P-256 and worthless outside of a test.
"""

import os
import ssl
import subprocess

LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"

# name → (subjectAltName, notBefore, notAfter, extended key usage)
LEAVES = {
    "good": (LOCAL, "20200101000000Z", "20991231235959Z", "serverAuth"),
    "expired": (LOCAL, "20200101000000Z", "20200102000000Z", "serverAuth"),
    "not_yet": (LOCAL, "20980101000000Z", "20991231235959Z", "serverAuth"),
    "wrong_name": ("DNS:elsewhere.example", "20200101000000Z", "20991231235959Z", "serverAuth"),
    "client": ("DNS:client.example", "20200101000000Z", "20991231235959Z", "clientAuth"),
}

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
subjectAltName = {alternatives}
"""


class Certificates:
    """A folder with a certificate authority and what it signed; every PEM is made when it is first asked for."""

    def __init__(self, folder):
        self.folder = os.fspath(folder)
        if not os.path.exists(self.path("ca")):
            for name, text in (("index.txt", ""), ("serial", "1000\n")):
                with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                    file.write(text)
            self._self_signed("ca", "root")

    @property
    def ca(self):
        """The path of the authority's certificate."""
        return self.path("ca")

    def path(self, name):
        return os.path.join(self.folder, name + ".pem")

    def key(self, name):
        return os.path.join(self.folder, name + ".key")

    def make(self, name):
        """Makes one of LEAVES, or "self_signed", and returns the paths of certificate and key."""
        if not os.path.exists(self.path(name)):
            if name == "self_signed":
                self._self_signed(name, "leaf")
            else:
                self._signed(name)
        return self.path(name), self.key(name)

    def server(self, name="good", client_ca=False, minimum=None):
        """An SSLContext for a server with this certificate; with `client_ca`, a client must show one of this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.make(name))
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        if minimum:
            context.minimum_version = minimum
        return context

    def _config(self, name):
        alternatives, _, _, usage = LEAVES.get(name, LEAVES["good"])
        path = os.path.join(self.folder, name + ".cnf")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(name=f"exochat test {name}", alternatives=alternatives, usage=usage))
        return path

    def _new_key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key(name))

    def _self_signed(self, name, extensions):
        self._new_key(name)
        self._openssl(
            *("req", "-new", "-x509", "-key", self.key(name), "-out", self.path(name)),
            *("-config", self._config(name), "-extensions", extensions, "-days", "3650", "-sha256"),
        )

    def _signed(self, name):
        _, begins, ends, _ = LEAVES[name]
        config, request = self._config(name), os.path.join(self.folder, name + ".csr")
        self._new_key(name)
        self._openssl("req", "-new", "-key", self.key(name), "-out", request, "-config", config)
        self._openssl(
            *("ca", "-batch", "-notext", "-config", config, "-extensions", "leaf"),
            *("-startdate", begins, "-enddate", ends, "-in", request, "-out", self.path(name)),
        )

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
