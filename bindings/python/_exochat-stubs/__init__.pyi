"""_exochat: the machines of libexochat as Python objects. The contract of both bindings.

Two parts. The first runs on CPython and on MicroPython and touches no socket, file or clock: `Encoder`, `Attempt`,
`Route`, `Health`, `Failure`, `Answer`, `Wire`, `Head` and a few functions. The second, `Client`, `Call`, `config()` and
`versions()`, is the hosted library over libcurl and is there on CPython only (`hasattr(_exochat, "Client")`).

Conventions, the same everywhere:

- All parameters are positional; options are one dict. None, or a key that is absent, means the default. A key that is
  not known is a TypeError that names it.
- `now` is milliseconds of one monotonic clock, always the same one: `time.monotonic_ns() // 1000000`, or
  `time.ticks_ms()`, which may wrap. What comes back is never a moment but a duration in milliseconds from that `now`;
  -1 stands for "never".
- `wall` is the time of day in seconds since 1970, 0 where it is not known.
- What can go wrong on the wire or in the request comes back as a code, a negative int (error.h); its name is
  `error_name(code)`. What is wrong with the call is raised: TypeError, ValueError; MemoryError where memory runs out.
- Buffers are anything with the buffer protocol. A fed buffer is held until it is read; it must not be changed meanwhile.
- An object is used by one task at a time. Nothing here calls back into Python, but for the building of a tape
  (`Encoder()`, `Encoder.aim()`, `Client.start()`), which may run the methods of the mappings it is given.
- Text that the other side sent and that is no UTF-8 has U+FFFD in its place.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, final

from typing_extensions import Buffer

__version__: str
"""The version of libexochat, as EXO_VERSION of client.h."""

# What Attempt.todo() says.
DO_RUN: int
DO_RESEND: int
DO_DRAIN: int
DO_CLOSE: int
DO_OVER: int

# Route.next()[0].
ROUTE_ATTEMPT: int
ROUTE_WAIT: int
ROUTE_GIVE_UP: int

# A sum of these is `how` of Route.failed().
HOW_SHOWN: int
HOW_SPENT: int
HOW_LOCAL: int

# A sum of these is the option `can` of an Attempt.
CAN_CONNECTED: int
CAN_SENT: int
CAN_DRAIN: int
CAN_RESEND: int

# Attempt.phase().
PHASE_CONNECT: int
PHASE_SEND: int
PHASE_FIRST: int
PHASE_STREAM: int
PHASE_REST: int
PHASE_REFUSAL: int

_EventType = Literal[
    "content", "reasoning", "refusal", "tool_call", "tool_arguments", "usage", "fallback", "restart", "end"
]
_Usage = dict[str, int]
"""prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens: those that were reported."""

_Event = tuple[_EventType, int, str, int, str, str, _Usage | None, bool, "Failure | None"]
"""One event: (type, choice, text, index, id, name, usage, replace, failure).

