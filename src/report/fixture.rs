//! Reports that every format renders and snapshots.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    model::{
        Assumption, Basis, Condition, Direction, Document, Evidence, Finding, FindingSeverity, Gate, Json, Judged,
        Measure, Note, Operand, Outcome, Part, Presence, ProjectRef, Read, Reason, RelatedResource, Report, RuleRef,
        Severity, Snapshot, Source, Status, Verdict, Violation, ViolationKind, ViolationStatus,
    },
    source::{Location, SourceFile},
};

/// Text as somebody would write it who wants more than to be read.
pub(super) const HOSTILE: &str =
    "\u{1b}[2J::error file=x::\n::error::owned\r\u{202e}txt\u{9b}31m ##vso[task.setvariable]x \u{200b}`~|<b>&amp;";

const CHECKOUT: &str = r#"# Checkout

Checkout is the only service that money passes through.

## Dependencies

It calls what its design declares. Anything else is a hidden dependency, found at the next outage.

```rego
# METADATA
# custom:
#   assumption: {id: checkout-dependencies, owner: team-checkout}
package architecture.checkout.dependencies

violation contains v if {
    some edge in input.traces.edges
    edge.client == "checkout"
    not edge.server in data.design.services.checkout.calls
    v := {"msg": sprintf("checkout calls %s, which its design does not declare", [edge.server]), "subject": edge.server}
}
```

## Größe

```rego
package architecture.checkout.size

holds if {
	some größe in input.kubernetes.größen # 東京 und Zürich, einzeln
	größe.cpu_limit * größe.replicas <= data.design.budgets["東京"].cpu
}

deny_label contains msg if {
    some d in input.kubernetes.deployments
    not d.metadata.labels.team
    msg := sprintf("%s has no team", [d.metadata.name])
}
```
"#;

const PAYMENTS: &str = r#"# Payments

```rego
package architecture.payments.latency

violation contains sprintf("%s answers in %d ms", [r.labels.service, r.value]) if {
    some r in input.prometheus.payments_p99
    r.value > data.design.budgets.payments.p99_ms
}
```

## Ledger

```rego
package architecture.payments.ledger

violation contains v if {
    some writer in input.postgres.writers
    writer.table == "ledger"
    writer.role != "ledger"
    v := {"msg": "only the ledger writes its table", "subject": writer.role}
}
```

## Capacity

```rego
package architecture.payments.capacity

measure contains {"subject": n.name, "value": n.cpu, "limit": n.cpu_limit, "unit": "cores"} if {
    some n in input.kubernetes.nodes
}

warn_version contains "payments speaks TLS 1.2" if {
    input.traces.tls.payments == "1.2"
}
```
"#;

const TRACES: &str = r#"{
  "edges": [
    { "client": "web", "server": "checkout" },
    {
      "client": "checkout",
      "kind": "rpc",
      "calls": 1042,
      "server": "fraud-ml",
      "p99_ms": 97.5
    },
    { "client": "checkout", "kind": "database", "observed_by": "client", "server": "ledger-db", "p99_ms": 12.25, "calls": 3 }
  ]
}
"#;

const DESIGN: &str = "services:\n  checkout:\n    replicas: {min: 3}\n    calls: [payments, inventory]\n";

