package main

import data.lib.kubernetes

deny[msg] {
	variable := kubernetes.containers[_].env[_]
	re_match("(?i)token$", variable.name)
	variable.value
	msg := sprintf("%s stands in the manifest", [variable.name])
}