`text` is "" where there is none, and whole: one event for each string of each delta that came; only where the end of a
delta must wait (the half of a character) it comes with what follows. `index` is the number of
the tool call, counted in the answer, and 0 elsewhere. `id` and `name` are those of a "tool_call", "" where not sent (yet),
and for "fallback" `name` is the next deployment, "" if none. `replace`: the "tool_arguments" take the place of all that
came before for that call. `failure` is that of "fallback", "restart" and "end" (of a Client only)."""

_ToolCall = tuple[str, str, str | None, str, str | None]
"""(id, name, arguments, raw, extra). `id` is "" where none was sent. `arguments`: valid JSON, repaired where needed; None
where they may not be used: the answer is not proven or was cut by its length, or nothing could be made of them. `raw`:
as sent. `extra`: extra_content as JSON text, or None."""

def error_name(code: int) -> str:
    """The symbol of a code, as "EXO_E_CLOCK_FIRST"; "EXO_E_UNKNOWN" for others."""

def error_text(code: int) -> str:
    """A few English words that say what happened."""

def error_class(code: int) -> str:
    """ "caller", "violation", "limit", "transport", "provider"; "none" for what is no error."""

def repair(text: str) -> tuple[str, bool, int]:
    """The arguments that a model wrote for a tool, as valid JSON: (json, cut, values), see json_repair.h. ValueError
    where there is no JSON in the text, or it nests too deep."""

def frame(buffer: Buffer, start: int, size: int) -> tuple[int, int]:
    """Makes a chunk of the chunked coding of the `size` bytes at `start` of a writable buffer, in place, and says where
    it begins and ends. 18 bytes before `start` and 2 behind must be free (ValueError). No bytes make no chunk; what ends
    the body is b"0\\r\\n\\r\\n"."""

@final
class Failure:
    """Why an attempt or a call failed; a plain value, read-only, which can be pickled (CPython)."""

    code: int
    """One of error.h; 0 for a failure that is none yet."""
    verdict: str
    """ "stop", "fall back", "retry", "fall back context"."""
    clock: str
    """ "connect", "first event", "idle", "total", or "none"."""
    http_status: int
    """Of the response; 0: none came."""
    status: int
    """The effective one: what the body names, else http_status."""
    message: str
    """The provider's, or the transport's, up to 511 bytes; "" where there is none: then error_text(code) says it."""
    type: str
    provider_code: str
    request_id: str
    retry_after: int
    """Milliseconds to wait, or -1."""
    offset: int
    """In the stream, where one applies."""
    in_stream: bool
    cut: bool
    keyless: bool

    def __new__(cls, code: int, message: str = "") -> Failure:
        """A failure of ours, with the usual verdict of its code."""

    def header(self, name: str | Buffer, value: str | Buffer, wall: int) -> None:
        """Looks at one header of a response, before response(): Retry-After, x-request-id … (failure.h)."""

    def response(self, http_status: int, body: str | Buffer) -> None:
        """Becomes the failure that a response is whose status is not 2xx."""

    def redact(self, secret: str | Buffer) -> None:
        """Takes the secret out of all texts."""

@final
class Answer:
    """What came of one choice. Made by Attempt.answer() and Call.answer(); owns what it holds."""

    proven: bool
    """False: the attempt failed. Never to be taken for an answer."""
    choice: int
    content: str | None
    """None where none came."""
    reasoning: str | None
    refusal: str | None
    finish_reason: str | None
    """As sent, or None."""
    finish_family: str
    """ "none", "normal", "length", "filter", "error", "context"."""
    id: str
    """Of the response; "" where not sent."""
    model: str
    """That served it; "" where not sent."""
    service_tier: str | None
    usage: _Usage | None
    usage_json: str | None
    """The usage object as sent (JSON text): cost and the like."""
    tool_calls: tuple[_ToolCall, ...]
    reasoning_details: str | None
    """JSON text, for replay; the next two also."""
    logprobs: str | None
    audio: str | None
    extra: str | None
    """Members that nobody here knows, one JSON object as text."""
    raw_cut: bool
    """Something of the last five was dropped for its size."""

@final
class Encoder:
    """A request held as a tape, and the body that is made of it for one deployment after another.

        encoder = Encoder({"messages": messages, "max_tokens": 4096, ...})
        for n, (path, media_type) in enumerate(encoder.files()):
            ...                                       # open it, or not
            encoder.file(n, size, media_type, name)
        code = encoder.aim({"model": "glm-4.7", "extra_body": {...}})
        while (code := encoder.size(262144)) == 1: ...     # await sleep(0), serve want()
        length = encoder.total()
        while (n := encoder.write(buffer)) > 0: ...        # send buffer[:n]

    Building holds a reference to every string and number in it and copies no text: later changes of lists and dicts do
    not reach the body. Values are str, int, float, bool, None, mappings, list and tuple (str subclasses and IntEnum
    count as what they extend); keys may be str, int, float, bool or None and become strings as json.dumps makes them. A
    lone surrogate is sent as U+FFFD.
    TypeError for another type; ValueError for NaN and infinities, keys that are the same once they are strings, and more
    than 64 levels; each says where: "messages[3].content: …". Whatever a mapping's own methods raise goes through.
    """

    def __new__(cls, request: Mapping[str, Any]) -> Encoder:
        """`request`: the body as an object, messages included. Keys of a message that begin with "_" are not sent;
        `_content_file` and {"_file": …} name files (encode.h)."""

    def files(self) -> list[tuple[str, str | None]]:
        """What the request names as files, in order, each once: (path, media type or None). The encoder opens nothing:
        whoever drives it opens them, says file() for each, and fills in the bytes that want() asks for."""

    def file(self, index: int, size: int, media_type: str, name: str) -> None:
        """File `index` is open: `size` in bytes (-1: not known, then its bytes are read while sizing too; -2: it can be
        read only once, then the body is sent chunked and once). Without this call it cannot be opened, and the inline
        content is sent where there is one."""

    def aim(self, options: dict[str, Any]) -> int:
        """Begins a body for one deployment; may be called again for the next. 0, or a negative code.

        model: str, in place of the request's; drop: sequence of str; rename: dict of str; extra_body: mapping (a tape is
        made of it at once, errors are raised as above); as_is: True sends every top-level key of the request with its
        value, "stream": false and an empty "tools" too, and adds none (of messages, files are still read and keys that
        begin with "_" left out), and nothing else can be asked for; limits: dict."""

    def size(self, budget: int) -> int:
        """Sizes the body, about `budget` bytes of it. 1: call again (after want(), if that asks for something); 0: done;
        or a negative code: message() says more."""

    def total(self) -> int:
        """Bytes of the body, after size() said 0; -1: not known, it is sent chunked."""

    def write(self, buffer: Buffer, start: int = 0, end: int = -1) -> int:
        """Stores the next bytes of the body into the writable buffer from `start` on, up to `end` (-1: its end), and
        says how many. 0: none now: done(), or want() asks for something; or a negative code: break off the request, its
        last byte was not handed out."""

    def read(self, size: int) -> bytes | int:
        """The next bytes of the body, at most `size`; b"" as 0 above, or a negative code. CPython only."""

    def done(self) -> bool:
        """Whether all is written."""

    def written(self) -> int:
        """Bytes written since the last rewind."""

    def spent(self) -> bool:
        """Whether it was begun and cannot be sent again (HOW_SPENT)."""

    def rewind(self) -> int:
        """Back to the first byte, for another attempt at the same deployment. 0 or a negative code."""

    def want(self) -> tuple[int, int] | None:
        """(index, offset): size() or write() needs bytes of that file from that offset on. None: nothing."""

    def fill(self, data: Buffer, size: int = -1) -> None:
        """Gives what want() asked for: the first `size` bytes of `data` (-1: all), copied, at most 4,096 of them (the
        next want() says where to go on). None of them is the end of the file."""

    def fail(self, code: int) -> None:
        """What want() asked for is not to be had: EXO_E_SOURCE_READ, or EXO_E_BODY_CHANGED where size or date of the
        file are others than before. size() and write() then return `code`."""

    def message(self) -> str:
        """What the last code was about, in words: the key or file; "" if nothing."""

    def close(self) -> None:
        """Lets go of everything. The encoder cannot be used again."""

@final
class Attempt:
    """One request to one deployment: told what the transport sees, says what it comes to (attempt.h is the manual).

        attempt = Attempt(options, now)
        attempt.connected(now, False); attempt.upload(now, n, -1, done); attempt.status(200)
        attempt.header("content-type", "text/event-stream", wall); attempt.head_end(now)
        attempt.feed(now, data)
        while (event := attempt.next()) is not None: ...
        attempt.tick(now)                # after the transport was served, at timeout() at the latest
        if attempt.todo() != DO_RUN: ...

    Options, times in milliseconds (0: off): connect_timeout 10000, stream_ttft_timeout -1 (auto), request_timeout 120000,
    total_left -1 (what is left of the total clock), ttft_until "event" or "token", can (sum of CAN_*, default all), wanted
    (a sequence of event types that are handed out; None: all; (): none, a buffered call), untried, keyless, think_tags,
    lenient_end, strict_stream (bools), choices 1, keep_replay True (reasoning_details, logprobs, audio, unknown members),
    whole False (the body of a 2xx response is kept and not read: body()), limits (dict: names of limits.h).
    """

    def __new__(cls, options: dict[str, Any], now: int) -> Attempt: ...
    def connected(self, now: int, reused: bool) -> None:
        """The connection stands, TLS included."""

    def upload(self, now: int, accepted: int, unacked: int, complete: bool) -> None:
        """Bytes of the body that the socket took so far; how many of them are not acknowledged (-1: nobody knows); whether
        that is all. In PHASE_SEND it is told again at timeout(): the phase ends when nothing has changed since."""

    def status(self, status: int) -> int:
        """A head begins. 0, or a code to give to closed(); so header() also."""

    def header(self, name: str | Buffer, value: str | Buffer, wall: int) -> int:
        """One header of it."""

    def head_end(self, now: int) -> None:
        """The head has ended."""

    def feed(self, now: int, data: Buffer, start: int = 0, end: int = -1) -> None:
        """Bytes of the response's body, from `start` to `end` (-1: all). Call next() until it says None before more is
        fed (ValueError). No bytes are nothing."""

    def closed(self, now: int, code: int, words: str, byte_seen: bool) -> None:
        """The response is over: 0 at its proper end, else why it broke off. `byte_seen`: a byte of it had come."""

    def resent(self, now: int, done: bool) -> None:
        """After DO_RESEND: the request was sent again on a fresh connection, or could not be."""

    def hold(self, now: int, held: bool) -> None:
        """The consumer holds the call: its clocks stand still, the total one apart."""

    def total(self, now: int, left: int) -> None:
        """The total clock runs out `left` milliseconds from now; -1: never."""

    def tick(self, now: int) -> None:
        """Judges the clocks; after the transport was served."""

    def break_off(self, code: int, words: str) -> None:
        """It ends here with a failure of the caller's."""

    def next(self) -> _Event | None:
        """The next wanted event; None: all that came is read, or there is a verdict (todo() is not DO_RUN)."""

    def todo(self) -> int:
        """DO_RUN: go on; DO_RESEND; DO_DRAIN, DO_CLOSE, DO_OVER: the verdict is there."""

    def timeout(self, now: int) -> int:
        """Milliseconds until tick() must be called, and upload() told anew in PHASE_SEND; -1: no clock runs."""

    def drain(self, now: int, size: int) -> int:
        """After DO_DRAIN: `size` more bytes were read behind the verdict (0 at first). Milliseconds for which reading on
        is allowed, or -1: close the connection."""

    def phase(self) -> int:
        """One of PHASE_*."""

    def shown(self) -> bool:
        """Whether a wanted event, usage apart, was handed out (HOW_SHOWN)."""

    def failure(self) -> Failure | None:
        """After the verdict: why it failed; None: the answers are proven. The same object each time."""

    def request_id(self) -> str:
        """The id that the headers of the response gave; "" where they gave none."""

    def end(self, now: int) -> dict[str, Any]:
        """After the verdict: its entry of the trail: code, verdict, http_status, reused, resent, connected_ms, sent_ms,
        first_event_ms, end_ms (since it began, -1: not so far), queued_ms (that it waited for a bound; 0 here), bytes_sent,
        bytes_received. Deployment, model, message, started_ms and the bytes sent by an Encoder are the caller's to add."""

    def answer(self, choice: int) -> Answer | None:
        """After the verdict: what came of a choice; None where nothing did, or it was taken before."""

    def body(self) -> bytes:
        """What option `whole` kept."""

    def close(self) -> None:
        """Frees what it grew."""

