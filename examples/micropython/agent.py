"""A turn of an agent on a board: the model may read the temperature, and answers with what it was told.

`settings.json` is that of chat.py.
"""

import asyncio
import json

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider


TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_weather", "description": "The weather here.", "parameters": {"type": "object"}},
    }
]


def get_weather(**arguments):
    return {"celsius": 21.5, "asked": arguments}  # a sensor's business


def turn_of(response, messages):
    """Makes the calls that the model asked for; their results go behind the messages."""
    calls = []
    for call in response.tool_calls:
        said = {"name": call.name, "arguments": json.dumps(call.arguments)}
        calls.append({"id": call.id, "type": "function", "function": said})
    messages.append({"role": "assistant", "content": response.content, "tool_calls": calls})
    for call in response.tool_calls:
        result = get_weather(**call.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})


async def main():
    with open(__file__.rpartition("/")[0] + "/settings.json") as file:
        settings = json.load(file)
    deployment = Deployment(settings["base_url"], settings["key"], ca=settings.get("ca"))
    provider = OpenAIStreamingProvider(settings["model"], {settings["model"]: deployment})
    messages = [{"role": "user", "content": settings["question"]}]
    for _ in range(5):
        response = await provider.chat(messages, tools=TOOLS)
        if not response.tool_calls:
            print(response.content)
            break
        turn_of(response, messages)
    await provider.close()


asyncio.run(main())
