"""One question, streamed to the terminal: the example of the README.

    EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… python chat.py gpt-4o-mini "Why is the sky blue?"
"""

import os
import sys

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

model, question = sys.argv[1:3]
endpoint = Deployment(os.environ["EXOCHAT_BASE_URL"], os.environ.get("EXOCHAT_API_KEY", ""))
with OpenAIStreamingProvider(model, {model: endpoint}) as provider:
    with provider.stream_sync([{"role": "user", "content": question}]) as events:
        for event in events:
            if event.type == "content":
                print(event.text, end="", flush=True)
    print(file=sys.stderr)
    print(events.response.usage, file=sys.stderr)
