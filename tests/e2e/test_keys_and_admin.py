"""Who may call, and who may look."""

import json
import socket

from harness import KEY, PATIENCE, earthward, http, until


def keys(gateway, *arguments):
    run = earthward("keys", *arguments, "-c", str(gateway.config), "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_key_opens_the_gateway_until_it_is_revoked(start, cloud):
    gateway = start(cloud, auth="keys", workers=2)
    status, _, answer = gateway.chat()
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
    made = keys(gateway, "create", "--app", "shop", "--team", "web")
    bearer = {"authorization": f"Bearer {made['key']}"}
    until(lambda: gateway.chat(headers=bearer)[0] == 200, "the new key to work")
    until(lambda: all(gateway.chat(headers=bearer)[0] == 200 for _ in range(24)), "the new key to work everywhere")
    served = until(lambda: [row for row in gateway.rows(1) if row["status"] == "ok"], "a record")
    assert {(row["app"], row["team"], row["key"]) for row in served} == {("shop", "web", made["id"])}
    assert http("GET", f"{gateway.v1}/models")[0] == 401
    assert http("GET", f"{gateway.v1}/models", headers=bearer)[0] == 200
    keys(gateway, "revoke", made["id"])
    until(lambda: all(gateway.chat(headers=bearer)[0] == 401 for _ in range(24)), "the key to be refused everywhere")
    assert made["key"].encode() not in gateway.database.read_bytes()


def test_a_key_scoped_to_another_route_finds_no_model(start, cloud):
    gateway = start(cloud, auth="keys", route_extra="}\n  - {name: other, use: mini")
    made = keys(gateway, "create", "--app", "shop", "--route", "other")
    bearer = {"authorization": f"Bearer {made['key']}"}
    until(lambda: gateway.chat(headers=bearer)[0] == 200, "the new key to work")
    assert gateway.chat(headers=bearer)[1]["x-earthward-route"] == "other"


def test_the_admin_port_wants_its_token_and_its_own_name(start, cloud):
    gateway = start(cloud)
    gateway.chat()
    gateway.rows(1)
    assert http("GET", f"{gateway.admin}/metrics")[0] == 401
    assert http("GET", f"{gateway.admin}/metrics", headers={"authorization": "Bearer wrong"})[0] == 401
    assert http("GET", f"{gateway.admin}/metrics", headers={"host": "evil.example"})[0] == 421
    assert http("GET", f"{gateway.admin}/healthz")[0] == 200
    figures = until(
        lambda: (text := gateway.admin_get("/metrics")[2].decode()) and "earthward_requests_total{" in text and text,
        "figures",
    )
    assert 'earthward_requests_total{arm="only",failure="",route="trial",status="ok",target="mini"} 1.0' in figures
    status = until(lambda: (now := gateway.status())["ready"] and now, "a worker to be connected")
    assert status["workers"] == {"wanted": 1, "connected": 1, "current": 1}
    assert http("GET", f"{gateway.url}/healthz")[0] == 200
    assert http("GET", f"{gateway.url}/readyz")[0] == 200


def test_the_providers_key_is_nowhere_but_upstream(start, cloud):
    gateway = start(cloud, extra="access_log: true")
    for fault in ("401", "500", "html", "reset_before_head"):
        cloud.script(queue=[{"behaviour": {"fault": fault}}])
        gateway.chat()
    gateway.chat(stream=True)
    gateway.rows(5)
    shown = gateway.admin_get("/metrics")[2] + gateway.admin_get("/api/status")[2]
    gateway.stop()
    files = [path for path in gateway.config.parent.rglob("*") if path.is_file()]
    assert len(files) > 5
    for data in [shown, *(path.read_bytes() for path in files)]:
        assert KEY.encode() not in data


def test_browsers_may_call_from_the_origins_that_are_named(start, cloud):
    gateway = start(cloud, extra='cors: ["https://app.example"]')
    origin = {"origin": "https://app.example"}
    status, headers, _ = http(
        "OPTIONS",
        f"{gateway.v1}/chat/completions",
        headers={**origin, "access-control-request-headers": "authorization"},
    )
    assert status == 204
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-allow-headers"] == "authorization"
    assert gateway.chat(headers=origin)[1]["access-control-allow-origin"] == "https://app.example"
    status, headers, _ = gateway.chat(headers={"origin": "https://evil.example"})
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_an_open_gateway_answers_to_its_own_names_only(start, cloud):
    gateway = start(cloud)
    assert gateway.chat(headers={"host": "evil.example"})[0] == 421
    assert gateway.chat(headers={"host": "localhost:1234"})[0] == 200


def test_a_stranger_is_turned_away_before_the_body_is_waited_for(start, cloud):
    gateway = start(cloud, auth="keys")
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2]))) as stranger:
        stranger.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 30000000\r\n\r\n{")
        stranger.settimeout(PATIENCE)
        assert stranger.recv(65536).startswith(b"HTTP/1.1 401 ")
