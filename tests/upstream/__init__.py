"""A scripted chat-completions server on the loopback interface, for the integration tests and the demo.

It is no model and no faithful HTTP server: it is the other side's misbehaviour, on demand. Which behaviour a request
meets is said by the request itself, by its `model` or by a path `/m/<behaviour>/v1/chat/completions`.

    with Upstream() as upstream:
        ask(upstream.base_url, model="cut-after-100")
        assert upstream.requests[0].json["stream"] is True
"""

from upstream.server import Upstream

__all__ = ["Upstream"]
