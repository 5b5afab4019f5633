"""The codes of failures that this package itself names: a part of the table in exochat/error.h, under the same numbers.

`_exochat.error_name()` and `error_text()` know all of them in words.
"""

UNKNOWN_MODEL = -3
SOURCE_READ = -11
SOURCE_ONCE = -12
BODY_CHANGED = -13
CANCELLED = -16
HEAD = -40
CODING = -44
CHUNK = -45
BODY_CUT = -46
NO_MEMORY = -60
LOCAL = -72
RESOLVE = -80
CONNECT = -81
TLS = -82
PROXY = -83
SEND = -84
RECEIVE = -85
RESET_IN_UPLOAD = -86
CLOSED = -87
CLOCK_CONNECT = -88
CLOCK_FIRST = -89
CLOCK_IDLE = -90
CLOCK_TOTAL = -91
AUTH = -104
CONTEXT_WINDOW = -105
