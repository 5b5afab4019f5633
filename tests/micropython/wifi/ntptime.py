"""A board's `ntptime`, for examples/micropython/chat.py."""


def settime():
    print("the time is set")
