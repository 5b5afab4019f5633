"""Says on MicroPython what is missing where `_exochat` cannot be imported: which file, for which machine and format."""

import sys

_MACHINES = "- x86 x64 armv6 armv6m armv7m armv7em armv7emsp armv7emdp xtensa xtensawin rv32imc".split()


def words(error):
    mpy = getattr(sys.implementation, "_mpy", 0)
    number = mpy >> 10
    machine = _MACHINES[number] if number < len(_MACHINES) else "?"
    return (
        "_exochat cannot be imported (%s). This is MicroPython %s, .mpy format %d.%d, native code for %s: put the "
        "_exochat.mpy that was built for it beside the package, or use firmware with the user module _exochat"
        % (error, ".".join([str(part) for part in sys.implementation.version[:3]]), mpy & 255, mpy >> 8 & 3, machine)
    )
