package main

import data.lib.workloads

warn contains "it is given a token of the cluster it may not need" if {
	workloads.pod
	object.get(workloads.pod, "automountServiceAccountToken", true)
}