@final
class Wire:
    """The HTTP/1.1 response of an Attempt, read from the raw bytes of a connection that the caller owns (http1.h). It
    tells the attempt status, headers, body and end; connected(), upload() and tick() stay the caller's.

        wire = Wire(attempt)
        wire.feed(now, wall, buffer, n)
        while (event := wire.next(now)) is not None: ...
    """

    def __new__(cls, attempt: Attempt) -> Wire: ...
    def feed(self, now: int, wall: int, data: Buffer, size: int = -1) -> None:
        """Bytes as they came. Call next() until it says None before more is fed."""

    def next(self, now: int) -> _Event | None:
        """As Attempt.next(), in its place. `now` as in feed()."""

    def closed(self, now: int, code: int, words: str) -> None:
        """The connection ended: 0 for an orderly end of the stream of bytes, else why (EXO_E_RECEIVE, EXO_E_SEND …)."""

    def byte_seen(self) -> bool:
        """Whether a byte came."""

    def reusable(self) -> bool:
        """Whether the connection may serve again; what is not read of the response (DO_DRAIN) is fed until it is."""

@final
class Head:
    """The head of an HTTP/1.1 request."""

    def __new__(cls, target: str, host: str, headers: Sequence[tuple[str, str]], length: int) -> Head:
        """POST `target` at `host` (with the port where it is not the scheme's own). `length` of the body: -1: chunked;
        -2: no body, and GET. ValueError for control characters, a name that is none, and Host or framing given twice."""

    def write(self, buffer: Buffer, start: int = 0) -> int:
        """Stores the next bytes from `start` on and says how many; 0: it is complete."""

