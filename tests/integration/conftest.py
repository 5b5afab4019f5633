"""What several of the integration tests want: the command under test, the scripted server, files for the command."""

import json
import signal
import socket
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "integration")]

from command import BINARY, PATIENCE, Command, require_binary  # noqa: E402,F401
from driver import Driver  # noqa: E402
from route import Route  # noqa: E402
from upstream import Upstream  # noqa: E402
from upstream.tls import Certificates  # noqa: E402


# Jobs in the background of a shell ignore SIGINT, and so does whatever they start, unless somebody listens to it here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def exochat(tmp_path_factory):
    """exochat(*args, input=…, env=…) runs the command and returns what it said; exochat.start(*args) only starts it. As
    a path it is the command's own: $EXOCHAT_BINARY, or the one in build/.
    """
    require_binary()
    command = Command(tmp_path_factory.mktemp("home"))
    yield command
    command.stop()


@pytest.fixture
def upstream(tmp_path):
    """The scripted server. Whatever the command sent must have been HTTP."""
    with Upstream(streams=[tmp_path, TESTS / "streams"]) as server:
        yield server
        assert not server.errors


@pytest.fixture
def ask(exochat, upstream):
    """ask(model, *options, fallbacks=…) asks the scripted server "hello" without a configuration; the model is the
    behaviour. start=True only starts the command.
    """

    def run(model, *options, fallbacks=(), prompt="hello", start=False, **more):
        chain = [arg for name in fallbacks for arg in ("--fallback", name)]
        args = ["--base-url", upstream.base_url, "-m", model, *chain, *options, "--", *([prompt] if prompt else [])]
        return exochat.start(*args, **more) if start else exochat(*args, **more)

    return run


@pytest.fixture
def write_config(tmp_path, request):
    """write_config({name: {key: value}}, **top_level_keys) writes a configuration and returns its path. JSON is YAML.
    Where the test has the scripted server, its base_url is the default one; clocks are patient by default.
    """

    def write(models, **top):
        if "upstream" in request.fixturenames:
            base_url = request.getfixturevalue("upstream").base_url
            models = {name: {"base_url": base_url, **PATIENCE, **keys} for name, keys in models.items()}
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps({**top, "models": models}, indent=1), encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_messages(tmp_path):
    """write_messages(value) writes JSON (a str as it is) for --messages, and returns its path."""

    def write(value):
        path = tmp_path / "messages.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write


@pytest.fixture
def closed_port():
    """A port on which nobody listens, and which nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def driver():
    """The library itself, one command after another: see driver.py."""
    with Driver() as program:
        yield program


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A certificate authority for tests, and what it signs."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def route(exochat, write_config, certificates, upstream):
    """A deployment that may fail, and `upstream` as the one after it. See route.py."""
    return Route(exochat, write_config, certificates.ca, upstream)


@pytest.fixture
def full_port():
    """A port whose queue is full: it neither accepts nor refuses a connection."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield full.getsockname()[1]


@pytest.fixture
def sparse(tmp_path):
    """sparse(size, name=…) makes a file of so many zero bytes that takes no room on the disk."""

    def make(size, name="picture.png"):
        path = tmp_path / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    return make
