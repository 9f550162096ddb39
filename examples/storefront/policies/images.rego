# METADATA
# title: Every image carries a full version
# description: >-
#   A rollback needs to know what ran before. An image without a version, or
#   with a tag that moves such as `latest`, cannot tell.
# custom:
#   assumption:
#     id: image-versions
#     severity: warning
#     owner: team-platform
package storefront.images

import data.lib.shop

violation contains v if {
	some doc in input.manifests
	shop.is_workload(doc)
	some container in doc.spec.template.spec.containers
	not regex.match(`:[0-9]+\.[0-9]+\.[0-9]+$`, container.image)
	v := {
		"msg": sprintf("%s runs the image %s, which has no full version", [doc.metadata.name, container.image]),
		"subject": doc.metadata.name,
	}
}