/// All four verdicts, and whatever else a report may hold.
pub(super) fn mixed() -> Report {
    let files = [
        SourceFile::new("docs/checkout.md", CHECKOUT),
        SourceFile::new("docs/payments.md", PAYMENTS),
        SourceFile::new("facts/traces.json", TRACES),
        SourceFile::new("facts/minified.json", minified()),
        SourceFile::new("design/services.yaml", DESIGN),
    ];
    let files: BTreeMap<String, SourceFile> = files.into_iter().map(|file| (file.path().to_owned(), file)).collect();
    Report {
        project: ProjectRef { name: "storefront".to_owned(), path: "examples/storefront".to_owned() },
        evaluated_at: time("2026-11-21T02:00:00Z"),
        snapshot: snapshot(),
        references: BTreeMap::from([(
            "staging".to_owned(),
            Snapshot {
                path: "facts-staging".to_owned(),
                environment: Some("staging".to_owned()),
                sources: vec![source("traces", Status::Ok, "2026-11-20T01:00:00Z")],
                ..snapshot()
            },
        )]),
        assumptions: vec![
            hidden_dependencies(&files),
            not_held(&files),
            unlabelled(&files),
            hostile(),
            missing(&files),
            stale(&files),
            warned(&files),
            margin(&files),
            holds("ledger-is-last", "Ledger writes come last in every call chain", 12, Some(3600)),
            Judged {
                notes: vec![note(
                    Reason::Sampled,
                    "sampled: a caller with more than 1.2 % of the calls would have been seen (95 %)",
                )],
                measures: vec![measure(Some("payments"), 310.0, 400.0, Some("ms"), Direction::Max)],
                subjects: Some(17),
                ..holds(
                    "payments-callers",
                    "Only checkout and refunds call payments, 支払い also when it is busy",
                    34,
                    Some(172_800),
                )
            },
        ],
        findings: vec![
            Finding {
                code: "waiver-expired",
                severity: FindingSeverity::Warning,
                message: "the waiver of `shop.replicas` for `web` expired on 2026-10-31 and covers nothing any more; \
                          its owner is team-web"
                    .to_owned(),
                location: Some(at("waivers.yaml", 4, 5)),
            },
            Finding {
                code: "name-without-alias",
                severity: FindingSeverity::Note,
                message: format!("no alias matches {HOSTILE}"),
                location: None,
            },
        ],
        gate: Gate { fail_severity: Severity::Error, fail_on_eroding: false, allow_unknown: false },
        files,
    }
}

/// Nothing to do.
pub(super) fn all_hold() -> Report {
    Report {
        assumptions: vec![
            holds("a", "Web calls only checkout", 12, Some(3600)),
            holds("b", "Orders writes the orders tables", 212, Some(5400)),
        ],
        findings: Vec::new(),
        snapshot: Snapshot { sources: vec![source("traces", Status::Ok, "2026-11-21T01:00:00Z")], ..snapshot() },
        ..mixed()
    }
}

/// Unknowns only, and a project without anything around it.
pub(super) fn nobody_can_tell() -> Report {
    let mixed = mixed();
    Report {
        assumptions: mixed.assumptions.into_iter().filter(|judged| judged.verdict == Verdict::Unknown).collect(),
        findings: Vec::new(),
        ..mixed
    }
}

/// No assumption selected and nothing collected.
pub(super) fn empty() -> Report {
    Report {
        assumptions: Vec::new(),
        findings: Vec::new(),
        files: BTreeMap::new(),
        snapshot: Snapshot { path: "facts".to_owned(), ..Snapshot::default() },
        ..mixed()
    }
}

type Files = BTreeMap<String, SourceFile>;

fn hidden_dependencies(files: &Files) -> Judged {
    let path = "docs/checkout.md";
    let rule = whole_rule(files, path, "violation contains v if {", "\n}\n");
    let mut violations = explained(files, &rule);
    violations.push(Violation {
        counts: false,
        message: "an edge without a server".to_owned(),
        subject: None,
        ..undeclared("", &rule)
    });
    violations.extend((1..=9).map(|n| Violation {
        status: match n {
            2 | 3 => ViolationStatus::Known,
            4 => ViolationStatus::Waived,
            _ => ViolationStatus::New,
        },
        place: (n == 5).then(|| at("legacy/edges.rego", 7, 3)),
        observed: (n == 6).then(|| json!("x".repeat(300))),
        ..undeclared(&format!("shadow-{n}"), &rule)
    }));
    Judged {
        reason: Some(Reason::Violated),
        message: Some("13 of 17 edges of checkout are not declared".to_owned()),
        fails: true,
        notes: vec![Note {
            reason: Reason::Missing,
            message: "one edge has no `server`, so nothing can be said of it".to_owned(),
            help: Some("find it with `stillholds facts traces edges`".to_owned()),
            location: Some(location(files, path, "edge.server")),
        }],
        reads: vec![
            presence("data.design.services.checkout.calls", true, 1, 0),
            presence("input.traces.edges[_].client", true, 17, 0),
            presence("input.traces.edges[_].server", true, 16, 1),
        ],
        subjects: Some(17),
        violations,
        ..judged("checkout-dependencies", "Checkout calls only what its design declares", Verdict::Decayed, path, rule)
    }
}

