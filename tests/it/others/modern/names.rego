package main

deny contains msg if {
	not regex.match(`^[a-z][a-z0-9-]*$`, input.metadata.name)
	msg := sprintf("%q is no name for a host", [input.metadata.name])
}
