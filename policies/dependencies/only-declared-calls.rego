# METADATA
# title: Services call only what the design declares
# description: >-
#   A call that the design does not know is a hidden dependency: it is in no budget, no timeout and no
#   recovery plan, and is found at the next outage. This decays with the first such call, even one seen
#   in a sample. It reads who was seen calling whom (traces), and from the design `services.NAME.calls`,
#   everything a service may call (services, databases, topics and hosts), and `external`, the third
#   parties that anyone may reach. A message counts as a call to its consumer where that reports spans,
#   else to its topic. Not judged are services that the design does not name or gives no `calls`
#   (`calls: []` says that there are none), and what a service calls of itself.
# custom:
#   assumption:
#     id: dependencies/only-declared-calls
#     severity: error
#     vacuous: strict
#     optional: ["data.design.external"]
#     required: ["input.traces.edges[_].client", "input.traces.edges[_].server"]
package stillholds.dependencies.only_declared_calls

subjects contains sprintf("%s -> %s", [edge.client, edge.server]) if {
	some edge in input.traces.edges
	edge.client != edge.server
	data.design.services[edge.client].calls
}

violation contains {
	"msg": sprintf(
		"%s calls %s, which its design does not declare; databases, topics and hosts belong in `services.%s.calls` too",
		[edge.client, edge.server, edge.client],
	),
	"subject": sprintf("%s -> %s", [edge.client, edge.server]),
	"expected": data.design.services[edge.client].calls,
	"observed": edge.server,
} if {
	some edge in input.traces.edges
	edge.client != edge.server
	data.design.services[edge.client].calls
	not declared(edge)
}

declared(edge) if edge.server in data.design.services[edge.client].calls

declared(edge) if edge.server in data.design.external
