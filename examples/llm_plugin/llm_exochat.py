"""A plugin for the `llm` command: every deployment of LLM_EXOCHAT_MODELS is a model of it.

    LLM_EXOCHAT_MODELS='{"glm": {"base_url": "https://openrouter.ai/api/v1", "model": "zai/glm-4.7", "api_key_env": "KEY"}}'
    llm -m exochat/glm "Why is the sky blue?"

A model may name `fallbacks`, other names of the same table.
"""

import json
import os

import llm

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider


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
    can_stream = True

    def __init__(self, provider, name):
        self.provider = provider
        self.name = name
        self.model_id = "exochat/" + name

    def execute(self, prompt, stream, response, conversation):
        messages = []
        for message in prompt.messages:  # the whole conversation, this question last
            texts = [part.text for part in message.parts if getattr(part, "text", None)]
            messages.append({"role": message.role, "content": "\n".join(texts)})
        with self.provider.stream_sync(messages, model=self.name) as events:
            for event in events:
                if event.type == "content":
                    yield event.text
        usage = events.response.usage
        response.set_usage(input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"))
        response.response_json = {"attempts": events.response.attempts}
