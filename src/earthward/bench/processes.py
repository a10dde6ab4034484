"""Which of a gateway's processes is which, told by what they listen to: times of a start are too coarse to tell."""

import contextlib

import psutil


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
