"""A chat on a board: Wi-Fi, the time (certificates have dates), and one question, streamed to the serial line.

`settings.json`: {"wifi": ["name", "password"], "base_url": "https://…/v1", "model": "…", "key": "…", "question": "…"}; "ca", or /ca.pem.
"""

import asyncio
import json
import time

from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider


def connect(wifi):
    import network
    import ntptime

    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.connect(*wifi)
    while not station.isconnected():
        time.sleep_ms(200)
    ntptime.settime()


async def main(wifi, base_url, model, key, question, ca=None):
    async def show(text):
        print(text, end="")

    connect(wifi)
    provider = OpenAIStreamingProvider(model, {model: Deployment(base_url, key, ca=ca)})
    try:
        await provider.chat([{"role": "user", "content": question}], on_delta=show)
    except HTTPError as error:
        print("failed:", error)


with open(__file__.rpartition("/")[0] + "/settings.json") as file:
    asyncio.run(main(**json.load(file)))
