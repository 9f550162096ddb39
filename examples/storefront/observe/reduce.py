"""Reduces spans in OTLP JSON lines to the `traces` facts.

The same spans give the same facts, in whatever order they come.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantile import quantile

SERVER = 2
CLIENT = 3
ERROR = 2


@dataclass(frozen=True)
class Span:
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    ms: float
    failed: bool
    resource: dict[str, str]
    attributes: dict[str, str]

    @property
    def service(self) -> str:
        return self.resource["service.name"]

    @property
    def database(self) -> str | None:
        return self.attributes.get("db.namespace")


def reduce(files: list[Path]) -> dict[str, Any]:
    read = [span for file in files for span in _read(file)]
    named = [span for span in read if "service.name" in span.resource]
    spans = {span.id: span for span in named}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans.values():
        children[span.parent].append(span)
    return {
        "edges": _edges(spans, children),
        "services": _services(spans),
        "databases": _databases(spans),
        "paths": _paths(children),
        "totals": {
            "traces": len({span.trace for span in spans.values()}),
            "spans": len(spans),
            "orphans": sum(span.parent not in spans for span in spans.values() if span.parent),
            "duplicates": len(named) - len(spans),
            "without_service": len(read) - len(named),
        },
    }


def _read(file: Path) -> Iterator[Span]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            for group in json.loads(line)["resourceSpans"]:
                resource = _attributes(group["resource"]["attributes"])
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        nanos = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
                        yield Span(
                            trace=span["traceId"],
                            id=span["spanId"],
                            parent=span["parentSpanId"],
                            name=span["name"],
                            kind=span["kind"],
                            ms=nanos / 1e6,
                            failed=span["status"]["code"] == ERROR,
                            resource=resource,
                            attributes=_attributes(span["attributes"]),
                        )


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, str]:
    """All values as text; nothing here needs more."""
    return {pair["key"]: str(next(iter(pair["value"].values()))) for pair in pairs}


def _edges(spans: dict[str, Span], children: dict[str, list[Span]]) -> list[dict[str, Any]]:
    calls: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    answered: set[tuple[str, str, str]] = set()
    for span in spans.values():
        if span.kind != CLIENT:
            continue
        if span.database:
            calls[span.service, span.database, "database"].append(span)
            continue
        servers = [child.service for child in children[span.id] if child.kind == SERVER]
        edge = (span.service, servers[0] if servers else span.attributes["server.address"], "rpc")
        calls[edge].append(span)
        if servers:
            answered.add(edge)

    edges = []
    for edge, attempts in sorted(calls.items()):
        client, server, kind = edge
        logical = {(attempt.parent, attempt.name) for attempt in attempts}
        errors = sum(attempt.failed for attempt in attempts)
        times = [attempt.ms for attempt in attempts]
        edges.append(
            {
                "client": client,
                "server": server,
                "kind": kind,
                "observed_by": "both" if edge in answered else "client",
                "calls": len(attempts),
                "errors": errors,
                "error_ratio": round(errors / len(attempts), 4),
                "p50_ms": quantile(times, 0.50),
                "p95_ms": quantile(times, 0.95),
                "p99_ms": quantile(times, 0.99),
                "attempts_per_call": round(len(attempts) / len(logical), 2),
            }
        )
    return edges


def _services(spans: dict[str, Span]) -> list[dict[str, Any]]:
    by_name: dict[str, list[Span]] = defaultdict(list)
    for span in spans.values():
        by_name[span.service].append(span)
    return [
        {
            "name": name,
            "spans": len(own),
            "versions": sorted({span.resource["service.version"] for span in own}),
            "environments": sorted({span.resource["deployment.environment.name"] for span in own}),
            "protocols": ["http"],
            "roots": sum(not span.parent for span in own),
        }
        for name, own in sorted(by_name.items())
    ]


def _databases(spans: dict[str, Span]) -> list[dict[str, Any]]:
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for span in spans.values():
        if span.database:
            users[span.database, span.attributes["db.system.name"]].add(span.service)
    return [
        {"name": name, "system": system, "services": sorted(services)}
        for (name, system), services in sorted(users.items())
    ]


def _paths(children: dict[str, list[Span]]) -> list[dict[str, Any]]:
    """The call chains, the deepest first; the time is that of the whole trace."""
    times: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for root in children[""]:
        for chain in _chains(root, (), children):
            times[chain].append(root.ms)
    return [
        {
            "services": list(chain),
            "depth": len(chain),
            "traces": len(values),
            "p99_ms": quantile(values, 0.99),
        }
        for chain, values in sorted(times.items(), key=lambda item: (-len(item[0]), item[0]))
    ]


def _chains(
    span: Span, above: tuple[str, ...], children: dict[str, list[Span]]
) -> set[tuple[str, ...]]:
    here = above + (span.service,) if span.kind == SERVER else above
    deeper = {chain for child in children[span.id] for chain in _chains(child, here, children)}
    longer = {chain for chain in deeper if len(chain) > len(here)}
    return longer or {here}
