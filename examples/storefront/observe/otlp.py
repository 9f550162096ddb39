"""A span exporter that writes OTLP as JSON lines, as the OpenTelemetry Collector's file exporter does.

One line is one ExportTraceServiceRequest. Ids are hex and times are strings, as the protocol asks.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class FileExporter(SpanExporter):
    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        # All spans of one process share its resource and its tracer.
        first = spans[0]
        request = {
            "resourceSpans": [
                {
                    "resource": {"attributes": _attributes(first.resource.attributes)},
                    "scopeSpans": [
                        {
                            "scope": {"name": first.instrumentation_scope.name},
                            "spans": [_span(span) for span in spans],
                        }
                    ],
                }
            ]
        }
        self._file.write(json.dumps(request) + "\n")
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


def _span(span: ReadableSpan) -> dict[str, Any]:
    return {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": f"{span.context.span_id:016x}",
        "parentSpanId": f"{span.parent.span_id:016x}" if span.parent else "",
        "name": span.name,
        # The SDK counts span kinds from 0, the protocol from 1.
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes),
        "status": {"code": span.status.status_code.value},
    }


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in sorted(attributes.items())]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": str(value)}
