package lib.workloads

pod_of(object) := object.spec.template.spec if object.kind in {"Deployment", "StatefulSet", "DaemonSet"}

pod_of(object) := object.spec.jobTemplate.spec.template.spec if object.kind == "CronJob"

pod := pod_of(input)
