package shop

limit := 3

roles := data.teams.sre.roles

allow if {
	input.user == "alice"
	input.count < limit
}

over contains item.name if {
	some item in input.items
	item.count > limit
}

size(name) := "big" if count(name) > limit

size(name) := "small" if count(name) <= limit

dead if input.user == "nobody"

always if count([]) == 0
