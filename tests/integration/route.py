"""Asks a deployment that carries a key and may fail, and a second one that answers.

What all failures of the transport have in common is checked here, once: code and verdict, exit code 1, one line that
says what is wrong, what the next deployment is asked, and that the key is in nothing that the command says.
"""

from upstream.chunks import TEXT

KEY = "sk-first-5e0f83b1c94d27a6"


class Route:
    """`second` is the server that answers, without a key. Keys of the first deployment are given by name; it trusts the
    tests' authority unless ca_file says otherwise. None leaves a key out.
    """

    def __init__(self, exochat, write_config, authority, second):
        self._exochat = exochat
        self._write_config = write_config
        self._authority = authority
        self.second = second

    def config(self, fallbacks=(), **keys):
        keys = {"ca_file": self._authority, "api_key_env": "FIRST_KEY", "model": "ok", **keys}
        first = {name: value for name, value in keys.items() if value is not None}
        return self._write_config({"first": {**first, "fallbacks": list(fallbacks)}, "second": {"model": "ok"}})

    def arguments(self, *options, **keys):
        """What follows the command's name, and the environment."""
        env = {"FIRST_KEY": KEY, **(keys.pop("env", None) or {})}
        return ["--config", self.config(**keys), "-m", "first", *options, "--", "hello"], env

    def run(self, *options, **keys):
        arguments, env = self.arguments(*options, **keys)
        ran = self._exochat(*arguments, env=env)
        assert KEY.encode() not in ran.stdout + ran.stderr
        return ran

    def start(self, *options, **keys):
        arguments, env = self.arguments(*options, **keys)
        return self._exochat.start(*arguments, env=env)

    def answers(self, *options, text=TEXT, **keys):
        """The first deployment answers. Returns the one attempt of the trail."""
        ran = self.run("--json", *options, **keys)
        assert (ran.code, ran.err, ran.json["text"]) == (0, "", text), ran
        assert ran.trail == [("first", None)]
        return ran.json["attempts"][0]

    def fails(self, code, *words, verdict="retry", options=(), **keys):
        """The first deployment fails so; alone, and then with the second one to fall back on. Returns the attempt."""
        alone = self.run("--json", *options, **keys)
        assert (alone.code, alone.trail) == (1, [("first", code)]), alone
        assert (alone.error["code"], alone.error["verdict"]) == (code, verdict)
        assert all(word in alone.complaint for word in words), alone
        asked = len(self.second.requests)
        covered = self.run("--json", *options, fallbacks=["second"], **keys)
        if verdict == "stop":
            assert (covered.code, covered.trail) == (1, [("first", code)]), covered
            assert len(self.second.requests) == asked
        else:
            assert covered.trail == [("first", code), ("second", None)], covered
            assert (covered.code, covered.json["text"]) == (0, TEXT)
            assert KEY.encode() not in self.second.requests[-1].raw_head
        return alone.json["attempts"][0]
