"""OpenTelemetry through FastAPI's own switch: spans arrive at whoever collects them."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.conftest import migrated
from tests.server import running


def test_spans_are_exported_where_the_switch_is_on(tmp_path: Path) -> None:
    received, arrived = [], threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            if all(any(route in body for _, body in received) for route in (b"/v1/regions/{id}", b"/v1/zones")):
                arrived.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    url = f"sqlite:///{tmp_path}/indicators.db"
    migrated(url).close()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        switch = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_BSP_SCHEDULE_DELAY": "100", "NO_PROXY": "127.0.0.1"}
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}", "OTEL_SERVICE_NAME": "indicators"}
        with running(url, tmp_path, environment=switch | where) as server:
            httpx.get(server.url + "/v1/regions/1")
            httpx.get(server.url + "/v1/zones")
            assert arrived.wait(20), received
        collector.shutdown()
    assert "/v1/traces" in {path for path, _ in received}
