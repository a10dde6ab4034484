"""This machine: cores, memory, GPUs. What can't be read is left out; nothing here fails."""

import importlib
from pathlib import Path
from typing import Any

import msgspec
import psutil

DRM = Path("/sys/class/drm")


class Gpu(msgspec.Struct, frozen=True):
    """`memory` is in bytes."""

    name: str
    memory: int


class Machine(msgspec.Struct, frozen=True):
    """`memory` is in bytes."""

    cores: int
    memory: int
    gpus: tuple[Gpu, ...] = ()

    @property
    def room(self) -> int:
        """Bytes that models may take: what the GPUs have, or else half of the memory."""
        return sum(gpu.memory for gpu in self.gpus) or self.memory // 2


def machine() -> Machine:
    return Machine(psutil.cpu_count() or 1, psutil.virtual_memory().total, (*_nvidia(), *amd(DRM)))


def amd(folder: Path) -> list[Gpu]:
    """GPUs of AMD, as the kernel's driver tells of them."""
    found = []
    for total in sorted(folder.glob("card*/device/mem_info_vram_total")):
        try:
            memory = int(total.read_text())
        except (OSError, ValueError):
            continue
        # Graphics that are part of a processor report a small carve-out.
        if memory >= 2**30:
            found.append(Gpu("AMD", memory))
    return found


def _nvidia() -> list[Gpu]:
    """GPUs of NVIDIA, if the package nvidia-ml-py is there to ask."""
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # noqa: BLE001  no package, no driver, no library: each of its own kind, all mean none
        return []
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        return [Gpu(_text(nvml.nvmlDeviceGetName(it)), nvml.nvmlDeviceGetMemoryInfo(it).total) for it in handles]
    except nvml.NVMLError:
        return []
    finally:
        nvml.nvmlShutdown()


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
