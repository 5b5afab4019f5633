from typing import Any

versions: Any
