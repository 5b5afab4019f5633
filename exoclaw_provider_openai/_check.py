"""What is said at once of a Deployment that cannot be right.

A chip loads this when one is made, and lets go of it with the first call (_platform_micropython.py).
"""

# Every option of a Deployment beside the four of old; their defaults are those of its class.
OPTIONS = (
    "model",
    "auth_header",
    "auth_scheme",
    "drop",
    "rename",
    "connect_timeout",
    "stream_ttft_timeout",
    "request_timeout",
    "ttft_until",
    "lenient_end",
    "strict_stream",
    "think_tags",
    "chunked",
    "http2",
    "ca",
    "ca_dir",
    "client_cert",
    "client_key",
    "proxy",
    "unix_socket",
    "resolve",
)


def control(text):
    for byte in text.encode():  # a chip would keep each character for ever
        if byte < 32 or byte == 127:
            return True
    return False


def _url(url):
    if not isinstance(url, str):
        raise TypeError("base_url is a str, not %s" % type(url).__name__)
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https") or not rest.split("/")[0]:
        raise ValueError("base_url %r is no absolute http or https URL" % url)
    if "@" in rest.split("/")[0]:
        raise ValueError("base_url has user information: give it as api_key or in extra_headers")
    if control(url) or " " in url:
        raise ValueError("base_url has a blank or a control character")


def _key(key):
    if isinstance(key, str):
        if control(key):
            raise ValueError("api_key has a control character")
    elif key is not None and not callable(key):
        raise TypeError("api_key is a str or a function that returns one")
    elif getattr(getattr(key, "__code__", None), "co_flags", 0) & 0x80:
        raise TypeError("api_key is a coroutine function: only a plain function can be asked for a key")


def returned(key):
    """The key that a function of the caller's has returned."""
    if key is not None and not isinstance(key, str):
        raise TypeError("api_key returned %s, not a str" % type(key).__name__)
    if key and control(key):
        raise ValueError("api_key returned a control character")
    return key


def _headers(headers):
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("extra_headers: names and values are str: %r" % (name,))
        if control(name) or control(value) or not name or ":" in name or " " in name:
            raise ValueError("extra_headers: %r has a control character, or a name that is none" % name)


def clocks(limits):
    for name in ("connect_timeout", "stream_ttft_timeout", "request_timeout"):
        limit = limits.get(name)
        if limit is not None and not 0 <= limit <= 86400:
            raise ValueError("%s is 0 to 86400 seconds, not %r" % (name, limit))


def deployed(deployments):
    for name in deployments:
        if not hasattr(deployments[name], "base_url"):
            raise TypeError("deployments[%r] is a Deployment, not %s" % (name, type(deployments[name]).__name__))


def check(url, key, headers, options):
    """Raises what is wrong with the arguments of a Deployment."""
    _url(url)
    _key(key)
    _headers(headers)
    for name in options:
        if name not in OPTIONS:
            raise TypeError("Deployment has no option %r" % name)
    for name in ("drop", "resolve"):
        if isinstance(options.get(name), str):
            raise TypeError("%s is a list of str, not a str" % name)
    clocks(options)
    if options.get("ttft_until", "event") not in ("event", "token"):
        raise ValueError('ttft_until is "event" or "token"')
