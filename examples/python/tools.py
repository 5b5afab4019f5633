"""A loop of tools: the model asks for the weather until it knows what it wants.

    EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… python tools.py gpt-4o-mini "Umbrella in Oslo?"
"""

import json
import os
import sys

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city for some days.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
]


def get_weather(city, days=1):
    return f"{city}: rain, for {days} days"


def main(model, question):
    deployment = Deployment(os.environ["EXOCHAT_BASE_URL"], os.environ.get("EXOCHAT_API_KEY", ""))
    messages = [{"role": "user", "content": question}]
    with OpenAIStreamingProvider(model, {model: deployment}) as provider:
        while True:
            response = provider.chat_sync(messages, TOOLS)
            if not response.tool_calls:
                return response.content
            calls = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for call in response.tool_calls
            ]
            messages.append({"role": "assistant", "content": response.content, "tool_calls": calls})
            for call in response.tool_calls:
                result = get_weather(**call.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


if __name__ == "__main__":
    print(main(*sys.argv[1:3]))
