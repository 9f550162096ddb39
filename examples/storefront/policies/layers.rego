# METADATA
# title: Calls never go back up the layers
# description: >-
#   A service may call its own layer or a lower one. A call upwards makes a
#   circle, and then neither side can be started or released alone.
# custom:
#   assumption:
#     id: forward-calls
#     severity: note
#     owner: team-platform
package storefront.layers

position[layer] := index if some index, layer in data.design.layers

violation contains v if {
	some edge in input.traces.edges
	edge.kind == "rpc"
	from := data.design.services[edge.client].layer
	to := data.design.services[edge.server].layer
	position[to] < position[from]
	v := {
		"msg": sprintf("%s in layer %s calls %s in layer %s, which lies above it", [edge.client, from, edge.server, to]),
		"subject": sprintf("%s -> %s", [edge.client, edge.server]),
	}
}
