//! Why an assumption came out as it did: small assumptions over the same facts, each with the conditions and the facts
//! that an expert would point at.

use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Project, table};

const PROJECT: &str = "version: 1
policies: [\"policies/*\"]
design: [\"design/*.yaml\"]
";

const DESIGN: &str = "limit_ms: 400
min_replicas: 2
services:
  checkout:
    calls: [payments]
  payments:
    calls: [ledger]
owners: {checkout: shop, payments: money}
forbidden: [ghost]
";

const SVC: &str = r#"{
  "services": [
    {"name": "checkout", "tier": "front", "p99_ms": 310, "replicas": 3, "calls": ["payments", "cart"],
     "labels": {"app.kubernetes.io/name": "checkout", "team-name": "shop"}},
    {"name": "payments", "tier": "back", "p99_ms": 512, "replicas": 1, "calls": ["ledger"],
     "labels": {"team-name": "money"}},
    {"name": "cart", "tier": "back", "p99_ms": 95, "replicas": 2, "calls": [], "labels": {}, "debug": true}
  ],
  "names": ["checkout", "payments", "ghost"],
  "by_name": {
    "checkout": {"p99_ms": 310, "port": 443, "zones": ["a", "b"]},
    "pay.ments": {"p99_ms": 512, "port": 80, "zones": ["a"]}
  },
  "matrix": [[1, 2], [3, 40]],
  "total": 917,
  "limit": 900,
  "enabled": false
}
"#;

const TRACES: &str = r#"{"edges": [
  {"client": "checkout", "server": "payments", "calls": 90},
  {"client": "checkout", "server": "fraud-ml", "calls": 7},
  {"client": "cart", "server": "checkout", "calls": 3}
]}
"#;

const CLUSTER: &str = "defaults: &defaults
  replicas: 2
  image: \"registry.example/base:1\"
deployments:
  - <<: *defaults
    name: web
  - <<: *defaults
    name: api
    image: \"docker.io/api:latest\"
    containers:
      - {name: main, limits: {cpu: 2}}
      - {name: sidecar, limits: {}}
  - name: worker
    replicas: 0
    image: \"registry.example/worker:2\"
";

/// What must be shown nowhere stands in [`SECRETS`].
const VAULT: &str = r#"env:
  PASSWORD: hunter2-hunter2
  HOST: db.example
tokens: [tok-abcdef-1, tok-abcdef-2]
headers:
  Authorization: Bearer 0123abcd4567
containers:
  - name: web
    env:
      - {name: DB_PASSWORD, value: s3cr3t-value}
      - {name: PORT, value: "80"}
    args: ["--password=s3cr3t-value"]
    database: "postgres://shop:pa55word@db/shop"
creds: {user: shop, db_password: "long\"pass", pin: 4711, pin_secret: 62831853}
"#;

const SECRETS: [&str; 9] =
    ["62831853", "hunter2", "tok-abc", "tok_abc", "0123abcd", "s3cr3t", "pa55word", "long\\\"pass", "long\\\\\\\"pass"];

const LIBRARY: &str = r#"package lib.services

slow contains s.name if {
	some s in input.svc.services
	s.p99_ms > data.design.limit_ms
}

owner(name) := data.design.owners[name]

is_back(s) if s.tier == "back"
"#;

const PAGE: &str = "# Payments stay fast

Payments answer within the limit.

```rego
package page

slow(s) if s.p99_ms > data.design.limit_ms
```

The limit is that of the design.

```rego
violation contains {\"msg\": \"payments are slow\", \"subject\": s.name} if {
	some s in input.svc.services
	slow(s)
}
```
";

/// A name, and the rules or the page they stand in.
type Case = (&'static str, &'static str);

