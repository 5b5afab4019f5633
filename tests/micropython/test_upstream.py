"""What an endpoint and the way to it may do, each in the clear and over TLS, and what is raised: one row each. Every phase is
stalled in under every clock, whether that is the one which rings there or not.

Fallbacks are tests/scenarios' (test_scenarios.py); here a row is one attempt, or says how many there are.
"""

from at import AT, descriptors
from exoclaw_provider_openai import Deployment, HTTPConnectError, HTTPError, HTTPReadTimeout, HTTPStatusError, HTTPWriteTimeout
from exoclaw_provider_openai import OpenAIStreamingProvider

SERVERS = "usual"
TOGETHER = 6
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "hello"}]
BIG = [{"role": "user", "content": "x" * 12000000}]  # more than lies in buffers on the way

RINGS = 0.3  # seconds: the clock that is looked at
LATER = 0.9  # the total clock, where that one does not ring in this phase
PATIENT = {"connect_timeout": 600, "stream_ttft_timeout": 600, "request_timeout": 600}

CONNECT, FIRST, IDLE = "connect_timeout", "stream_ttft_timeout", "request_timeout"
CODES = {
    CONNECT: (HTTPConnectError, "EXO_E_CLOCK_CONNECT"),
    FIRST: (HTTPReadTimeout, "EXO_E_CLOCK_FIRST"),
    IDLE: (HTTPReadTimeout, "EXO_E_CLOCK_IDLE"),
    "total": (HTTPReadTimeout, "EXO_E_CLOCK_TOTAL"),
}

# The phase; where its stall is met, in the clear and over TLS (an address or a behaviour); which clocks ring there.
STALLS = (
    ("connecting", ("full", None), (CONNECT,)),
    ("shaking hands", (None, "mute_tls"), (CONNECT,)),
    ("sending", "early:stall-upload-after-64", (IDLE,)),
    ("before the head", "silent", (FIRST, IDLE)),
    ("within the head", "half-head-then-silent", (FIRST, IDLE)),
    ("behind the head", "headers-then-silent", (FIRST, IDLE)),
    ("among comments", "comments-only-20", (FIRST, IDLE)),
    ("within the answer", "one-delta-then-stall", (IDLE,)),
    ("among comments within it", "one-delta-then-comments", (IDLE,)),
)

# What the trail says once a phase is there; all that begins with an answer's text has a first event.
MARKS = {
    "sending": "connected_ms",
    "before the head": "sent_ms",
    "within the head": "sent_ms",
    "behind the head": "http_status",
    "among comments": "http_status",
    "within the answer": "first_event_ms",
    "among comments within it": "first_event_ms",
}

# Where it breaks, how that is met, the code (one of these).
BREAKS = (
    ("reset while sending", "early:reset-upload-after-64", "EXO_E_RESET_IN_UPLOAD"),
    ("closed while sending", "early:fin-upload-after-64", "EXO_E_RESET_IN_UPLOAD"),
    ("reset before the head", "reset-before-headers", "EXO_E_CLOSED"),
    ("closed before the head", "fin-before-headers", "EXO_E_CLOSED"),
    ("closed within the head", "cut-head-after-20", "EXO_E_CLOSED"),
    ("reset within the answer", "reset-after-700", "EXO_E_RECEIVE|EXO_E_CLOSED"),  # a reset may overtake what came before
    ("closed within the answer", "cut-after-700", "EXO_E_BODY_CUT"),
    ("closed within the answer, unframed", "cut-after-700+close", "EXO_E_TRUNCATED"),
)

# What is wrong with the certificate: the server, the deployment's `ca`, words that must be said.
REFUSED = (
    ("another name", "wrong_name", "ca", ""),
    ("expired", "expired", "ca", ""),
    ("not valid yet", "not_yet", "ca", ""),
    ("signed by itself", "self_signed", "ca", ""),
    ("another authority", "tls", "other_ca", ""),
    ("no authority given", "tls", None, "ca.pem"),
    ("the authority's file is not there", "tls", "/no/such/file", ""),
)

EARLY = ((413, "EXO_E_STATUS"), (401, "EXO_E_AUTH"), (503, "EXO_E_SERVER"))
GOOD = ("ok", "drip-1", "drip-7", "ok+piece-64+pause-1", "ok+close", "ok+length", "ok+http10", "trailers", "interim-103")


class Way:
    """In the clear, or over TLS."""

    def __init__(self, name, index):
        self.name = name
        self.index = index

    def base(self):
        return AT[("plain", "tls")[self.index]]

    def meet(self, where):
        """(base_url, model, messages) of a place: an address for each way, or a behaviour; None: not on this way."""
        if isinstance(where, tuple):
            return where[self.index] and (AT[where[self.index]], "ok", HELLO)
        if where.startswith("early:"):  # met by the path, since the body that names a model comes too late
            return self.base().replace("/v1", "/m/%s/v1" % where[6:]), "ok", BIG
        return self.base(), where, HELLO


