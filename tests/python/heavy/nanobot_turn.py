"""exoclaw-nanobot, the whole bundle, over the package: one message of a channel goes through DBOS's queue, the loop with its tools
and budgets, and back to the channel.

nanobot_turn.py FOLDER BASE_URL MODEL MESSAGE prints what the channel was sent, as JSON.
"""

import asyncio
import json
import os
import sys

from dbos import DBOS
from exoclaw.bus.events import InboundMessage
from exoclaw_nanobot import Config, create

from agent import Weather

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed goes to standard error


class Channel:
    name = "test"

    def __init__(self, message):
        self.message = message
        self.sent = []
        self.answered = asyncio.Event()

    async def start(self, bus):
        await bus.publish_inbound(InboundMessage(self.name, "somebody", "room", self.message))
        await self.answered.wait()
        while await DBOS.list_workflows_async(status=["PENDING", "ENQUEUED"]):
            await asyncio.sleep(0.05)

    async def send(self, message):
        self.sent.append(message.content)
        if not (message.metadata or {}).get("_progress"):
            self.answered.set()

    async def stop(self):
        pass


async def main(folder, base_url, model, message):
    config = Config()
    defaults = config.agents.defaults
    defaults.workspace, defaults.model = folder + "/workspace", model
    defaults.turn_budget.enabled = True
    channel = Channel(message)
    async with OpenAIStreamingProvider(model, {model: Deployment(base_url, "k")}, stream_ttft_timeout=600.0) as provider:
        bot = await create(config, provider=provider, enable_cli=False, extra_channels=[channel], extra_tools=[Weather()])
        DBOS(
            config={
                "name": "bundle",
                "system_database_url": f"sqlite:///{folder}/turns.sqlite",
                "run_admin_server": False,
                "log_level": "WARNING",
            }
        )
        DBOS.launch()
        await bot.run()
        DBOS.destroy()
    print(json.dumps(channel.sent), file=OUT, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
