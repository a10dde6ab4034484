"""The dialects as the gateway serves them: each file here with `DOORS` or an `EXIT` is one, with no entry elsewhere.

A door is a path by which callers come in; an exit is how targets of one dialect are asked.
"""

import importlib
import pkgutil

from earthward.gateway.doors.door import Door
from earthward.gateway.doors.exit import Exit

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

DOORS: dict[bytes, Door] = {door.path: door for module in _MODULES for door in getattr(module, "DOORS", ())}
EXITS: dict[str, Exit] = {module.EXIT.dialect: module.EXIT for module in _MODULES if hasattr(module, "EXIT")}
