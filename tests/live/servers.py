"""Runs a command beside real servers: `servers.py PROGRAMS COMMAND…`, where PROGRAMS is a folder that holds them.

They are a Prometheus that remembers two days of a shop, a node exporter that it scrapes, and an API server of
Kubernetes. All listen on the loopback interface only, live in a temporary folder, and are stopped at the end. The
command finds them by the variables that begin with `STILLHOLDS_LIVE_`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / "examples/storefront"

# Nothing that Python would leave in the tree.
sys.dont_write_bytecode = True
sys.path.append(str(EXAMPLE / "observe"))

import kubernetes
import render

MINUTES = 2 * 24 * 60
PATIENCE_SECONDS = 60


def main() -> int:
    # What was started is stopped even so.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs, *command = sys.argv[1:]
    running: list[subprocess.Popen[bytes]] = []
    api = kubernetes.server(_manifests())
    threading.Thread(target=api.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        try:
            exporter = _free_port()
            prometheus = f"http://127.0.0.1:{_free_port()}"
            _start(work, running, [f"{programs}/prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{exporter}"])
            _prometheus(work, running, programs, prometheus, exporter)
            kubeconfig = work / "kubeconfig"
            kubeconfig.write_text(_kubeconfig(f"http://127.0.0.1:{api.server_port}"))
            environment = {
                **os.environ,
                "STILLHOLDS_LIVE_PROGRAMS": str(Path(programs).resolve()),
                "STILLHOLDS_LIVE_PROMETHEUS": prometheus,
                "STILLHOLDS_LIVE_KUBECONFIG": str(kubeconfig),
            }
            return subprocess.run(command, env=environment).returncode
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
            api.shutdown()


def _start(work: Path, running: list[subprocess.Popen[bytes]], command: list[str]) -> None:
    log = work / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        running.append(subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _prometheus(
    work: Path, running: list[subprocess.Popen[bytes]], programs: str, url: str, exporter: int
) -> None:
    remembered = work / "remembered.om"
    remembered.write_text("\n".join(_samples(int(time.time()))))
    create = [f"{programs}/promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    subprocess.run([*create, remembered, work / "data"], check=True)
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(HERE / "rules.yml")],
        "scrape_configs": [
            {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]},
            # Nobody listens here.
            {"job_name": "gone", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
        ],
    }
    # JSON is YAML.
    (work / "prometheus.yml").write_text(json.dumps(settings))
    flags = {
        "config.file": work / "prometheus.yml",
        "storage.tsdb.path": work / "data",
        "web.listen-address": url.removeprefix("http://"),
    }
    _start(work, running, [f"{programs}/prometheus", *(f"--{name}={value}" for name, value in flags.items())])
    deadline = time.monotonic() + PATIENCE_SECONDS
    # A question for the last full second is to be answered too.
    seen = ['up{job="node"} offset 2s', 'ALERTS{alertstate="firing"} offset 2s']
    while not all(_value(url, query) == 1 for query in seen):
        if time.monotonic() > deadline or running[-1].poll() is not None:
            sys.exit(f"prometheus is not ready:\n{(work / 'prometheus.log').read_text()}")
        time.sleep(0.2)


def _value(url: str, query: str) -> float | None:
    """The first value that a query gives, or nothing."""
    try:
        with urlopen(f"{url}/api/v1/query?{urlencode({'query': query})}", timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return None
    return float(result[0]["value"][1]) if result else None


def _samples(now: int) -> list[str]:
    """Two days of the shop until now, a sample a minute, as OpenMetrics."""
    lines = []

    def series(name: str, labels: dict[str, str], value: Any) -> None:
        shown = ",".join(f'{label}="{text}"' for label, text in labels.items())
        lines.extend(f"{name}{{{shown}}} {value(at)} {now - 60 * (MINUTES - at)}" for at in range(MINUTES + 1))

    # Of a hundred calls a minute ninety take less than 100 ms and all less than 400 ms. Nobody calls `web`.
    for bound, calls in [("0.1", 90), ("0.4", 100), ("+Inf", 100)]:
        series("shop_seconds_bucket", {"service": "checkout", "le": bound}, lambda at, calls=calls: calls * at)
        series("shop_seconds_bucket", {"service": "web", "le": bound}, lambda _: 0)
    # Half of the time there is one replica less.
    series("shop_replicas", {"deployment": "checkout"}, lambda at: 3 if at <= MINUTES // 2 else 2)
    series("up", {"job": "shop"}, lambda _: 1)
    # What the example's traces have seen, as a service graph counts it: so much a minute.
    for edge in json.loads((EXAMPLE / "facts/traces.json").read_text())["edges"]:
        labels = {"client": edge["client"], "server": edge["server"]}
        if edge["kind"] == "database":
            labels["connection_type"] = "database"
        calls, logical = edge["calls"], round(edge["calls"] / edge["attempts_per_call"])
        series("traces_service_graph_request_total", labels, lambda at, calls=calls: calls * at)
        series("client_logical_requests_total", labels, lambda at, logical=logical: logical * at)
    lines.append("# EOF\n")
    return lines


def _manifests() -> list[dict[str, Any]]:
    """The example's manifests as a cluster shows them, with the status of `checkout`, of which nothing is ready."""
    manifests = render.documents()
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            replicas = manifest["spec"]["replicas"]
            ready = {} if manifest["metadata"]["name"] == "checkout" else {"readyReplicas": replicas}
            manifest["status"] = {"replicas": replicas, **ready}
    secret = {"name": "bank", "namespace": "shop"}
    manifests.append({"apiVersion": "v1", "kind": "Secret", "metadata": secret, "data": {"login": "czNjcmV0"}})
    return manifests


def _kubeconfig(url: str) -> str:
    named = {"name": "live", "context": {"cluster": "live", "user": "live"}}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "live", "cluster": {"server": url}}],
            "users": [{"name": "live", "user": {}}],
            "contexts": [named],
            "current-context": "live",
        }
    )


if __name__ == "__main__":
    sys.exit(main())
