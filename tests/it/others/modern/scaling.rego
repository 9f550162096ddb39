package main

deny contains "it can never grow" if {
	input.kind == "HorizontalPodAutoscaler"
	input.spec.minReplicas >= input.spec.maxReplicas
}
