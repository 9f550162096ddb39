# METADATA
# title: Every call the design declares is still seen
# description: >-
#   A declared call that nobody makes any more is a dependency people still plan, test and pay for, or
#   one that moved without the design. This only erodes: traces are a sample, and what a sample lacks
#   proves nothing. It reads who was seen calling whom and which services reported spans (traces), and
#   `services.NAME.calls` from the design. The calls of a service are judged only if it was seen itself,
#   by a span of its own or as the caller of anything: of a service seen only as the one called, or not
#   at all, nobody could have seen a call. A message counts as a call to its consumer where that reports
#   spans, else to its topic. Calls that the design does not declare are not judged here.
# custom:
#   assumption:
#     id: dependencies/call-still-seen
#     severity: warning
#     vacuous: strict
#     required: ["input.traces.edges[_].client", "input.traces.edges[_].server", "input.traces.services[_].name"]
package stillholds.dependencies.call_still_seen

# `[_]`, because `some … in` is an error where `calls:` was left empty, which YAML reads as null.
subjects contains sprintf("%s -> %s", [client, server]) if {
	some client in seen
	server := data.design.services[client].calls[_]
}

warn contains {
	"msg": sprintf("%s was seen, but not the call to %s that its design declares", [client, server]),
	"subject": sprintf("%s -> %s", [client, server]),
} if {
	some client in seen
	server := data.design.services[client].calls[_]
	not [client, server] in calls
}

calls contains call if {
	some edge in input.traces.edges
	call := [edge.client, edge.server]
}

seen contains client if some [client, _] in calls

seen contains name if {
	some service in input.traces.services
	name := service.name
}
