package stillholds.dependencies.call_still_seen_test

import data.stillholds.dependencies.call_still_seen

design := {"services": {
	"checkout": {"calls": ["payments", "inventory"]},
	"payments": {"calls": ["bank.example"]},
	"mailer": {"calls": ["smtp.example"]},
	"inventory": {"owner": "team-stock"},
}}

facts(pairs, names) := {"traces": {
	"edges": [edge |
		some [client, server] in pairs
		edge := {"client": client, "server": server, "kind": "rpc", "calls": 10}
	],
	"services": [service |
		some name in names
		service := {"name": name, "spans": 100}
	],
}}

test_holds_when_every_declared_call_is_seen if {
	seen := facts([["checkout", "payments"], ["checkout", "inventory"]], ["checkout"])
	count(call_still_seen.warn) == 0 with input as seen with data.design as design
	call_still_seen.subjects == {"checkout -> payments", "checkout -> inventory"} with input as seen
		with data.design as design
}

test_warns_of_a_declared_call_not_seen if {
	call_still_seen.warn == {{
		"msg": "checkout was seen, but not the call to inventory that its design declares",
		"subject": "checkout -> inventory",
	}} with input as facts([["checkout", "payments"]], ["checkout"])
		with data.design as design
}

test_never_refutes if {
	not call_still_seen.violation with input as facts([], ["checkout"]) with data.design as design
}

test_names_every_call_not_seen if {
	found := call_still_seen.warn with input as facts([], ["checkout", "payments"]) with data.design as design
	{v.subject | some v in found} == {"checkout -> payments", "checkout -> inventory", "payments -> bank.example"}
}

test_the_opposite_direction_is_another_call if {
	found := call_still_seen.warn with input as facts([["payments", "checkout"]], ["checkout"]) with data.design as design
	"checkout -> payments" in {v.subject | some v in found}
}

test_judges_a_caller_that_reports_no_spans if {
	seen := facts([["checkout", "payments"]], [])
	call_still_seen.subjects == {"checkout -> payments", "checkout -> inventory"} with input as seen
		with data.design as design
	count(call_still_seen.warn) == 1 with input as seen with data.design as design
}

test_judges_a_service_that_reports_spans_and_calls_nothing if {
	found := call_still_seen.warn with input as facts([], ["mailer"]) with data.design as design
	{v.subject | some v in found} == {"mailer -> smtp.example"}
}

test_a_service_only_seen_as_the_one_called_is_not_judged if {
	seen := facts([["web", "payments"]], ["web"])
	count(call_still_seen.warn) == 0 with input as seen with data.design as design
	count(call_still_seen.subjects) == 0 with input as seen with data.design as design
}

test_a_service_never_seen_is_not_judged if {
	seen := facts([["checkout", "payments"], ["checkout", "inventory"]], ["checkout", "inventory"])
	found := call_still_seen.subjects with input as seen with data.design as design
	not "mailer -> smtp.example" in found
}

test_a_service_without_calls_is_not_judged if {
	every calls in [null, []] {
		declared := {"services": {"checkout": {"calls": calls}, "inventory": {}}}
		seen := facts([["inventory", "checkout"]], ["checkout", "inventory"])
		count(call_still_seen.warn) == 0 with input as seen with data.design as declared
		count(call_still_seen.subjects) == 0 with input as seen with data.design as declared
	}
}

test_calls_that_are_no_list_of_names_are_named_and_not_judged if {
	every calls in ["payments", {"payments": "rpc"}, [{"name": "payments"}], 7] {
		declared := {"services": {"checkout": {"calls": calls}, "web": {"calls": ["checkout"]}}}
		seen := facts([["web", "checkout"]], ["checkout", "web"])
		call_still_seen.warn == {{
			"msg": "the calls that the design of checkout declares are not judged: `services.checkout.calls` is no list of names",
			"subject": "checkout",
		}} with input as seen with data.design as declared
		call_still_seen.subjects == {"web -> checkout"} with input as seen with data.design as declared
	}
}

test_calls_that_are_not_declared_are_not_judged if {
	seen := facts([["inventory", "warehouse"]], ["inventory"])
	count(call_still_seen.warn) == 0 with input as seen with data.design as design
	count(call_still_seen.subjects) == 0 with input as seen with data.design as design
}

test_a_call_declared_twice_is_one_subject if {
	declared := {"services": {"checkout": {"calls": ["payments", "payments"]}}}
	count(call_still_seen.warn) == 1 with input as facts([], ["checkout"]) with data.design as declared
}

test_judges_nothing_without_a_design if {
	every absent in [{}, {"services": {}}, {"services": {"checkout": null}}] {
		seen := facts([["checkout", "payments"]], ["checkout"])
		count(call_still_seen.warn) == 0 with input as seen with data.design as absent
		count(call_still_seen.subjects) == 0 with input as seen with data.design as absent
	}
}

test_judges_nothing_where_nothing_was_seen if {
	every absent in [{}, {"traces": {}}, facts([], [])] {
		count(call_still_seen.warn) == 0 with input as absent with data.design as design
		count(call_still_seen.subjects) == 0 with input as absent with data.design as design
	}
}
