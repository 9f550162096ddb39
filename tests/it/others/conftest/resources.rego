package main

import data.lib.kubernetes

deny[msg] {
	container := kubernetes.containers[_]
	not container.resources.limits.memory
	msg := sprintf("container %s has no limit of memory", [container.name])
}

deny[msg] {
	container := kubernetes.containers[_]
	not container.resources.requests.cpu
	msg := sprintf("container %s requests no cpu", [container.name])
}
