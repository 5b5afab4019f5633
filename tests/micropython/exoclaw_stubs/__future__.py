"""What exoclaw imports on MicroPython and MicroPython has not."""

annotations = True
