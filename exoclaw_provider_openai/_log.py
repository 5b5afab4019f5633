"""The records of a call: through exoclaw's logger where exoclaw is loaded, `logging` otherwise.

The logger is looked for at the first record, since importing structlog takes longer than everything here together.
"""

import os
import sys


def _variable(name):
    getenv = getattr(os, "getenv", None)  # a bare board has none
    return (getenv(name) or "") if getenv else ""


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


class Log:
    """What a provider says of its calls. LLM_LOGGING and LLM_LOG_TRUNCATE are read when it is made."""

    def __init__(self):
        self.on = _variable("LLM_LOGGING").lower() == "true"
        try:
            self.truncate = int(_variable("LLM_LOG_TRUNCATE") or "500")
        except ValueError:
            self.truncate = 500
        self._logger = None

    def _get(self):
        if self._logger is None:
            compat = sys.modules.get("exoclaw._compat")
            self._logger = compat.get_logger() if compat else _Plain()
        return self._logger

    def request(self, model, messages, tools):
        """An attempt begins."""
        if not self.on:
            return
        fields = {"llm.model": model, "llm.message.count": len(messages), "llm.tool.count": len(tools or ())}
        self._get().info("llm_request", **fields)
        for message in messages:
            text = _text_of(message.get("content")).replace("\n", "\\n")
            if self.truncate >= 0:
                text = text[: self.truncate]
            fields = {"message.role": message.get("role", "?"), "message.text": text}
            self._get().info("llm_request_msg", **fields)

    def response(self, model, response, milliseconds):
        """A call has its answer."""
        if not self.on:
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
        self._get().info("llm_response", **fields)

    def fallback(self, model, next_model, error):
        """An attempt failed in a way that another deployment may not; `next_model` is None where none is left."""
        fields = {"llm.model": model, "llm.next": next_model, "error": error}
        self._get().warning("llm_fallback", **fields)


def _text_of(content):
    if isinstance(content, (list, tuple)):
        return " ".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
