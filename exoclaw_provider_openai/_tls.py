"""TLS on MicroPython: contexts that verify, and where their certificates come from.

A certificate of an authority is given as DER or PEM, as bytes or as a file; PEM is decoded here, since bare boards cannot.
"""

import gc
from binascii import a2b_base64

_BEGIN = b"-----BEGIN "
_END = b"-----END "


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
        blocks.append(a2b_base64(memoryview(data)[start:end]))
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
    for place in (folder + "/ca.pem", folder + "/ca.der", "/ca.pem", "/ca.der"):
        try:
            return _read(place)
        except OSError:
            pass
    return None


def context_of(deployment, ca):
    """A context that trusts the deployment's authorities alone, or those of `ca`, and that has no way not to verify."""
    try:
        import ssl
    except ImportError:
        import tls as ssl
    data = find(ca if deployment.ca is None else deployment.ca)
    if data is None:
        raise ValueError()  # _broken.py says what to put where
    data = ders(data)
    gc.collect()  # on some ports a context is one large block
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_mode = ssl.CERT_REQUIRED
    for der in data:
        made.load_verify_locations(der)
    if deployment.client_cert is not None:
        made.load_cert_chain(ders(_bytes(deployment.client_cert))[0], ders(_bytes(deployment.client_key))[0])
    return made
