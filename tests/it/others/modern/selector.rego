package main

deny contains msg if {
	input.kind == "Deployment"
	some key, value in input.spec.selector.matchLabels
	object.get(input.spec.template.metadata.labels, key, "") != value
	msg := sprintf("its selector wants %s=%s, which its pods do not have", [key, value])
}
