"""A PostgreSQL of the machine's packages for one test: a cluster in a folder of its own, on a free port of the loopback
interface, run as a user without rights."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest


def programs():
    """The folder of the newest PostgreSQL's programs, or None."""
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    folders.sort(key=lambda folder: float(folder.split("/")[-2]))
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    return os.path.dirname(found) if found else None


def unprivileged():
    """Whose processes the server's are: it refuses to be run by root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("no user without rights to run PostgreSQL as")


def free_port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@contextlib.contextmanager
def running():
    """The URL of a database of it."""
    bin = programs()
    if bin is None:
        pytest.skip("PostgreSQL is not installed")
    user = unprivileged()
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    folder = tempfile.mkdtemp(prefix="postgres-", dir="/tmp")  # a path that this user can reach, short enough for a socket
    os.chown(folder, user.pw_uid, user.pw_gid)
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder}
    options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **who}
    with open(os.path.join(folder, "log"), "wb") as log:
        subprocess.run(
            [f"{bin}/initdb", "-D", f"{folder}/data", "-U", "turns", "-A", "trust", "--no-sync"],
            check=True, stdout=log, **options,
        )  # fmt: skip
        server = subprocess.Popen(
            [f"{bin}/postgres", "-D", f"{folder}/data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
            stdout=log, **options,
        )  # fmt: skip
        try:
            for _ in range(600):
                ready = subprocess.run([f"{bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], env=environment)
                if ready.returncode == 0:
                    break
                assert server.poll() is None, open(log.name).read()
                time.sleep(0.1)
            yield f"postgresql://turns@127.0.0.1:{port}/turns"
        finally:
            server.send_signal(signal.SIGINT)  # its clients may be there still
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)
