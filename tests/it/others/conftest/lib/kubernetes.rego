package lib.kubernetes

name = input.metadata.name

default namespace = "default"

namespace = input.metadata.namespace

is_deployment {
	input.kind == "Deployment"
}

is_service {
	input.kind == "Service"
}

workload_kinds = {"Deployment", "StatefulSet", "DaemonSet"}

is_workload {
	workload_kinds[input.kind]
}

pod = input.spec.template.spec {
	is_workload
}

pod = input.spec.jobTemplate.spec.template.spec {
	input.kind == "CronJob"
}

containers[container] {
	container := pod.containers[_]
}

containers[container] {
	container := pod.initContainers[_]
}

format(msg) = sprintf("%s in %s: %s", [name, namespace, msg])
