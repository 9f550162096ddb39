# METADATA
# title: No role may do everything
package main

import rego.v1

deny contains {"msg": msg, "details": {"verbs": rule.verbs}} if {
	input.kind in {"ClusterRole", "Role"}
	some rule in input.rules
	"*" in rule.verbs
	msg := sprintf("it may do anything to %s", [concat(", ", rule.resources)])
}
