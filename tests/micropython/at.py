"""Where the servers of the tests are, by name: read when it is first asked for, from the file that run.py is told of, or
that $EXOCHAT_AT names."""

import json
import os


class At:
    def __init__(self):
        self.file = None
        self._read = None

    def all(self):
        if self._read is None:
            with open(self.file or os.getenv("EXOCHAT_AT")) as file:
                self._read = json.load(file)
        return self._read

    def __getitem__(self, name):
        return self.all()[name]

    def __contains__(self, name):
        return name in self.all()


AT = At()
