"""Services as data: each file here that has a `KIND` is one kind of provider, and needs no entry elsewhere."""

import importlib
import pkgutil

from earthward.providers.kind import Kind


def _discovered() -> dict[str, Kind]:
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    kinds = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: str(kind.name))}


KINDS: dict[str, Kind] = _discovered()
