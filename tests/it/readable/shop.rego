package shop

import data.shop.lib

violation_replicas contains v if {
	some service in input.kube.services
	lib.is_workload(service)
	name := service.name
	service.replicas < data.design.limits.replicas
	v := {
		"msg": sprintf("%s has too few replicas", [name]),
		"subject": name,
		"expected": data.design.limits.replicas,
		"observed": service.replicas,
	}
}

violation_latest contains {"msg": sprintf("%s runs whatever is newest", [service.name]), "subject": service.name} if {
	some service in input.kube.services
	some container in service.containers
	lib.is_latest(container.image)
}

violation_old contains {"msg": sprintf("%s is not to run any more", [service.name]), "subject": service.name} if {
	some service in input.kube.services
	service.name in data.design.old
	not service.keep
}

measure_latency contains {"subject": service.name, "value": service.p99_ms, "limit": limit, "unit": "ms"} if {
	some service in input.kube.services
	limit := data.design.limits.p99_ms
}

violation_age contains "an edge to nowhere" if {
	some edge in input.traces.edges
	edge.server == "nowhere"
}

violation_git contains "main is not protected" if input.git.main.protected == false

violation_regions contains region.name if {
	some region in input.kube.regions
	region.name != "eu"
}

violation_typo contains service.name if {
	some service in input.kube.services
	service.replicsa < 1
}

holds_all if {
	every service in input.kube.services {
		service.replicas >= 1
		service.p99_ms < 380
	}
}
