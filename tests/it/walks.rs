//! Everyday assumptions over everyday facts, and what the contract says of them.

use crate::verdicts::{OK, Row, asked, row};

const DESIGN: &str =
    "services:\n  checkout: {calls: [payments, inventory], replicas: {min: 3}}\n  inventory: {replicas: {min: 1}}\n";

/// A walk: the design is that of a shop.
fn walk<'a>(title: &'a str, rules: &str, source: (&str, &str, &str), answer: &'a str) -> Row<'a> {
    row(title, rules, &[source], answer).with("design/services.yaml", DESIGN)
}

const HIDDEN: &str = r#"violation contains {"msg": sprintf("checkout calls %s", [e.server]), "subject": e.server} if {
	some e in input.traces.edges
	e.client == "checkout"
	not e.server in data.design.services.checkout.calls
}"#;
const CALLS: &str =
    r#"{"edges": [{"client": "checkout", "server": "payments"}, {"client": "checkout", "server": "fraud-ml"}]}"#;
const ALLOWED_CALLS: &str =
    r#"{"edges": [{"client": "checkout", "server": "payments"}, {"client": "web", "server": "checkout"}]}"#;

const REPLICAS: &str = r#"violation contains {"msg": sprintf("%s has too few replicas", [d.metadata.name]), "subject": d.metadata.name} if {
	some d in input.kubernetes.deployments
	d.status.readyReplicas < data.design.services[d.metadata.name].replicas.min
}"#;

