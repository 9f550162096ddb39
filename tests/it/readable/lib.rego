package shop.lib

is_workload(service) if service.kind in {"Deployment", "StatefulSet"}

is_latest(image) if endswith(image, ":latest")
