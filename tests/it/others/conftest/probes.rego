package main

import data.lib.kubernetes

warn_readiness[msg] {
	kubernetes.is_deployment
	container := input.spec.template.spec.containers[_]
	not container.readinessProbe
	msg := sprintf("nobody asks whether %s is ready", [container.name])
}

warn_liveness[msg] {
	kubernetes.is_deployment
	container := input.spec.template.spec.containers[_]
	container.livenessProbe == container.readinessProbe
	msg := sprintf("%s is asked the same by both probes", [container.name])
}
