"""One service of the shop: `python shop.py NAME`, with its settings as JSON in SHOP.

It listens on a free port of the loopback interface, prints the port, and runs until its standard
input is closed. Every request and every call is a span, and the trace context travels with the calls.
"""

import json
import os
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from otlp import FileExporter

ATTEMPTS = 5
RETRY_PAUSE_SECONDS = 0.005

NAME = sys.argv[1]
SETTINGS = json.loads(os.environ["SHOP"])

PROVIDER = TracerProvider(
    resource=Resource(
        {
            "service.name": NAME,
            "service.version": SETTINGS["version"],
            "deployment.environment.name": SETTINGS["environment"],
        }
    )
)
PROVIDER.add_span_processor(BatchSpanProcessor(FileExporter(Path(SETTINGS["spans"]))))
TRACER = PROVIDER.get_tracer("shop")


def call(peer: str, route: str, order: int, attempt: int = 0) -> int:
    """Calls a route such as `POST /charge` of another service and gives its status."""
    method, path = route.split()
    attributes = {"http.request.method": method, "server.address": peer}
    if attempt:
        attributes["http.request.resend_count"] = attempt
    with TRACER.start_as_current_span(route, kind=SpanKind.CLIENT, attributes=attributes) as span:
        headers: dict[str, str] = {}
        inject(headers)
        url = f"{SETTINGS['peers'][peer]}{path}?order={order}"
        request = urllib.request.Request(url, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        span.set_attribute("http.response.status_code", status)
        if status >= 400:
            span.set_status(StatusCode.ERROR)
        return status


def query(database: str, statement: str, *values: int) -> None:
    """Runs one statement against one of the shop's databases."""
    attributes = {
        "db.system.name": "sqlite",
        "db.namespace": database,
        "db.operation.name": statement.split()[0],
        "db.query.text": statement,
    }
    name = f"{statement.split()[0]} {database}"
    with TRACER.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes):
        with closing(sqlite3.connect(SETTINGS["databases"][database], timeout=5)) as connection:
            with connection:
                connection.execute(statement, values).fetchall()


def browse(order: int) -> int:
    return call("inventory", "GET /stock", order)


def buy(order: int) -> int:
    return call("checkout", "POST /checkout", order)


def checkout(order: int) -> int:
    call("inventory", "POST /reserve", order)
    call("fraud-ml", "POST /score", order)
    for attempt in range(ATTEMPTS):
        if call("payments", "POST /charge", order, attempt) == 200:
            return call("orders", "POST /orders", order)
        time.sleep(RETRY_PAUSE_SECONDS)
    return 502


CHARGES: Counter[int] = Counter()
CHARGES_LOCK = threading.Lock()


def charge(order: int) -> int:
    """For all but every fifth order the bank is busy until the fourth attempt."""
    with CHARGES_LOCK:
        CHARGES[order] += 1
        attempt = CHARGES[order]
    return 200 if order % 5 == 0 or attempt == 4 else 503


def score(order: int) -> int:
    time.sleep(0.002 + order % 7 / 1000)
    return 200


def stock(order: int) -> int:
    query("stock-db", "SELECT item, amount FROM stock WHERE item = ?", order % 10)
    return 200


def reserve(order: int) -> int:
    query("stock-db", "UPDATE stock SET amount = amount - 1 WHERE item = ?", order % 10)
    return 200


def place(order: int) -> int:
    query("orders-db", "INSERT INTO orders (number, item) VALUES (?, ?)", order, order % 10)
    return 200


def report(order: int) -> int:
    query("orders-db", "SELECT item, count(*) FROM orders GROUP BY item")
    return 200


def discount(order: int) -> int:
    return 200


ROUTES: dict[str, dict[str, Callable[[int], int]]] = {
    "web": {"GET /": browse, "POST /checkout": buy},
    "checkout": {"POST /checkout": checkout},
    "payments": {"POST /charge": charge},
    "inventory": {"GET /stock": stock, "POST /reserve": reserve},
    "orders": {"POST /orders": place},
    "reporting": {"GET /daily": report},
    "fraud-ml": {"POST /score": score},
    "coupons": {"POST /discount": discount},
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        url = urlsplit(self.path)
        route = f"{self.command} {url.path}"
        attributes = {"http.request.method": self.command, "http.route": url.path}
        with TRACER.start_as_current_span(
            route, context=extract(self.headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            order = int(parse_qs(url.query)["order"][0])
            status = ROUTES[NAME][route](order)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the spans tell it."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()
    server.server_close()
    PROVIDER.shutdown()


main()
