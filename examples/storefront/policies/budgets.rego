# METADATA
# title: A node can be drained without stopping a service
# description: Critical services must have a disruption budget, all others should.
# custom:
#   assumption:
#     id: disruption-budgets
#     severity: warning
#     owner: team-platform
package storefront.budgets

import data.lib.shop

violation contains v if {
	some doc in input.manifests
	shop.is_workload(doc)
	name := doc.metadata.name
	name in shop.critical
	not name in shop.protected
	v := {
		"msg": sprintf("%s is critical and has no disruption budget", [name]),
		"subject": name,
	}
}

warn contains w if {
	some doc in input.manifests
	shop.is_workload(doc)
	name := doc.metadata.name
	not name in shop.critical
	not name in shop.protected
	w := {
		"msg": sprintf("%s has no disruption budget, so draining a node may stop it", [name]),
		"subject": name,
	}
}