/// Violations with their why, as it is once it has been searched for.
fn explained(files: &Files, rule: &Location) -> Vec<Violation> {
    let condition = |text: &str, operands: Vec<Operand>| Condition {
        text: text.to_owned(),
        outcome: Outcome::True,
        bindings: 3,
        operands,
        location: location(files, "docs/checkout.md", text),
        note: None,
    };
    let conditions = |server: &str| {
        let checkout = || Some(json!("checkout"));
        let calls = operand("data.design.services.checkout.calls", Some(json!(["payments", "inventory"])));
        vec![
            condition("some edge in input.traces.edges", Vec::new()),
            condition(
                "edge.client == \"checkout\"",
                vec![operand("edge.client", checkout()), operand("\"checkout\"", checkout())],
            ),
            condition(
                "not edge.server in data.design.services.checkout.calls",
                vec![operand("edge.server", Some(json!(server))), calls],
            ),
        ]
    };
    let calls = Evidence {
        path: "data.design.services.checkout.calls".parse().unwrap(),
        value: json!(["payments", "inventory"]),
        source: "design".to_owned(),
        collected_at: None,
        location: Some(location(files, "design/services.yaml", "[payments, inventory]")),
    };
    let (traces, minified) = ("facts/traces.json", "facts/minified.json");
    vec![
        Violation {
            conditions: conditions("fraud-ml"),
            evidence: vec![
                fact("input.traces.edges[1].client", "checkout", files, traces, "\"checkout\",\n      \"kind"),
                fact("input.traces.edges[1].server", "fraud-ml", files, traces, "\"fraud-ml\""),
                calls.clone(),
            ],
            ..undeclared("fraud-ml", rule)
        },
        Violation {
            conditions: conditions("ledger-db"),
            expected: Some(json!(["payments", "inventory"])),
            observed: Some(json!("ledger-db")),
            details: BTreeMap::from([
                ("calls".to_owned(), json!(3)),
                ("since release".to_owned(), json!({"tag": "v1.4.2"})),
            ]),
            evidence: vec![fact("input.traces.edges[2].server", "ledger-db", files, traces, "\"ledger-db\""), calls],
            ..undeclared("ledger-db", rule)
        },
        Violation {
            conditions: conditions("mail"),
            message: "an edge that nobody declared".to_owned(),
            evidence: vec![fact("input.traces.edges[940].server", "mail", files, minified, "\"mail\"")],
            ..undeclared("mail", rule)
        },
    ]
}

fn undeclared(server: &str, rule: &Location) -> Violation {
    Violation {
        subject: Some(json!(server)),
        ..violation(&format!("checkout calls {server}, which its design does not declare"), rule.clone())
    }
}

fn not_held(files: &Files) -> Judged {
    let path = "docs/checkout.md";
    let rule = whole_rule(files, path, "holds if {", "\n}\n");
    let text = "größe.cpu_limit * größe.replicas <= data.design.budgets[\"東京\"].cpu";
    let title = "東京 and Zürich fit their budget of processors, which is checked for every size that anybody has ever deployed";
    Judged {
        assumption: Assumption {
            severity: Severity::Warning,
            owner: None,
            ..judged("checkout-size", title, Verdict::Decayed, path, rule.clone()).assumption
        },
        reason: Some(Reason::NotHeld),
        conditions: vec![Condition {
            text: text.to_owned(),
            outcome: Outcome::False,
            bindings: 2,
            operands: vec![
                operand("größe.cpu_limit * größe.replicas", Some(json!(96))),
                operand("data.design.budgets[\"東京\"].cpu", Some(json!(64))),
            ],
            location: location(files, path, text),
            note: Some("2 of 5 sizes: `db-large`, `db-xlarge`".to_owned()),
        }],
        violations: vec![Violation { kind: ViolationKind::Holds, ..violation(title, rule.clone()) }],
        ..judged("checkout-size", title, Verdict::Decayed, path, rule)
    }
}

