"""The `time` of another board, before MicroPython's own on the path: its seconds begin with the year 2000, and its clock may
not be set."""

import utime
from utime import *

_EPOCH = 946684800
unset = False


def time():
    return 5 if unset else utime.time() - _EPOCH


def gmtime(seconds=None):
    return utime.gmtime((time() if seconds is None else seconds) + _EPOCH)