@final
class Health:
    """What is remembered of one deployment over all calls: failures in a row, cooldown. Shared by Routes."""

    def __new__(cls) -> Health: ...

@final
class Route:
    """What to do next in one call (route.h)."""

    def __new__(
        cls,
        stops: Sequence[tuple[int, Health | None]],
        context_stops: Sequence[tuple[int, Health | None]],
        policy: dict[str, int] | None,
        seed: int,
    ) -> Route:
        """`stops`: numbers of deployments, the requested one first. `policy`: retries, backoff_first, backoff_max,
        retry_after_max, cooldown, cooldown_after, patience. `seed`: any 32 bits, for jitter."""

    def call(self, now: int, total_left: int, restart: bool) -> None:
        """How long the call may still take (-1: no limit), and whether it may begin anew after something was shown."""

    def next(self, now: int) -> tuple[int, int, int, int, bool, bool]:
        """(what, deployment, attempt, wait, restart, last). ROUTE_ATTEMPT: that deployment; `attempt` counts from 0.
        ROUTE_WAIT: ask again in `wait` milliseconds. ROUTE_GIVE_UP: report the last failure. `restart`: what was shown is
        void, said once. `last`: no other deployment is left that was not tried."""

    def failed(self, now: int, failure: Failure, how: int) -> None:
        """The attempt failed; `how` is a sum of HOW_*."""

    def succeeded(self, now: int) -> None:
        """It succeeded."""

    def abandon(self) -> None:
        """The call ends here, in mid-attempt or not. Legal at any time, also twice."""