WAYS = (Way("plain", 0), Way("TLS", 1))


async def ask(url, model, messages, options, **more):
    """(the response, None) or (None, the exception)."""
    made = {"ca": AT["ca"]}
    made.update(PATIENT)
    made.update(options)
    provider = OpenAIStreamingProvider(model, {model: Deployment(url, "key", **made)}, **more)
    try:
        return await provider.chat(messages), None
    except HTTPError as error:
        return None, error
    finally:
        await provider.close()


def expect(error, kind, code):
    assert error is not None, "no failure"
    assert isinstance(error, kind) and error.code in code.split("|"), (error, error.code, error.attempts)
    assert len(error.attempts) == 1, error.attempts
    assert len(str(error)) > 5, error


def reached(phase, error):
    """A clock that has rung on the way to the phase says nothing of it: what the trail of the attempt has of it."""
    mark = MARKS.get(phase)
    return mark is None or bool(error.attempts) and error.attempts[-1][mark] is not None


async def stall(place, phase, clock, rings):
    for factor in (1, 4, 16, 64):  # until the clock is long enough for this machine to get there
        options = {} if clock == "total" else {clock: RINGS * factor}
        total = RINGS * factor if clock == "total" else None if rings else LATER * factor
        _, error = await ask(*place, options, total_timeout=total)
        assert error is not None, "no failure"
        if reached(phase, error):
            break
    kind, code = CODES[clock if rings else "total"]
    expect(error, HTTPWriteTimeout if phase == "sending" and code == "EXO_E_CLOCK_IDLE" else kind, code)


async def fails(place, kind, code, options=None, words=""):
    _, error = await ask(*place, options or {})
    expect(error, kind, code)
    assert words in str(error), error


async def answers(place):
    response, error = await ask(*place, {})
    assert error is None and response.content == TEXT, error


async def keeps(url):
    """Five calls, one connection."""
    model = "told"
    provider = OpenAIStreamingProvider(model, {model: Deployment(url, "key", ca=AT["ca"])})
    reused = []
    for _ in range(5):
        reused.append((await provider.chat(HELLO)).attempts[-1]["reused"])
    await provider.close()
    assert reused == [False, True, True, True, True], reused


async def falls_back(way):
    ca = AT["ca"]
    places = [way.meet(where)[:2] for where in ("status-503", "fin-before-headers", "silent", "cut-after-700", "ok")]
    names = [model for _, model in places]
    deployments = {model: Deployment(url, "key", ca=ca, **PATIENT) for url, model in places}
    silent = dict(PATIENT)
    silent[FIRST] = RINGS
    deployments["silent"] = Deployment(way.base(), "key", ca=ca, **silent)
    provider = OpenAIStreamingProvider(names[0], deployments, {names[0]: names[1:]})
    response = await provider.chat(HELLO)
    await provider.close()
    codes = [attempt["code"] for attempt in response.attempts]
    assert codes == ["EXO_E_SERVER", "EXO_E_CLOSED", "EXO_E_CLOCK_FIRST", "EXO_E_BODY_CUT", None], codes
    assert response.content == TEXT and response.served_model == "ok"


def stalls(way):
    for phase, where, ring in STALLS:
        for clock in (CONNECT, FIRST, IDLE, "total"):
            if not isinstance(where, tuple) or where[way.index]:
                rings = clock in ring or clock == "total"
                title = "a stall %s: the %s clock%s" % (phase, clock.split("_")[0], "" if rings else " does not ring")
                yield title, lambda w=where, p=phase, c=clock, r=rings: stall(way.meet(w), p, c, r)


def rows(way):
    yield from stalls(way)
    for title, where, code in BREAKS:
        yield title, lambda w=where, c=code: fails(way.meet(w), HTTPError, c)
    for status, code in EARLY:
        for how in ("unread", "fin"):
            title = "%d while sending, then %s" % (status, how)
            where = "early:early-%d-%s" % (status, how)
            yield title, lambda w=where, c=code: fails(way.meet(w), HTTPStatusError, c)
    for behaviour in GOOD:
        yield behaviour, lambda b=behaviour: answers(way.meet(b))
    yield "a connection is kept", lambda: keeps(way.base())
    yield "fallbacks", lambda: falls_back(way)


def table():
    for way in WAYS:
        for title, function in rows(way):
            yield "%s: %s" % (way.name, title), function
    yield "plain: nobody listens", lambda: fails((AT["closed"], "ok", HELLO), HTTPConnectError, "EXO_E_CONNECT")
    for title, server, ca, words in REFUSED:
        options = lambda ca=ca: {"ca": AT[ca] if ca in ("ca", "other_ca") else ca}
        place = lambda s=server: (AT[s], "ok", HELLO)
        yield "TLS: " + title, lambda o=options, p=place, w=words: fails(p(), HTTPConnectError, "EXO_E_TLS", o(), w)


_before = descriptors()


def test_no_socket_is_left():
    """Behind all of the table."""
    assert descriptors() <= _before, (descriptors(), _before)