/// As it looks where nothing has been explained yet.
fn unlabelled(files: &Files) -> Judged {
    let path = "docs/checkout.md";
    let rule = whole_rule(files, path, "deny_label contains msg if {", "\n}\n");
    let deny = |name: &str, status| Violation {
        kind: ViolationKind::Deny,
        status,
        ..violation(&format!("{name} has no team"), rule.clone())
    };
    Judged {
        reason: Some(Reason::Violated),
        violations: vec![
            deny("cart", ViolationStatus::Known),
            deny("web", ViolationStatus::Known),
            deny("worker", ViolationStatus::Waived),
        ],
        ..judged("checkout-size/label", "Every deployment says whose it is", Verdict::Decayed, path, rule)
    }
}

fn hostile() -> Judged {
    let place = at("legacy/hostile.rego", 3, 1);
    let mut judged = judged("legacy.hostile", HOSTILE, Verdict::Decayed, "docs/checkout.md", place.clone());
    judged.assumption.owner = Some(HOSTILE.to_owned());
    judged.assumption.description = Some(HOSTILE.to_owned());
    judged.assumption.related =
        vec![RelatedResource { reference: "https://example.com/adr/12".to_owned(), description: None }];
    Judged {
        reason: Some(Reason::Violated),
        message: Some(HOSTILE.to_owned()),
        fails: true,
        help: Some(format!("write\n  optional: [{HOSTILE}]")),
        notes: vec![note(Reason::Absence, HOSTILE)],
        violations: vec![
            Violation {
                subject: Some(json!({"name": HOSTILE})),
                expected: Some(json!(HOSTILE)),
                observed: Some(json!(["long ".repeat(400)])),
                details: BTreeMap::from([(HOSTILE.to_owned(), Json::Null)]),
                evidence: vec![Evidence {
                    path: "input.traces[\"a\\nb\"].server".parse().unwrap(),
                    value: json!(HOSTILE),
                    source: "traces".to_owned(),
                    collected_at: Some(time("2026-11-21T01:00:00Z")),
                    location: None,
                }],
                ..violation(&format!("{}{HOSTILE}", "word ".repeat(15)), place.clone())
            },
            violation(&"endless ".repeat(2000), place.clone()),
            violation("third", place.clone()),
            violation(&format!("::error::fourth {HOSTILE}"), place),
        ],
        ..judged
    }
}

fn stale(files: &Files) -> Judged {
    let path = "docs/payments.md";
    let rule = whole_rule(files, path, "violation contains v if {", "\n}\n");
    Judged {
        reason: Some(Reason::Stale),
        message: Some("`postgres` was observed 4 d ago, and here facts may be 24 h old".to_owned()),
        help: Some("collect it again: `stillholds collect --only postgres`".to_owned()),
        provisional: Some(Verdict::Decayed),
        oldest_seconds: Some(345_600),
        violations: vec![Violation {
            counts: false,
            subject: Some(json!("reporting")),
            ..violation("only the ledger writes its table", rule.clone())
        }],
        notes: vec![note(Reason::NeverReached, "`writer.role != \"ledger\"` was never reached for 3 of 4 tables")],
        ..judged("payments-ledger", "Only the ledger writes the ledger", Verdict::Unknown, path, rule)
    }
}

fn missing(files: &Files) -> Judged {
    let path = "docs/payments.md";
    let rule = whole_rule(files, path, "violation contains sprintf", "\n}\n");
    let text = "some r in input.prometheus.payments_p99";
    Judged {
        reason: Some(Reason::Missing),
        message: Some("`input.prometheus.payments_p99` has no value".to_owned()),
        conditions: vec![Condition {
            text: text.to_owned(),
            outcome: Outcome::Undefined,
            bindings: 1,
            operands: vec![operand("input.prometheus.payments_p99", None)],
            location: location(files, path, text),
            note: Some("collected 01:00 UTC: the query returned nothing (`on_empty: unknown`)".to_owned()),
        }],
        reads: vec![presence("input.prometheus.payments_p99", true, 0, 1)],
        facts: 0,
        oldest_seconds: None,
        ..judged("payments-latency", "Payments answers within 400 ms at p99", Verdict::Unknown, path, rule)
    }
}

