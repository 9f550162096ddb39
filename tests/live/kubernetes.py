"""The little of Kubernetes' API that `kubectl get` asks for, answered from manifests.

As the real one it leaves `kind` out of what it lists and counts that are zero out of a status, and it forbids what the
role of whoever asks does not allow.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KINDS = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
}

# Who reads Secrets may read them here only.
NAMESPACE_OF_SECRETS = "shop"


def server(manifests: list[dict[str, Any]]) -> ThreadingHTTPServer:
    """A server on a free port of the loopback interface, which answers once it serves."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = _answer(urlsplit(self.path).path.strip("/").split("/"), manifests)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """What was asked is of no interest."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _answer(path: list[str], manifests: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    groups = sorted({version for version, _ in KINDS.values() if "/" in version})
    match path:
        case ["api"]:
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(each) for each in groups]}
        case ["api", version] | ["apis", *version] if (version := _version(version)) in {*groups, "v1"}:
            return 200, _resources(version)
        case ["api" | "apis", *rest]:
            return _list(rest, manifests)
    return _failure(404, "NotFound", "the server could not find the requested resource")


def _version(path: str | list[str]) -> str:
    return path if isinstance(path, str) else "/".join(path)


def _group(version: str) -> dict[str, Any]:
    described = {"groupVersion": version, "version": version.split("/")[1]}
    return {"name": version.split("/")[0], "versions": [described], "preferredVersion": described}


def _resources(version: str) -> dict[str, Any]:
    resources = [
        {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": ["get", "list"]}
        for kind, (of, plural) in KINDS.items()
        if of == version
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _list(path: list[str], manifests: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    *version, plural = path
    namespace = None
    if version[-2:-1] == ["namespaces"]:
        *version, _, namespace = version
    wanted = [kind for kind, known in KINDS.items() if known == ("/".join(version), plural)]
    if not wanted:
        return _failure(404, "NotFound", "the server could not find the requested resource")
    if plural == "secrets" and namespace != NAMESPACE_OF_SECRETS:
        scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        who = 'User "reader" cannot list resource "secrets" in API group ""'
        return _failure(403, "Forbidden", f"secrets is forbidden: {who} {scope}")
    items = [
        {key: value for key, value in manifest.items() if key not in {"kind", "apiVersion"}}
        for manifest in manifests
        if manifest["kind"] in wanted and namespace in {None, manifest["metadata"]["namespace"]}
    ]
    listed = {"kind": f"{wanted[0]}List", "apiVersion": "/".join(version), "metadata": {"resourceVersion": "1"}}
    return 200, {**listed, "items": items}


def _failure(code: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return code, {**status, "message": message, "reason": reason, "code": code}
