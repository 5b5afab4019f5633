# What is frozen into the interpreter of the tests: asyncio alone.
include("$(MPY_DIR)/extmod/asyncio")
