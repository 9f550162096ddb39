# METADATA
# title: Every call the design declares is still seen
# description: >-
#   A declared call that nobody makes any more is a dependency people still plan, test and pay for, or
#   one that moved without the design. This only erodes: traces are a sample, and what a sample lacks
#   proves nothing. It reads who was seen calling whom and which services reported spans (traces), and
#   `services.NAME.calls` from the design. The calls of a service are judged only if it was seen itself,
#   by a span of its own or as the caller of anything: of a service seen only as the one called, or not
#   at all, nobody could have seen a call. A message counts as a call to its consumer where that reports
#   spans, else to its topic. Calls that the design does not declare are not judged here. Of `calls` that
#   are no list of names nobody can tell what they declare, so these are named instead of judged; left
#   empty they declare nothing.
# custom:
#   assumption:
#     id: dependencies/call-still-seen
#     severity: warning
#     vacuous: strict
#     required: ["input.traces.edges[_].client", "input.traces.edges[_].server", "input.traces.services[_].name"]
package stillholds.dependencies.call_still_seen

subjects contains sprintf("%s -> %s", [client, server]) if {
	some [client, server] in declared
	client in seen
}

warn contains {
	"msg": sprintf("%s was seen, but not the call to %s that its design declares", [client, server]),
	"subject": sprintf("%s -> %s", [client, server]),
} if {
	some [client, server] in declared
	client in seen
	not [client, server] in calls
}

warn contains {
	"msg": sprintf("the calls that the design of %s declares are not judged: `services.%s.calls` is no list of names", [service, service]),
	"subject": service,
} if {
	calls := data.design.services[service].calls
	not are_names(calls)
}

# A mapping would be iterated as well, and its values are no names. `[_]`, because `some … in` is an error on null.
declared contains [service, name] if {
	calls := data.design.services[service].calls
	are_names(calls)
	name := calls[_]
}

# Left empty, which YAML reads as null, it names nobody.
are_names(value) if value == null

are_names(value) if {
	is_array(value)
	count([name | some name in value; is_string(name)]) == count(value)
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
