package main

import data.lib.kubernetes

is_allowed(image) {
	startswith(image, data.registries[_])
}

deny[msg] {
	container := kubernetes.containers[_]
	not is_allowed(container.image)
	msg := sprintf("%s comes from elsewhere", [container.image])
}