# ------------------------------------------------------------------------------------------ CPython: over libcurl

def config(path: str | bytes | PathLike[str]) -> dict[str, Any]:
    """What a configuration file says (exochat-config(5)), keys included: default_model (str or None), total_timeout (ms),
    restart (bool), models: name → {deployment, as Client.deploy() takes it, without what is the default; fallbacks;
    context_fallbacks; policy, as Client.route() takes it}. ValueError, "FILE:LINE: key: what was expected"; RuntimeError
    where it was built without libyaml."""

def versions() -> str:
    """What the library stands on: libcurl, its TLS and what else it was built with, as "libcurl/7.88.1 OpenSSL/3.0.15"."""

@final
class Client:
    """Deployments, connections and the calls under way: exo_client of client.h. Used by one thread at a time. After a
    fork every method but abandon() raises RuntimeError in the child.

    With asyncio: add_reader(client.fd(), serve), and in serve():

        more, events = client.turn()
        for user, event in events: ...                  # copies: nothing of the client runs meanwhile
        timeout = client.timeout()                      # call_later; 0: at once

    Without a loop: wait(), then turn().
    """

    def __new__(cls, options: dict[str, Any] | None = None) -> Client:
        """limits: dict, names of limits.h; connections_per_host, connections, idle_connections, lookups: bounds.h;
        turn_bytes: bytes of bodies that a turn() moves, 262144; watch True: fd() is -1, the sockets are told by watch().
        ValueError names what is out of range."""

    def deploy(self, name: str, options: dict[str, Any]) -> None:
        """Deploys or replaces `name`: the fields of exo_deployment (deployment.h), times in milliseconds; headers: dict
        or sequence of pairs; extra_body: mapping; drop: sequence; rename: dict; ca_pem: bytes; ttft_until: "event" or
        "token"; resolve: sequence. ValueError that names the field."""

    def route(
        self, name: str, fallbacks: Sequence[str], context_fallbacks: Sequence[str], policy: dict[str, int] | None
    ) -> None:
        """Sets the lists of `name` and how often it is tried, in place of those before."""

    def start(self, model: str, request: Mapping[str, Any], options: dict[str, Any] | None, user: object) -> Call:
        """Starts a call; its last event is "end". Builds the tape, so what Encoder() raises is raised here. What is
        wrong besides is the failure at "end". The call lives until then, or until Call.cancel(), also if nobody holds it.

        total_timeout: ms, 0 off; buffered, restart: bool; wanted: sequence of event types, "fallback" among them (it is
        never sent unless named); choices; api_key: str (of the deployment, and of fallbacks at the same scheme, host and
        port), or dict of them by the deployments' names (these are then deployed with it); headers: dict or pairs;
        connect_timeout, stream_ttft_timeout, request_timeout: ms; defaults: mapping below extra_body; traceparent: str;
        plain: bool, a "content" event of choice 0 is its text alone, a str.
        The request may name any file that this process can read."""

    def start_raw(self, model: str, options: dict[str, Any] | None, user: object) -> Call:
        """A call whose body is given with Call.send(): one attempt, chunked."""

    def turn(self) -> tuple[bool, list[tuple[object, _Event]]]:
        """Moves what can be moved and takes at most 64 events, 256 KB in all: (whether there is more, [(user, event)])."""

    def serve(self) -> tuple[int, list[tuple[object, list[_Event | str]]]]:
        """turn() for a loop: (timeout() behind it, [(user, those of its events that came in a row)])."""

    def fd(self) -> int:
        """One descriptor that is readable when turn() is due; -1 where there is none: then watch(). Where answers come in
        pieces faster than it pays to wake up for each, it is not readable for 2 ms behind a turn that has read something:
        1 ms where pieces are handed out, up to 10 ms, and an eighth of the time that it has taken so far, where there is
        one call alone of which none are."""

    def watch(self) -> list[tuple[int, int]]:
        """Without fd(): what has changed since the last time: (socket, sum of 1 read, 2 write; 0 forget it). To be asked
        after every other method, before anything is waited for."""

    def ready(self, socket: int, what: int) -> None:
        """A watched socket is ready (sum of 1 read, 2 write)."""

    def timeout(self) -> int:
        """Milliseconds until turn() is due even so; 0: now; -1: no time limit."""

    def wait(self, timeout: int) -> bool:
        """Waits without the GIL until turn() is due, `timeout` milliseconds at most (-1: no limit). True: it is. A
        signal interrupts it, and its handler runs."""

    def wakeup(self) -> None:
        """Ends a wait(), or the one for fd(), from any thread."""

    def calls(self) -> int:
        """How many calls are under way."""

    def models(self, name: str) -> list[str]:
        """Which models the endpoint of a deployment serves. Blocks without the GIL. Raises Failure's as
        RuntimeError(failure)."""

    def close(self) -> None:
        """Ends all calls without events and frees everything. Idempotent; any other method then raises RuntimeError.
        While another thread is in wait(), that one frees it, at once."""

    def abandon(self) -> None:
        """The call ends here, in mid-attempt or not. Legal at any time, also twice."""

