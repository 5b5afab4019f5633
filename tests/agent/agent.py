"""What exoclaw's agent loop needs beside a provider, the least of it: for the tests on both Pythons."""


class Conversation:
    """Remembers what it is told to, and no more."""

    def __init__(self):
        self.recorded = []
        self.recovered = 0

    async def build_prompt(self, session_id, message, **more):
        return [{"role": "system", "content": "Be short."}, {"role": "user", "content": message}]

    async def record(self, session_id, new_messages):
        self.recorded.extend(new_messages)

    async def recover_from_overflow(self, session_id):
        self.recovered += 1
        return [{"role": "user", "content": "shorter"}]

    async def clear(self, session_id):
        return True

    def list_sessions(self):
        return []


class Weather:
    """The tool that the scripted upstream calls for."""

    name = "get_weather"
    description = "The weather of a city."
    parameters = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}

    def __init__(self):
        self.asked = []

    async def execute(self, **arguments):
        self.asked.append(arguments)
        return "rain in " + arguments["city"]
