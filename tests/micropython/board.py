"""Runs tests on an emulated board that has no network and no files: a module of this folder, or several, are given to it
through its serial line, with the native module of an architecture.

    python3 board.py m3 armv7m test_rest test_encoder …      the last line is `N passed, N failed`
    python3 board.py m3-user - test_rest                      the firmware has the user module
"""

import base64
import json
import pathlib
import re
import subprocess
import sys

import stage

sys.path.insert(0, str(stage.MADE / "source" / "tools"))

MACHINES = {
    "m3": "qemu-system-arm -machine mps2-an385",
    "m4": "qemu-system-arm -machine mps2-an386",
    "m7": "qemu-system-arm -machine mps2-an500",
    "rv32": "qemu-system-riscv32 -machine virt -bios none",
}

# A file system of what was sent, and files that open() finds in it.
HOOK = """
import sys, io, vfs
from binascii import a2b_base64 as __b64
FILES = {}
class __File(io.IOBase):
    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def read(self):
        return bytes(self.data[self.at:])
    def ioctl(self, request, argument):
        return 0 if request == 4 else -1
    def readinto(self, buffer):
        size = min(len(buffer), len(self.data) - self.at)
        buffer[:size] = self.data[self.at:self.at + size]
        self.at += size
        return size
class __System:
    def mount(self, readonly, mkfs):
        pass
    def chdir(self, path):
        pass
    def stat(self, path):
        path = path.lstrip("/")
        if path in FILES:
            return (0x8000,) + (0,) * 9
        for name in FILES:
            if name.startswith(path + "/"):
                return (0x4000,) + (0,) * 9
        raise OSError(2)
    def open(self, path, mode):
        return __File(FILES[path.lstrip("/")])
vfs.mount(__System(), "/sent")
sys.path[:] = ["/sent"]
"""


class Board:
    """A board that runs; `send` files, then `run` code on it."""

    def __init__(self, name, timeout=540):
        import pyboard

        kind = name.split("-")[0]
        firmware = stage.MADE / f"board-{name}" / "firmware.elf"
        command = f"{MACHINES[kind]} -display none -monitor null -semihosting -serial stdio -kernel {firmware}"
        self.board = pyboard.Pyboard(f"exec:exec timeout {timeout} {command}")
        self.board.enter_raw_repl(soft_reset=False)
        self.board.exec_(HOOK)

    def send(self, name, data):
        self.board.exec_(f"__d = bytearray({len(data)})\n__m = memoryview(__d)\nFILES[{name!r}] = __d")
        for at in range(0, len(data), 3000):
            piece = base64.b64encode(data[at : at + 3000]).decode()
            self.board.exec_(f"__p = __b64('{piece}')\n__m[{at}:{at} + len(__p)] = __p")

    def run(self, code):
        said, wrong = self.board.exec_raw(code, timeout=500)
        return (said + wrong).decode(errors="replace").replace("\r\n", "\n")

    def close(self):
        self.board.close()


def small_streams(limit):
    """What test_streams needs, of the small streams alone."""
    folder = stage.ROOT / "tests" / "streams"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    names = [name for name in sorted(expected) if (folder / name).stat().st_size <= limit]
    files = {f"streams/{name}": (folder / name).read_bytes() for name in names}
    files["streams/expected.json"] = json.dumps({name: expected[name] for name in names}).encode()
    return files


def stack_top(name):
    """Where the stack begins, for test_stack: the firmware's symbol."""
    firmware = stage.MADE / f"board-{name}" / "firmware.elf"
    listed = subprocess.run(["arm-none-eabi-nm", firmware], capture_output=True, text=True, check=True).stdout
    return f"TOP = 0x{re.search(r'^([0-9a-f]+) . _estack$', listed, re.M).group(1)}\n".encode()


def main(name, arch, modules):
    here = pathlib.Path(__file__).parent
    board = Board(name)
    if arch != "-":
        board.send("_exochat.mpy", (stage.MADE / f"natmod-{arch}" / "_exochat.mpy").read_bytes())
    files = {f"{module}.py": (here / f"{module}.py").read_bytes() for module in ["run", "said", *modules]}
    if "test_streams" in modules:
        files.update(small_streams(330))
    if "test_stack" in modules:
        files["top.py"] = stack_top(name)
    for path, data in files.items():
        board.send(path, data)
    said = board.run(f"import run\nrun.main({modules!r})")
    board.close()
    print(said, end="")
    return 0 if said.rstrip().endswith(" 0 failed") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
