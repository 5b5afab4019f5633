"""As much of datetime as exoclaw's own code asks for."""

import time


class datetime:
    def __init__(self, seconds):
        self.seconds = seconds
        self.year, self.month, self.day, self.hour, self.minute, self.second = time.gmtime(seconds)[:6]

    @classmethod
    def now(cls):
        return cls(time.time())

    @classmethod
    def fromisoformat(cls, text):
        return cls(0)

    def isoformat(self):
        return "%04d-%02d-%02dT%02d:%02d:%02d" % (self.year, self.month, self.day, self.hour, self.minute, self.second)

    def weekday(self):
        return time.gmtime(self.seconds)[6]
