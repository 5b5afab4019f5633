"""The hosted library: its limits, its memory, and what it does when there is none."""

import json
import subprocess

import pytest
from driver import PROGRAM
from upstream import chunks
from upstream.chunks import TEXT, WORDS

# --- every growth has a named maximum


def deep(conn):
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    conn.event({"choices": [chunks.choice({"content": WORDS[2]})], "nested": json.loads("[" * 30 + "]" * 30)})
    chunks.text(conn, *WORDS[3:])
    chunks.complete(conn)


def long_fields(conn):
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    conn.lines("event: " + "e" * 200, "data: {}", "")
    conn.lines("id: " + "i" * 200, "retry: " + "1" * 200, "data: {}", "")
    chunks.text(conn, *WORDS[2:])
    chunks.complete(conn)


LIMITS = [
    ("huge-event-1", {"limits.event": 65536}, "EXO_E_EVENT_LIMIT"),
    ("big-1", {"limits.answer": 65536}, "EXO_E_ANSWER_LIMIT"),
    ("reasoning", {"limits.answer": 10}, "EXO_E_ANSWER_LIMIT"),
    ("tool-calls-5", {"limits.tool_calls": 4}, "EXO_E_CALLS_LIMIT"),
    ("tool-call", {"limits.tool_arguments": 16}, "EXO_E_ARGUMENTS_LIMIT"),
    ("tool-call", {"limits.name": 4}, "EXO_E_NAME_LIMIT"),
    ("usage-details", {"limits.raw": 64}, "EXO_E_ANSWER_LIMIT"),
    ("huge-header-8", {"limits.head": 4096}, "EXO_E_HEAD_LIMIT"),
    ("endless-header", {}, "EXO_E_HEAD_LIMIT"),
    ("endless-1xx", {}, "EXO_E_HEADERS_LIMIT"),
    ("many-headers-50", {"limits.headers": 20}, "EXO_E_HEADERS_LIMIT"),
    ("gzip-bomb-4", {"limits.answer": 1 << 20}, "EXO_E_EXPANSION_LIMIT"),
    ("json-200-completion", {"limits.event": 100}, "EXO_E_EVENT_LIMIT"),
    ("endless-body-500", {"limits.error_body": 4096}, "EXO_E_SERVER"),
]


@pytest.mark.parametrize("model, limits, code", LIMITS, ids=[f"{row[0]}-{row[2]}" for row in LIMITS])
def test_a_limit(driver, upstream, model, limits, code):
    driver.setup(upstream, model, **limits)
    said = driver.chat(quiet=True)
    assert said.failed == code
    assert said.failure["verdict"] == ("retry" if code == "EXO_E_SERVER" else "fall back")
    assert upstream.wait_for(lambda: all(request.end_time for request in upstream.requests))
    driver.deploy(upstream, "status-418")
    assert driver.chat(model="status-418").failed == "EXO_E_STATUS"  # the client lives on


def test_a_long_field_line_is_ignored(driver, upstream):
    upstream.scripts["long-fields"] = long_fields
    driver.setup(upstream, "long-fields", **{"limits.field": 100})
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == TEXT


def test_what_nobody_looks_at_may_be_deep(driver, upstream):
    upstream.scripts["deep"] = deep
    driver.setup(upstream, "deep", **{"limits.depth": 16})
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == TEXT and said.answer["malformed"] == 0


def test_the_number_of_choices(driver, upstream):
    driver.setup(upstream, "n-5", **{"limits.choices": 2})
    said = driver.chat(choices=3)
    assert said.failed == "EXO_E_ARGUMENT" and not upstream.requests
    said = driver.chat(choices=2)
    assert said.failed is None and [answer["text"] for answer in said.reply["answers"]] == ["choice 0", "choice 1"]


def test_the_number_of_keys(driver, upstream):
    driver.setup(upstream, "ok", **{"limits.keys": 5})
    for key in "abc":
        driver.ok("set", 0, key, "1")
    said = driver.chat()
    assert said.failed == "EXO_E_KEYS_LIMIT" and upstream.connections == 0


# --- what is not kept costs nothing


