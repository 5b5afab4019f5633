"""The records of a call: through exoclaw's logger where exoclaw is loaded, `logging` otherwise.

The logger is looked for at the first record, since importing structlog takes longer than everything here together.
"""

import sys


def session_key():
    """`session.key` of the log context of the running task, or None. Neither structlog nor exoclaw is imported for it."""
    compat = sys.modules.get("exoclaw._compat")
    if sys.implementation.name != "micropython":
        contextvars = sys.modules.get("structlog.contextvars")
        context = contextvars.get_contextvars() if contextvars else {}
    else:
        context = compat.get_log_contextvars() if compat else {}
    return context.get("session.key")


class _Plain:
    """`logging`, told as a structlog logger is; without it (MicroPython), lines of JSON on standard output."""

    def __init__(self):
        try:
            import logging
        except ImportError:
            logging = None
        self._logger = logging.getLogger("exoclaw_provider_openai") if logging else None

    def info(self, event, **fields):
        self._say("info", event, fields)

    def warning(self, event, **fields):
        self._say("warning", event, fields)

    def _say(self, level, event, fields):
        if self._logger:
            words = " ".join("%s=%r" % pair for pair in fields.items())
            getattr(self._logger, level)("%s %s", event, words, extra=fields)
        else:
            import json

            record = {"level": level, "event": event}
            record.update(fields)
            print(json.dumps(record))


def _logger(log):
    """Where the records of a Log go."""
    if log._logger is None:
        compat = sys.modules.get("exoclaw._compat")
        log._logger = compat.get_logger() if compat else _Plain()
    return log._logger


def _limit(said):
    """How many characters of a message are shown; negative: all of them."""
    try:
        return int(said or "500")
    except ValueError:
        return 500


def request(log, model, messages, tools):
    """An attempt begins."""
    if not log.on:
        return
    limit = _limit(log._cut)
    if not isinstance(messages, (list, tuple)):  # what they are is the endpoint's to refuse
        messages = ()
    fields = {"llm.model": model, "llm.message.count": len(messages), "llm.tool.count": len(tools or ())}
    _logger(log).info("llm_request", **fields)
    for message in messages:
        said = message if hasattr(message, "get") else {"content": message}
        text = _text_of(said.get("content")).replace("\n", "\\n")
        if limit >= 0:
            text = text[:limit]
        fields = {"message.role": said.get("role", "?"), "message.text": text}
        _logger(log).info("llm_request_msg", **fields)


def response(log, model, response, milliseconds):
    """A call has its answer."""
    if not log.on:
        return
    usage = response.usage
    fields = {
        "llm.model": model,
        "llm.token.prompt": usage.get("prompt_tokens", "?"),
        "llm.token.completion": usage.get("completion_tokens", "?"),
        "llm.token.total": usage.get("total_tokens", "?"),
        "llm.token.cached": usage.get("cached_tokens", 0),
        "llm.duration_s": round(milliseconds / 1000, 2),
        "llm.finish_reason": response.finish_reason,
        "llm.tools": [call.name for call in response.tool_calls],
    }
    _logger(log).info("llm_response", **fields)


def fallback(log, model, next_model, error):
    """An attempt failed in a way that another deployment may not; `next_model` is None where none is left."""
    fields = {"llm.model": model, "llm.next": next_model, "error": error}
    _logger(log).warning("llm_fallback", **fields)


def _text_of(content):
    if isinstance(content, (list, tuple)):
        return " ".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
