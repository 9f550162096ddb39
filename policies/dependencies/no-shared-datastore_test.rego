package stillholds.dependencies.no_shared_datastore_test

import data.stillholds.dependencies.no_shared_datastore

design := {"services": {
	"orders": {"datastores": ["orders-db", "orders-cache"]},
	"billing": {"datastores": ["ledger"]},
	"reporting": {"owner": "team-data"},
}}

uses(clients) := {"traces": {"databases": [database |
	some name, services in clients
	database := {"name": name, "system": "postgresql", "services": services}
]}}

test_holds_when_owners_alone_use_their_datastores if {
	facts := uses({"orders-db": ["orders"], "ledger": ["billing"]})
	count(no_shared_datastore.violation) == 0 with input as facts with data.design as design
	no_shared_datastore.subjects == {"orders -> orders-db", "billing -> ledger"} with input as facts
		with data.design as design
}

test_decays_when_another_service_uses_it if {
	no_shared_datastore.violation == {{
		"msg": "reporting uses the datastore orders-db, which the design gives to orders",
		"subject": "reporting -> orders-db",
		"expected": {"orders"},
		"observed": "reporting",
	}} with input as uses({"orders-db": ["orders", "reporting"]})
		with data.design as design
}

test_decays_when_the_owner_itself_is_not_seen if {
	found := no_shared_datastore.violation with input as uses({"ledger": ["orders"]}) with data.design as design
	{v.subject | some v in found} == {"orders -> ledger"}
}

test_names_every_foreign_use if {
	found := no_shared_datastore.violation with data.design as design
		with input as uses({"orders-db": ["billing", "orders", "reporting"], "ledger": ["reporting"]})
	{v.subject | some v in found} == {"billing -> orders-db", "reporting -> orders-db", "reporting -> ledger"}
}

test_a_service_the_design_does_not_name_is_foreign_too if {
	found := no_shared_datastore.violation with input as uses({"ledger": ["cron"]}) with data.design as design
	{v.subject | some v in found} == {"cron -> ledger"}
}

test_decays_when_two_services_own_one_datastore if {
	no_shared_datastore.violation == {{
		"msg": "the design gives the datastore ledger to more than one service: billing, orders",
		"subject": "ledger",
		"observed": {"billing", "orders"},
	}} with input as uses({"ledger": ["billing", "orders"]})
		with data.design as {"services": {"orders": {"datastores": ["ledger"]}, "billing": {"datastores": ["ledger"]}}}
}

test_two_owners_are_a_violation_where_no_use_was_seen if {
	found := no_shared_datastore.violation with input as uses({"sessions": ["orders"]})
		with data.design as {"services": {"orders": {"datastores": ["ledger"]}, "billing": {"datastores": ["ledger"]}}}
	{v.subject | some v in found} == {"ledger"}
}

test_a_stranger_is_foreign_to_two_owners if {
	found := no_shared_datastore.violation with input as uses({"ledger": ["reporting"]})
		with data.design as {"services": {"orders": {"datastores": ["ledger"]}, "billing": {"datastores": ["ledger"]}}}
	{v.msg | some v in found} == {
		"reporting uses the datastore ledger, which the design gives to billing and orders",
		"the design gives the datastore ledger to more than one service: billing, orders",
	}
}

test_a_datastore_listed_twice_has_one_owner if {
	facts := uses({"ledger": ["billing"]})
	declared := {"services": {"billing": {"datastores": ["ledger", "ledger"]}}}
	count(no_shared_datastore.violation) == 0 with input as facts with data.design as declared
}

test_one_name_in_two_systems_is_one_datastore if {
	found := no_shared_datastore.violation with data.design as design
		with input.traces.databases as [
			{"name": "ledger", "system": "postgresql", "services": ["reporting"]},
			{"name": "ledger", "system": "redis", "services": ["reporting"]},
		]
	{v.subject | some v in found} == {"reporting -> ledger"}
}

test_a_datastore_nobody_owns_is_not_judged if {
	facts := uses({"sessions": ["orders", "billing"]})
	count(no_shared_datastore.violation) == 0 with input as facts with data.design as design
	count(no_shared_datastore.subjects) == 0 with input as facts with data.design as design
}

test_datastores_left_empty_own_nothing if {
	every datastores in [null, []] {
		declared := {"services": {"orders": {"datastores": datastores}}}
		facts := uses({"orders-db": ["orders", "reporting"]})
		count(no_shared_datastore.violation) == 0 with input as facts with data.design as declared
		count(no_shared_datastore.subjects) == 0 with input as facts with data.design as declared
	}
}

test_datastores_that_are_no_list_of_names_accuse_nobody_and_are_said if {
	every datastores in ["ledger", {"ledger": {"kind": "sql"}}, [{"name": "ledger"}], 7] {
		declared := {"services": {
			"billing": {"datastores": datastores},
			"invoices": {"datastores": datastores},
			"orders": {"datastores": ["ledger"]},
		}}
		facts := uses({"ledger": ["billing", "orders"]})
		count(no_shared_datastore.violation) == 0 with input as facts with data.design as declared
		no_shared_datastore.subjects == {"orders -> ledger"} with input as facts with data.design as declared
		found := no_shared_datastore.warn with input as facts with data.design as declared
		{v.subject | some v in found} == {"billing", "invoices"}
	}
}

test_a_use_by_nobody_accuses_nobody_and_is_said if {
	facts := uses({"ledger": [null, "billing"]})
	count(no_shared_datastore.violation) == 0 with input as facts with data.design as design
	found := no_shared_datastore.warn with input as facts with data.design as design
	{v.msg | some v in found} == {"a use of the datastore ledger is not judged: who uses it has no name"}
}

test_what_is_well_formed_is_not_warned_of if {
	facts := uses({"ledger": ["billing", "cron"], "orders-db": []})
	count(no_shared_datastore.warn) == 0 with input as facts with data.design as design
}

test_judges_nothing_without_a_design if {
	every absent in [{}, {"services": {}}, {"services": {"orders": null}}] {
		facts := uses({"orders-db": ["orders", "reporting"]})
		count(no_shared_datastore.violation) == 0 with input as facts with data.design as absent
		count(no_shared_datastore.subjects) == 0 with input as facts with data.design as absent
	}
}

test_judges_nothing_where_no_use_was_seen if {
	every absent in [{}, {"traces": {}}, uses({}), uses({"ledger": []})] {
		count(no_shared_datastore.violation) == 0 with input as absent with data.design as design
		count(no_shared_datastore.subjects) == 0 with input as absent with data.design as design
	}
}
