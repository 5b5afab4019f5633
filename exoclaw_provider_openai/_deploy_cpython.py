"""What the C client is told: of deployments, and of one call."""

import os

import _exochat

CLOCKS = ("connect_timeout", "stream_ttft_timeout", "request_timeout")
AS_THEY_ARE = (
    "auth_header",
    "auth_scheme",
    "model",
    "ttft_until",
    "lenient_end",
    "strict_stream",
    "think_tags",
    "chunked",
    "http2",
    "ca_dir",
    "client_cert",
    "client_key",
    "proxy",
    "unix_socket",
)

# Where systems keep the certificates that they trust.
PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/openssl@3/cert.pem",
)


def milliseconds(seconds):
    return int(seconds * 1000 + 0.5)


def trusted():
    """The certificates to trust where nobody named any: SSL_CERT_FILE, SSL_CERT_DIR, the system's, certifi's."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        found = {"ca_file": file} if file else {}
        if folder:
            found["ca_dir"] = folder
        return found
    for path in PLACES:
        if os.path.isfile(path):
            return {"ca_file": path}
    try:
        import certifi
    except ImportError:
        return None
    return {"ca_file": certifi.where()}


def _authorities(deployment, ca):
    ca = ca if deployment.ca is None else deployment.ca
    if ca is None and deployment.ca_dir is None:
        if not deployment.base_url.lower().startswith("https"):
            return {}
        found = trusted()
        if found is None:
            raise OSError(
                "no certificates to trust: give ca=, set SSL_CERT_FILE or SSL_CERT_DIR, install the system's"
                " (ca-certificates), or the package certifi"
            )
        return found
    if ca is None:
        return {}
    if isinstance(ca, (bytes, bytearray, memoryview)):
        ca = bytes(ca)
        if b"-----BEGIN" not in ca:
            import ssl

            ca = ssl.DER_cert_to_PEM_cert(ca).encode()
        return {"ca_pem": ca}
    return {"ca_file": os.fspath(ca)}


def deploy_options(settings, name):
    """A Deployment as Client.deploy() takes it."""
    deployment, clocks = settings.deployments[name], settings.clocks
    options = {"base_url": deployment.base_url, "headers": list(deployment.extra_headers.items())}
    for option in AS_THEY_ARE:
        value = getattr(deployment, option)
        if value is not None:
            options[option] = os.fspath(value) if hasattr(value, "__fspath__") else value
    if isinstance(deployment.api_key, str) and deployment.api_key:
        options["api_key"] = deployment.api_key
    if deployment.extra_body:
        options["extra_body"] = deployment.extra_body
    if deployment.drop:
        options["drop"] = list(deployment.drop)
    if deployment.rename:
        options["rename"] = dict(deployment.rename)
    if deployment.resolve:
        options["resolve"] = list(deployment.resolve)
    for clock in CLOCKS:
        limit = getattr(deployment, clock)
        limit = clocks.get(clock) if limit is None else limit
        if limit is not None:
            options[clock] = milliseconds(limit)
    options.update(_authorities(deployment, settings.ca))
    return options


def client_of(settings):
    """A C client with everything that a provider was told."""
    client = _exochat.Client()
    for name in settings.deployments:
        client.deploy(name, deploy_options(settings, name))
    for name in settings.deployments:
        fallbacks = settings.fallbacks.get(name, [])
        context = settings.context_fallbacks.get(name, [])
        client.route(name, fallbacks, context, settings.policy_of(name) or None)
    return client


ALL = ("content", "reasoning", "refusal", "tool_call", "tool_arguments", "usage", "fallback")


def start_options(plan, deployments):
    """A Plan as Client.start() takes it."""
    options = {
        "total_timeout": plan.total_ms,
        "restart": plan.restart,
        "choices": plan.choices,
        "wanted": ALL if plan.wanted is None else (*plan.wanted, "fallback"),
    }
    if plan.defaults:
        options["defaults"] = plan.defaults
    keys = {}
    for name in plan.names + plan.context_names:
        if callable(deployments[name].api_key):
            keys[name] = deployments[name].key()
    if keys:
        options["api_key"] = keys
    return options
