"""Sends a steady load to the shop and reports what came back, as a customer sees it."""

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from quantile import quantile

PAUSE_SECONDS = 0.08

# Of every ten requests: service and route.
MIX = [("web", "GET /")] * 5 + [("web", "POST /checkout")] * 4 + [("reporting", "GET /daily")]


@dataclass(frozen=True)
class Answer:
    service: str
    route: str
    status: int
    seconds: float


def generate(urls: dict[str, str], duration_seconds: int) -> dict[str, Any]:
    """Loads the services at these addresses and gives the load report."""
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=16) as pool:
        pending = []
        number = 0
        while time.monotonic() - started < duration_seconds:
            service, route = MIX[number % len(MIX)]
            pending.append(pool.submit(_send, urls[service], service, route, number))
            number += 1
            time.sleep(PAUSE_SECONDS)
        answers = [answer.result() for answer in pending]
    elapsed = time.monotonic() - started
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "duration_seconds": round(elapsed, 1),
        **_totals(answers, elapsed),
        "routes": [
            {
                "service": service,
                "route": route,
                **_totals([a for a in answers if (a.service, a.route) == (service, route)], elapsed),
            }
            for service, route in sorted(set(MIX))
        ],
    }


def _send(url: str, service: str, route: str, number: int) -> Answer:
    method, path = route.split()
    request = urllib.request.Request(f"{url}{path}?order={number}", method=method)
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    return Answer(service, route, status, time.monotonic() - started)


def _totals(answers: list[Answer], elapsed: float) -> dict[str, Any]:
    times = [1000 * answer.seconds for answer in answers]
    return {
        "requests": len(answers),
        "errors": sum(answer.status >= 400 for answer in answers),
        "requests_per_second": round(len(answers) / elapsed, 2),
        "p50_ms": quantile(times, 0.50),
        "p99_ms": quantile(times, 0.99),
    }
