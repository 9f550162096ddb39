# METADATA
# title: A datastore is used only by the service that owns it
# description: >-
#   Two services on one datastore are coupled through its schema, its load and its migrations, although
#   neither calls the other. This decays when a service that does not own a datastore uses it, and when
#   the design gives one datastore to two services. It reads which services were seen using which
#   databases (traces), and `services.NAME.datastores` from the design. A database that no service of
#   the design owns is not judged. Of `datastores` that are no list of names nobody can tell what they
#   own: their service is accused of no use, and the design is named until it is mended; left empty they
#   own nothing.
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
	judged(client)
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
	judged(client)
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

warn contains {
	"msg": sprintf("the datastores of %s are not judged: `services.%s.datastores` is no list of names", [service, service]),
	"subject": service,
} if {
	datastores := data.design.services[service].datastores
	not are_names(datastores)
}

warn contains {
	"msg": sprintf("a use of the datastore %s is not judged: who uses it has no name", [database.name]),
	"subject": sprintf("null -> %s", [database.name]),
} if {
	some database in input.traces.databases
	not are_names(database.services)
}

judged(client) if {
	is_string(client)
	not unread[client]
}

unread contains service if {
	datastores := data.design.services[service].datastores
	not are_names(datastores)
}

# A mapping would be iterated as well, and its values are no names.
owners[datastore] contains service if {
	datastores := data.design.services[service].datastores
	are_names(datastores)
	datastore := datastores[_]
}

# Left empty, which YAML reads as null, it names nobody.
are_names(value) if value == null

are_names(value) if {
	is_array(value)
	count([name | some name in value; is_string(name)]) == count(value)
}
