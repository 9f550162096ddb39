//! What is missing and what only seems to be: every rule of it with its harmless neighbours.

use crate::verdicts::{OK, Row, asked, row};

/// A case over one source.
fn case<'a>(title: &'a str, rules: &str, facts: &str, answer: &'a str) -> Row<'a> {
    row(title, rules, &[("svc", facts, OK)], answer)
}

/// A violation of every element of a list that meets a condition.
fn each(condition: &str) -> String {
    format!("violation contains x.name if {{\n\tsome x in input.svc.list\n\t{condition}\n}}")
}

/// The same with something under `custom.assumption`.
fn says(what: &str, rules: &str) -> String {
    format!("# METADATA\n# custom:\n#   assumption:\n#     {what}\n{rules}")
}

/// A list of elements.
fn list(elements: &[&str]) -> String {
    format!(r#"{{"list": [{}]}}"#, elements.join(", "))
}

const MISSING: &str = "unknown missing, exit 3";
const LOST: &str = "unknown missing + lost, exit 3";
const HOLDS: &str = "holds, exit 0";
const DECAYED: &str = "decayed violated, exit 1";
const ABSENCE: &str = "holds + absence, exit 0";
const NEVER: &str = "holds + never_reached, exit 0";
const VACUOUS: &str = "unknown vacuous, exit 3";
const MISTYPED: &str = "unknown mistyped, exit 3";

#[test]
fn misread_keys() {
    let replicas = list(&[r#"{"name": "a", "replicas": 3, "ready_replicas": 3}"#, r#"{"name": "b", "replicas": 3}"#]);
    let said = asked(&[
        case("a typo in a truth test", &each("x.privilegd"), &list(&[r#"{"name": "a", "privileged": true}"#]), MISSING),
        case("a typo in a comparison", &each("x.replicsa == 1"), &replicas, MISSING),
        case("camel and snake", &each("x.readyReplicas == 0"), &replicas, MISSING),
        case("joined words", &each("x.errorratio == 1"), &list(&[r#"{"name": "a", "error_ratio": 1}"#]), MISSING),
        case("a typo under `not`", &each("not x.privilegd"), &list(&[r#"{"name": "a", "privileged": true}"#]), MISSING),
        case(
            "a typo in `object.get`",
            &each("object.get(x, \"replicsa\", 3) < 2"),
            &list(&[r#"{"name": "a", "replicas": 1}"#]),
            MISSING,
        ),
        case(
            "a typo in a long path",
            &each("x.security_context.privilegd"),
            &list(&[r#"{"name": "a", "security_context": {"privileged": true}}"#]),
            MISSING,
        ),
        case(
            "a typo in the name of the list",
            "violation contains x.name if {\n\tsome x in input.svc.deploymnets\n\tx.replicas < 2\n}",
            r#"{"deployments": [{"name": "a", "replicas": 1}]}"#,
            MISSING,
        ),
        case(
            "a typo in a helper rule",
            "bad contains x.name if {\n\tsome x in input.svc.list\n\tx.privilegd\n}\n\nviolation contains name if some name in bad",
            &list(&[r#"{"name": "a", "privileged": true}"#]),
            MISSING,
        ),
        case(
            "a typo in a function",
            "bad(x) if x.privilegd\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tbad(x)\n}",
            &list(&[r#"{"name": "a", "privileged": true}"#]),
            MISSING,
        ),
        case(
            "a typo in a comprehension",
            "violation contains \"many\" if count([x | some x in input.svc.list; x.privilegd]) > 0",
            &list(&[r#"{"name": "a", "privileged": true}"#]),
            MISSING,
        ),
        case(
            "a typo in the design",
            "violation contains x.name if {\n\tsome x in input.svc.list\n\tx.replicas < data.design.limits.min_replica\n}",
            &list(&[r#"{"name": "a", "replicas": 1}"#]),
            MISSING,
        )
        .with("design/services.yaml", "limits: {min_replicas: 2}\n"),
        // Its neighbours.
        case(
            "two keys side by side",
            &each("x.containers_count == 9"),
            &list(&[
                r#"{"name": "a", "container_count": 1, "containers_count": 1}"#,
                r#"{"name": "b", "container_count": 1, "containers_count": 1}"#,
            ]),
            HOLDS,
        ),
        case(
            "a key that is read too",
            &each("x.privileged\n\tx.privileges == \"all\""),
            &list(&[r#"{"name": "a", "privileges": "none"}"#]),
            "holds + absence + never_reached, exit 0",
        ),
        case(
            "a flag that is not set",
            &each("x.privileged"),
            &list(&[r#"{"name": "a", "image": "a"}"#, r#"{"name": "b"}"#]),
            ABSENCE,
        ),
        case("short keys are never alike", &each("x.cpu"), &list(&[r#"{"name": "a", "gpu": true}"#]), ABSENCE),
        case("keys that differ in a digit", &each("x.port_1"), &list(&[r#"{"name": "a", "port_2": true}"#]), ABSENCE),
        case(
            "a key that some elements have",
            &each("x.privileged"),
            &list(&[r#"{"name": "a", "privilege": 1}"#, r#"{"name": "b", "privileged": false}"#]),
            HOLDS,
        ),
        case(
            "containers and init containers",
            "images contains c.image if some c in input.svc.list[_].containers\n\nimages contains c.image if some c in input.svc.list[_].initContainers\n\nviolation contains i if {\n\tsome i in images\n\tendswith(i, \":latest\")\n}",
            &list(&[r#"{"name": "a", "containers": [{"image": "a:1"}]}"#]),
            HOLDS,
        ),
        case(
            "a typo listed under `optional`",
            &says("optional: [\"input.svc.list[_].privilegd\"]", &each("x.privilegd")),
            &list(&[r#"{"name": "a", "privileged": true}"#]),
            ABSENCE,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn misread_constants() {
    let phases = list(&[
        r#"{"name": "a", "kind": "Deployment", "reason": "CrashLoopBackOff", "tags": ["critical"]}"#,
        r#"{"name": "b", "kind": "Service", "reason": "Completed", "tags": []}"#,
    ]);
    let said = asked(&[
        case("with `==`", &each("x.kind == \"Deploymnet\""), &phases, MISSING),
        case("with `==`, of another case", &each("x.kind == \"deployment\""), &phases, MISSING),
        case("in a set", &each("x.kind in {\"Deploymnet\", \"StatefulSet\"}"), &phases, MISSING),
        case("in a list of the facts", &each("\"critcial\" in x.tags"), &phases, MISSING),
        case(
            "in a rule that is a set",
            &format!("kinds := {{\"Deploymnet\", \"StatefulSet\"}}\n\n{}", each("x.kind in kinds")),
            &phases,
            MISSING,
        ),
        case(
            "in a rule that is a set, looked up",
            &format!("kinds := {{\"Deploymnet\"}}\n\n{}", each("kinds[x.kind]")),
            &phases,
            MISSING,
        ),
        case(
            "in a rule that is an array, by `[_]`",
            &format!("kinds := [\"Deploymnet\"]\n\n{}", each("x.kind == kinds[_]")),
            &phases,
            MISSING,
        ),
        case(
            "in a comprehension",
            "violation contains \"x\" if count([x | some x in input.svc.list; x.kind == \"Deploymnet\"]) > 3",
            &phases,
            MISSING,
        ),
        case(
            "in a comprehension, of which there must be one",
            "holds if count([x | some x in input.svc.list; x.kind == \"Deploymnet\"]) > 0",
            &phases,
            MISSING,
        ),
        case("under `not`", &each("not x.kind in {\"Deploymnet\", \"Service\"}"), &phases, MISSING),
        case(
            "in a function",
            "workload(x) if x.kind == \"Deploymnet\"\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tworkload(x)\n}",
            &phases,
            MISSING,
        ),
        case(
            "in `every`",
            "holds if every x in input.svc.list { x.kind in {\"Deploymnet\", \"Service\"} }",
            &phases,
            MISSING,
        ),
        case(
            "handed to a function",
            &format!("is(x, kind) if x.kind == kind\n\n{}", each("is(x, \"Deploymnet\")")),
            &phases,
            MISSING,
        ),
        case(
            "handed to a function under `not`",
            &format!("is(x, kind) if x.kind == kind\n\n{}", each("not is(x, \"Deploymnet\")")),
            &phases,
            MISSING,
        ),
        case(
            "a list that is handed to a function",
            &format!("is(x, kinds) if x.kind in kinds\n\n{}", each("is(x, [\"Deploymnet\"])")),
            &phases,
            MISSING,
        ),
        case(
            "handed to a function, which another call refutes",
            &format!(
                "is(x, kind) if x.kind == kind\n\n{}\n\n{}",
                each("is(x, \"Deploymnet\")"),
                each("is(x, \"Service\")").replace("violation", "deny")
            ),
            &phases,
            "decayed violated + missing, exit 1",
        ),
        case(
            "a rule that is a string",
            &format!("kind := \"Deploymnet\"\n\n{}", each("x.kind == kind")),
            &phases,
            MISSING,
        ),
        case(
            "a rule that is a string, in a list of the facts",
            &format!("tag := \"critcial\"\n\n{}", each("tag in x.tags")),
            &phases,
            MISSING,
        ),
        case("a name for a string", &each("kind := \"Deploymnet\"\n\tx.kind == kind"), &phases, MISSING),
        case(
            "in a pattern",
            "violation contains name if some {\"name\": name, \"kind\": \"Deploymnet\"} in input.svc.list",
            &phases,
            MISSING,
        ),
        case("against `object.get`", &each("object.get(x, \"kind\", \"\") == \"Deploymnet\""), &phases, MISSING),
        // Its neighbours.
        case("that some element has", &each("x.reason == \"Completed\"\n\tx.kind == \"Deployment\""), &phases, HOLDS),
        case(
            "handed to a function, and some element has it",
            &format!("is(x, kind) if x.kind == kind\n\n{}", each("is(x, \"Deployment\")\n\tx.reason == \"None\"")),
            &phases,
            HOLDS,
        ),
        case(
            "a rule that is a string that some element has",
            &format!("kind := \"Deployment\"\n\n{}", each("x.kind == kind\n\tx.reason == \"None\"")),
            &phases,
            HOLDS,
        ),
        case(
            "in a pattern, and some element has it",
            "violation contains name if {\n\tsome {\"name\": name, \"kind\": \"Deployment\"} in input.svc.list\n\tname == \"c\"\n}",
            &phases,
            HOLDS,
        ),
        case(
            "against `object.get`, and some element has it",
            &each("object.get(x, \"kind\", \"\") == \"Deployment\"\n\tx.reason == \"None\""),
            &phases,
            HOLDS,
        ),
        case(
            "a healthy rule",
            &each("x.reason == \"CrashLoopBackOff\""),
            &list(&[r#"{"name": "a", "reason": "Completed"}"#, r#"{"name": "b", "reason": "ContainerCreating"}"#]),
            HOLDS,
        ),
        case(
            "`http` beside `https`",
            &each("x.scheme == \"http\""),
            &list(&[r#"{"name": "a", "scheme": "https"}"#]),
            HOLDS,
        ),
        case(
            "a value that is itself a constant of the assumption",
            &each("x.kind in {\"Deployment\", \"Deployments\"}\n\tx.replicas < 1"),
            &list(&[r#"{"name": "a", "kind": "Deployment", "replicas": 1}"#]),
            HOLDS,
        ),
        case(
            "a stage that nothing has now",
            &each("x.env == \"prod\""),
            &list(&[r#"{"name": "a", "env": "dev"}"#]),
            HOLDS,
        ),
        case(
            "a constant of another element under `optional`",
            &says("optional: [\"input.svc.list[_].kind\"]", &each("x.kind == \"Deploymnet\"")),
            &phases,
            HOLDS,
        ),
        case(
            "a constant that nothing has before the condition",
            &each("x.kind == \"Job\"\n\tx.failed"),
            &phases,
            NEVER,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn values_of_some_binding() {
    let bare = list(&[r#"{"name": "a"}"#, r#"{"name": "b"}"#]);
    let half = list(&[r#"{"name": "a", "owner": "x"}"#, r#"{"name": "b"}"#]);
    let said = asked(&[
        case("an equality", &each("x.owner == \"nobody\""), &bare, MISSING),
        case("an inequality", &each("x.owner != \"nobody\""), &bare, MISSING),
        case("a membership", &each("x.owner in {\"nobody\"}"), &bare, MISSING),
        case("a call", &each("startswith(x.owner, \"team-\")"), &bare, MISSING),
        case("an assignment", &each("owner := x.owner\n\towner == \"nobody\""), &bare, MISSING),
        case("the first path of a rule", "violation contains \"x\" if input.svc.owner == \"nobody\"", "{}", MISSING),
        case(
            "an argument of a function of one's own",
            "nobody(owner) if owner == \"nobody\"\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tnobody(x.owner)\n}",
            &bare,
            MISSING,
        ),
        case("an equality, and one element has it", &each("x.owner == \"nobody\""), &half, HOLDS),
        case("a call, and one element has it", &each("startswith(x.owner, \"team-\")"), &half, HOLDS),
        case("an assignment, and one element has it", &each("owner := x.owner\n\towner == \"nobody\""), &half, HOLDS),
        case("a truth test", &each("x.owner"), &bare, ABSENCE),
        case("an equality with true", &each("x.owned == true"), &bare, ABSENCE),
        case(
            "listed under `optional`",
            &says("optional: [\"input.svc.list[_].owner\"]", &each("x.owner == \"nobody\"")),
            &bare,
            ABSENCE,
        ),
        case("`object.get`", &each("object.get(x, \"owner\", \"somebody\") == \"nobody\""), &bare, HOLDS),
        case(
            "a nested list that is not there",
            "violation contains x.name if {\n\tsome x in input.svc.list\n\tsome p in x.ports\n\tp.number == 22\n}",
            &bare,
            NEVER,
        ),
        case(
            "alternatives",
            "entry(x) := x.command\n\nentry(x) := x.args\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tentry(x) == \"sh\"\n}",
            &list(&[r#"{"name": "a", "command": "run"}"#]),
            HOLDS,
        ),
        case(
            "alternatives of which none is there",
            "entry(x) := x.command\n\nentry(x) := x.args\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tentry(x) == \"sh\"\n}",
            &bare,
            "unknown missing + missing, exit 3",
        ),
        case(
            "an `else` that reads something else",
            "owner(x) := x.owner if x.owner\n\nelse := x.team\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\towner(x) == \"nobody\"\n}",
            &list(&[r#"{"name": "a", "team": "b"}"#]),
            ABSENCE,
        ),
        case(
            "a default excuses nothing",
            "default slow := false\n\nslow if input.svc.p99 > 400\n\nviolation contains \"slow\" if slow",
            "{}",
            MISSING,
        ),
        case(
            "an `else` without condition excuses nothing",
            "tier := \"slow\" if {\n\tinput.svc.p99 == 400\n} else := \"fast\"\n\nviolation contains \"slow\" if tier == \"slow\"",
            "{}",
            MISSING,
        ),
        case(
            "another body of `holds`",
            "holds if input.svc.replicas == 3\n\nholds if input.svc.instances == 3",
            r#"{"instances": 3}"#,
            HOLDS,
        ),
        case(
            "no body of `holds`",
            "holds if input.svc.replicas == 3\n\nholds if input.svc.instances == 3",
            r#"{"units": 3}"#,
            "unknown missing + missing, exit 3",
        ),
        case(
            "a look-up by a variable that finds nothing",
            "violation contains x.name if {\n\tsome x in input.svc.list\n\tinput.svc.owners[x.name] == \"nobody\"\n}",
            r#"{"list": [{"name": "a"}], "owners": {"b": "nobody"}}"#,
            HOLDS,
        ),
        case(
            "a parent of another type",
            &each("x.meta.owner == \"nobody\""),
            &list(&[r#"{"name": "a", "meta": "none"}"#]),
            MISSING,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn alternatives() {
    let run =
        list(&[r#"{"name": "a", "state": {"running": {"since": 1}}}"#, r#"{"name": "b", "state": {"running": {}}}"#]);
    let waits = list(&[
        r#"{"name": "a", "state": {"running": {}}}"#,
        r#"{"name": "b", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}"#,
    ]);
    let bare = list(&[r#"{"name": "a", "state": {}}"#, r#"{"name": "b", "state": {"running": {}}}"#]);
    let reason = |how: &str| each(&format!("x.state.waiting.reason {how}"));
    let requests = list(&[r#"{"name": "a", "resources": {"requests": {"memory": "1Gi"}}}"#]);
    let said = asked(&[
        case("a healthy rule", &reason("== \"CrashLoopBackOff\""), &run, ABSENCE),
        case("a healthy rule of a set", &reason("in {\"CrashLoopBackOff\", \"ErrImagePull\"}"), &run, ABSENCE),
        case("one that is not", &reason("== \"CrashLoopBackOff\""), &waits, DECAYED),
        case("a state that says nothing", &reason("== \"CrashLoopBackOff\""), &bare, MISSING),
        case("an inequality", &reason("!= \"ContainerCreating\""), &run, MISSING),
        case("a misspelt alternative", &each("x.state.wating.reason == \"CrashLoopBackOff\""), &waits, MISSING),
        case("`holds`", "holds if every x in input.svc.list { x.state.waiting.reason == \"Done\" }", &run, MISSING),
        case("a limit that is not set", &each("x.resources.limits.memory == \"9Gi\""), &requests, ABSENCE),
        case("a limit that is not set, in an order", &each("x.resources.limits.memory > 3"), &requests, MISSING),
        case(
            "a field of the element itself",
            &each("x.meta.owner == \"nobody\""),
            &list(&[r#"{"spec": {}}"#]),
            MISSING,
        ),
        case("through a name", &each("s := x.state\n\ts.waiting.reason == \"CrashLoopBackOff\""), &run, ABSENCE),
        case(
            "a field beside others",
            &each("x.meta.owner == \"nobody\""),
            &list(&[r#"{"name": "a", "spec": {}}"#]),
            MISSING,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn values_of_every_binding() {
    let half = list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b"}"#]);
    let both = list(&[r#"{"name": "a", "ms": 500}"#, r#"{"name": "b"}"#]);
    let said = asked(&[
        case("an order", &each("x.ms > 400"), &half, MISSING),
        case("an order, turned round", &each("400 < x.ms"), &half, MISSING),
        case(
            "an order, and another element refutes it",
            &each("x.ms > 400"),
            &both,
            "decayed violated + missing, exit 1",
        ),
        case("arithmetic", &each("x.ms * 2 > 800"), &half, MISSING),
        case("a sum that is equal to something", &each("x.ms + 1 == 800"), &half, MISSING),
        case("through `:=`", &each("ms := x.ms\n\tms > 400"), &half, MISSING),
        case(
            "through a conversion",
            &each("to_number(x.ms) > 400"),
            &list(&[r#"{"name": "a", "ms": "300"}"#, r#"{"name": "b"}"#]),
            MISSING,
        ),
        case(
            "through a conversion and `:=`",
            &each("ms := to_number(x.ms)\n\tms > 400"),
            &list(&[r#"{"name": "a", "ms": "300"}"#, r#"{"name": "b"}"#]),
            MISSING,
        ),
        case(
            "inside a statement that iterates",
            "violation contains \"slow\" if input.svc.list[_].ms > 400",
            &half,
            MISSING,
        ),
        case(
            "inside a function",
            "slow(x) if x.ms > 400\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tslow(x)\n}",
            &half,
            MISSING,
        ),
        case("inside `every`", "holds if every x in input.svc.list { x.ms < 400 }", &half, MISSING),
        case(
            "inside a comprehension",
            "holds if count([x | some x in input.svc.list; x.ms > 400]) == 0",
            &half,
            MISSING,
        ),
        case(
            "a count over something absent",
            &each("count(x.ports) > 3"),
            &list(&[r#"{"name": "a", "ports": []}"#, r#"{"name": "b"}"#]),
            HOLDS,
        ),
        case(
            "an order after a condition that the element does not meet",
            &each("x.name == \"a\"\n\tx.ms > 400"),
            &half,
            HOLDS,
        ),
        case("an order after a guard", &each("x.ms\n\tx.ms > 400"), &half, HOLDS),
        case(
            "an order under `optional`",
            &says("optional: [\"input.svc.list[_].ms\"]", &each("x.ms > 400")),
            &half,
            HOLDS,
        ),
        case("an order over `object.get`", &each("object.get(x, \"ms\", 0) > 400"), &half, HOLDS),
        case(
            "a sum of what is there",
            "violation contains \"slow\" if sum([x.ms | some x in input.svc.list]) > 400",
            &half,
            ABSENCE,
        ),
        case(
            "a sum of what is there, through a name",
            "violation contains \"slow\" if sum([ms | some x in input.svc.list; ms := x.ms]) > 400",
            &half,
            ABSENCE,
        ),
        case(
            "a sum of products",
            "violation contains \"slow\" if sum([ms | some x in input.svc.list; ms := x.ms * 2]) > 900",
            &half,
            MISSING,
        ),
        case(
            "a count of a set of one's own",
            "owners contains x.ms if some x in input.svc.list\n\nviolation contains \"slow\" if count(owners) > 4",
            &half,
            ABSENCE,
        ),
        case(
            "a measure of which one has no value",
            "measure contains {\"subject\": x.name, \"value\": x.ms, \"limit\": 400} if some x in input.svc.list",
            &half,
            LOST,
        ),
        case(
            "a measure of which one has no limit",
            "measure contains {\"subject\": x.name, \"value\": x.ms, \"limit\": x.limit} if some x in input.svc.list",
            &list(&[r#"{"name": "a", "ms": 300, "limit": 400}"#, r#"{"name": "b", "ms": 1}"#]),
            LOST,
        ),
        case(
            "a measure of which one has no value, through a variable",
            "measure contains m if {\n\tsome x in input.svc.list\n\tm := {\"subject\": x.name, \"value\": x.ms, \"limit\": 400}\n}",
            &half,
            LOST,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn values_that_are_handed_on() {
    let half = list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b"}"#]);
    let all = list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b", "ms": 200}"#]);
    let guarded = list(&[r#"{"name": "a", "tier": "x", "ms": 300}"#, r#"{"name": "b", "tier": "y"}"#]);
    let mut rows = Vec::new();
    for (title, rules) in [
        ("by a function", format!("ms(x) := x.ms\n\n{}", each("ms(x) > 400"))),
        ("by a function and a name", format!("ms(x) := x.ms\n\n{}", each("n := ms(x)\n\tn > 400"))),
        ("by a function with a body", format!("ms(x) := n if n := x.ms\n\n{}", each("ms(x) > 400"))),
        ("by a function of a function", format!("ms(x) := of(x)\n\nof(x) := x.ms\n\n{}", each("ms(x) > 400"))),
        ("by an argument that is given back", format!("same(n) := n\n\n{}", each("same(x.ms) > 400"))),
        ("by a name for a name", each("a := x.ms\n\tb := a\n\tb > 400")),
        ("by an object", each("it := {\"v\": x.ms}\n\tit.v > 400")),
        ("by an object of a function", format!("it(x) := {{\"v\": x.ms}}\n\n{}", each("it(x).v > 400"))),
        ("by a list", each("all := [x.ms]\n\tall[0] > 400")),
        ("by a list that is gone through", each("some ms in [x.ms, 1]\n\tms > 400")),
        ("by a maximum", each("max([x.ms, 0]) > 400")),
        ("by a minimum and a name", each("n := min([x.ms, 900])\n\tn > 400")),
        (
            "by an object of entries",
            format!("all[x.name] := x.ms if some x in input.svc.list\n\n{}", each("all[x.name] > 400")),
        ),
        (
            "by an object of entries that is gone through",
            "all[x.name] := x.ms if some x in input.svc.list\n\nviolation contains name if {\n\tsome name, ms in all\n\tms > 400\n}".to_owned(),
        ),
        (
            "by a set that is gone through",
            "all contains x.ms if some x in input.svc.list\n\nviolation contains \"x\" if {\n\tsome ms in all\n\tms > 400\n}".to_owned(),
        ),
        (
            "by a comprehension that is gone through",
            "violation contains \"x\" if {\n\tsome ms in [x.ms | some x in input.svc.list]\n\tms > 400\n}".to_owned(),
        ),
        (
            "by a rule that is a comprehension",
            "all := [x.ms | some x in input.svc.list]\n\nviolation contains \"x\" if {\n\tsome ms in all\n\tms > 400\n}".to_owned(),
        ),
    ] {
        rows.push(case(title, &rules, &half, MISSING));
        rows.push(case("… and it is everywhere", &rules, &all, HOLDS));
    }
    rows.extend([
        case(
            "by a function that does not apply to the element",
            &format!("ms(x) := x.ms if x.tier == \"x\"\n\n{}", each("ms(x) > 400")),
            &guarded,
            HOLDS,
        ),
        case(
            "by a function, after a guard",
            &format!("ms(x) := x.ms\n\n{}", each("x.tier == \"x\"\n\tms(x) > 400")),
            &guarded,
            HOLDS,
        ),
        case(
            "by a function that is only compared with `==`",
            &format!("ms(x) := x.ms\n\n{}", each("ms(x) == 400")),
            &half,
            HOLDS,
        ),
        case(
            "by alternatives",
            &format!("ms(x) := x.ms\n\nms(x) := x.s\n\n{}", each("ms(x) > 400")),
            &list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b", "s": 0}"#]),
            HOLDS,
        ),
        case(
            "by alternatives of an object of entries",
            &format!(
                "all[x.name] := x.ms if some x in input.svc.list\n\nall[x.name] := x.slow if {{\n\tsome x in input.svc.list\n\tx.slow\n}}\n\n{}",
                each("all[x.name] > 400")
            ),
            &list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b", "slow": 0}"#]),
            HOLDS,
        ),
        case(
            "by a function with a default",
            &format!("default ms(_) := 0\n\nms(x) := x.ms\n\n{}", each("ms(x) > 400")),
            &half,
            ABSENCE,
        ),
        case(
            "a part of an element that is only named",
            &each("it := x.it\n\tx.name == \"a\"\n\tit.ms > 400"),
            &list(&[r#"{"name": "a", "it": {"ms": 3}}"#, r#"{"name": "b"}"#]),
            HOLDS,
        ),
        case("a maximum of a comprehension", "violation contains \"x\" if max([x.ms | some x in input.svc.list]) > 400", &half, ABSENCE),
        case("a sum of a set of one's own", "all contains x.ms if some x in input.svc.list\n\nviolation contains \"x\" if sum(all) > 400", &half, ABSENCE),
    ]);
    insta::assert_snapshot!(asked(&rows));
}

#[test]
fn fields_of_patterns() {
    let some = |pattern: &str, condition: &str| {
        format!("violation contains name if {{\n\tsome {{{pattern}}} in input.svc.list\n\t{condition}\n}}")
    };
    let half = list(&[r#"{"name": "a", "ms": 300, "kind": "Job"}"#, r#"{"name": "b", "kind": "Service"}"#]);
    let both = list(&[r#"{"name": "a", "ms": 500}"#, r#"{"name": "b"}"#]);
    let ordered = some("\"name\": name, \"ms\": ms", "ms > 400");
    let said = asked(&[
        case("an order", &ordered, &half, MISSING),
        case("an order, and another element refutes it", &ordered, &both, "decayed violated + missing, exit 1"),
        case(
            "an order, of those that the pattern fits",
            &some("\"name\": name, \"ms\": ms, \"kind\": \"Job\"", "ms > 400"),
            &half,
            HOLDS,
        ),
        case(
            "an order, and one that the pattern fits lacks it",
            &some("\"name\": name, \"ms\": ms, \"kind\": \"Service\"", "ms > 400"),
            &half,
            MISSING,
        ),
        case("an order under `optional`", &says("optional: [\"input.svc.list[_].ms\"]", &ordered), &half, HOLDS),
        case(
            "an order, and the field is deeper",
            &some("\"name\": name, \"it\": {\"ms\": ms}", "ms > 400"),
            &list(&[r#"{"name": "a", "it": {"ms": 1}}"#, r#"{"name": "b", "it": {}}"#]),
            MISSING,
        ),
        case("an equality, and one element has it", &some("\"name\": name, \"ms\": ms", "ms == 400"), &half, HOLDS),
        case("an equality, and none has it", &some("\"name\": name, \"s\": s", "s == 400"), &half, MISSING),
        case(
            "a field that is asked for",
            &some("\"name\": name, \"bad\": _", "name != \"\""),
            &half,
            "holds + absence + never_reached, exit 0",
        ),
        case(
            "a typo",
            &some("\"name\": name, \"replicsa\": n", "n == 400"),
            &list(&[r#"{"name": "a", "replicas": 1}"#]),
            MISSING,
        ),
        case("an assignment", &each("{\"ms\": ms} := x\n\tms > 400"), &half, MISSING),
        case("an assignment, and it is everywhere", &each("{\"name\": n} := x\n\tn == \"c\""), &half, HOLDS),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_a_call_gives() {
    let half = list(&[r#"{"name": "a", "it": "{\"ms\": 300}"}"#, r#"{"name": "b", "it": "{}"}"#]);
    let all = list(&[r#"{"name": "a", "it": "{\"ms\": 300}"}"#]);
    let said = asked(&[
        case("an order of a field", &each("json.unmarshal(x.it).ms > 400"), &half, MISSING),
        case("an order of a field that is there", &each("json.unmarshal(x.it).ms > 400"), &all, HOLDS),
        case("an equality of a field that one has", &each("json.unmarshal(x.it).ms == 400"), &half, HOLDS),
        case("a field that none has", &each("json.unmarshal(x.it).owner == \"nobody\""), &all, MISSING),
        case(
            "a field of one's own function",
            &format!("it(x) := json.unmarshal(x.it)\n\n{}", each("it(x).ms > 400")),
            &half,
            MISSING,
        ),
        case("a field of `object.get`", &each("object.get(x, \"limits\", {}).ms > 400"), &half, HOLDS),
        case("a field under `not`", &each("not json.unmarshal(x.it).ms < 400"), &half, MISSING),
        case(
            "a field under `not`, and another element refutes it",
            &each("not json.unmarshal(x.it).ms < 200"),
            &half,
            "decayed violated + missing, exit 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn look_ups_in_the_design() {
    let both = list(&[r#"{"name": "a", "mem": 3}"#, r#"{"name": "b", "mem": 3}"#]);
    let row = |title, rules: &str, design: &str, answer| {
        case(title, rules, &both, answer).with("design/services.yaml", design)
    };
    let most = each("x.mem > data.design.most[x.name]");
    let named = each("most := data.design.most[x.name]\n\tx.mem > most");
    let measure = "measure contains {\"subject\": x.name, \"value\": x.mem, \"limit\": most} if {\n\tsome x in input.svc.list\n\tmost := data.design.most[x.name]\n}";
    let built = "measure contains m if {\n\tsome x in input.svc.list\n\tmost := data.design.most[x.name]\n\tm := {\"subject\": x.name, \"value\": x.mem, \"limit\": most}\n}";
    let all = "most: {a: 9, b: 9}\n";
    let one = "most: {a: 9}\n";
    let none = "most: {c: 9}\n";
    let said = asked(&[
        row("an order, and none is there", &most, none, MISSING),
        row("an order, and one is there", &most, one, HOLDS),
        row("an order, and all are there", &most, all, HOLDS),
        row("a name, and none is there", &named, none, MISSING),
        row("a name, and one is there", &named, one, HOLDS),
        row("an equality, and none is there", &each("x.mem == data.design.most[x.name]"), none, MISSING),
        row("a deeper step, and none is there", &each("not data.design.most[x.name].mem"), none, MISSING),
        row("a test, and none is there", &each("data.design.most[x.name]"), none, HOLDS),
        row("a test under `not`, and none is there", &each("not data.design.most[x.name]"), none, DECAYED),
        row(
            "a test of a function under `not`",
            &format!("known(x) if data.design.most[x.name]\n\n{}", each("not known(x)")),
            none,
            DECAYED,
        ),
        row("`object.get`, and none is there", &each("x.mem > object.get(data.design.most, x.name, 9)"), none, HOLDS),
        row("optional, and none is there", &says("optional: [\"data.design.most[_]\"]", &most), none, HOLDS),
        row("a measure, and none is there", measure, none, "unknown missing + vacuous, exit 3"),
        row("a measure, and one is there", measure, one, MISSING),
        row("a measure, and all are there", measure, all, HOLDS),
        row("a measure in its body, and one is there", built, one, MISSING),
        row("a measure in its body, and all are there", built, all, HOLDS),
        row("optional in a measure", &says("optional: [\"data.design.most[_]\"]", measure), one, HOLDS),
        case(
            "a look-up in the facts, and none is there",
            &each("x.mem > input.svc.most[x.name]"),
            r#"{"list": [{"name": "a", "mem": 3}], "most": {"b": 1}}"#,
            HOLDS,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn under_not() {
    let half = list(&[r#"{"name": "a", "image": "reg/a", "ms": 300, "tags": ["t"]}"#, r#"{"name": "b"}"#]);
    let helper = |condition: &str, body: &str| format!("fine(x) if {body}\n\n{}", each(condition));
    let said = asked(&[
        case("an order", &each("not x.ms <= 400"), &half, MISSING),
        case("an inequality", &each("not x.image != \"reg/b\"\n\tx.name == \"b\""), &half, MISSING),
        case("a membership", &each("not x.image in {\"reg/a\"}"), &half, MISSING),
        case("a membership in a list", &each("not \"t\" in x.tags"), &half, MISSING),
        case("arithmetic", &each("not x.ms + 1 == 301"), &half, MISSING),
        case("a call", &each("not startswith(x.image, \"reg/\")"), &half, MISSING),
        case("a call of one's own", &helper("not fine(x.image)", "startswith(x, \"reg/\")"), &half, MISSING),
        case("a bare path", &each("not x.image"), &half, DECAYED),
        case("an equality", &each("not x.image == \"reg/a\""), &half, DECAYED),
        case("an equality with true", &each("not x.ready == true"), &list(&[r#"{"name": "a"}"#]), DECAYED),
        case("a helper", &helper("not fine(x)", "x.image == \"reg/a\""), &half, DECAYED),
        case("a helper that orders", &helper("not fine(x)", "x.ms < 400"), &half, MISSING),
        case(
            "a helper that orders, and one element refutes it",
            &helper("not fine(x)", "x.ms < 200"),
            &half,
            "decayed violated + missing, exit 1",
        ),
        case(
            "a call over `object.get`",
            &each("not startswith(object.get(x, \"image\", \"\"), \"reg/\")"),
            &half,
            DECAYED,
        ),
        case(
            "a call under `optional`",
            &says("optional: [\"input.svc.list[_].image\"]", &each("not startswith(x.image, \"reg/\")")),
            &half,
            DECAYED,
        ),
        case("a call for what is all there", &each("not startswith(x.name, \"b\")"), &half, DECAYED),
        case(
            "a call, and another element refutes it",
            &each("not startswith(x.image, \"other/\")"),
            &half,
            "decayed violated + missing, exit 1",
        ),
        case("a design path", &each("not x.name in data.design.owners"), &half, MISSING),
        case(
            "a design path behind a variable",
            "violation contains x.name if {\n\tsome x in input.svc.list\n\tnot data.design.owners[x.name].team\n}",
            &half,
            DECAYED,
        )
        .with("design/services.yaml", "owners: {a: {team: t}}\n"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn left_out() {
    let source = |says: &str| format!("{OK}, {says}");
    let case = |title, rules: &str, facts: &str, says: &str, answer| {
        row(title, rules, &[("svc", facts, &source(says))], answer)
    };
    let said = asked(&[
        case(
            "not finite",
            &each("x.ms == 5"),
            &list(&[r#"{"name": "a", "ms": 1}"#, r#"{"name": "b"}"#]),
            "nonfinite: [\"list[1].ms\"]",
            MISSING,
        ),
        case(
            "not finite in a list of numbers",
            "violation contains \"slow\" if { some ms in input.svc.list; ms > 400 }",
            r#"{"list": [1, null]}"#,
            "nonfinite: [\"list[1]\"]",
            MISSING,
        ),
        case(
            "not finite under a bare `not`",
            &each("not x.ms"),
            &list(&[r#"{"name": "a", "ms": 1}"#, r#"{"name": "b"}"#]),
            "nonfinite: [\"list[1].ms\"]",
            MISSING,
        ),
        case(
            "not finite, and the element is not reached",
            &each("x.name == \"a\"\n\tx.ms > 400"),
            &list(&[r#"{"name": "a", "ms": 1}"#, r#"{"name": "b"}"#]),
            "nonfinite: [\"list[1].ms\"]",
            HOLDS,
        ),
        case(
            "withheld",
            &each("x.token == \"changeme\""),
            &list(&[r#"{"name": "a"}"#]),
            "withheld: [\"list[0].token\"]",
            MISSING,
        ),
        case(
            "withheld, and not read",
            &each("x.name == \"changeme\""),
            &list(&[r#"{"name": "a"}"#]),
            "withheld: [\"list[0].token\"]",
            HOLDS,
        ),
        case(
            "not finite in a measure",
            "measure contains {\"subject\": x.name, \"value\": x.ms, \"limit\": 400} if some x in input.svc.list",
            &list(&[r#"{"name": "a", "ms": 1}"#, r#"{"name": "b"}"#]),
            "nonfinite: [\"list[1].ms\"]",
            LOST,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn lost_and_required() {
    let nameless = list(&[r#"{"bad": true, "name": "a"}"#, r#"{"bad": true}"#]);
    let all = list(&[r#"{"bad": true}"#, r#"{"bad": true}"#]);
    let said = asked(&[
        case("a violation", &each("x.bad"), &all, LOST),
        case("one violation of two", &each("x.bad"), &nameless, "decayed violated + missing + lost, exit 1"),
        case(
            "the message of a violation",
            "violation contains {\"msg\": sprintf(\"%s is bad\", [x.name])} if {\n\tsome x in input.svc.list\n\tx.bad\n}",
            &all,
            LOST,
        ),
        case(
            "the message of a violation, in its body",
            "violation contains v if {\n\tsome x in input.svc.list\n\tx.bad\n\tv := {\"msg\": sprintf(\"%s is bad\", [x.name])}\n}",
            &all,
            LOST,
        ),
        case("a warning", &each("x.bad").replace("violation", "warn"), &all, LOST),
        case(
            "a subject",
            &format!("subjects contains x.name if some x in input.svc.list\n\n{}", each("x.worse")),
            &nameless,
            LOST,
        ),
        case("nothing is lost where nothing is met", &each("x.worse"), &all, ABSENCE),
        case(
            "required",
            &says("required: [\"input.svc.list[_].owner\"]", &each("x.owner == \"nobody\"")),
            &list(&[r#"{"name": "a", "owner": "t"}"#, r#"{"name": "b"}"#]),
            MISSING,
        ),
        case(
            "required, in a truth test",
            &says("required: [\"input.svc.list[_].privileged\"]", &each("x.privileged")),
            &list(&[r#"{"name": "a", "privileged": false}"#, r#"{"name": "b"}"#]),
            MISSING,
        ),
        case(
            "required, and there",
            &says("required: [\"input.svc.list[_].owner\"]", &each("x.owner == \"nobody\"")),
            &list(&[r#"{"name": "a", "owner": "t"}"#]),
            HOLDS,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn mistyped() {
    let text = list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b", "ms": "12"}"#]);
    let null = list(&[r#"{"name": "a", "ms": "300"}"#, r#"{"name": "b", "ms": null}"#]);
    let said = asked(&[
        case("text in an order", &each("x.ms > 400"), &text, MISTYPED),
        case(
            "text in an order, and another element refutes it",
            &each("x.ms > 200"),
            &text,
            "decayed violated + mistyped, exit 1",
        ),
        case(
            "null in an order",
            &each("x.ms < 1"),
            &list(&[r#"{"name": "a", "ms": 300}"#, r#"{"name": "b", "ms": null}"#]),
            MISTYPED,
        ),
        case("text through `:=`", &each("ms := x.ms\n\tms > 400"), &text, MISTYPED),
        case(
            "text in a function",
            "slow(ms) if ms > 400\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tslow(x.ms)\n}",
            &text,
            MISTYPED,
        ),
        case("text against the design", &each("x.ms > data.design.max_ms"), &text, MISTYPED),
        case("a limit of text", &each("x.ms > data.design.max_ms"), &list(&[r#"{"name": "a", "ms": 300}"#]), MISTYPED)
            .with("design/services.yaml", "max_ms: \"400\"\n"),
        case(
            "two texts have an order",
            &each("x.version < \"1.2\""),
            &list(&[r#"{"name": "a", "version": "1.3"}"#]),
            HOLDS,
        ),
        case("text that is converted", &each("to_number(x.ms) > 400"), &list(&[r#"{"name": "b", "ms": "12"}"#]), HOLDS),
        case("null that is converted", &each("to_number(x.ms) < 1"), &null, MISTYPED),
        case("null that is converted, after a guard", &each("x.ms != null\n\tto_number(x.ms) < 1"), &null, HOLDS),
        case("null that is converted and compared", &each("to_number(x.ms) == 0"), &null, MISTYPED),
        case("null that is converted under `not`", &each("not to_number(x.ms) > 1"), &null, MISTYPED),
        case(
            "null that is converted in a comprehension",
            "violation contains \"x\" if sum([to_number(x.ms) | some x in input.svc.list]) > 900",
            &null,
            MISTYPED,
        ),
        case(
            "text in an order in a comprehension",
            "violation contains \"x\" if count([x | some x in input.svc.list; x.ms > 400]) > 3",
            &text,
            MISTYPED,
        ),
        case("text that is compared", &each("x.ms == 12"), &list(&[r#"{"name": "b", "ms": "12"}"#]), HOLDS),
        case("text under `not`", &each("not x.ms < 400"), &text, MISTYPED),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn lists_that_calls_make() {
    let keys = "violation contains k if {\n\tsome k in object.keys(input.svc.ports)\n\tstartswith(k, \"bad\")\n}";
    let every = "holds if every k in object.keys(input.svc.ports) { startswith(k, \"good\") }";
    let own = "names(x) := object.keys(x.ports)\n\nviolation contains k if {\n\tsome k in names(input.svc)\n\tstartswith(k, \"bad\")\n}";
    let others =
        "violation contains k if {\n\tsome k in object.keys(input.svc.ports) - {\"a\"}\n\tstartswith(k, \"bad\")\n}";
    let constant = "violation contains k if {\n\tsome k in split(\"a,b\", \",\")\n\tinput.svc.ports[k]\n}";
    let siblings = "violation contains \"p\" if {\n\tc := input.svc.containers[_]\n\tc.privileged\n}\n\nviolation contains \"q\" if {\n\tc := input.svc.initContainers[_]\n\tc.privileged\n}";
    let said = asked(&[
        case("keys of nothing", keys, r#"{"ports": {}}"#, VACUOUS),
        case("keys", keys, r#"{"ports": {"good": 1}}"#, HOLDS),
        case("`every` over keys of nothing", every, r#"{"ports": {}}"#, VACUOUS),
        case("`every` over keys", every, r#"{"ports": {"good": 1}}"#, HOLDS),
        case("keys of nothing, by a function", own, r#"{"ports": {}}"#, VACUOUS),
        case("keys, by a function", own, r#"{"ports": {"good": 1}}"#, HOLDS),
        case("keys without others", others, r#"{"ports": {"a": 1}}"#, VACUOUS),
        case("constants", constant, r#"{"ports": {"c": true}}"#, HOLDS),
        case("lists side by side, by `[_]`", siblings, r#"{"containers": [{"image": "x", "privileged": false}]}"#, NEVER),
        case("neither of the lists, by `[_]`", siblings, r#"{"name": "x"}"#, "unknown missing + missing, exit 3"),
        case(
            "a function with a default over the design",
            "default lim(_) := 1000\n\nlim(n) := data.design.lim[n]\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tx.ms > lim(x.name)\n}",
            &list(&[r#"{"name": "a", "ms": 2000}"#, r#"{"name": "b", "ms": 3}"#]),
            MISSING,
        )
        .with("design/services.yaml", "limits: {a: 1}\n"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn lists_that_are_none() {
    let every = "holds if every x in input.svc.list { x.ms < 400 }";
    let said = asked(&[
        case("the list is `null`", &each("x.bad"), r#"{"list": null}"#, VACUOUS),
        case("the list of `every` is `null`", every, r#"{"list": null}"#, VACUOUS),
        case("the list is text", &each("x.bad"), r#"{"list": "none"}"#, "unknown error, exit 3"),
        case("the list of `every` is text", every, r#"{"list": "none"}"#, "unknown error, exit 3"),
        case(
            "the list inside one element is `null`",
            "violation contains c.image if {\n\tsome x in input.svc.list\n\tsome c in x.init\n\tc.image == \"a\"\n}",
            &list(&[r#"{"init": null}"#, r#"{"init": [{"image": "b"}]}"#]),
            HOLDS,
        ),
        case(
            "the list inside one element is `null`, and another body fires",
            "violation contains \"init\" if {\n\tsome x in input.svc.list\n\tsome c in x.init\n\tc.image == \"a\"\n}\n\nviolation contains \"bad\" if input.svc.list[_].bad",
            &list(&[r#"{"init": null, "bad": true}"#]),
            DECAYED,
        ),
        case(
            "`every` inside `every`, over `null`",
            "holds if every x in input.svc.list { every c in x.init { c.image != \"a\" } }",
            &list(&[r#"{"init": null}"#, r#"{"init": [{"image": "b"}]}"#]),
            HOLDS,
        ),
        case(
            "`every` inside `every`, over what is not there",
            "holds if every x in input.svc.list { every c in x.init { c.image != \"a\" } }",
            &list(&["{}", r#"{"init": [{"image": "b"}]}"#]),
            MISSING,
        ),
        case(
            "`every` inside `every`, over what is not there, by `object.get`",
            "holds if every x in input.svc.list { every c in object.get(x, \"init\", []) { c.image != \"a\" } }",
            &list(&["{}", r#"{"init": [{"image": "b"}]}"#]),
            HOLDS,
        ),
        case(
            "`every` in the body of a violation, over what is not there",
            "violation contains \"all\" if {\n\tsome x in input.svc.list\n\tevery c in x.init { c.image == \"a\" }\n}",
            &list(&["{}", r#"{"init": [{"image": "b"}]}"#]),
            HOLDS,
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn first_iterations() {
    let nothing = r#"{"list": []}"#;
    let strict = |row: Row<'static>| row.says("defaults: {vacuous: strict}");
    let helper = "bad contains x.name if {\n\tsome x in input.svc.list\n\tx.bad\n}\n\nviolation contains name if some name in bad";
    let function = "bad(list) if {\n\tsome x in list\n\tx.bad\n}\n\nviolation contains \"bad\" if bad(input.svc.list)";
    let every = "holds if every x in input.svc.list { x.ms < 400 }";
    let of_list = |rule: &str| rule.replace("LIST", "object.get(input.svc, \"list\", [])");
    let got = |condition: &str| of_list(&format!("violation contains \"x\" if {{\n\t{condition}\n}}"));
    let got_all = |condition: &str| of_list(&format!("holds if {condition}"));
    let counted = "violation contains \"bad\" if count([x | some x in input.svc.list; x.bad]) > 0";
    let said = asked(&[
        case("in a body", &each("x.bad"), nothing, VACUOUS),
        case("in a body, by `[_]`", "violation contains \"bad\" if input.svc.list[_].bad", nothing, VACUOUS),
        case(
            "in a body, by a name",
            "violation contains i if {\n\tsome i\n\tinput.svc.list[i].bad\n}",
            nothing,
            VACUOUS,
        ),
        case("in a comprehension", counted, nothing, VACUOUS),
        case("in a helper rule", helper, nothing, VACUOUS),
        case("in a function", function, nothing, VACUOUS),
        case("in `every`", every, nothing, VACUOUS),
        case("the list of a body is not there", &each("x.bad"), "{}", MISSING),
        case("the list of a comprehension is not there", counted, "{}", MISSING),
        case("the list of a helper rule is not there", helper, "{}", MISSING),
        case("the list of a function is not there", function, "{}", "unknown missing + vacuous, exit 3"),
        case("the list of `every` is not there", every, "{}", MISSING),
        case("empty, and that is an answer", &says("vacuous: allowed", &each("x.bad")), nothing, NEVER),
        case("not there, though empty would be an answer", &says("vacuous: allowed", &each("x.bad")), "{}", MISSING),
        case(
            "not there, and listed as optional",
            &says("optional: [\"input.svc.list\"]", &each("x.bad")),
            "{}",
            VACUOUS,
        ),
        case(
            "an optional list beside one with elements",
            "violation contains x.name if {\n\tsome x in input.svc.containers\n\tx.bad\n}\n\nviolation contains x.name if {\n\tsome x in input.svc.initContainers\n\tx.bad\n}",
            r#"{"containers": [{"name": "a", "bad": false}]}"#,
            "holds + never_reached, exit 0",
        ),
        case(
            "an element that a test refuses",
            &each("x.kind == \"b\"\n\tx.bad"),
            &list(&[r#"{"name": "a", "kind": "aaa"}"#]),
            NEVER,
        ),
        strict(case(
            "an element that a test refuses, strictly",
            &each("x.kind == \"b\"\n\tx.bad"),
            &list(&[r#"{"name": "a", "kind": "aaa"}"#]),
            VACUOUS,
        )),
        case(
            "a false condition before it",
            "violation contains \"bad\" if {\n\tinput.svc.enabled\n\tsome x in input.svc.list\n\tx.bad\n}",
            r#"{"enabled": false, "list": []}"#,
            NEVER,
        ),
        case(
            "an absent condition before it",
            "violation contains \"bad\" if {\n\tinput.svc.enabled\n\tsome x in input.svc.list\n\tx.bad\n}",
            r#"{"list": []}"#,
            "unknown vacuous, exit 3",
        ),
        case("a body without iteration", "violation contains \"slow\" if input.svc.p99 > 400", r#"{"p99": 1}"#, HOLDS),
        case(
            "a list of the design, where facts are read",
            "violation contains s if {\n\tsome s in data.design.services\n\tinput.svc.down == s\n}",
            r#"{"down": "none"}"#,
            HOLDS,
        )
        .with("design/services.yaml", "services: [web]\n"),
        case(
            "the first of two bodies has elements",
            &format!("{}\n\n{}", each("x.bad"), each("x.bad").replace("svc.list", "svc.others")),
            r#"{"list": [{"name": "a"}], "others": []}"#,
            "holds + absence + never_reached, exit 0",
        ),
        case("`object.get` in a body", &got("some x in LIST\n\tx.bad"), "{}", VACUOUS),
        case("`object.get` in a body, and it is empty", &got("some x in LIST\n\tx.bad"), nothing, VACUOUS),
        case("`object.get` in a body, by `[_]`", &got("LIST[_].bad"), "{}", VACUOUS),
        case("`object.get` in a comprehension", &got("count([x | some x in LIST; x.bad]) > 0"), "{}", VACUOUS),
        case("`object.get` in `every`", &got_all("every x in LIST { x.ms < 400 }"), "{}", VACUOUS),
        case("`object.get` in `every`, and it is empty", &got_all("every x in LIST { x.ms < 400 }"), nothing, VACUOUS),
        case(
            "`object.get` in a helper rule",
            &format!(
                "{}\n\nbad contains x if {{\n\tsome x in object.get(input.svc, \"list\", [])\n\tx.bad\n}}",
                got("some x in bad")
            ),
            "{}",
            VACUOUS,
        ),
        case("`object.get` with elements", &got("some x in LIST\n\tx.ms > 400"), &list(&[r#"{"ms": 3}"#]), HOLDS),
        case(
            "`object.get` in `every`, with elements",
            &got_all("every x in LIST { x.ms < 400 }"),
            &list(&[r#"{"ms": 3}"#]),
            HOLDS,
        ),
        case(
            "`object.get` inside an element",
            "violation contains x.name if {\n\tsome x in input.svc.list\n\tsome p in object.get(x, \"ports\", [])\n\tp == 22\n}",
            &list(&[r#"{"name": "a"}"#]),
            NEVER,
        ),
        case(
            "`object.get`, and nothing is an answer",
            &says("vacuous: allowed", &got("some x in LIST\n\tx.bad")),
            "{}",
            NEVER,
        ),
        case("`holds` over nothing", "holds if {\n\tsome x in input.svc.list\n\tx.ok\n}", nothing, VACUOUS),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn all_kinds_of_rules() {
    let half = list(&[r#"{"name": "a", "ms": 500}"#, r#"{"name": "b"}"#]);
    let said = asked(&[
        case(
            "a function with several callers",
            "slow(x) if x.ms > 400\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tslow(x)\n}\n\nwarn contains x.name if {\n\tsome x in input.svc.others\n\tslow(x)\n}",
            r#"{"list": [{"name": "a", "ms": 1}], "others": [{"name": "b"}]}"#,
            MISSING,
        ),
        case(
            "a set of elements",
            "big contains x if {\n\tsome x in input.svc.list\n\tx.name\n}\n\nviolation contains x.name if {\n\tsome x in big\n\tx.ms > 900\n}",
            &half,
            MISSING,
        ),
        case(
            "a partial object",
            "by_name[x.name] := x if some x in input.svc.list\n\nviolation contains name if {\n\tsome name, x in by_name\n\tx.ms > 900\n}",
            &half,
            MISSING,
        ),
        case(
            "a partial object, and one element refutes it",
            "by_name[x.name] := x if some x in input.svc.list\n\nviolation contains name if {\n\tsome name, x in by_name\n\tx.ms > 400\n}",
            &half,
            "decayed violated + missing, exit 1",
        ),
        case(
            "an alias of the list",
            "all := input.svc.list\n\nviolation contains x.name if {\n\tsome x in all\n\tx.ms > 900\n}",
            &half,
            MISSING,
        ),
        case(
            "a comprehension that gathers the elements",
            "all := [x | some x in input.svc.list]\n\nviolation contains x.name if {\n\tsome x in all\n\tx.ms > 900\n}",
            &half,
            MISSING,
        ),
        case(
            "an import",
            "import input.svc as s\n\nviolation contains x.name if {\n\tsome x in s.list\n\tx.ms > 900\n}",
            &half,
            MISSING,
        ),
        case(
            "`with input`, which is not judged",
            "slow if input.svc.p99 > 400\n\nviolation contains \"slow\" if slow with input as {\"svc\": {}}\n\nwarn contains \"slow\" if input.svc.p99 > 400",
            r#"{"p99": 1}"#,
            "holds + not_explained, exit 0",
        ),
        case(
            "a witness of a nested body counts",
            "violation contains \"slow\" if count([x | some x in input.svc.list; x.ms > 400]) > 0",
            &list(&[r#"{"name": "a", "ms": 500}"#]),
            DECAYED,
        ),
        case(
            "an element through a helper rule counts by itself",
            "slow contains x.name if {\n\tsome x in input.svc.list\n\tx.ms > 400\n}\n\nviolation contains name if some name in slow",
            &half,
            "decayed violated + missing, exit 1",
        ),
        case(
            "the elements of a set rule are not",
            "slow contains x.name if {\n\tsome x in input.svc.list\n\tx.ms > 400\n}\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tnot x.name in slow\n}",
            &half,
            MISSING,
        ),
        case(
            "the same gap in two rules is said once",
            &format!("{}\n\n{}", each("x.ms > 900"), each("x.ms > 900").replace("violation", "warn")),
            &half,
            MISSING,
        ),
        case("older policies", "deny[x.name] {\n\tx := input.svc.list[_]\n\tx.ms > 900\n}", &half, MISSING).with(
            "stillholds.yaml",
            "version: 1\nname: shop\npolicies: [{path: \"policies/*.rego\", rego: v0}]\ndesign: [\"design/*.yaml\"]\n",
        ),
        case(
            "`every` over nothing in a violation",
            "violation contains \"x\" if {\n\tevery x in input.svc.list { x.ms > 1 }\n}",
            r#"{"list": []}"#,
            "decayed violated + vacuous, exit 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn every_form_of_rule_is_followed() {
    let facts = r#"{"list": [{"name": "a", "ms": 1, "ports": [1, 2], "tags": {"k": "v"}}, {"name": "b", "ms": 2, "ports": [], "tags": {}}], "ok": true}"#;
    let violation = |body: &str| format!("violation contains \"x\" if {{\n\t{body}\n}}");
    let answered = |title, rules: &str, answer| case(title, rules, facts, answer);
    let case = |title, rules: &str| answered(title, rules, HOLDS);
    let said = asked(&[
        case("an object comprehension", &violation("by := {x.name: x.ms | some x in input.svc.list}\n\tby.a > 5")),
        case("a set comprehension", &violation("{x.ms | some x in input.svc.list} & {7} == {7}")),
        case(
            "comprehensions in each other",
            &violation(
                "count([p | some x in input.svc.list; some p in [q | some q in x.ports; q > 1]; p > x.ms + 4]) > 0",
            ),
        ),
        case("`every` with a key", &violation("every i, x in input.svc.list { x.ms > i + 4 }")),
        case("`every` in `every`", &violation("every x in input.svc.list { every p in x.ports { p > 4 }; x.ms > 9 }")),
        case("`some` with a key", &violation("some i, x in input.svc.list\n\tx.ms > i + 4")),
        answered(
            "`some` with a pattern",
            &violation("some {\"name\": name, \"ms\": 7} in input.svc.list\n\tname == \"c\""),
            NEVER,
        ),
        case("`some` over pairs", &violation("some [a, b] in [[x.name, x.ms] | some x in input.svc.list]\n\tb > 5")),
        answered(
            "declared variables",
            &violation("some i, j\n\tinput.svc.list[i].ports[j] > 5\n\tinput.svc.list[i].ms > 1"),
            NEVER,
        ),
        answered(
            "an unbound index twice",
            &violation("input.svc.list[i].ms > 5\n\tinput.svc.list[i].name == \"b\""),
            NEVER,
        ),
        case("statements in another order", &violation("x.ms > 5\n\tsome x in input.svc.list")),
        case("a pattern on the left", &violation("[a, b] := [input.svc.list[0].ms, input.svc.list[1].ms]\n\ta > b")),
        case("`=`", &violation("x = input.svc.list[_]\n\tx.ms = 7")),
        case("a call with its result", &violation("some x in input.svc.list\n\tcount(x.ports, n)\n\tn > 5")),
        case("`with data`", "violation contains \"x\" if input.svc.list[0].ms > data.design.max_ms"),
        case(
            "a chain of `else`",
            "size(x) := \"big\" if {\n\tx.ms > 9\n} else := \"middle\" if {\n\tx.ms > 5\n} else := \"small\"\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tsize(x) != \"small\"\n}",
        ),
        case(
            "an `else` that is a call",
            "size := sprintf(\"%d\", [1]) if {\n\tinput.svc.list[0].ms > 9\n} else := sprintf(\"%d\", [input.svc.list[0].ms])\n\nviolation contains size if size == \"2\"",
        ),
        case(
            "a default function",
            "default size(_) := 0\n\nsize(x) := x.ms if x.ms > 5\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tsize(x) > 0\n}",
        ),
        case(
            "parameters that are patterns",
            "sum2([a, b]) := a + b\n\nviolation contains \"x\" if sum2([input.svc.list[0].ms, input.svc.list[1].ms]) > 5",
        ),
        case(
            "parameters that are constants",
            "limit(\"a\") := 5\n\nlimit(\"b\") := 6\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tx.ms > limit(x.name)\n}",
        ),
        case(
            "a function of functions",
            "f(x) := g(x.ms) + 1\n\ng(n) := n * 2\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tf(x) > 9\n}",
        ),
        case(
            "a partial object of sets",
            "ports[x.name] contains p if {\n\tsome x in input.svc.list\n\tsome p in x.ports\n}\n\nviolation contains name if {\n\tsome name, all in ports\n\tcount(all) > 5\n}",
        ),
        case(
            "a rule that is an expression",
            "all := [x.ms | some x in input.svc.list]\n\nbiggest := max(all)\n\nviolation contains \"x\" if biggest > 5",
        ),
        case(
            "a rule with a path",
            "limits.slow := 5\n\nlimits.big := 6\n\nviolation contains x.name if {\n\tsome x in input.svc.list\n\tx.ms > limits.slow\n}",
        ),
        case("`if` on one line", "violation contains x.name if some x in [y | some y in input.svc.list; y.ms > 5]"),
        case("`in` with a key", &violation("\"k\", \"w\" in input.svc.list[0].tags")),
        case("`not` over a comprehension", &violation("not count([x | some x in input.svc.list; x.ms < 5]) == 2")),
        case("`not` with `_`", &violation("not input.svc.list[_].ms == 1")),
        case("`not` with `_` in a list", &violation("not 2 in input.svc.list[_].ports")),
        case("`not` with `_` in a call", &violation("not startswith(input.svc.list[_].name, \"b\")")),
        answered("`not` with `_`, and no element is so", &violation("not input.svc.list[_].ms == 7"), DECAYED),
        answered("`holds` for none of them", "holds if not input.svc.list[_].ms == 2", "decayed not_held, exit 1"),
        case("a look-up by an expression", &violation("input.svc.list[count(input.svc.list) - 1].ms > 5")),
        case("a template of strings", &violation("concat(\"-\", [x.name | some x in input.svc.list]) == \"b-a\"")),
        case("names that the tool makes", &violation("some x__at1 in input.svc.list\n\tx__at1.ms > 5")),
        case(
            "comments and odd blanks",
            "violation contains x.name if { # a\n\n\tsome x in input.svc.list # b\n\n\t# c\n\tx.ms   >\n\t\t5 # d\n} # e",
        ),
        case("numbers with signs", &violation("some x in input.svc.list\n\tx.ms < -1")),
        answered(
            "`walk`",
            &violation("walk(input.svc, [path, value])\n\tpath[0] == \"missing\"\n\tvalue"),
            "holds + never_reached + not_explained, exit 0",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_look_up_by_a_field_is_followed() {
    let policy = "package shop\n\nviolation contains s.name if {\n\tsome s in input.svc.list\n\ts.cpu > data.design.services[s.name].limit\n}\n";
    let facts = r#"{"list": [{"name": "a", "cpu": 1}, {"name": "b", "cpu": 2}]}"#;
    for (design, code) in [
        ("services: {a: {limit: 3}, b: {limit: 3}}\n", 0),
        ("services: {a: {limit: 3}, b: {limt: 3}}\n", 3),
        ("services: {a: {limit: 3}, b: {limit: \"3\"}}\n", 3),
        ("services: {a: {limit: 3}, b: {limit: 1}}\n", 1),
    ] {
        let project = crate::harness::Project::empty().with_all(&[
            ("stillholds.yaml", "version: 1\npolicies: [\"p/*.rego\"]\ndesign: [\"design.yaml\"]\n"),
            ("p/a.rego", policy),
            ("design.yaml", design),
            ("facts/svc.json", facts),
        ]);
        let run = project.check(&[]);
        assert_eq!(run.code, Some(code), "{design}\n{run}");
    }
}

#[test]
fn secrets_are_in_no_sentence() {
    let rules = ["s.token > 3", "s.secret == \"hunter2secrte\"", "s.password == \"other\"; s.name == \"b\""];
    let facts = r#"{"list": [{"name": "a", "token": "hunter2secret", "secret": "hunter2secret", "password": "hunter2secret"}]}"#;
    for rule in rules {
        let policy =
            format!("package shop\n\nviolation contains s.name if {{\n\tsome s in input.svc.list\n\t{rule}\n}}\n");
        let project = crate::harness::Project::empty().with_all(&[
            ("stillholds.yaml", "version: 1\npolicies: [\"p/*.rego\"]\n"),
            ("p/a.rego", &policy),
            ("facts/svc.json", facts),
        ]);
        for format in [&["-v"][..], &["-o", "json"]] {
            let run = project.check(format);
            assert!(!run.to_string().contains("hunter2secret\""), "{rule}\n{run}");
        }
    }
}

#[test]
fn a_pass_on_nothing_is_none() {
    let policy = "package shop\n\nsources := {\"svc\", \"other\"}\n\nviolation contains \"x\" if {\n\tsome source in sources\n\tsome s in input[source].list\n\ts.bad\n}\n";
    let project = crate::harness::Project::empty().with_all(&[
        ("stillholds.yaml", "version: 1\npolicies: [\"p/*.rego\"]\n"),
        ("p/a.rego", policy),
        ("facts/third.json", "{}"),
    ]);
    let run = project.check(&[]);
    assert_eq!(run.code, Some(3), "{run}");
}