def test_an_answer_that_is_not_kept_needs_no_memory(driver, upstream):
    megabytes = 50 if driver.sanitized else 200
    driver.setup(upstream, "ok", f"big-{megabytes}", **{"limits.answer": 1 << 16})
    driver.chat()
    before = driver.ok("memory").lines[0]["peak"]
    said = driver.chat(model=f"big-{megabytes}", keep=0, quiet=True, raw=True)
    after = driver.ok("memory").lines[0]["peak"]
    assert said.failed is None and said.summary["bytes"] == megabytes << 20 and said.answer["text"] == ""
    assert said.summary["raw"] > said.summary["bytes"]
    print(f"peak memory grew by {after - before} KB over an answer of {megabytes} MB")
    assert driver.sanitized or after - before < 4096


@pytest.mark.parametrize("keep, kept", [(1, "text"), (2, "reasoning"), (0, None), (15, "both")])
def test_what_is_kept(driver, upstream, keep, kept):
    driver.setup(upstream, "reasoning")
    answer = driver.chat(keep=keep).answer
    assert answer["text"] == (TEXT if kept in ("text", "both") else "")
    assert answer["reasoning"] == ("Rivers run down." if kept in ("reasoning", "both") else "")
    assert answer["finish_reason"] == "stop" and answer["usage"]["completion"] == 5


def test_a_large_attachment_needs_no_memory(driver, upstream, tmp_path):
    with open(tmp_path / "big.png", "wb") as file:
        file.truncate(100 << 20)
    driver.setup(upstream, "digest")
    driver.chat()
    before = driver.ok("memory").lines[0]["peak"]
    driver.ok("file", 0, "user", tmp_path / "big.png")
    said = driver.chat()
    after = driver.ok("memory").lines[0]["peak"]
    assert said.failed is None and json.loads(said.answer["text"])["length"] == upstream.requests[1].length > 130 << 20
    print(f"peak memory grew by {after - before} KB over an attachment of 100 MB")
    assert driver.sanitized or after - before < 4096


# --- no memory: every allocation fails once, or all from the n-th on


def others(do, driver, upstream, folder):
    """A value and a body of bytes; what was answered is said again."""
    messages = {"messages": [{"role": "user", "content": [{"_file": str(folder / "a.txt")}]}]}
    more = {"defaults": '{"seed":2,"y":3}', "api_key": "k2", "header": ["X-B:c"], "files": 2, "file_root": folder}
    ways = [{"value": 0, "model": "tool-call", **more}, {"body": 0, "model": "raw"}]
    do("deploy", "raw", base_url=upstream.url_for("tool-call"))
    driver("value", 0, json.dumps(messages))
    driver("body_source", total=100)
    for way in ways:
        if do("request", 1) and do("start", 0, 0, **way):
            do("run", quiet=True)
            if do("answer", 1, 0):
                do("tool_result", 1, "call_0", "4 degrees")
            driver("free", 0)
        driver("free_request", 1)


def whole_life(driver, upstream, folder):
    """One client from beginning to end, with a bit of everything. Returns every code that came, the reply's at the end."""
    codes = []

    def do(*words, **options):
        said = driver(*words, **options)
        codes.append(said.code)
        codes.extend(failure["code"] for failure in said.all("failure"))
        codes.extend(tool["repair"] for reply in said.all("reply") for answer in reply["answers"] for tool in answer["tools"])
        if said.all("reply"):
            codes.append(said.failed)
        return said.code == "EXO_OK"

    deployment = {"api_key": "k", "header": ["X-A:b"], "drop": ["seed"], "rename": ["a:b"], "extra_body": '{"x":1}'}
    if do("client", log=1, log_bodies=100):
        for model in ("status-503", "tool-call"):
            do("deploy", model, base_url=upstream.base_url, resolve=["other.example:80:127.0.0.1"], **deployment)
        do("fallback", "status-503", "tool-call")
        if do("request", 0, "status-503"):
            do("text", 0, "user", "hello")
            do("set", 0, "seed", "1")
            do("file", 0, "user", folder / "a.txt")
            others(do, driver, upstream, folder)
            do("chat", 0, restart=True, choices=2, traceparent="00-1-2-3", quiet=True)
    driver("free_client")
    driver("free_request", 0)
    return codes


