# METADATA
# title: No pod mounts a folder of its host
# custom:
#   assumption: {owner: team-platform}
package main

import data.lib.workloads

deny contains msg if {
	some volume in workloads.pod.volumes
	volume.hostPath
	msg := sprintf("volume %s is %s of the host", [volume.name, volume.hostPath.path])
}
