package lib.images

tag(image) = tag {
	parts := split(image, ":")
	count(parts) == 2
	tag := parts[1]
}

tag(image) = "latest" {
	not contains(image, ":")
}
