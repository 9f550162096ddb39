package main

import data.lib.workloads

limit := units.parse_bytes("2Gi")

deny_huge contains msg if {
	some container in workloads.pod.containers
	bytes := units.parse_bytes(container.resources.limits.memory)
	bytes > limit
	msg := sprintf("%s may take %d bytes", [container.name, bytes])
}
