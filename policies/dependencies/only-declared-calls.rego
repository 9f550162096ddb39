# METADATA
# title: Services call only what the design declares
# description: >-
#   A call that the design does not know is a hidden dependency: it is in no budget, no timeout and no
#   recovery plan, and is found at the next outage. This decays with the first such call, even one seen
#   in a sample. It reads who was seen calling whom (traces), and from the design `services.NAME.calls`,
#   everything a service may call (services, databases, topics and hosts), and `external`, the third
#   parties that anyone may reach. A message counts as a call to its consumer where that reports spans,
#   else to its topic. Not judged are services that the design does not name or gives no `calls`
#   (`calls: []` says that there are none), and what a service calls of itself. Where `calls` or
#   `external` is no list of names, or a call has no name at one end, nobody can tell what is declared:
#   this accuses nobody and erodes until it is mended, so that what was not judged is not passed over.
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
	judged(edge)
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
	judged(edge)
	not declared(edge)
}

warn contains {
	"msg": sprintf(
		"the design gives `services.%s.calls` as %s, so its calls are not judged: write a list of names, `[]` for none",
		[service, kind(calls)],
	),
	"subject": service,
} if {
	calls := data.design.services[service].calls
	not are_names(calls)
}

warn contains {
	"msg": sprintf("the design gives `external` as %s, so no call is judged: write a list of names", [kind(external)]),
	"subject": "external",
} if {
	not are_names(external)
}

warn contains {
	"msg": sprintf("a call without a name at one end is not judged: %s -> %s", [edge.client, edge.server]),
	"subject": sprintf("%s -> %s", [edge.client, edge.server]),
} if {
	some edge in input.traces.edges
	not are_names([edge.client, edge.server])
}

judged(edge) if {
	are_names([edge.client, edge.server])
	edge.client != edge.server
	are_names(data.design.services[edge.client].calls)
	are_names(external)
}

declared(edge) if edge.server in data.design.services[edge.client].calls

declared(edge) if edge.server in external

# Left empty, which YAML reads as null, it lists nobody, as if it were not there.
default external := []

external := data.design.external if data.design.external != null

are_names(value) if {
	is_array(value)
	count([name | some name in value; is_string(name)]) == count(value)
}

kind(value) := "nothing" if value == null

kind(value) := "a list with something else than names" if is_array(value)

kind(value) := "text" if is_string(value)

kind(value) := "a mapping" if is_object(value)

kind(value) := "a number" if is_number(value)

kind(value) := "a boolean" if is_boolean(value)
