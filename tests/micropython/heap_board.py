#!/usr/bin/env python3
"""What the package takes of the heap on an emulated Cortex-M3 with the user module, in bytes: its modules as .mpy, and the
objects of a call. There are neither sockets nor asyncio there: what a chat loads is loaded, and no chat is made.

    heap_board.py            wants tools/micropython.sh board m3-user
"""

import pathlib
import sys
import tempfile

import stage
from board import Board

CODE = """
import gc, sys
class __Absent:
    cur_task = sleep_ms = ticks_ms = None
    def gmtime(seconds):
        return (1970,)
sys.modules["asyncio.core"] = sys.modules["time"] = __Absent
def used():
    gc.collect()
    return gc.mem_alloc()
def load(*names):
    before = used()
    for name in names:
        __import__(name)
    return used() - before
P = "exoclaw_provider_openai"
print("alive after the import", load(P))
print("loaded for a chat beside it", load(P + "._sockets", P + "._answer"))
import _exochat
def made(title, function):
    before = used()
    kept = function()
    print(title, used() - before)
    return kept
def messages_of():
    return [{"role": "user", "content": "%05d" % number + "x" * 595} for number in range(50)]
messages = made("50 messages of 600 bytes", messages_of)
encoder = made("Encoder of them", lambda: _exochat.Encoder({"model": "m", "messages": messages}))
attempt = made("Attempt with its answer", lambda: _exochat.Attempt({}, 0))
wire = made("Wire", lambda: _exochat.Wire(attempt))
head = made("Head", lambda: _exochat.Head("/v1/chat/completions", "host", [("A", "b"), ("C", "d")], 10))
route = made("Route of two", lambda: _exochat.Route([(0, None), (1, None)], [], {}, 1))
failure = made("Failure", lambda: _exochat.Failure(-3))
"""


def main():
    board = Board("m3-user")
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(stage.package(pathlib.Path(folder)).glob("*.mpy")):
            board.send(f"{stage.PACKAGE}/{path.name}", path.read_bytes())
    print(board.run(CODE), end="")
    board.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
