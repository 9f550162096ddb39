package shop_test

import data.shop

items := [{"name": "a", "count": 1}, {"name": "b", "count": 9}]

test_pass if shop.allow with input as {"user": "alice", "count": 1}

test_fail if {
	got := shop.over with input as {"items": items}
	got == {"a"}
}

test_not_allowed if shop.allow with input as {"user": "alice", "count": 7}

test_negated if not shop.allow with input as {"user": "alice", "count": 1}

test_undefined if shop.allow

test_false := false

test_text := "yes"

test_equal := shop.limit == 4

test_data if "admin" in shop.roles

test_mocked if "root" in shop.roles with data.teams.sre.roles as ["root"]

test_function if shop.size("abcdef") == "small"

test_twice if shop.limit == 3

test_twice if shop.limit == 5

test_every if {
	every item in items {
		item.count < shop.limit
	}
}

test_built_in if to_number("x") > 1

test_printed if {
	print("limit is", shop.limit)
	shop.limit > 5
}

test_set contains "x" if true

test_function_itself(x) := x

todo_test_later if false

test_case[name] if {
	some name, tc in {"one": {"in": 1, "out": 2}, "two": {"in": 2, "out": 9}, "three": {"in": 3, "out": 4}}
	tc.in + 1 == tc.out
}

test_note[tc.note] if {
	some tc in [{"note": "short", "name": "abc", "size": "small"}, {"note": "long", "name": "abcdef", "size": "small"}]
	shop.size(tc.name) == tc.size
}

test_nested[group][name] if {
	some group, cases in {"g1": {"a": 1, "b": 2}, "g2": {"c": 1}}
	some name, value in cases
	value == 1
}

test_list[i] if {
	some i, value in [1, 2]
	value == 1
}

test_no_case[name] if {
	some name, value in input.none
	value
}

default test_default := false

test_default if shop.limit == 3
