"""A worker process of test_dbos.py: exoclaw's agent loop on DBOS, over the package.

Its one argument is JSON: `database` (a URL), `executor` (this worker's name), `base_url` of the scripted server, `start`
(turns to begin: their names are the workflows' ids, the sessions and the messages), `await` (turns of others to wait
for), `hold` (true: a tool that is called says "called", and waits for ever), `show` (true: the text of the turns it begins
goes through on_delta, a line of JSON for each piece). It prints "ready" once DBOS is up, and a line of JSON for each turn that ends; the line "take NAME" on its standard input makes it take over the turns of the worker
NAME. It runs until its standard input ends.
"""

import json
import logging
import os
import sys
import threading
import time

import exoclaw_executor_dbos
from dbos import DBOS, SetWorkflowID
from exoclaw.agent.loop import AgentLoop
from exoclaw.bus.queue import MessageBus

from agent import Conversation, Weather

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

GIVEN = json.loads(sys.argv[1])
PRINTING = threading.Lock()
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed goes to standard error, and never into a line of ours
LOOPS = []  # the one


def say(line):
    with PRINTING:
        print(line, file=OUT, flush=True)


class Slow(Weather):
    async def execute(self, **arguments):
        if GIVEN.get("hold"):
            say("called")
            time.sleep(3600)
        return await super().execute(**arguments)


async def show(text, **end):
    if text:
        say(json.dumps({"piece": text}))


@DBOS.workflow()
async def shown_turn(turn):
    """run_durable_turn() with an on_delta, which it does not hand on itself."""
    text, messages = await LOOPS[0]._process_turn_inline(turn, turn, on_delta=show)
    return text, messages


def follow(turn):
    """Says what became of a turn, whoever runs it."""
    try:
        text, _ = DBOS.retrieve_workflow(turn).get_result(polling_interval_sec=0.1)
        say(json.dumps({"turn": turn, "text": text}))
    except Exception as error:
        causes = [(type(one).__name__, one.status_code, str(one)) for one in getattr(error, "errors", [])]
        say(json.dumps({"turn": turn, "error": type(error).__name__, "causes": causes}))


def take(worker):
    """Makes the turns that a worker has left open wait for any other, and so for this one."""
    turns = [one.workflow_id for one in DBOS.list_workflows(status="PENDING", executor_id=worker)]
    DBOS.resume_workflows(turns)
    for turn in turns:
        threading.Thread(target=follow, args=(turn,), daemon=True).start()


def main():
    clocks = {"request_timeout": 600.0, "stream_ttft_timeout": 600.0}
    provider = OpenAIStreamingProvider("durable", {"durable": Deployment(GIVEN["base_url"], "k")}, **clocks)
    loop = AgentLoop(
        MessageBus(), provider, Conversation(), tools=[Slow()], executor=exoclaw_executor_dbos.DBOSExecutor()
    )
    exoclaw_executor_dbos.set_loop_context(loop)
    LOOPS.append(loop)
    DBOS(
        config={
            "name": "turns",
            "system_database_url": GIVEN["database"],
            "executor_id": GIVEN["executor"],
            "application_version": "1",
            "run_admin_server": False,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    for turn in GIVEN.get("start", []):
        with SetWorkflowID(turn):
            if GIVEN.get("show"):
                DBOS.start_workflow(shown_turn, turn)
            else:
                DBOS.start_workflow(exoclaw_executor_dbos.run_durable_turn, turn, turn)
    for turn in GIVEN.get("start", []) + GIVEN.get("await", []):
        threading.Thread(target=follow, args=(turn,), daemon=True).start()
    say("ready")
    for line in sys.stdin:
        take(line.split()[1])
    provider.close_sync()
    DBOS.destroy()


if __name__ == "__main__":
    logging.getLogger("dbos").setLevel(logging.WARNING)
    main()
