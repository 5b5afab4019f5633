"""A plugin for the `llm` command: every deployment of LLM_EXOCHAT_MODELS is a model of it.

    LLM_EXOCHAT_MODELS='{"glm": {"base_url": "https://openrouter.ai/api/v1", "model": "zai/glm-4.7", "api_key_env": "KEY"}}'
    llm -m exochat/glm "Why is the sky blue?"

A model may name `fallbacks`, other names of the same table. Tools, schemas, reasoning and usage are passed on; attachments
that are files are read while they are sent.
"""

import base64
import json
import os

import llm

from exoclaw_provider_openai import Deployment, FilePart, OpenAIStreamingProvider


def deployments_of(table):
    made = {}
    for name, options in table.items():
        options = {key: value for key, value in options.items() if key != "fallbacks"}
        key = os.environ.get(options.pop("api_key_env", ""), "")
        made[name] = Deployment(options.pop("base_url"), key, **options)
    return made


@llm.hookimpl
def register_models(register):
    table = json.loads(os.environ.get("LLM_EXOCHAT_MODELS") or "{}")
    if table:
        fallbacks = {name: options["fallbacks"] for name, options in table.items() if "fallbacks" in options}
        provider = OpenAIStreamingProvider(next(iter(table)), deployments_of(table), fallbacks)
        for name in table:
            register(Exochat(provider, name))


class Exochat(llm.Model):
    can_stream = supports_tools = supports_schema = True
    attachment_types = {"image/png", "image/jpeg", "image/gif", "image/webp"}

    class Options(llm.Options):
        temperature: float = 0.7
        max_tokens: int = 4096

    def __init__(self, provider, name):
        self.provider = provider
        self.name = name
        self.model_id = "exochat/" + name

    def execute(self, prompt, stream, response, conversation):
        function = [{"name": t.name, "description": t.description or "", "parameters": t.input_schema} for t in prompt.tools]
        options = {**prompt.options.model_dump(), "tools": [{"type": "function", "function": one} for one in function]}
        if prompt.schema:
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": "output", "schema": prompt.schema}}
        messages = [one for message in prompt.messages for one in messages_of(message)]
        with self.provider.stream_sync(messages, model=self.name, **options) as events:
            for event in events:
                if event.type in ("content", "reasoning") and event.text:
                    yield llm.parts.StreamEvent(type="text" if event.type == "content" else "reasoning", chunk=event.text)
            answer = events.response
        for call in answer.tool_calls:
            response.add_tool_call(llm.ToolCall(name=call.name, arguments=call.arguments, tool_call_id=call.id))
        response.set_usage(input=answer.usage.get("prompt_tokens"), output=answer.usage.get("completion_tokens"))
        response.response_json = {"attempts": answer.attempts}


def messages_of(message):
    """What the endpoint is told of one of llm's messages."""
    kinds = {type(part).__name__: [p for p in message.parts if type(p) is type(part)] for part in message.parts}
    if message.role == "tool":
        return [{"role": "tool", "tool_call_id": p.tool_call_id, "content": p.output} for p in kinds.get("ToolResultPart", [])]
    content = [{"type": "text", "text": part.text} for part in kinds.get("TextPart", [])]
    content += [image_of(part.attachment) for part in kinds.get("AttachmentPart", [])]
    said = {"role": message.role, "content": content or None}
    if "ToolCallPart" in kinds:
        calls = [(part.tool_call_id, part.name, json.dumps(part.arguments)) for part in kinds["ToolCallPart"]]
        function = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
        said["tool_calls"] = function
    return [said]


def image_of(attachment):
    if attachment.path:
        return FilePart(attachment.path, attachment.resolve_type())
    url = attachment.url or f"data:{attachment.resolve_type()};base64,{base64.b64encode(attachment.content).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}
