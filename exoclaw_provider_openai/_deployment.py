"""What a provider is told: where a model is served, and how; the settings of all its calls; whether it writes a log.

Constructing these opens nothing, reads nothing and needs no event loop; what is wrong is said at once (_check.py, _said.py).
"""

import os

try:
    _store = object.__setattr__
except AttributeError:  # a MicroPython whose classes cannot freeze
    _store = setattr


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

    # What holds where nobody said anything else; clocks are the provider's then, or the library's.
    model = auth_header = auth_scheme = rename = None
    connect_timeout = stream_ttft_timeout = request_timeout = None
    ca = ca_dir = client_cert = client_key = proxy = unix_socket = None
    drop = resolve = ()
    ttft_until = "event"
    lenient_end = strict_stream = think_tags = chunked = http2 = False

    def __init__(self, base_url, api_key="", extra_headers=None, extra_body=None, **options):
        from ._check import check

        headers = {} if extra_headers is None else extra_headers
        check(base_url, api_key, headers, options)
        _store(self, "base_url", base_url)
        _store(self, "api_key", api_key)
        _store(self, "extra_headers", headers)
        _store(self, "extra_body", {} if extra_body is None else extra_body)
        for name in options:
            _store(self, name, options[name])

    def __setattr__(self, name, value):
        from ._said import frozen

        raise frozen()

    def __delattr__(self, name):
        self.__setattr__(name, None)

    def __eq__(self, other):
        from ._said import values

        return isinstance(other, Deployment) and values(self) == values(other)

    def __hash__(self):
        return hash((self.base_url, self.model))

    def __repr__(self):
        from ._said import shown

        return shown(self)

    # --- for this package

    def url(self, path="/chat/completions"):
        """Where requests go; a query of base_url stays behind the path."""
        base, mark, query = self.base_url.partition("?")
        return base.rstrip("/") + path + mark + query

    def key(self):
        """The key as it is now, "" for none."""
        key = self.api_key
        if callable(key):
            from ._check import returned

            key = returned(key())
        return key or ""

    def headers(self, key):
        """What is sent with a request, as pairs; `key` as key() gave it."""
        pairs = [("Content-Type", "application/json")]
        taken = ["content-type"]
        if key:
            name = self.auth_header or "Authorization"
            scheme = "Bearer" if self.auth_scheme is None else self.auth_scheme
            pairs.insert(0, (name, scheme + " " + key if scheme else key))
            taken.append(name.lower())
        for name in self.extra_headers:
            if name.lower() not in taken:
                pairs.append((name, self.extra_headers[name]))
        return pairs


class Log:
    """request(model, messages, tools), response(model, response, milliseconds), fallback(model, next model or None, error):
    see _records.py. LLM_LOGGING and LLM_LOG_TRUNCATE are read when it is made."""

    def __init__(self):
        getenv = getattr(os, "getenv", None)  # a bare board has none
        self.on = getenv is not None and (getenv("LLM_LOGGING") or "").lower() == "true"
        self._cut = getenv("LLM_LOG_TRUNCATE") if self.on else None
        self._logger = None

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        from . import _records

        return lambda *said: getattr(_records, name)(self, *said)


class Settings:
    """deployments, fallbacks, context_fallbacks: by name; policy: of the route, policies: by name, in its place; restart:
    of streams that do not say; clocks: seconds; ca; log."""

    restart = False
    ca = None

    def __init__(self, deployments, fallbacks, context_fallbacks, policy):
        self.deployments = dict(deployments)
        self.fallbacks = {}
        self.context_fallbacks = {}
        self.policy = {}
        self.policies = {}
        self.log = Log()
        if fallbacks or context_fallbacks or policy:
            from ._said import take

            take(self, fallbacks or {}, context_fallbacks or {}, policy)

    def policy_of(self, name):
        """How often and how long calls to `name` try."""
        return self.policies.get(name, self.policy)
