"""A plugin for the `llm` command: every deployment of LLM_EXOCHAT_MODELS is a model of it.

    LLM_EXOCHAT_MODELS='{"glm": {"base_url": "https://openrouter.ai/api/v1", "model": "zai/glm-4.7", "api_key_env": "KEY"}}'
    llm -m exochat/glm "Why is the sky blue?"

A model may name `fallbacks`, other names of the same table. Attachments that are files are read while they are sent.
"""

import json
import os

import llm

from exoclaw_provider_openai import Deployment, FilePart, OpenAIStreamingProvider


@llm.hookimpl
def register_models(register):
    table = json.loads(os.environ.get("LLM_EXOCHAT_MODELS") or "{}")
    fallbacks = {name: options.pop("fallbacks", []) for name, options in table.items()}
    deployments = {name: deployment_of(**options) for name, options in table.items()}
    for name in table:
        register(Exochat(OpenAIStreamingProvider(name, deployments, fallbacks), name))


def deployment_of(base_url, api_key_env="", **options):
    return Deployment(base_url, os.environ.get(api_key_env, ""), **options)


class Exochat(llm.Model):
    can_stream = supports_tools = supports_schema = True
    attachment_types = {"image/png", "image/jpeg", "image/gif", "image/webp"}

    class Options(llm.Options):
        temperature: float = 0.7
        max_tokens: int = 4096

    def __init__(self, provider, name):
        self.provider = provider
        self.model_id = "exochat/" + name

    def execute(self, prompt, stream, response, conversation):
        functions = [{"name": t.name, "description": t.description or "", "parameters": t.input_schema} for t in prompt.tools]
        options = {**prompt.options.model_dump(), "tools": [{"type": "function", "function": one} for one in functions]}
        if prompt.schema:
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": "output", "schema": prompt.schema}}
        messages = [one for message in prompt.messages for one in messages_of(message)]
        with self.provider.stream_sync(messages, **options) as events:
            for event in events:
                if event.type in ("content", "reasoning") and event.text:
                    yield llm.parts.StreamEvent(type="text" if event.type == "content" else "reasoning", chunk=event.text)
        for call in events.response.tool_calls:
            response.add_tool_call(llm.ToolCall(name=call.name, arguments=call.arguments, tool_call_id=call.id))
        usage = events.response.usage
        response.set_usage(input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"))


def messages_of(message):
    """What the endpoint is told of one of llm's messages."""
    content, calls = [], []
    for part in message.parts:
        if isinstance(part, llm.parts.ToolResultPart):
            yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.output}
        elif isinstance(part, llm.parts.ToolCallPart):
            function = {"name": part.name, "arguments": json.dumps(part.arguments)}
            calls.append({"id": part.tool_call_id, "type": "function", "function": function})
        elif isinstance(part, llm.parts.AttachmentPart):
            content.append(image_of(part.attachment))
        elif isinstance(part, llm.parts.TextPart):
            content.append({"type": "text", "text": part.text})
    if calls:
        yield {"role": message.role, "content": content or None, "tool_calls": calls}
    elif content:
        yield {"role": message.role, "content": content}


def image_of(attachment):
    if attachment.path:
        return FilePart(attachment.path, attachment.resolve_type())
    url = attachment.url or f"data:{attachment.resolve_type()};base64,{attachment.base64_content()}"
    return {"type": "image_url", "image_url": {"url": url}}