# Of a life in which nothing fails.
GOOD = {"EXO_OK", "EXO_IDLE", None}

# What a function asks for that the library gets along without, and how. A compiler may leave out one whose last act is
# to ask: then it is who called it.
SPARED = {
    "attachments_read_on": "a file is read in small pieces",
    "encoding_size": "a small body is written once more instead of being kept",
    "pool_socket": "nothing is known of the socket",
    "exchange_on_read": "as the next two",
    "exchange_postpone": "a piece of the body goes out before an answer is looked for",
    "call_keep_start": "the record has no text",
    "exchange_on_body": "what comes behind the last finish_reason is not needed",
    "handles_of": "the easy handle is not kept",
    "exo_drains_add": "the connection is closed instead of being drained",
    "exo_shapes_new": "the next events are read in full",
    "exo_shapes_learn": "the next events are read in full",
    "failing_keep_id": "the failure that has not come stays as it is",
    "exo_reply_succeed": "the reply has no id",
    "exo_reply_note_attempt": "the trail has no message",
    "log_fill_answer": "the record has no text",
    "exo_record_call": "the record has no text",
}

# What is asked for on behalf of these: libcurl looks the name up.
SPARED_FOR = {"exchange_looks_up"}

# Who only passes it on.
PASSING = ("fails", "__wrap_", "heap_resize", "exo_heap_", "exo_buffer_")


def functions_at(addresses):
    """{address: the functions there, the innermost first} of the driver, as its debug information has them."""
    command = ["addr2line", "-a", "-f", "-i", "-e", PROGRAM, *addresses]
    found = {}
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if line.startswith("0x"):
            names = found.setdefault(format(int(line, 16), "x"), [])
        elif line.partition(".")[0].isidentifier():  # not where its source is
            names.append(line.partition(".")[0])
    return found


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for-good"])
def test_every_allocation_may_fail(driver, upstream, tmp_path, for_good):
    """A life for each allocation, in which that one fails: what it was for says so, or is known to be spared."""
    (tmp_path / "a.txt").write_text("attached")
    spared = []  # who asked, by address
    nth = 0
    while True:
        nth += 1
        driver("faults", nth, for_good=for_good)
        codes = whole_life(driver, upstream, tmp_path)
        faults = driver("faults", 0).lines[0]
        if faults["made"] == 0:
            break
        if GOOD.issuperset(codes):
            spared.append(faults["askers"].split())
        assert "EXO_E_NO_MEMORY" in codes or codes[-1] is None, (nth, codes)
    assert GOOD.issuperset(codes) and codes[-1] is None
    functions = functions_at({address for askers in spared for address in askers})
    chains = [[name for address in askers for name in functions[address]] for askers in spared]
    strange = []
    for chain in chains:
        asker = next(name for name in chain if not name.startswith(PASSING))
        if asker not in SPARED and SPARED_FOR.isdisjoint(chain):
            strange.append(chain)
    print(f"{nth - 1} allocations; {len(spared)} of them could be done without")
    assert nth > 150 and not strange  # of three calls


def test_the_trail_has_every_attempt_that_a_fallback_tells_of(driver, upstream):
    """Where there is no room for one, the call ends: nothing is told of it, and nothing more is sent."""
    names = ["status-503", "status-500", "ok"]
    driver.setup(upstream, *names)
    for name in names[1:]:
        driver.ok("fallback", names[0], name)
    ended = nth = 0
    while True:
        nth += 1
        driver("faults", nth)
        said = driver("chat", 0, events=1 << 1 | 1 << 9)  # TEXT, FALLBACK
        if driver("faults", 0).lines[0]["made"] == 0:
            break
        told = [event["attempt"] for event in said.events if event["event"] == "fallback"]
        assert told == list(range(len(told))), (nth, said.lines)
        if said.all("reply"):
            assert len(told) <= len(said.attempts), (nth, said.lines)
            ended += len(said.attempts) < 3 and said.failed == "EXO_E_NO_MEMORY"
    assert [event["attempt"] for event in said.events if event["event"] == "fallback"] == [0, 1]
    assert said.failed is None and ended >= 4  # an entry, and two names of it, of two attempts at least
