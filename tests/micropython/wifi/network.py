"""A board's `network`, for examples/micropython/chat.py: a station that is connected when it is asked for the second time."""

STA_IF = 0


class WLAN:
    def __init__(self, interface):
        self.asked = 0
        self.told = []

    def active(self, on):
        self.told.append(on)

    def connect(self, name, password):
        self.told.append((name, password))

    def isconnected(self):
        assert self.told == [True, ("home", "secret")], self.told
        self.asked += 1
        return self.asked > 1
