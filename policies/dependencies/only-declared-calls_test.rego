package stillholds.dependencies.only_declared_calls_test

import data.stillholds.dependencies.only_declared_calls

design := {
	"services": {
		"checkout": {"owner": "team-checkout", "calls": ["payments", "inventory", "orders-db"]},
		"payments": {"calls": []},
		"legacy": {"owner": "team-legacy"},
	},
	"external": ["api.stripe.example"],
}

calls(pairs) := {"traces": {"edges": [edge |
	some [client, server] in pairs
	edge := {"client": client, "server": server, "kind": "rpc", "calls": 10}
]}}

test_holds_on_declared_calls if {
	facts := calls([["checkout", "payments"], ["checkout", "orders-db"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	only_declared_calls.subjects == {"checkout -> payments", "checkout -> orders-db"} with input as facts
		with data.design as design
}

test_decays_on_an_undeclared_call if {
	only_declared_calls.violation == {{
		"msg": concat("", [
			"checkout calls fraud-ml, which its design does not declare; ",
			"databases, topics and hosts belong in `services.checkout.calls` too",
		]),
		"subject": "checkout -> fraud-ml",
		"expected": ["payments", "inventory", "orders-db"],
		"observed": "fraud-ml",
	}} with input as calls([["checkout", "payments"], ["checkout", "fraud-ml"]])
		with data.design as design
}

test_names_every_undeclared_call if {
	found := only_declared_calls.violation with data.design as design
		with input as calls([["checkout", "fraud-ml"], ["checkout", "legacy"], ["payments", "checkout"]])
	{v.subject | some v in found} == {"checkout -> fraud-ml", "checkout -> legacy", "payments -> checkout"}
}

test_one_call_of_two_kinds_is_one_violation if {
	count(only_declared_calls.violation) == 1 with data.design as design
		with input.traces.edges as [
			{"client": "checkout", "server": "cache", "kind": "rpc"},
			{"client": "checkout", "server": "cache", "kind": "database"},
		]
}

test_the_subject_is_the_same_whatever_is_measured if {
	some calls_seen in [1, 1000]
	found := only_declared_calls.violation with data.design as design
		with input.traces.edges as [{"client": "checkout", "server": "fraud-ml", "calls": calls_seen}]
	{v.subject | some v in found} == {"checkout -> fraud-ml"}
}

test_anyone_may_call_an_external_host if {
	facts := calls([["checkout", "api.stripe.example"], ["payments", "api.stripe.example"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	count(only_declared_calls.subjects) == 2 with input as facts with data.design as design
}

test_without_external_a_host_must_be_declared if {
	found := only_declared_calls.violation with input as calls([["checkout", "api.stripe.example"]])
		with data.design as object.remove(design, ["external"])
	{v.subject | some v in found} == {"checkout -> api.stripe.example"}
}

test_a_service_without_calls_is_not_judged if {
	facts := calls([["legacy", "payments"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	count(only_declared_calls.subjects) == 0 with input as facts with data.design as design
}

test_a_service_the_design_does_not_name_is_not_judged if {
	facts := calls([["load-generator", "checkout"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	count(only_declared_calls.subjects) == 0 with input as facts with data.design as design
}

test_a_service_may_call_itself if {
	facts := calls([["checkout", "checkout"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	count(only_declared_calls.subjects) == 0 with input as facts with data.design as design
}

test_calls_that_are_no_list_of_names_accuse_nobody_and_are_said if {
	every given, kind in {
		"\"payments\"": "text",
		"{\"payments\": {\"timeout_ms\": 100}}": "a mapping",
		"null": "nothing",
		"[{\"name\": \"payments\"}]": "a list with something else than names",
		"7": "a number",
		"true": "a boolean",
	} {
		declared := {"services": {"checkout": {"calls": json.unmarshal(given)}, "web": {"calls": ["checkout"]}}}
		facts := calls([["checkout", "payments"], ["web", "checkout"]])
		count(only_declared_calls.violation) == 0 with input as facts with data.design as declared
		only_declared_calls.subjects == {"web -> checkout"} with input as facts with data.design as declared
		found := only_declared_calls.warn with input as facts with data.design as declared
		{[v.subject, v.msg] | some v in found} == {["checkout", concat("", [
			"the design gives `services.checkout.calls` as ", kind,
			", so its calls are not judged: write a list of names, `[]` for none",
		])]}
	}
}

test_an_external_that_is_no_list_of_names_accuses_nobody_and_is_said if {
	every given in ["api.stripe.example", {"api.stripe.example": {}}, [7], false] {
		declared := object.union(design, {"external": given})
		facts := calls([["checkout", "api.stripe.example"]])
		count(only_declared_calls.violation) == 0 with input as facts with data.design as declared
		count(only_declared_calls.subjects) == 0 with input as facts with data.design as declared
		found := only_declared_calls.warn with input as facts with data.design as declared
		{v.subject | some v in found} == {"external"}
	}
}

test_an_external_left_empty_lists_nobody if {
	declared := object.union(design, {"external": null})
	facts := calls([["checkout", "api.stripe.example"]])
	count(only_declared_calls.violation) == 1 with input as facts with data.design as declared
	count(only_declared_calls.warn) == 0 with input as facts with data.design as declared
}

test_a_call_without_a_name_accuses_nobody_and_is_said if {
	facts := calls([["checkout", null], [null, "payments"], ["checkout", "payments"]])
	count(only_declared_calls.violation) == 0 with input as facts with data.design as design
	only_declared_calls.subjects == {"checkout -> payments"} with input as facts with data.design as design
	found := only_declared_calls.warn with input as facts with data.design as design
	{v.subject | some v in found} == {"checkout -> null", "null -> payments"}
}

test_what_is_well_formed_is_not_warned_of if {
	facts := calls([["checkout", "fraud-ml"], ["legacy", "payments"]])
	count(only_declared_calls.warn) == 0 with input as facts with data.design as design
}

test_judges_nothing_without_a_design if {
	facts := calls([["checkout", "payments"]])
	every absent in [{}, {"services": {}}, {"services": {"checkout": null}}] {
		count(only_declared_calls.violation) == 0 with input as facts with data.design as absent
		count(only_declared_calls.subjects) == 0 with input as facts with data.design as absent
	}
}

test_judges_nothing_without_calls_seen if {
	every absent in [{}, {"traces": {}}, {"traces": {"edges": []}}] {
		count(only_declared_calls.violation) == 0 with input as absent with data.design as design
		count(only_declared_calls.subjects) == 0 with input as absent with data.design as design
	}
}
