package main

import data.lib.images
import data.lib.kubernetes

deny_unpinned[msg] {
	container := kubernetes.containers[_]
	images.tag(container.image) == "latest"
	msg := sprintf("container %s does not say which version it wants", [container.name])
}

warn_digest[msg] {
	container := kubernetes.containers[_]
	not contains(container.image, "@sha256:")
	startswith(container.name, "vault")
	msg := sprintf("container %s is pinned by tag alone", [container.name])
}
