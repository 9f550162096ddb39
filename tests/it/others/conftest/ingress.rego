package main

hosts_with_tls = {host | host := input.spec.tls[_].hosts[_]}

deny[msg] {
	input.kind == "Ingress"
	host := input.spec.rules[_].host
	not hosts_with_tls[host]
	msg := sprintf("%s is served without TLS", [host])
}
