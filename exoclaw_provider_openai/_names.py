"""The public names of the package, and the modules that they are loaded from when somebody asks."""

__all__ = [
    "ContextWindowExceededError",
    "Deployment",
    "FilePart",
    "HTTPConnectError",
    "HTTPError",
    "HTTPReadTimeout",
    "HTTPStatusError",
    "HTTPWriteTimeout",
    "LLMResponse",
    "OpenAIStreamingProvider",
    "StreamEvent",
    "ToolCallRequest",
]


def home_of(name):
    """The module of a name that __init__.py has not loaded itself."""
    if name not in __all__:
        raise AttributeError(name)
    if "Error" in name or "Timeout" in name:
        return "_errors"
    return {"FilePart": "_files", "StreamEvent": "_stream", "ToolCallRequest": "_tools"}.get(name, "_types")
