# What a team that runs a thousand services may assume of them. The suffix of each rule makes it an assumption.
package fleet

critical := {s.name | some s in input.fleet.services; s.tier == "critical"}

in_production(s) if s.environment == "production"

tls_is_safe(s) if {
	s.tls.enabled
	s.tls.minimum in {"1.2", "1.3"}
}

size_of_team[team] := size if {
	some team in {"core", "data", "edge", "ml"}
	size := count([s | some s in input.fleet.services; s.team == team])
}

cpu_requested := sum([s.resources.requests.cpu | some s in input.fleet.services])

violation_public_ssh contains msg if {
	some s in input.fleet.services
	some p in s.ports
	p.port == 22
	p.public
	msg := sprintf("%s offers ssh to everybody", [s.name])
}

violation_replicas contains v if {
	some s in input.fleet.services
	s.tier == "critical"
	s.replicas < 3
	v := {"msg": "a critical service has fewer than 3 replicas", "subject": s.name, "observed": s.replicas}
}

violation_zones contains s.name if {
	some s in input.fleet.services
	s.tier == "critical"
	count(s.zones) < 2
}

violation_latency contains s.name if {
	some s in input.fleet.services
	s.metrics.latency.p99_ms > 450
}

violation_errors contains s.name if {
	some s in input.fleet.services
	in_production(s)
	s.metrics.errors.ratio > 0.045
}

violation_tls contains s.name if {
	some s in input.fleet.services
	not tls_is_safe(s)
}

violation_backup contains s.name if {
	some s in input.fleet.services
	s.tier == "critical"
	not s.backup.enabled
}

violation_cpu contains s.name if {
	some s in input.fleet.services
	s.resources.requests.cpu > s.resources.limits.cpu
}

violation_memory contains s.name if {
	some s in input.fleet.services
	s.resources.requests.memory > s.resources.limits.memory
}

violation_registry contains s.name if {
	some s in input.fleet.services
	not startswith(s.image.repository, "registry.example.com/")
}

violation_digest contains s.name if {
	some s in input.fleet.services
	not regex.match(`^sha256:[0-9a-f]{64}$`, s.image.digest)
}

violation_on_call contains s.name if {
	some s in input.fleet.services
	in_production(s)
	not s.owner.on_call
}

violation_calls contains msg if {
	some s in input.fleet.services
	s.tier == "critical"
	some callee in s.calls
	not callee in critical
	msg := sprintf("%s is critical and calls %s, which is not", [s.name, callee])
}

violation_team_size contains team if {
	some team, size in size_of_team
	size > 300
}

violation_region contains s.name if {
	some s in input.fleet.services
	not s.region in {"ap-south-1", "eu-west-1", "us-east-1"}
}

violation_label contains msg if {
	some s in input.fleet.services
	some key, value in s.labels
	value == "value-13"
	msg := sprintf("%s has the retired label %s", [s.name, key])
}

violation_secret contains s.name if {
	some s in input.fleet.services
	some variable in s.variables
	startswith(variable.value, "ff")
}

violation_restarts contains s.name if {
	some s in input.fleet.services
	count([event | some event in s.events; event.kind == "restart"]) > 4
}

violation_metrics_port contains s.name if {
	some s in input.fleet.services
	names := {p.name | some p in s.ports}
	not "metrics" in names
	count(names) > 1
}

holds_budget if cpu_requested < 10000000

holds_owners if {
	every s in input.fleet.services {
		endswith(s.owner.email, "@example.com")
	}
}

holds_events if {
	every s in input.fleet.services {
		count(s.events) == 6
	}
}