/// A project of these assumptions and the facts above.
fn project(cases: &[Case]) -> Project {
    let mut project = Project::empty().with("stillholds.yaml", PROJECT).with("design/design.yaml", DESIGN);
    let mut manifest = "version: 1\nsources:\n".to_owned();
    for (name, file, text) in [
        ("svc", "svc.json", SVC),
        ("traces", "traces.json", TRACES),
        ("cluster", "cluster.yaml", CLUSTER),
        ("vault", "vault.yaml", VAULT),
    ] {
        let says = "status: ok, observed_to: 2026-11-21T01:00:00Z";
        let _ = writeln!(manifest, "  {name}: {{file: {file}, sha256: SHA256({file}), {says}}}");
        project = project.with(&format!("facts/{file}"), text);
    }
    project = project.with("facts/snapshot.yaml", manifest);
    for (name, text) in cases {
        project = if text.starts_with("# ") {
            project.with(&format!("policies/{name}.md"), *text)
        } else {
            project.with(&format!("policies/{name}.rego"), format!("package {name}\n\n{text}\n"))
        };
        if text.contains("lib.services") {
            project = project.with("policies/lib.rego", LIBRARY);
        }
    }
    project
}

/// What each assumption says of why. Every evaluation that tells why must give what the plain one gave.
fn told(cases: &[Case]) -> String {
    let run = project(cases).check(&["-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let judged = |name: &str| {
        let mut all = report["assumptions"].as_array().into_iter().flatten();
        all.find(|judged| judged["id"] == name).unwrap_or_else(|| panic!("{name} is judged\n{run}"))
    };
    table(cases.iter().map(|(name, text)| (*name, format!("{text}\n\n{}", why(judged(name))))))
}

/// The verdict, then of each violation its conditions and evidence; then those of the assumption itself.
fn why(judged: &Value) -> String {
    let mut out = word(&judged["verdict"]);
    for note in [&judged["reason"]].into_iter().filter(|reason| !reason.is_null()) {
        let _ = write!(out, " {}", word(note));
    }
    if judged["verdict"] == "unknown" {
        let _ = write!(out, "\n? {}\n  {}", word(&judged["message"]), word(&judged["help"]));
    }
    for note in judged["notes"].as_array().into_iter().flatten() {
        // What `with` puts in the place of the facts is said not to be followed.
        let is_expected = judged["id"].as_str().is_some_and(|id| id.starts_with("with_") || id == "walked");
        assert!(is_expected || note["reason"] != "not_explained", "{}: {note}", judged["id"]);
        let _ = write!(out, "\n+ {}: {}", word(&note["reason"]), word(&note["message"]));
    }
    out.push('\n');
    for violation in judged["violations"].as_array().into_iter().flatten() {
        let counts = if violation["counts"] == true { "" } else { " (does not count)" };
        let _ = write!(out, "! {} [{}]{counts}", word(&violation["message"]), word(&violation["subject"]));
        for key in ["expected", "observed"].into_iter().filter(|key| !violation[*key].is_null()) {
            let _ = write!(out, " {key} {}", violation[key]);
        }
        if violation["details"] != serde_json::json!({}) {
            let _ = write!(out, " {}", violation["details"]);
        }
        out.push('\n');
        because(&mut out, violation);
    }
    because(&mut out, judged);
    out
}

fn because(out: &mut String, of: &Value) {
    for condition in of["conditions"].as_array().into_iter().flatten() {
        let place = &condition["location"];
        let _ = write!(
            out,
            "    {}:{} {} -> {} of {}",
            place["line"],
            place["column"],
            word(&condition["text"]),
            word(&condition["outcome"]),
            condition["bindings"]
        );
        for operand in condition["operands"].as_array().into_iter().flatten() {
            let _ = write!(out, "; {} = {}", word(&operand["text"]), operand["value"]);
        }
        if let Some(note) = condition["note"].as_str() {
            let _ = write!(out, " ({note})");
        }
        out.push('\n');
    }
    for fact in of["evidence"].as_array().into_iter().flatten() {
        let place = &fact["location"];
        let _ = writeln!(
            out,
            "    @ {} = {} {}:{}:{}",
            word(&fact["path"]),
            fact["value"],
            word(&place["path"]),
            place["line"],
            place["column"]
        );
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn iteration() {
    let why = told(&[
        ("some_in", "violation contains s.name if {\n\tsome s in input.svc.services\n\ts.p99_ms > 400\n}"),
        ("wildcard", "violation contains \"slow\" if input.svc.services[_].p99_ms > 400"),
        (
            "named_index",
            "violation contains sprintf(\"service %d is slow\", [i]) if {\n\tsome i\n\tinput.svc.services[i].p99_ms > data.design.limit_ms\n}",
        ),
        (
            "object_keys",
            "violation contains {\"msg\": \"plain text\", \"subject\": name} if {\n\tsome name, s in input.svc.by_name\n\ts.port == 80\n}",
        ),
        ("unbound_key", "violation contains name if input.svc.by_name[name].port < 100"),
        (
            "scalars",
            "violation contains name if {\n\tsome name in input.svc.names\n\tname == data.design.forbidden[_]\n}",
        ),
        ("scalars_alone", "violation contains name if some name in input.svc.names"),
        (
            "nested_lists",
            "violation contains sprintf(\"%d\", [cell]) if {\n\tsome row in input.svc.matrix\n\tsome cell in row\n\tcell > 10\n}",
        ),
        (
            "nested_in_elements",
            "violation contains {\"msg\": \"no limit\", \"subject\": c.name} if {\n\tsome d in input.cluster.deployments\n\tsome c in d.containers\n\tnot c.limits.cpu\n}",
        ),
        (
            "join",
            "violation contains {\"msg\": \"calls a slow service\", \"subject\": e.client} if {\n\tsome e in input.traces.edges\n\tsome s in input.svc.services\n\te.server == s.name\n\ts.p99_ms > 400\n}",
        ),
        (
            "join_by_name",
            "violation contains {\"msg\": \"wrong owner\", \"subject\": s.name} if {\n\tsome s in input.svc.services\n\tdata.design.owners[s.name] == s.labels[\"team-name\"]\n\ts.replicas < data.design.min_replicas\n}",
        ),
        (
            "dashes_and_dots",
            "violation contains \"named\" if {\n\tsome s in input.svc.services\n\ts.labels[\"app.kubernetes.io/name\"] == \"checkout\"\n\tinput.svc.by_name[\"pay.ments\"].port == 80\n}",
        ),
        ("index", "violation contains \"first\" if input.svc.services[0].calls[1] == \"cart\""),
        (
            "pairs",
            "violation contains k if {\n\tsome [k, v] in [[s.name, s.replicas] | some s in input.svc.services]\n\tv < 2\n}",
        ),
        ("destructured", "violation contains \"pair\" if {\n\t[a, b] := input.svc.matrix[1]\n\ta < b\n}"),
        (
            "object_pattern",
            "violation contains n if {\n\tsome s in input.cluster.deployments\n\tsome c in s.containers\n\t{\"cpu\": cpu} = c.limits\n\tcpu > 1\n\tn := c.name\n}",
        ),
        ("unified", "violation contains x if {\n\tsome s in input.svc.services\n\tx = s.name\n\t1 = s.replicas\n}"),
        (
            "out_of_order",
            "violation contains s.name if {\n\ts.p99_ms > data.design.limit_ms\n\ts.tier == tier\n\tsome s in input.svc.services\n\ttier = \"back\"\n}",
        ),
        (
            "walked",
            "violation contains sprintf(\"%v\", [path]) if {\n\twalk(input.svc.by_name, [path, value])\n\tvalue == 80\n}",
        ),
        (
            "object_get",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tobject.get(s, \"debug\", false) == true\n}",
        ),
        ("in_list", "violation contains s.name if {\n\tsome s in input.svc.services\n\t\"cart\" in s.calls\n}"),
        (
            "two_for_one",
            "violation contains \"some service is slow or small\" if {\n\tsome s in input.svc.services\n\ts.replicas < 3\n}",
        ),
    ]);
    assert_snapshot!(why);
}

#[test]
fn helpers() {
    let why = told(&[
        (
            "helper_set",
            "small contains s.name if {\n\tsome s in input.svc.services\n\ts.replicas < 2\n}\n\nviolation contains e.server if {\n\tsome e in input.traces.edges\n\te.server in small\n}",
        ),
        (
            "helper_set_iterated",
            "small contains s.name if {\n\tsome s in input.svc.services\n\ts.replicas < 2\n}\n\nviolation contains name if some name in small",
        ),
        (
            "helper_set_negated",
            "known contains s.name if some s in input.svc.services\n\nviolation contains e.server if {\n\tsome e in input.traces.edges\n\tnot e.server in known\n}",
        ),
        (
            "helper_list",
            "back := [s | some s in input.svc.services; s.tier == \"back\"]\n\nviolation contains s.name if {\n\tsome s in back\n\ts.replicas < 2\n}",
        ),
        ("helper_complete", "limit := input.svc.limit\n\nviolation contains \"too much\" if input.svc.total > limit"),
        (
            "helper_true",
            "busy if {\n\tinput.svc.total > 900\n\tnot input.svc.enabled\n}\n\nviolation contains \"busy\" if busy",
        ),
        (
            "helper_object",
            "port[name] := s.port if some name, s in input.svc.by_name\n\nviolation contains name if {\n\tsome name, number in port\n\tnumber == 80\n}",
        ),
        (
            "helper_object_looked_up",
            "tier[s.name] := s.tier if some s in input.svc.services\n\nviolation contains e.client if {\n\tsome e in input.traces.edges\n\ttier[e.client] == \"back\"\n}",
        ),
        (
            "function",
            "is_slow(s) if s.p99_ms > data.design.limit_ms\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tis_slow(s)\n}",
        ),
        (
            "function_bodies",
            "is_bad(s) if s.p99_ms > 400\n\nis_bad(s) if s.debug\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tis_bad(s)\n}",
        ),
        (
            "function_nested",
            "limit(s) := 100 if s.tier == \"back\"\n\nlimit(s) := 400 if s.tier == \"front\"\n\nis_slow(s) if s.p99_ms > limit(s)\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tis_slow(s)\n}",
        ),
        (
            "function_else",
            "rank(s) := 1 if s.replicas > 2\n\nelse := 2 if s.replicas > 1\n\nelse := 3\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\trank(s) == 3\n}",
        ),
        (
            "function_negated",
            "is_safe(s) if s.replicas > 1\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tnot is_safe(s)\n}",
        ),
        (
            "function_of_scalar",
            "is_big(n) if n > 500\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tis_big(s.p99_ms)\n}",
        ),
        (
            "else_value",
            "state := \"calm\" if input.svc.total < 900\n\nelse := \"busy\" if input.svc.total < 1000\n\nviolation contains \"busy\" if state == \"busy\"",
        ),
        (
            "default_value",
            "default open := false\n\nopen if input.svc.enabled\n\nviolation contains \"closed\" if not open",
        ),
        ("other_package", "import data.lib.services\n\nviolation contains name if some name in services.slow"),
        (
            "other_function",
            "import data.lib.services.is_back\n\nviolation contains s.name if {\n\tsome s in input.svc.services\n\tis_back(s)\n\ts.debug\n}",
        ),
        (
            "full_path",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tdata.lib.services.owner(s.name) == \"money\"\n}",
        ),
        (
            "import_alias",
            "import input.svc.services as all\n\nimport data.design.limit_ms as most\n\nviolation contains s.name if {\n\tsome s in all\n\ts.p99_ms > most\n}",
        ),
    ]);
    assert_snapshot!(why);
}

#[test]
fn negation_and_quantifiers() {
    let why = told(&[
        (
            "not_bare",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tnot s.debug\n\ts.tier == \"back\"\n}",
        ),
        (
            "not_equal",
            "violation contains e.client if {\n\tsome e in input.traces.edges\n\tnot e.client == \"checkout\"\n}",
        ),
        ("unequal", "violation contains e.client if {\n\tsome e in input.traces.edges\n\te.client != \"checkout\"\n}"),
        (
            "not_in_design",
            "violation contains e.server if {\n\tsome e in input.traces.edges\n\te.client == \"checkout\"\n\tnot e.server in data.design.services.checkout.calls\n}",
        ),
        (
            "not_in_looked_up",
            "violation contains e.server if {\n\tsome e in input.traces.edges\n\tservice := data.design.services[e.client]\n\tnot e.server in service.calls\n}",
        ),
        (
            "not_builtin",
            "violation contains d.name if {\n\tsome d in input.cluster.deployments\n\tnot startswith(d.image, \"registry.example/\")\n}",
        ),
        (
            "every_passes",
            "violation contains \"all have calls\" if {\n\tevery e in input.traces.edges {\n\t\te.calls > 2\n\t}\n}",
        ),
        (
            "every_fails",
            "holds if {\n\tevery d in input.cluster.deployments {\n\t\td.replicas > 0\n\t\tstartswith(d.image, \"registry.example/\")\n\t}\n}",
        ),
        (
            "every_negated",
            "violation contains d.name if {\n\tsome d in input.cluster.deployments\n\tnot all_limited(d)\n}\n\nall_limited(d) if {\n\tevery c in d.containers {\n\t\tc.limits.cpu\n\t}\n}",
        ),
        ("every_key", "holds if {\n\tevery name, s in input.svc.by_name {\n\t\ts.port == 443\n\t}\n}"),
        ("every_undefined", "holds if {\n\tevery s in input.svc.services {\n\t\ts.debug\n\t}\n}"),
        (
            "every_of_comprehension",
            "holds if {\n\tevery x in [s | some s in input.svc.services] {\n\t\tx.replicas > 1\n\t}\n}",
        ),
        (
            "every_of_what_was_made",
            "holds if {\n\tevery p in [{\"n\": s.name, \"r\": s.replicas} | some s in input.svc.services; s.tier == \"back\"] {\n\t\tp.r > 1\n\t}\n}",
        ),
        (
            "every_of_a_rule",
            "back := [s | some s in input.svc.services; s.tier == \"back\"]\n\nholds if {\n\tevery s in back {\n\t\ts.replicas > 0\n\t\ts.p99_ms < 400\n\t}\n}",
        ),
        (
            "every_by_a_function",
            "ok(s) if {\n\ts.replicas > 0\n\ts.p99_ms < 400\n}\n\nholds if {\n\tevery s in input.svc.services {\n\t\tok(s)\n\t}\n}",
        ),
        (
            "every_by_a_function_of_two_bodies",
            "ok(s) if s.tier == \"front\"\n\nok(s) if s.replicas > 1\n\nholds if {\n\tevery s in input.svc.services {\n\t\tok(s)\n\t}\n}",
        ),
        (
            "every_by_a_false_function",
            "ok(s) := s.p99_ms < 400\n\nholds if {\n\tevery s in input.svc.services {\n\t\tok(s)\n\t}\n}",
        ),
        (
            "every_by_a_rule",
            "slow contains s.name if {\n\tsome s in input.svc.services\n\ts.p99_ms > 400\n}\n\nholds if {\n\tevery s in input.svc.services {\n\t\tnot s.name in slow\n\t}\n}",
        ),
        (
            "every_in_a_negated_rule",
            "all_ok if {\n\tevery s in input.svc.services {\n\t\tok(s)\n\t}\n}\n\nok(s) if {\n\ts.p99_ms < 400\n\ts.replicas > 0\n}\n\nviolation contains \"bad\" if not all_ok",
        ),
        ("every_behind_hundreds", "holds if {\n\tevery n in numbers.range(1, 950) {\n\t\tn < input.svc.total\n\t}\n}"),
        (
            "every_for_each",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tnot are_known(s.calls)\n}\n\nare_known(names) if {\n\tevery name in names {\n\t\tknown(name)\n\t}\n}\n\nknown(name) if name in input.svc.names",
        ),
    ]);
    assert_snapshot!(why);
}

#[test]
fn comprehensions() {
    let why = told(&[
        (
            "counted",
            "violation contains \"too many\" if {\n\tcount([s | some s in input.svc.services; s.tier == \"back\"]) > 1\n}",
        ),
        (
            "counted_named",
            "violation contains sprintf(\"%d small\", [count(small)]) if {\n\tsmall := {s.name | some s in input.svc.services; s.replicas < 3}\n\tcount(small) > 1\n}",
        ),
        (
            "counted_none",
            "violation contains \"nobody is huge\" if count([s | some s in input.svc.services; s.p99_ms > 9000]) == 0",
        ),
        ("counted_list", "violation contains \"too few\" if count(input.svc.names) < 5"),
        ("summed", "violation contains \"too much\" if sum([e.calls | some e in input.traces.edges]) > 99"),
        (
            "greatest",
            "violation contains \"peak\" if max([s.p99_ms | some s in input.svc.services]) > data.design.limit_ms",
        ),
        (
            "by_element",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tunknown := [c | some c in s.calls; not c in data.design.services[s.name].calls]\n\tcount(unknown) > 0\n}",
        ),
        (
            "set_difference",
            "violation contains name if {\n\tseen := {e.server | some e in input.traces.edges}\n\tknown := {s.name | some s in input.svc.services}\n\tsome name in seen - known\n}",
        ),
        (
            "object_made",
            "violation contains name if {\n\tports := {n: s.port | some n, s in input.svc.by_name}\n\tsome name, port in ports\n\tport == 80\n}",
        ),
        (
            "in_head",
            "violation contains {\"msg\": concat(\", \", [s.name | some s in input.svc.services; s.p99_ms > 400])} if input.svc.total > 900",
        ),
        (
            "flattened",
            "violation contains c if {\n\tall := [c | some s in input.svc.services; some c in s.calls]\n\tsome c in all\n\tc == \"ledger\"\n}",
        ),
    ]);
    assert_snapshot!(why);
}

#[test]
fn heads() {
    let why = told(&[
        ("head_text", "violation contains \"off\" if not input.svc.enabled"),
        ("head_false", "violation contains \"off\" if input.svc.enabled == false"),
        (
            "head_variable",
            "violation contains v if {\n\tsome s in input.svc.services\n\ts.debug\n\tv := {\"msg\": sprintf(\"%s debugs\", [s.name]), \"subject\": s.name, \"observed\": s.debug, \"expected\": false}\n}",
        ),
        (
            "head_message",
            "violation contains msg if {\n\tsome s in input.svc.services\n\ts.replicas < data.design.min_replicas\n\tmsg := sprintf(\"%s has %d\", [s.name, s.replicas])\n}",
        ),
        (
            "head_place",
            "violation contains {\"msg\": \"here\", \"_loc\": {\"file\": \"deploy/web.yaml\", \"line\": 3}} if input.svc.total > input.svc.limit",
        ),
        (
            "deny_and_warn",
            "deny contains \"over\" if input.svc.total > 900\n\nwarn contains \"near\" if input.svc.total > 800",
        ),
        ("with_input", "over if input.total > 10\n\nviolation contains \"over\" if over with input as input.svc"),
        (
            "with_data",
            "over if input.svc.total > data.design.limit_ms\n\nviolation contains \"over\" if over with data.design.limit_ms as 700",
        ),
        ("merged", "violation contains d.name if {\n\tsome d in input.cluster.deployments\n\td.replicas == 2\n}"),
        (
            "overridden",
            "violation contains d.name if {\n\tsome d in input.cluster.deployments\n\tendswith(d.image, \":latest\")\n}",
        ),
        ("page", PAGE),
    ]);
    assert_snapshot!(why);
}

#[test]
fn holds_and_measures() {
    let why = told(&[
        ("holds_compared", "holds := input.svc.total <= input.svc.limit"),
        ("holds_true", "holds := input.svc.total <= 1000"),
        (
            "holds_body",
            "holds if {\n\tinput.svc.total > 100\n\tinput.svc.total <= input.svc.limit\n\tinput.svc.enabled\n}",
        ),
        ("holds_not", "holds if not input.svc.services[1].name == \"payments\""),
        ("holds_undefined", "holds if {\n\tinput.svc.total > 100\n\tinput.svc.ready\n}"),
        ("holds_missing", "holds if input.svc.allowed >= 3"),
        ("holds_some", "holds if {\n\tsome s in input.svc.services\n\ts.tier == \"front\"\n\ts.p99_ms < 300\n}"),
        ("holds_counted", "holds if count([s | some s in input.svc.services; s.replicas < 2]) == 0"),
        (
            "holds_helper",
            "steady if {\n\tinput.svc.total < 2000\n\tinput.svc.total < input.svc.limit\n}\n\nholds if steady",
        ),
        ("holds_function", "fine(s) if s.p99_ms < 400\n\nholds if fine(input.svc.services[1])"),
        ("holds_in", "holds if \"ledger\" in input.svc.services[0].calls"),
        ("holds_default", "default holds := false\n\nholds if input.svc.total < input.svc.limit"),
        ("measure_object", "measure := {\"value\": input.svc.total, \"limit\": input.svc.limit, \"unit\": \"calls\"}"),
        (
            "measure_set",
            "measure contains {\"subject\": s.name, \"value\": s.p99_ms, \"limit\": data.design.limit_ms, \"unit\": \"ms\"} if some s in input.svc.services",
        ),
        (
            "measure_bound",
            "measure contains m if {\n\tsome s in input.svc.services\n\tm := {\"subject\": s.name, \"value\": s.replicas, \"limit\": data.design.min_replicas, \"direction\": \"min\"}\n}",
        ),
        ("measure_sum", "measure := {\"value\": sum([e.calls | some e in input.traces.edges]), \"limit\": 99}"),
    ]);
    assert_snapshot!(why);
}

#[test]
fn secrets() {
    let cases = [
        ("secret_by_key", "violation contains k if {\n\tsome k, v in input.vault.env\n\tv != \"x\"\n}"),
        (
            "secret_by_any_key",
            "violation contains {\"msg\": \"k\", \"subject\": k} if {\n\tk := [\"PASSWORD\", \"HOST\"][_]\n\tinput.vault.env[k] != \"x\"\n}",
        ),
        (
            "secret_in_a_text",
            "violation contains {\"msg\": sprintf(\"has %s\", [json.marshal(input.vault.creds)]), \"observed\": sprintf(\"%v\", [input.vault.creds])} if {\n\tcontains(json.marshal(input.vault.creds), \"user\")\n\tsprintf(\"%v\", [input.vault.creds]) != \"x\"\n}",
        ),
        (
            "secret_through_a_rule",
            "toks := input.vault.tokens\n\nviolation contains {\"msg\": \"t\", \"subject\": t} if {\n\tsome t in toks\n\ttoks[0] != \"x\"\n\tupper(toks[1]) != \"x\"\n\treplace(t, \"-\", \"_\") != \"x\"\n}",
        ),
        (
            "secret_counted",
            "violation contains {\"msg\": \"many\", \"d\": {t: 1}} if {\n\tcount(input.vault.tokens) > 1\n\tt := input.vault.tokens[0]\n}",
        ),
        (
            "secret_in_a_pair",
            "violation contains {\"msg\": e.name, \"expected\": \"80\", \"observed\": e.value, \"pair\": e} if {\n\tsome c in input.vault.containers\n\tsome e in c.env\n\te.value != \"80\"\n\tvalue := e.value\n\tlower(value) != \"x\"\n}",
        ),
        (
            "secret_elsewhere",
            "violation contains a if {\n\tsome c in input.vault.containers\n\tsome a in c.args\n\tstartswith(a, \"--password\")\n}",
        ),
        (
            "secret_by_its_look",
            "violation contains {\"msg\": \"url\", \"observed\": c.database} if {\n\tsome c in input.vault.containers\n\tstartswith(c.database, \"postgres:\")\n}",
        ),
        (
            "secret_header",
            "violation contains \"header\" if {\n\tsome k, v in input.vault.headers\n\tstartswith(v, \"Bearer\")\n\tsplit(v, \" \")[1] != \"x\"\n}",
        ),
        ("secret_every", "holds if {\n\tevery k, v in input.vault.env {\n\t\tv == \"x\"\n\t}\n}"),
        (
            "secret_measured",
            "measure contains {\"subject\": t, \"value\": count(t), \"limit\": 2} if some t in input.vault.tokens",
        ),
        ("secret_mistyped", "violation contains \"high\" if input.vault.creds.db_password > 3"),
        ("secret_failed", "violation contains \"high\" if to_number(input.vault.env.PASSWORD) > 3"),
        ("secret_of_another_type", "violation contains \"pin\" if startswith(input.vault.creds.pin_secret, \"4\")"),
        (
            "secret_in_what_failed",
            "violation contains \"pin\" if {\n\tsome v in input.vault\n\tis_object(v)\n\tv.pin\n\tstartswith(object.union(v, {}), \"4\")\n}",
        ),
    ];
    let project = project(&cases);
    for arguments in [&["-o", "json"][..], &["-v"], &[]] {
        let run = project.check(arguments);
        for secret in SECRETS {
            assert!(!run.to_string().contains(secret), "{secret}\n{run}");
        }
    }
    assert_snapshot!(told(&cases));
}

#[test]
fn what_an_expert_would_point_at() {
    let why = told(&[
        (
            "with_replaced",
            "over if input.svc.limit > 100\n\nviolation contains \"over\" if over with input.svc.limit as 500",
        ),
        (
            "with_replaced_beside",
            "over if {\n\tinput.svc.limit > 100\n\tinput.traces.edges[0].calls > 80\n}\n\nviolation contains \"over\" if over with input.svc.limit as 500",
        ),
        (
            "keys_asked",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tnot \"debug\" in object.keys(s)\n}",
        ),
        ("keys_of_a_path", "violation contains \"no ghost\" if not \"ghost\" in object.keys(input.svc.by_name)"),
        (
            "keys_and_more",
            "violation contains \"no ghost\" if not input.svc.by_name in [object.keys(input.svc.by_name)]",
        ),
        (
            "two_bodies",
            "violation contains \"bad\" if {\n\tsome s in input.svc.services\n\ts.p99_ms > 500\n}\n\nviolation contains \"bad\" if input.svc.total > 900",
        ),
        (
            "two_bodies_of_which_one",
            "violation contains {\"msg\": \"bad\", \"subject\": s.name} if {\n\tsome s in input.svc.services\n\ts.p99_ms > 500\n}\n\nviolation contains {\"msg\": \"bad\", \"subject\": s.name} if {\n\tsome s in input.svc.services\n\ts.debug\n}",
        ),
        (
            "entry_by_name",
            "by[s.name] := s if some s in input.svc.services\n\nviolation contains \"small\" if by[\"payments\"].replicas < 2",
        ),
        (
            "entry_by_variable",
            "by[s.name] := s if some s in input.svc.services\n\nviolation contains name if {\n\tsome name in input.svc.names\n\tby[name].p99_ms > 500\n}",
        ),
        (
            "measure_in_the_head",
            "measure contains {\"value\": s.p99_ms, \"limit\": 400, \"subject\": s.name} if some s in input.svc.services",
        ),
        (
            "measure_computed_in_the_head",
            "measure contains {\"value\": count(s.calls), \"limit\": 1, \"subject\": s.name} if some s in input.svc.services",
        ),
    ]);
    assert_snapshot!(why);
}

#[test]
fn what_cannot_be_told() {
    let why = told(&[
        (
            "entry_that_is_not_there",
            "by[s.name] := s if some s in input.svc.services\n\nviolation contains \"slow\" if by[\"nobody\"].p99_ms > 3",
        ),
        (
            "entry_that_is_misspelt",
            "by[s.name] := s if some s in input.svc.services\n\nviolation contains \"slow\" if by.paymnets.p99_ms > 3",
        ),
        (
            "entry_that_lacks_something",
            "by[s.name] := s if some s in input.svc.services\n\nviolation contains \"slow\" if by[\"payments\"].speed > 3",
        ),
        (
            "number_against_text",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\ts.replicas < \"1.10\"\n}",
        ),
        ("text_against_number", "violation contains s.name if {\n\tsome s in input.svc.services\n\ts.tier > 3\n}"),
        (
            "number_that_is_none",
            "violation contains s.name if {\n\tsome s in input.svc.services\n\tto_number(s.tier) > 100\n}",
        ),
        (
            "number_that_is_none_behind_others",
            "violation contains d.name if {\n\tsome d in input.cluster.deployments\n\tsize := units.parse(replace(d.image, \"registry.example/base:1\", \"3\"))\n\tsize > 100\n}",
        ),
        (
            "time_that_is_none",
            "late(s) if time.parse_rfc3339_ns(s.name) > 3\n\nholds if {\n\tevery s in input.svc.services {\n\t\tnot late(s)\n\t}\n}",
        ),
        (
            "list_that_is_none",
            "violation contains \"none\" if {\n\tsome x in json.unmarshal(input.svc.services[2].name)\n\tx > 3\n}",
        ),
        (
            "source_that_is_not_there",
            "violation contains \"x\" if {\n\tinput.gone.a.b > 3\n\tinput.gone.list[_].x == 3\n}",
        ),
    ]);
    assert_snapshot!(why);
}
