from pathlib import Path

from earthward.probe.machine import Gpu, Machine, amd, machine


def test_this_machine_has_cores_and_memory() -> None:
    found = machine()
    assert found.cores > 0
    assert found.memory > 2**28


def test_models_have_the_room_that_gpus_have_or_half_the_memory() -> None:
    assert Machine(4, 64, (Gpu("a", 24), Gpu("b", 24))).room == 48
    assert Machine(4, 64).room == 32


def test_gpus_of_amd_are_those_with_memory_of_their_own(tmp_path: Path) -> None:
    for card, total in (("card0", str(24 * 2**30)), ("card1", str(2**29)), ("card2", "nonsense")):
        device = tmp_path / card / "device"
        device.mkdir(parents=True)
        (device / "mem_info_vram_total").write_text(total)
    assert amd(tmp_path) == [Gpu("AMD", 24 * 2**30)]
    assert amd(tmp_path / "none") == []
