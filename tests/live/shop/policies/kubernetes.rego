package live.kubernetes

violation_ready contains deployment.metadata.name if {
	some deployment in input.kubernetes.deployments
	deployment.status.readyReplicas < deployment.spec.replicas
}

violation_single contains set.metadata.name if {
	some set in input.kubernetes.statefulsets
	set.spec.replicas > 1
}

violation_forbidden contains secret.metadata.name if {
	some secret in input.kubernetes.secrets
	secret.metadata.namespace != "vault"
}

violation_unheard contains widget.metadata.name if {
	some widget in input.kubernetes.widgets
	widget.spec.replicas > 1
}

violation_in_part contains secret.metadata.name if {
	some secret in input.namespaces.secrets
	secret.metadata.name == "root"
}
