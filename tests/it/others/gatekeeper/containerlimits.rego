package k8scontainerlimits

missing(obj, field) = true {
	not obj[field]
}

missing(obj, field) = true {
	obj[field] == ""
}

violation[{"msg": msg}] {
	general_violation[{"msg": msg, "field": "containers"}]
}

violation[{"msg": msg}] {
	general_violation[{"msg": msg, "field": "initContainers"}]
}

general_violation[{"msg": msg, "field": field}] {
	container := input.review.object.spec[field][_]
	missing(container, "resources")
	msg := sprintf("container <%v> has no resource limits", [container.name])
}
