# What several assumptions ask about the shop's manifests and design.
package lib.shop

# A document of the manifests that runs pods.
is_workload(doc) if doc.kind in {"Deployment", "StatefulSet"}

# The names of everything that runs pods.
workloads contains doc.metadata.name if {
	some doc in input.manifests
	is_workload(doc)
}

# The names of the workloads that a disruption budget protects.
protected contains name if {
	some doc in input.manifests
	doc.kind == "PodDisruptionBudget"
	name := doc.spec.selector.matchLabels.app
}

# The services without which the shop cannot sell.
critical contains name if {
	some name, service in data.design.services
	service.tier == "critical"
}
