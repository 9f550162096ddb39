package p

s := {3, 1, 2}

e := {}

f(x) := x + 1

deny contains m if {
	some it in input.l
	it.v > 2
	m := it.n
}

hidden if input.nosuch