fn margin(files: &Files) -> Judged {
    let path = "docs/payments.md";
    let rule = whole_rule(files, path, "measure contains", "\n}\n");
    let mut judged = judged("payments-capacity", "One node may be lost", Verdict::Eroding, path, rule);
    judged.assumption.eroding_under = Some(0.1);
    Judged {
        reason: Some(Reason::Margin),
        message: Some("4 % of margin left".to_owned()),
        subjects: Some(5),
        measures: vec![
            measure(Some("node-a"), 3.2, 5.0, Some("cores"), Direction::Max),
            measure(Some("node-b"), 4.8, 5.0, Some("cores"), Direction::Max),
            measure(Some("node-c"), 3.5, 3.0, Some("cores"), Direction::Min),
            measure(Some("node-d"), 1.0, 0.0, None, Direction::Min),
            measure(None, 3.0, 5.0, None, Direction::Max),
        ],
        ..judged
    }
}

fn warned(files: &Files) -> Judged {
    let path = "docs/payments.md";
    let rule = whole_rule(files, path, "warn_version contains", "\n}\n");
    Judged {
        reason: Some(Reason::Warned),
        violations: vec![Violation { kind: ViolationKind::Warn, ..violation("payments speaks TLS 1.2", rule.clone()) }],
        ..judged("architecture.payments.capacity/version", "Payments speaks TLS 1.3", Verdict::Eroding, path, rule)
    }
}

fn holds(id: &str, title: &str, facts: u64, oldest_seconds: Option<i64>) -> Judged {
    Judged {
        facts,
        oldest_seconds,
        reads: vec![presence("input.traces.edges[_].server", true, facts, 0)],
        ..judged(id, title, Verdict::Holds, "docs/payments.md", at("docs/payments.md", 4, 1))
    }
}

fn judged(id: &str, title: &str, verdict: Verdict, document: &str, rule: Location) -> Judged {
    Judged {
        assumption: Assumption {
            id: id.to_owned(),
            formerly: Vec::new(),
            title: title.to_owned(),
            description: None,
            severity: Severity::Error,
            owner: Some("team-checkout".to_owned()),
            related: Vec::new(),
            max_age: None,
            review_by: None,
            optional: Vec::new(),
            required: Vec::new(),
            eroding_under: None,
            vacuous: None,
            location: rule.clone(),
            rule: rule.clone(),
            document: Document {
                path: document.to_owned(),
                heading: Some("Dependencies".to_owned()),
                anchor: Some("dependencies".to_owned()),
            },
            reads: vec![Read {
                path: "input.traces.edges[_].server".parse().unwrap(),
                needed: true,
                excused: false,
                location: rule,
            }],
        },
        verdict,
        reason: None,
        message: None,
        help: None,
        provisional: None,
        fails: false,
        notes: Vec::new(),
        reads: Vec::new(),
        subjects: None,
        facts: 34,
        oldest_seconds: Some(3600),
        measures: Vec::new(),
        conditions: Vec::new(),
        violations: Vec::new(),
        evidence: Vec::new(),
    }
}