@final
class Call:
    """One call of a Client. Whatever it is asked before its end, it answers as if nothing had come."""

    user: object
    """As given to start()."""

    def cancel(self) -> None:
        """Ends it now, without a further event. Idempotent."""

    def hold(self, held: bool) -> None:
        """No events while held; the transfer pauses, its clocks stand still."""

    def send(self, data: Buffer | None) -> bool:
        """start_raw(): more of the body, copied; None: it is complete. False: wait until the event loop's next turn
        before more is sent."""

    def done(self) -> bool:
        """Whether it has ended."""

    def failure(self) -> Failure | None:
        """After the end: why it failed."""

    def answer(self, choice: int) -> Answer | None:
        """After the end: what came of a choice; None where nothing did. The same object each time."""

    def trail(self) -> list[dict[str, Any]]:
        """After the end: an entry for each attempt, as the command prints it: deployment, model, code and verdict by name,
        message, http_status, the moments, bytes_sent, bytes_received, http_version, reused and resent; None where
        something did not come."""

    def deployment(self) -> str:
        """After the end: which one answered, or was tried last; "" if none."""

    def request_id(self) -> str:
        """After the end: the id that the headers of the last response gave; "" where there was none."""

    def milliseconds(self) -> int:
        """After the end: from the start of the call."""
