package main

import data.lib.kubernetes

deny[msg] {
	container := kubernetes.containers[_]
	not container.securityContext.runAsNonRoot
	msg := kubernetes.format(sprintf("container %s may run as root", [container.name]))
}
