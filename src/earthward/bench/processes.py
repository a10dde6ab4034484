"""A gateway's processes: started as where they are installed, and told apart by what they listen to.

Times of a start are too coarse to tell them apart.
"""

import compileall
import contextlib
from pathlib import Path

import psutil

import earthward


def compiled() -> None:
    """Brings the package's byte code up to date. An installation has it; a checkout that may not write any would be
    compiled anew at each start, which then takes twice as long."""
    compileall.compile_dir(Path(earthward.__file__).parent, quiet=2)


def listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(
            connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            for connection in process.net_connections(kind="tcp")
        )
    return False


def control_of(supervisor: int, port: int) -> psutil.Process:
    """The control process of a gateway whose workers listen at that port. Engines are older: they are started first."""
    children = psutil.Process(supervisor).children()
    return max((it for it in children if not listens(it, port)), key=psutil.Process.create_time)
