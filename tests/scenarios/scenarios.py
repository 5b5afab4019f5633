"""The rows of scenarios.json, and whether what a face made of one is what the row says. Runs on both Pythons."""

import json

INJECTED = ("httpx", "exoclaw")


def load(path):
    """The rows, each a dict of README.md."""
    with open(path) as file:
        return json.load(file)


def seen_by(face, row):
    """The row as that face sees it; the reason in words where it cannot run it."""
    sees = row.get("sees", {})
    changed = sees.get(face) or (sees.get("injected") if face in INJECTED else None)
    if not changed:
        return row
    if "skip" in changed:
        return changed["skip"]
    made = dict(row)
    if "answer" in changed or "failure" in changed:
        made.pop("answer", None)
        made.pop("failure", None)
    made.update(changed)
    return made


def teach(upstream, row):
    """Lets the scripted server say what the row gives it to say."""
    says = row.get("says")
    if says:
        upstream.scripts["says"] = lambda conn: conn.respond(says["status"], says["body"], says["type"])


def wrong(row, trail, answer, failure, shows):
    """What is not as the row says, in words, or "". `answer` and `failure` are dicts or None, `trail` codes."""
    if trail != row["trail"]:
        return "trail %r, not %r" % (trail, row["trail"])
    for name, came in (("answer", answer), ("failure", failure)):
        said = row.get(name)
        if (said is None) != (came is None):
            return "%s %r, not %r" % (name, came, said)
        for key in said or ():
            if came.get(key) != said[key]:
                return "%s.%s %r, not %r" % (name, key, came.get(key), said[key])
    if "shows" in row and shows != row["shows"]:
        return "shows %r, not %r" % (shows, row["shows"])
    return ""
