"""The disk takes nothing any more: the route decides, and nothing is dropped without a word."""

import contextlib
import resource

import psutil

from harness import until


def workers(gateway):
    port = int(gateway.url.rpartition(":")[2])
    for child in psutil.Process(gateway.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if any(it.laddr.port == port and it.status == psutil.CONN_LISTEN for it in child.net_connections("tcp")):
                yield child.pid


def let_files_grow_to(size, gateway):
    for pid in workers(gateway):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_route_that_serves_without_a_ledger_records_what_it_served_once_there_is_room(start, cloud):
    gateway = start(cloud)
    gateway.chat()
    gateway.rows(1)
    let_files_grow_to(1, gateway)
    assert [gateway.chat()[0] for _ in range(5)] == [200] * 5
    until(lambda: "earthward_unrecorded 5.0" in gateway.admin_get("/metrics")[2].decode(), "the unrecorded to be shown")
    let_files_grow_to(resource.RLIM_INFINITY, gateway)
    assert [row["status"] for row in gateway.rows(6)] == ["ok"] * 6
    until(lambda: "earthward_unrecorded 0.0" in gateway.admin_get("/metrics")[2].decode(), "the count to go back")


def test_a_route_that_wants_a_ledger_refuses_without_one_and_sends_nothing_upstream(start, cloud):
    gateway = start(cloud, route_extra=", on_ledger_down: refuse")
    gateway.chat()
    gateway.rows(1)
    let_files_grow_to(1, gateway)
    status, headers, body = gateway.chat()
    assert (status, body["error"]["code"]) == (503, "ledger_down")
    assert headers["x-should-retry"] == "true"
    assert len([entry for entry in cloud.seen() if entry["path"].endswith("completions")]) == 1
    let_files_grow_to(resource.RLIM_INFINITY, gateway)
    until(lambda: gateway.chat()[0] == 200, "the gateway to serve again")
