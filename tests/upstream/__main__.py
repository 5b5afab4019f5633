"""Runs the scripted server by itself, for the demo and for tests in other languages.

From tests/: `python3 -m upstream --port 0`. Prints `listening HOST:PORT` when it is ready; ends on SIGINT or SIGTERM.
"""

import argparse
import os
import signal
import ssl
import sys
import threading

if not __package__:  # started as `python3 tests/upstream`
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from upstream import behaviours  # noqa: E402
from upstream.server import Upstream  # noqa: E402


def parse(arguments):
    parser = argparse.ArgumentParser(prog="upstream", description="A scripted chat-completions server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--unix", metavar="PATH", help="listen on a unix-domain socket instead")
    parser.add_argument("--alias", action="append", default=[], metavar="MODEL=BEHAVIOUR", help="may be repeated")
    parser.add_argument("--default", metavar="BEHAVIOUR", help="for models that are no behaviour")
    parser.add_argument("--streams", action="append", default=[], metavar="DIR", help="recorded answers for file:NAME")
    parser.add_argument("--redirect-to", metavar="URL")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files")
    parser.add_argument("--list", action="store_true", help="print all behaviours and exit")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.list:
        print(behaviours.__doc__)
        for name, what in behaviours.catalogue():
            print(f"{name:28} {what}")
        return 0
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    upstream = Upstream(
        options.host,
        options.port,
        unix=options.unix,
        scripts=dict(alias.split("=", 1) for alias in options.alias),
        default=options.default,
        streams=options.streams,
        tls=context,
        **({"redirect_to": options.redirect_to} if options.redirect_to else {}),
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with upstream:
        print("listening", options.unix or f"{options.host}:{upstream.port}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
