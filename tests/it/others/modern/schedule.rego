package main

deny contains "two runs of it may overlap" if {
	input.kind == "CronJob"
	policy := object.get(input.spec, "concurrencyPolicy", "Allow")
	policy == "Allow"
}

warn_deadline contains "it may start hours late" if {
	input.kind == "CronJob"
	not input.spec.startingDeadlineSeconds
}
