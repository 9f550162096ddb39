package main

cluster_wide := {"ClusterRole", "ClusterRoleBinding", "Namespace"}

deny contains "it is in no namespace" if {
	not input.kind in cluster_wide
	not input.metadata.namespace
}
