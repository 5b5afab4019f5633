"""Measures how fast the text of a body is written, beside memcpy, yyjson's writer and OpenSSL's base64: bytes.py FOLDER

FOLDER is what peers.sh made. They take turns ($ROUNDS, 5), each time in a process of its own, whose fastest of ten walks over
eight megabytes counts.
"""

import os
import pathlib
import subprocess
import sys

import results

TEXTS = {
    "clean": ("memcpy", "yyjson"),
    "prose": ("memcpy", "yyjson"),
    "mixed": ("memcpy", "yyjson"),
    "source": (),
    "base64": ("memcpy", "openssl"),
}
AMOUNT = ["8", "10"]  # megabytes, walks


def speed(*command):
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main(folder):
    folder = pathlib.Path(folder)
    part = results.Measured("bytes", {"OpenSSL": results.said("pkg-config", "--modversion", "libcrypto")})
    for text, others in TEXTS.items():
        found = {client: [] for client in ("exochat", *others)}
        for _ in range(int(os.environ.get("ROUNDS", "5"))):
            found["exochat"].append(speed(folder / "encode", text, *AMOUNT))
            for client in others:
                found[client].append(speed(folder / "bytes", client, text, *AMOUNT))
        part.add(text, "MB/s", found)
    part.done()


if __name__ == "__main__":
    main(*sys.argv[1:])
