package main

import data.lib.kubernetes

deny[msg] {
	kubernetes.pod.hostNetwork
	msg := "it shares the network of its host"
}

deny[msg] {
	kubernetes.pod.hostPID == true
	msg := "it sees the processes of its host"
}
