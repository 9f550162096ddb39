package main

required_labels = {"app.kubernetes.io/name", "team"}

provided_labels = {label | input.metadata.labels[label]}

violation[{"msg": msg, "details": {"missing": missing}}] {
	missing := required_labels - provided_labels
	count(missing) > 0
	msg := sprintf("%d labels are missing", [count(missing)])
}
