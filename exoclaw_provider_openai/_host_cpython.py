"""One C client in one loop, and the mailboxes of its calls.

The loop watches the client's descriptor, or where it has none its sockets; events are copied out and put into the
mailboxes, and no code of the user's runs inside the client. Memory: at most 64 events for each call, after which its
transfer is held.
"""

from ._deploy_cpython import client_of

QUEUE = 64  # events of one call that wait for its reader
LOW = 16  # of them, below which its transfer goes on
NEVER = 1e9  # seconds
SOON = 0.05  # seconds: a timer that rings before, for nothing, is taken back; for any other that would cost more


class Host:
    """One client in one loop."""

    def __init__(self, engine, loop):
        self.engine = engine
        self.loop = loop
        self.client = client_of(engine.settings)
        self.boxes = set()  # of calls under way
        self._fd = self.client.fd()
        self._watched = {}
        self._timer = None
        self._due = 0
        self._again = None
        if self._fd >= 0:
            loop.add_reader(self._fd, self.serve)

    def serve(self):
        """Moves what can be moved and delivers what came."""
        client = self.client
        if client is None:
            return
        due, rows = client.serve()
        for box, events in rows:
            box.put(events)
        self._set(due)

    def _serve_again(self):
        self._again = None
        self.serve()

    def arm(self):
        """What was done with the client may have made it due."""
        if self.client is not None:
            self._set(self.client.timeout())

    def _set(self, due):
        """Serves at once, or sets the timer anew where it is to ring earlier, or would soon ring for nothing, and watches
        what is to be watched."""
        if self._fd < 0:
            self._watch()
        if due == 0:
            if self._again is None:
                self._again = self.loop.call_soon(self._serve_again)
            return
        now = self.loop.time()
        at = now + due / 1000 if due > 0 else now + NEVER
        if self._timer is not None and (at < self._due or self._due < now + SOON < at):
            self._forget_timer()
        if self._timer is None and due > 0:
            self._due = at
            self._timer = self.loop.call_at(at, self._ring)

    def _ring(self):
        self._timer = None
        self.serve()

    def _forget_timer(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self):
        """Where the client has no descriptor of its own: its sockets, one by one."""
        for socket, what in self.client.watch():
            old = self._watched.pop(socket, 0)
            if old & 1:
                self.loop.remove_reader(socket)
            if old & 2:
                self.loop.remove_writer(socket)
            if what & 1:
                self.loop.add_reader(socket, self._ready, socket, 1)
            if what & 2:
                self.loop.add_writer(socket, self._ready, socket, 2)
            if what:
                self._watched[socket] = what

    def _ready(self, socket, what):
        if self.client is not None:
            self.client.ready(socket, what)
            self.serve()

    def shut(self, done=None):
        """Ends all calls and closes the client. In the loop's own thread, or when the loop does not run."""
        client, self.client = self.client, None
        if client is not None:
            self._forget_timer()
            if not self.loop.is_closed():
                if self._fd >= 0:
                    self.loop.remove_reader(self._fd)
                for socket, what in self._watched.items():
                    self.loop.remove_reader(socket) if what & 1 else None
                    self.loop.remove_writer(socket) if what & 2 else None
            for box in list(self.boxes):
                box.put([RuntimeError("the provider was closed")])
            self.boxes.clear()
            client.close()
        if done is not None:
            done.set()


class Box:
    """What has come of a call and was not asked for yet. The client holds it; the call's owner does not matter to it."""

    def __init__(self, loop):
        self.events = []  # few enough for pop(0), and a tenth of an empty deque
        self.waiter = None
        self.call = None
        self.held = False
        self._loop = loop

    def put(self, events):
        waiting = self.events
        waiting.extend(events)
        if len(waiting) >= QUEUE and not self.held and self.call is not None and not self.call.done():
            self.held = True
            self.call.hold(True)
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done() and not self._loop.is_closed():
            waiter.set_result(None)

    async def get(self, host):
        """The next event; a piece of the text as its str alone, where the plan is so."""
        events = self.events
        while not events:
            self.waiter = self._loop.create_future()
            await self.waiter
        event = events.pop(0)
        if self.held and len(events) <= LOW:
            self.held = False
            if host.client is not None:
                self.call.hold(False)
                host.arm()
        return event
