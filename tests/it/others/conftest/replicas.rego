package main

import data.lib.kubernetes as k8s

is_excepted {
	data.exceptions.single_replica[_] == k8s.name
}

deny[msg] {
	k8s.is_deployment
	not is_excepted
	input.spec.replicas < 2
	msg := sprintf("%d replica is one too few", [input.spec.replicas])
}
