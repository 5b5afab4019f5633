"""A process of a durable agent, for test_dbos.py: one turn with a tool, on exoclaw's executor over DBOS.

    dbos_worker.py DATABASE_URL BASE_URL MODEL TOOL_FILE [turn]

With "turn" it starts one; without, it takes up what was left. The tool notes in TOOL_FILE that it runs, and waits until
TOOL_FILE.go exists. Prints the end of the turn as JSON: "final", or what "failed".
"""

import asyncio
import json
import os
import sys
import time

import exoclaw_executor_dbos
from dbos import DBOS, SetWorkflowID
from exoclaw.agent.loop import AgentLoop
from exoclaw.bus.queue import MessageBus

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

TURN = "the-turn"


class Conversation:
    async def build_prompt(self, session_id, message, **more):
        return [{"role": "user", "content": message}]

    async def record(self, session_id, new_messages):
        pass

    async def clear(self, session_id):
        return True

    def list_sessions(self):
        return []


class Weather:
    name = "get_weather"
    description = "The weather of a city."
    parameters = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}

    def __init__(self, path):
        self.path = path

    async def execute(self, **arguments):
        with open(self.path, "a") as file:
            file.write("run\n")
        while not os.path.exists(self.path + ".go"):
            await asyncio.sleep(0.02)
        return "rain"


def main(database, base_url, model, path, *turn):
    DBOS(config={"name": "durable", "system_database_url": database, "run_admin_server": False, "log_level": "ERROR"})
    provider = OpenAIStreamingProvider(model, {model: Deployment(base_url, "k")}, stream_ttft_timeout=60)
    executor = exoclaw_executor_dbos.DBOSExecutor()
    loop = AgentLoop(MessageBus(), provider, Conversation(), tools=[Weather(path)], executor=executor)
    exoclaw_executor_dbos.set_loop_context(loop)
    DBOS.launch()

    async def start():
        with SetWorkflowID(TURN):
            return await exoclaw_executor_dbos.run_durable_turn("s", "weather?")

    try:
        if turn:
            said = {"final": asyncio.run(start())[0]}
        else:
            handle = DBOS.retrieve_workflow(TURN)
            while handle.get_status().status == "PENDING":
                time.sleep(0.05)
            said = {"final": handle.get_result()[0]}
    except Exception as error:
        said = {"failed": [[type(one).__name__, str(one)] for one in getattr(error, "errors", [error])]}
    print(json.dumps(said), flush=True)
    DBOS.destroy()
    provider.close_sync()


if __name__ == "__main__":
    main(*sys.argv[1:])
