"""Renders the Kubernetes manifests of all services."""

import json
import re
from typing import Any

from services import SERVICES, Service


def render() -> str:
    return "---\n".join("\n".join(_yaml(document)) + "\n" for document in documents())


def documents() -> list[dict[str, Any]]:
    return [document for service in SERVICES for document in _documents(service)]


def _documents(service: Service) -> list[dict[str, Any]]:
    documents = [_workload(service), _service(service)]
    if service.budget:
        documents.append(_budget(service))
    return documents


def _workload(service: Service) -> dict[str, Any]:
    labels = {"app": service.name}
    workload: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if service.stateful else "Deployment",
        "metadata": {"name": service.name, "namespace": "shop"},
        "spec": {
            "replicas": service.replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {
                            "name": service.name,
                            "image": f"registry.example/shop/{service.name}:{service.version}",
                            "ports": [{"containerPort": 8080}],
                            "resources": {"requests": {"memory": f"{service.memory_mib}Mi"}},
                        }
                    ]
                },
            },
        },
    }
    if service.stateful:
        workload["spec"]["serviceName"] = service.name
    return workload


def _service(service: Service) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": "shop"},
        "spec": {
            "selector": {"app": service.name},
            "ports": [{"port": 80, "targetPort": 8080}],
        },
    }


def _budget(service: Service) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": service.name, "namespace": "shop"},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": {"app": service.name}},
        },
    }


def _yaml(value: dict[str, Any], indent: str = "") -> list[str]:
    """The lines of a mapping of numbers, texts, mappings and lists of mappings."""
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{indent}{key}:", *_yaml(item, indent + "  ")]
        elif isinstance(item, list):
            lines.append(f"{indent}{key}:")
            for element in item:
                first, *rest = _yaml(element, indent + "    ")
                lines += [f"{indent}  - {first.lstrip()}", *rest]
        else:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return lines


def _scalar(value: int | str) -> str:
    """Plain where YAML reads it back as it was, quoted elsewhere."""
    if isinstance(value, int) or re.fullmatch(r"[A-Za-z][\w./-]*(:[\w.]+)?", value):
        return str(value)
    return json.dumps(value)
