"""Prints the `traces` that a service graph in Prometheus tells: who calls whom, how often, and which databases."""

import json
import os
from collections import defaultdict
from urllib.parse import urlencode
from urllib.request import urlopen

OVER = "10m"


def main() -> None:
    calls = _by_edge("traces_service_graph_request_total")
    logical = _by_edge("client_logical_requests_total")
    edges = []
    users: dict[str, list[str]] = defaultdict(list)
    for (client, server, kind), count in sorted(calls.items()):
        edge = {"client": client, "server": server, "kind": kind or "rpc", "observed_by": "client"}
        attempts = {"attempts_per_call": round(count / logical[client, server, kind], 2)}
        edges.append({**edge, "calls": round(count), **attempts})
        if kind == "database":
            users[server].append(client)
    services = {edge["client"] for edge in edges} | {edge["server"] for edge in edges} - users.keys()
    facts = {
        "edges": edges,
        "services": [{"name": name} for name in sorted(services)],
        "databases": [{"name": name, "services": clients} for name, clients in sorted(users.items())],
    }
    print(json.dumps(facts))


def _by_edge(counter: str) -> dict[tuple[str, str, str], float]:
    query = f"sum by (client, server, connection_type) (increase({counter}[{OVER}]))"
    url = f"{os.environ['STILLHOLDS_LIVE_PROMETHEUS']}/api/v1/query?{urlencode({'query': query})}"
    with urlopen(url, timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    return {
        (one["metric"]["client"], one["metric"]["server"], one["metric"].get("connection_type", "")): float(one["value"][1])
        for one in result
    }


if __name__ == "__main__":
    main()
