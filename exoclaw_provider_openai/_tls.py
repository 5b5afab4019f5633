"""TLS on MicroPython: contexts that verify, and where their certificates come from.

A certificate of an authority is given as DER or PEM, as bytes or as a file; PEM is decoded here, since bare boards cannot.
"""

from binascii import a2b_base64

_BEGIN = b"-----BEGIN "
_END = b"-----END "

# Looked for, in this order, where neither the deployment nor the provider names one; beside this file, and in the root.
_PLACES = ("ca.pem", "ca.der")

HOWTO = (
    "https needs the certificate of an authority: give ca= (bytes or a file, DER or PEM), or put ca.pem or ca.der "
    "beside the package or in the root of the file system"
)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def ders(data):
    """The DER blocks of what is PEM, or DER already."""
    blocks = []
    at = data.find(_BEGIN)
    if at < 0:
        return [bytes(data)]
    while at >= 0:
        start = data.find(b"\n", at)
        end = data.find(_END, at)
        if start < 0 or end < 0:
            break
        text = b"".join(data[start:end].split())
        blocks.append(a2b_base64(text))
        at = data.find(_BEGIN, end)
    if not blocks:
        raise ValueError("ca: PEM without an end")
    return blocks


def _bytes(given):
    return _read(given) if isinstance(given, str) else given


def find(given):
    """The bytes of the authorities' certificates; None: there are none."""
    if given is not None:
        return _bytes(given)
    folder = __file__.rpartition("/")[0] if "__file__" in globals() else ""
    for place in (folder + "/", "/"):
        for name in _PLACES:
            try:
                return _read(place + name)
            except OSError:
                pass
    return None


def context(ca, client_cert=None, client_key=None):
    """A context that trusts `ca` alone, and that has no way not to verify."""
    try:
        import ssl
    except ImportError:
        import tls as ssl
    data = find(ca)
    if data is None:
        raise ValueError(HOWTO)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_mode = ssl.CERT_REQUIRED
    for der in ders(data):
        made.load_verify_locations(der)
    if client_cert is not None:
        made.load_cert_chain(ders(_bytes(client_cert))[0], ders(_bytes(client_key))[0])
    return made
