"""The dialects as the gateway serves them: each file here with `DOORS`, `BESIDE`, `opened` or an `EXIT` is one, with no
entry elsewhere.

A door is a path by which callers come in, or, where a path says more than which dialect, what `opened` makes of it; an
exit is how targets of one dialect are asked.
"""

import importlib
import pkgutil

from earthward.gateway.doors.door import Door
from earthward.gateway.doors.exit import Exit

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

DOORS: dict[bytes, Door] = {door.path: door for module in _MODULES for door in getattr(module, "DOORS", ())}
BESIDE: dict[bytes, Door] = {door.path: door for module in _MODULES for door in getattr(module, "BESIDE", ())}
"""Doors for what is no chat."""
_OPENED = tuple(module.opened for module in _MODULES if hasattr(module, "opened"))
EXITS: dict[str, Exit] = {module.EXIT.dialect: module.EXIT for module in _MODULES if hasattr(module, "EXIT")}


def door_at(path: bytes, query: bytes) -> Door | None:
    """The door that this path is, or leads to."""
    door = DOORS.get(path) or BESIDE.get(path)
    if door is not None:
        return door
    return next((found for opened in _OPENED if (found := opened(path, query)) is not None), None)
