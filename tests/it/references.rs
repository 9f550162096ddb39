//! Other snapshots to compare with.

use serde_json::Value;

use crate::{
    harness::{Project, table},
    verdicts::OK,
};

const RULES: &str = r#"package p

violation contains sprintf("%s has slowed down", [name]) if {
	some name, svc in input.svc
	svc.p99 > 2 * data.reference.before.svc[name].p99
}
"#;

/// A project that compares with `before`, of which the one source has this manifest entry.
fn project(before: &str, entry: &str) -> Project {
    let manifest =
        |entry: &str| format!("version: 1\nsources:\n  svc: {{file: svc.json, sha256: SHA256(svc.json), {entry}}}\n");
    Project::empty()
        .with(
            "stillholds.yaml",
            "version: 1\nname: compared\npolicies: [\"p/*.rego\"]\nreferences: {before: {facts: before, max_age: 30d}}\n\
             defaults: {max_age: 24h}\n",
        )
        .with("p/p.rego", RULES)
        .with("facts/svc.json", r#"{"web": {"p99": 500}}"#)
        .with("facts/snapshot.yaml", manifest(OK))
        .with("before/svc.json", before)
        .with("before/snapshot.yaml", manifest(entry))
}

#[test]
fn facts_are_compared_with_those_of_another_snapshot() {
    let before = "status: ok, observed_to: 2026-11-14T01:00:00Z";
    let slow = r#"{"web": {"p99": 100}}"#;
    let run = |project: Project| project.check(&[]).to_string();
    let rows = [
        ("slower than before", project(slow, before).check(&["-v"]).to_string()),
        ("as before", run(project(r#"{"web": {"p99": 400}}"#, before))),
        ("older than it may be", run(project(slow, "status: ok, observed_to: 2026-10-01T01:00:00Z"))),
        ("of unknown age", run(project(slow, "status: ok"))),
        ("failed", run(project(slow, "status: failed, error: connection refused"))),
        ("partial", run(project(slow, "status: partial, observed_to: 2026-11-14T01:00:00Z"))),
        (
            "of which that source was not collected",
            run(project(slow, before).without("before/").with("before/x.json", "1")),
        ),
        ("with nothing to compare", run(project("{}", before))),
        (
            "of which a number was not finite",
            run(project(r#"{"web": {}}"#, &format!("{before}, nonfinite: [\"web.p99\"]"))),
        ),
        ("that is not there", run(project(slow, before).without("before/"))),
        (
            "that nobody named",
            run(project(slow, before).with("stillholds.yaml", "version: 1\nname: compared\npolicies: [\"p/*.rego\"]\n")),
        ),
    ];
    insta::assert_snapshot!(table(rows));
}

#[test]
fn the_command_line_names_snapshots_too() {
    let before = "status: ok, observed_to: 2026-11-14T01:00:00Z";
    let written = project(r#"{"web": {"p99": 400}}"#, before)
        .with("other/svc.json", r#"{"web": {"p99": 1}}"#)
        .with("other/snapshot.yaml", "version: 1\nenvironment: staging\nsources: {svc: {file: svc.json, sha256: SHA256(svc.json), status: ok, observed_to: 2026-11-20T01:00:00Z}}\n")
        .write();
    assert_eq!(written.check(&[]).code, Some(0));
    let run = written.check(&["--reference", "before=other", "--reference", "more=before", "-o", "json"]);
    assert_eq!(run.code, Some(1), "{run}");
    let report: Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
    insta::assert_json_snapshot!(report["references"]);
    let explained = written.run(&["explain", "p", "--now", crate::harness::NOW, "--reference", "before=other"]);
    assert!(explained.stdout.contains("other/svc.json"), "{explained}");
    let wrong =
        ["before", "before=", "Before=other"].map(|given| (given, written.check(&["--reference", given]).said()));
    insta::assert_snapshot!(table(wrong));
}
