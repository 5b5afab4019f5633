"""Where a model is served, and how.

Constructing one opens nothing, reads nothing and needs no event loop; what is wrong with it is said at once.
"""

# Every option beside the four of old: its default. Clocks are seconds; None: the provider's, or the library's.
OPTIONS = {
    "model": None,
    "auth_header": None,
    "auth_scheme": None,
    "drop": (),
    "rename": None,
    "connect_timeout": None,
    "stream_ttft_timeout": None,
    "request_timeout": None,
    "ttft_until": "event",
    "lenient_end": False,
    "strict_stream": False,
    "think_tags": False,
    "chunked": False,
    "http2": False,
    "ca": None,
    "ca_dir": None,
    "client_cert": None,
    "client_key": None,
    "proxy": None,
    "unix_socket": None,
    "resolve": (),
}

CLOCKS = ("connect_timeout", "stream_ttft_timeout", "request_timeout")

try:
    _store = object.__setattr__
except AttributeError:  # a MicroPython whose classes cannot freeze
    _store = setattr


def _control(text):
    for character in text:
        if ord(character) < 32 or ord(character) == 127:
            return True
    return False


def _check_url(url):
    if not isinstance(url, str):
        raise TypeError("base_url is a str, not %s" % type(url).__name__)
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https") or not rest.split("/")[0]:
        raise ValueError("base_url %r is no absolute http or https URL" % url)
    if "@" in rest.split("/")[0]:
        raise ValueError("base_url has user information: give it as api_key or in extra_headers")
    if _control(url) or " " in url:
        raise ValueError("base_url has a blank or a control character")


def _check_key(key):
    if isinstance(key, str):
        if _control(key):
            raise ValueError("api_key has a control character")
    elif key is not None and not callable(key):
        raise TypeError("api_key is a str or a function that returns one")
    elif getattr(getattr(key, "__code__", None), "co_flags", 0) & 0x80:
        raise TypeError("api_key is a coroutine function: only a plain function can be asked for a key")


def _check_headers(headers):
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("extra_headers: names and values are str: %r" % (name,))
        if _control(name) or _control(value) or not name or ":" in name or " " in name:
            raise ValueError("extra_headers: %r has a control character, or a name that is none" % name)


class Deployment:
    """One model's endpoint; cannot be changed.

    base_url        absolute http or https URL; "/chat/completions" is appended to its path
    api_key         sent as "Authorization: Bearer"; "" or None: no authentication; or a function without arguments that
                    returns it, asked once for each call
    extra_headers   dict of str: sent with every request, never in place of the authentication and Content-Type
    extra_body      dict: top-level keys that are sent where the request has none of that name

    By keyword only; clocks are seconds, None: the provider's or 10, 0: off:
    model                   sent as "model" in place of the name under which it is deployed
    auth_header             in place of "Authorization"
    auth_scheme             in place of "Bearer"; "": the key alone
    drop, rename            top-level keys that are not sent (list), or under another name (dict)
    connect_timeout         until TCP and TLS are up
    stream_ttft_timeout     request sent → first event
    request_timeout         without progress
    ttft_until              "event" or "token": what ends stream_ttft_timeout
    lenient_end             accept a stream that ends without finish_reason and [DONE]
    strict_stream           refuse a whole completion in place of a stream
    think_tags              a <think> block at the start of the content is reasoning
    chunked                 send the body in chunks, without Content-Length
    http2                   offer HTTP/2
    ca                      certificates to trust, in place of the system's: a file's path, or its bytes (PEM, or DER)
    ca_dir                  a folder of hashed certificates
    client_cert, client_key PEM files
    proxy                   URL; None: from the environment; "": none
    unix_socket             path of a socket to connect to in place of the host
    resolve                 list of "host:port:address[,address]" in place of name resolution
    An injected client has its own certificates, proxy and connections: of these options it knows nothing.
    """

    def __init__(self, base_url, api_key="", extra_headers=None, extra_body=None, **options):
        _check_url(base_url)
        _check_key(api_key)
        headers = {} if extra_headers is None else extra_headers
        _check_headers(headers)
        for name in options:
            if name not in OPTIONS:
                raise TypeError("Deployment has no option %r" % name)
        for name in CLOCKS:
            limit = options.get(name)
            if limit is not None and not 0 <= limit <= 86400:
                raise ValueError("%s is 0 to 86400 seconds, not %r" % (name, limit))
        if options.get("ttft_until", "event") not in ("event", "token"):
            raise ValueError('ttft_until is "event" or "token"')
        _store(self, "base_url", base_url)
        _store(self, "api_key", api_key)
        _store(self, "extra_headers", headers)
        _store(self, "extra_body", {} if extra_body is None else extra_body)
        for name in OPTIONS:
            _store(self, name, options.get(name, OPTIONS[name]))

    def __setattr__(self, name, value):
        raise AttributeError("a Deployment cannot be changed: make another one")

    def __delattr__(self, name):
        raise AttributeError("a Deployment cannot be changed: make another one")

    def _values(self):
        values = [self.base_url, self.api_key, self.extra_headers, self.extra_body]
        return values + [getattr(self, name) for name in sorted(OPTIONS)]

    def __eq__(self, other):
        return isinstance(other, Deployment) and self._values() == other._values()

    def __hash__(self):
        return hash((self.base_url, self.model))

    def __repr__(self):
        said = ["base_url=%r" % self.base_url, "api_key=%r" % ("***" if self.api_key else "")]
        if self.extra_headers:  # a header may be a key too
            said.append("extra_headers={%s}" % ", ".join("%r: '***'" % name for name in self.extra_headers))
        if self.extra_body:
            said.append("extra_body=%r" % self.extra_body)
        for name in sorted(OPTIONS):
            value = getattr(self, name)
            if value != OPTIONS[name] and value != [] and value != {}:
                said.append("%s=%r" % (name, "***" if name == "proxy" and "@" in value else value))
        return "Deployment(%s)" % ", ".join(said)

    # --- for this package

    def url(self, path="/chat/completions"):
        """Where requests go; a query of base_url stays behind the path."""
        base, mark, query = self.base_url.partition("?")
        return base.rstrip("/") + path + mark + query

    def key(self):
        """The key as it is now, "" for none."""
        key = self.api_key() if callable(self.api_key) else self.api_key
        if key is not None and not isinstance(key, str):
            raise TypeError("api_key returned %s, not a str" % type(key).__name__)
        if key and _control(key):
            raise ValueError("api_key returned a control character")
        return key or ""

    def headers(self, key):
        """What is sent with a request, as pairs; `key` as key() gave it."""
        name = self.auth_header or "Authorization"
        scheme = "Bearer" if self.auth_scheme is None else self.auth_scheme
        pairs = [(name, scheme + " " + key if scheme else key)] if key else []
        pairs.append(("Content-Type", "application/json"))
        taken = (name.lower() if key else "", "content-type")
        for name, value in self.extra_headers.items():
            if name.lower() not in taken:
                pairs.append((name, value))
        return pairs
