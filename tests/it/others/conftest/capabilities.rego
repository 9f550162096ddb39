package main

import data.lib.kubernetes
import future.keywords.every
import future.keywords.in

drops_all(container) {
	some dropped in container.securityContext.capabilities.drop
	upper(dropped) == "ALL"
}

deny[{"msg": msg, "subject": kubernetes.name}] {
	kubernetes.is_deployment
	not all_drop
	msg := "some container keeps capabilities it was given"
}

all_drop {
	every container in kubernetes.containers {
		drops_all(container)
	}
}
