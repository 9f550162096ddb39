# METADATA
# title: A datastore is used only by the service that owns it
# description: >-
#   Two services on one datastore are coupled through its schema, its load and its migrations, although
#   neither calls the other. This decays when a service that does not own a datastore uses it, and when
#   the design gives one datastore to two services. It reads which services were seen using which
#   databases (traces), and `services.NAME.datastores` from the design. A database that no service of
#   the design owns is not judged.
# custom:
#   assumption:
#     id: dependencies/no-shared-datastore
#     severity: error
#     vacuous: strict
#     required: ["input.traces.databases[_].name", "input.traces.databases[_].services"]
package stillholds.dependencies.no_shared_datastore

subjects contains sprintf("%s -> %s", [client, database.name]) if {
	some database in input.traces.databases
	some client in database.services
	owners[database.name]
}

violation contains {
	"msg": sprintf(
		"%s uses the datastore %s, which the design gives to %s",
		[client, database.name, concat(" and ", services)],
	),
	"subject": sprintf("%s -> %s", [client, database.name]),
	"expected": services,
	"observed": client,
} if {
	some database in input.traces.databases
	some client in database.services
	services := owners[database.name]
	not client in services
}

violation contains {
	"msg": sprintf("the design gives the datastore %s to more than one service: %s", [datastore, concat(", ", services)]),
	"subject": datastore,
	"observed": services,
} if {
	some datastore, services in owners
	count(services) > 1
}

# `[_]`, because `some … in` is an error where `datastores:` was left empty, which YAML reads as null.
owners[datastore] contains service if {
	some service
	datastore := data.design.services[service].datastores[_]
}