/// A slow service, one of which was not a number.
const SLOW: &str = "violation contains {\"msg\": \"slow\", \"subject\": r.service} if {
	some r in input.prometheus.p99
	r.value > 0.4
}";
const IMAGES: &str = r#"violation contains {"msg": "from elsewhere", "subject": c.name} if {
	some d in input.kubernetes.deployments
	some c in d.containers
	not startswith(c.image, "registry.example/")
}"#;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn walks() {
    let strict = |row: Row<'static>| row.says("defaults: {vacuous: strict}");
    let typo = |client: &str| HIDDEN.replace("\"checkout\"", &format!("\"{client}\""));
    let nan = format!("{OK}, nonfinite: [\"p99[1].value\"]");
    let deployments = |checkout: &str| {
        format!(
            r#"{{"deployments": [{{"metadata": {{"name": "checkout"}}, "status": {{{checkout}}}}}, {{"metadata": {{"name": "inventory"}}, "status": {{"readyReplicas": 3}}}}]}}"#
        )
    };
    let parts = "status: partial, observed_to: 2026-11-21T01:00:00Z, parts: {deployments: {status: ok}, poddisruptionbudgets: {status: partial}}";
    let privileged = |condition: &str| {
        format!(
            "violation contains {{\"msg\": \"as root\", \"subject\": c.name}} if {{\n\tsome d in input.kubernetes.deployments\n\tsome c in d.containers\n\t{condition}\n}}"
        )
    };
    let containers = r#"{"deployments": [{"containers": [{"name": "a", "image": "registry.example/a"}, {"name": "b", "image": "registry.example/b"}]}, {"containers": [{"name": "c", "image": "registry.example/c"}]}]}"#;
    let said = asked(&[
        walk("1 a hidden dependency", HIDDEN, ("traces", CALLS, OK), "decayed violated, exit 1"),
        walk("2 the design does not say it", HIDDEN, ("traces", CALLS, OK), "unknown missing, exit 3")
            .with("design/services.yaml", "services: {checkout: {replicas: {min: 3}}}\n"),
        walk(
            "3 the design, misspelt in the rule",
            &HIDDEN.replace("services.checkout", "services.chekout"),
            ("traces", CALLS, OK),
            "unknown missing, exit 3",
        ),
        walk("4 a constant, misspelt", &typo("chekcout"), ("traces", ALLOWED_CALLS, OK), "unknown missing, exit 3"),
        walk(
            "5 a constant that nothing has",
            &typo("reporting"),
            ("traces", ALLOWED_CALLS, OK),
            "holds + never_reached, exit 0",
        ),
        strict(walk(
            "5 a constant that nothing has, strictly",
            &typo("reporting"),
            ("traces", ALLOWED_CALLS, OK),
            "unknown vacuous, exit 3",
        )),
        walk(
            "6 zero is a value",
            REPLICAS,
            ("kubernetes", &deployments("\"readyReplicas\": 0"), OK),
            "decayed violated, exit 1",
        ),
        walk(
            "7 one element lacks the value",
            REPLICAS,
            ("kubernetes", &deployments(""), OK),
            "unknown missing, exit 3",
        ),
        walk(
            "8 a value was not finite",
            SLOW,
            ("prometheus", r#"{"p99": [{"service": "checkout", "value": 0.29}, {"service": "payments"}]}"#, &nan),
            "unknown missing, exit 3",
        ),
        walk(
            "9 a value was not finite, under `not`",
            &SLOW.replace("r.value > 0.4", "not r.value <= 0.4"),
            ("prometheus", r#"{"p99": [{"service": "checkout", "value": 0.29}, {"service": "payments"}]}"#, &nan),
            "unknown missing, exit 3",
        ),
        walk(
            "9b a container without image",
            IMAGES,
            ("kubernetes", &containers.replace(r#", "image": "registry.example/b""#, ""), OK),
            "unknown missing, exit 3",
        ),
        walk(
            "10 a witness, and a value that was not finite",
            SLOW,
            ("prometheus", r#"{"p99": [{"service": "checkout", "value": 0.52}, {"service": "payments"}]}"#, &nan),
            "decayed violated + missing, exit 1",
        ),
        walk(
            "11 nothing to count",
            "holds if count([e | some e in input.traces.edges; e.error_ratio > 0.1]) == 0",
            ("traces", r#"{"edges": []}"#, OK),
            "unknown vacuous, exit 3",
        ),
        walk(
            "12 every one",
            "holds if every d in input.kubernetes.deployments { d.spec.replicas >= 2 }",
            ("kubernetes", r#"{"deployments": [{"spec": {"replicas": 3}}, {"spec": {"replicas": 3}}]}"#, OK),
            "holds, exit 0",
        ),
        walk(
            "13 a flag that nothing sets",
            &privileged("c.securityContext.privileged"),
            ("kubernetes", containers, OK),
            "holds + absence, exit 0",
        ),
        walk(
            "14 a value that nothing has",
            &privileged("c.securityContext.runAsUser == 0"),
            ("kubernetes", containers, OK),
            "unknown missing, exit 3",
        ),
        walk(
            "14 a value that nothing has, listed as optional",
            &format!(
                "# METADATA\n# custom:\n#   assumption:\n#     optional: [\"input.kubernetes.deployments[_].containers[_].securityContext\"]\n{}",
                privileged("c.securityContext.runAsUser == 0")
            ),
            ("kubernetes", containers, OK),
            "holds + absence, exit 0",
        ),
        walk(
            "15 absence in a part that is partial",
            "has_pdb(d) if {\n\tsome p in input.kubernetes.poddisruptionbudgets\n\tp.name == d.name\n}\n\nviolation contains {\"msg\": \"no budget\", \"subject\": d.name} if {\n\tsome d in input.kubernetes.deployments\n\tnot has_pdb(d)\n}",
            (
                "kubernetes",
                r#"{"deployments": [{"name": "checkout"}], "poddisruptionbudgets": [{"name": "web"}]}"#,
                parts,
            ),
            "unknown partial else decayed, exit 3",
        ),
        walk(
            "16 no alert",
            "violation contains a.name if {\n\tsome a in input.prometheus.alerts\n\ta.state == \"firing\"\n}",
            ("prometheus", r#"{"alerts": []}"#, OK),
            "unknown vacuous, exit 3",
        ),
        walk(
            "16 no alert, and none is an answer",
            "# METADATA\n# custom:\n#   assumption:\n#     vacuous: allowed\nviolation contains a.name if {\n\tsome a in input.prometheus.alerts\n\ta.state == \"firing\"\n}",
            ("prometheus", r#"{"alerts": []}"#, OK),
            "holds + never_reached, exit 0",
        ),
        walk(
            "17 names that never match",
            "violation contains p.name if {\n\tsome p in input.svc.production\n\tsome s in input.svc.staging\n\ts.name == p.name\n\ts.replicas != p.replicas\n}",
            (
                "svc",
                r#"{"production": [{"name": "web", "replicas": 3}], "staging": [{"name": "staging/web", "replicas": 1}]}"#,
                OK,
            ),
            "holds + never_reached, exit 0",
        ),
        strict(walk(
            "17 names that never match, strictly",
            "violation contains p.name if {\n\tsome p in input.svc.production\n\tsome s in input.svc.staging\n\ts.name == p.name\n\ts.replicas != p.replicas\n}",
            (
                "svc",
                r#"{"production": [{"name": "web", "replicas": 3}], "staging": [{"name": "staging/web", "replicas": 1}]}"#,
                OK,
            ),
            "unknown vacuous, exit 3",
        )),
        walk(
            "18 text where a number is needed",
            "violation contains \"slow\" if input.svc.p99_ms > 400",
            ("svc", r#"{"p99_ms": "12"}"#, OK),
            "unknown mistyped, exit 3",
        ),
        walk(
            "19 another key",
            "holds if input.svc.replicas >= 3",
            ("svc", r#"{"instances": 5}"#, OK),
            "unknown missing, exit 3",
        ),
        walk(
            "20 too old, and it refutes",
            HIDDEN,
            ("traces", CALLS, "status: ok, observed_to: 2026-11-19T02:00:00Z"),
            "unknown stale else decayed + violated, exit 3",
        )
        .says("defaults: {max_age: 24h}")
        .arguments(&["--allow-unknown"]),
    ]);
    insta::assert_snapshot!(said);
}
