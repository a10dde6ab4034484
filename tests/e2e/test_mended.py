"""What an adversarial review once broke, so that it stays mended."""

import json
import socket
import threading

from earthward.ledger.record import Attempt
from harness import Gateway, Simulator, config, nobody, running, until

COST = Attempt.__struct_fields__.index("cost")


def leave_at_once(gateway, body):
    """Sends a request and closes without waiting for the answer."""
    data = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2]))) as caller:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(data)
        caller.sendall(head + data)


def test_a_caller_that_leaves_between_two_attempts_hurts_nobody_elses_exchange(start, cloud, local):
    gateway = start(cloud, local, share="100%")
    local.script(default={"fault": "500"})
    cloud.script(default={"tokens": 30, "rate": 300})
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    answers = []

    def ask():
        for number in range(25):
            answers.append(gateway.chat(text=f"number {number}", stream=number % 2 == 0)[0])

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for _ in range(150):
        leave_at_once(gateway, body)
    for asker in askers:
        asker.join()
    assert answers.count(200) == 100
    until(lambda: json.loads(gateway.admin_get("/api/status")[2])["in_flight"] == 0, "nothing left under way")
    statuses = [row["status"] for row in gateway.rows(250)]
    assert (len(statuses), statuses.count("ok")) == (250, 100)


def test_one_dead_endpoint_of_two_costs_no_answer(tmp_path, cloud):
    with nobody() as dead:
        both = f'endpoints: ["http://127.0.0.1:{dead}/v1", "{cloud.url}/v1"]'
        gateway = Gateway(tmp_path, config(cloud).replace(f'base_url: "{cloud.url}/v1"', both))
        with running(gateway):
            assert [gateway.chat()[0] for _ in range(8)] == [200] * 8
            attempts = [json.loads(row["attempts"]) for row in gateway.rows(8)]
            assert max(map(len, attempts)) == 2
            assert sum(map(len, attempts)) < 12, "the dead one is left alone for a while"


def test_what_a_failed_attempt_cost_is_on_the_bill(tmp_path, start, cloud):
    dear = Simulator(tmp_path, name="dear")
    with running(dear):
        text = config(cloud, dear, share="100%").replace(
            "kind: openai_compatible", "kind: openai, api_key: env:UPSTREAM_KEY"
        )
        gateway = Gateway(tmp_path, text.replace("model: llama", "model: gpt-4o"))
        with running(gateway):
            dear.script(default={"fault": "reset_mid_body", "tokens": 40})
            assert gateway.chat()[1]["x-earthward-target"] == "mini"
            (row,) = gateway.rows(1)
            assert row["cost"] is None, "what the first one wants for half an answer is unknown, and so is the sum"
            _, second = json.loads(row["attempts"])
            assert second[COST] > 0


def test_a_reload_that_workers_could_not_apply_is_refused_whole(tmp_path, cloud):
    secret = tmp_path / "key"
    secret.write_text("sk-file")
    gateway = Gateway(tmp_path, config(cloud, keys=f'"file:{secret}"'))
    with running(gateway):
        before = json.loads(gateway.admin_get("/api/status")[2])["snapshot"]
        secret.unlink()
        gateway.config.write_text(config(cloud, keys=f'"file:{secret}"', extra="access_log: true"))
        status = until(
            lambda: (now := json.loads(gateway.admin_get("/api/status")[2]))["config_problem"] and now, "the refusal"
        )
        assert str(secret) in status["config_problem"]
        assert status["snapshot"] == before
        assert gateway.chat()[0] == 200
        secret.write_text("sk-file")
        gateway.process.send_signal(1)
        until(lambda: json.loads(gateway.admin_get("/api/status")[2])["config_problem"] == "", "the reload")


def test_a_restart_serves_the_file_as_it_is_and_not_as_it_once_was(tmp_path, cloud, local):
    first, second = config(cloud), config(cloud, local, share="100%")
    for text, target in ((first, "mini"), (second, "llama"), (first, "mini")):
        gateway = Gateway(tmp_path, text)
        with running(gateway):
            assert gateway.chat()[1]["x-earthward-target"] == target


def test_events_without_content_are_not_gathered_for_ever(start, cloud, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def endless():
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            event = b'data: {"id":"%b","choices":[{"index":0,"delta":{"content":""}}]}\n\n' % (b"x" * 2000)
            try:
                while True:
                    peer.sendall(event)
            except OSError:
                return

    upstream = threading.Thread(target=endless)
    upstream.start()
    text = config(cloud).replace(cloud.url, f"http://127.0.0.1:{listener.getsockname()[1]}")
    gateway = Gateway(tmp_path, text)
    with running(gateway), listener:
        assert gateway.chat(stream=True)[0] == 502
        assert gateway.rows(1)[0]["failure"] == "malformed"
        upstream.join()
