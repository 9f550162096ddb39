package live.prometheus

measure_latency contains {"value": one.value, "limit": 0.4, "subject": one.labels.service} if {
	some one in input.prometheus.p99_seconds
}

measure_checkout contains {"value": one.value, "limit": 0.3} if {
	some one in input.prometheus.p99_seconds
	one.component == "checkout"
}

violation_memory contains one.labels.instance if {
	some one in input.prometheus.memory
	one.value <= 0
}

violation_replicas contains one.component if {
	some one in input.prometheus.replicas
	one.last < one.max
}

violation_month contains one.component if {
	some one in input.prometheus.month
	one.min < 1
}

violation_alerts contains one.labels.alertname if {
	some one in input.prometheus.alerts
	one.state == "firing"
}

violation_targets contains one.labels.job if {
	some one in input.prometheus.targets
	one.health != "up"
}

violation_empty contains one.labels if {
	some one in input.prometheus.unknown
	one.value > 0
}

violation_wrong contains one.labels if {
	some one in input.prometheus.wrong
	one.value > 0
}

violation_down contains one.labels if {
	some one in input.down.up
	one.value < 1
}
