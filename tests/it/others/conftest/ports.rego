package main

import data.lib.kubernetes

deny[{"msg": msg, "_loc": {"file": "deploy/services.yaml", "line": 7}}] {
	kubernetes.is_service
	input.spec.type == "NodePort"
	msg := "a port of every node is taken"
}