fn violation(message: &str, rule: Location) -> Violation {
    Violation {
        message: message.to_owned(),
        subject: None,
        kind: ViolationKind::Violation,
        expected: None,
        observed: None,
        details: BTreeMap::new(),
        counts: true,
        fingerprint: "9f2c0d6f6a1b4e3c8d7e5f4a3b2c1d0e".to_owned(),
        status: ViolationStatus::New,
        rule: RuleRef { title: None, location: rule },
        place: None,
        conditions: Vec::new(),
        evidence: Vec::new(),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        path: "facts".to_owned(),
        environment: Some("production".to_owned()),
        has_manifest: true,
        sources: vec![
            Source {
                status: Status::Partial,
                parts: BTreeMap::from([
                    (
                        "deployments".to_owned(),
                        Part {
                            status: Status::Ok,
                            error: None,
                            observed_from: None,
                            observed_to: Some(time("2026-11-21T01:00:00Z")),
                        },
                    ),
                    (
                        "nodes".to_owned(),
                        Part {
                            status: Status::Failed,
                            error: Some("forbidden: may not list nodes".to_owned()),
                            observed_from: None,
                            observed_to: None,
                        },
                    ),
                ]),
                ..source("kubernetes", Status::Ok, "2026-11-21T01:00:00Z")
            },
            source("postgres", Status::Ok, "2026-11-17T02:00:00Z"),
            Source {
                file: None,
                error: Some(format!("503 Service Unavailable: {HOSTILE}")),
                observed_to: None,
                ..source("prometheus", Status::Failed, "2026-11-21T01:00:00Z")
            },
            Source {
                basis: Some(Basis::Sample),
                sampling: Some(0.1),
                omitted: vec!["spans without service.name: 14".to_owned()],
                observed_from: Some(time("2026-11-21T00:00:00Z")),
                ..source("traces", Status::Ok, "2026-11-21T01:00:00Z")
            },
        ],
    }
}

fn source(name: &str, status: Status, observed_to: &str) -> Source {
    Source {
        file: Some(format!("facts/{name}.json")),
        in_manifest: true,
        status,
        collector: Some(name.to_owned()),
        observed_to: Some(time(observed_to)),
        bytes: 1024,
        ..Source::named(name)
    }
}

/// A file of one long line, as programs write them.
fn minified() -> String {
    let edge = |n| {
        format!(
            "{{\"client\":\"checkout\",\"server\":\"{}\",\"kind\":\"rpc\"}}",
            if n == 940 { "mail" } else { "payments" }
        )
    };
    format!("{{\"edges\":[{}]}}", (0..2000).map(edge).collect::<Vec<_>>().join(","))
}

fn note(reason: Reason, message: &str) -> Note {
    Note { reason, message: message.to_owned(), help: None, location: None }
}

fn measure(subject: Option<&str>, value: f64, limit: f64, unit: Option<&str>, direction: Direction) -> Measure {
    Measure {
        subject: subject.map(Json::from),
        value,
        limit,
        unit: unit.map(str::to_owned),
        direction,
        from: "measure".to_owned(),
    }
}

fn presence(path: &str, needed: bool, present: u64, absent: u64) -> Presence {
    Presence { path: path.parse().unwrap(), needed, present, absent }
}

fn operand(text: &str, value: Option<Json>) -> Operand {
    Operand { text: text.to_owned(), value }
}

/// A fact of text that stands at the start of `needle`.
fn fact(path: &str, value: &str, files: &Files, file: &str, needle: &str) -> Evidence {
    let mut location = location(files, file, needle);
    location.end_line = location.line;
    location.end_column = location.column + value.len() + 2;
    Evidence {
        path: path.parse().unwrap(),
        value: Json::from(value),
        source: "traces".to_owned(),
        collected_at: Some(time("2026-11-21T01:00:00Z")),
        location: Some(location),
    }
}

fn location(files: &Files, path: &str, needle: &str) -> Location {
    let file = &files[path];
    let start = file.text().find(needle).unwrap_or_else(|| panic!("{path} has no {needle}"));
    file.location((start..start + needle.len()).into())
}

fn whole_rule(files: &Files, path: &str, head: &str, end: &str) -> Location {
    let file = &files[path];
    let start = file.text().find(head).unwrap_or_else(|| panic!("{path} has no {head}"));
    let end = start + file.text()[start..].find(end).unwrap() + end.trim_end().len();
    file.location((start..end).into())
}

fn at(path: &str, line: usize, column: usize) -> Location {
    Location { path: path.to_owned(), line, column, end_line: line, end_column: column }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
