//! METADATA: what it changes about a verdict, and what is wrong with it.

use crate::{
    harness::{Project, table},
    verdicts::{OK, Row, asked, row},
};

const SLOW: &str = "violation contains {\"msg\": \"slow\", \"subject\": \"svc\"} if input.svc.p99 > 400";
const OLD: &str = "status: ok, observed_to: 2026-11-20T22:00:00Z";

/// A block of METADATA with these lines below `custom.assumption`.
fn block(fields: &str) -> String {
    let fields = fields.lines().map(|line| format!("#     {line}\n")).collect::<Vec<_>>().concat();
    format!("# METADATA\n# custom:\n#   assumption:\n{fields}")
}

/// Like [`row`], with these fields of the package's assumption.
fn said<'a>(fields: &'a str, rules: &str, facts: &str, says: &str, answer: &'a str) -> Row<'a> {
    row(fields, rules, &[("svc", facts, says)], answer)
        .with("policies/calls.rego", &format!("{}package shop\n\n{rules}\n", block(fields)))
}

#[test]
fn what_it_changes() {
    let measure = "measure := {\"value\": input.svc.ms, \"limit\": 400}";
    let served = "violation contains edge.server if {
	some edge in input.svc.edges
	not edge.server in data.design.calls
}

subjects contains edge.server if some edge in input.svc.edges";
    let (slow, fast) = (r#"{"p99": 500}"#, r#"{"p99": 300}"#);
    let said = asked(&[
        said("severity: error", SLOW, slow, OK, "decayed violated, exit 1"),
        said("severity: warning", SLOW, slow, OK, "decayed violated, exit 0"),
        said("severity: note", SLOW, slow, OK, "decayed violated, exit 0"),
        said("severity: warning # it may fail", SLOW, slow, OK, "decayed violated, exit 1")
            .says("defaults: {fail_severity: warning}"),
        said("severity: warning # unknown", SLOW, "{}", OK, "unknown missing, exit 0"),
        said("severity: warning # eroding", "warn contains \"x\" if input.svc.p99", slow, OK, "eroding warned, exit 0")
            .arguments(&["--fail-on", "eroding"]),
        said("max_age: 3h", SLOW, fast, OLD, "unknown stale else holds, exit 3"),
        said("max_age: 4h", SLOW, fast, OLD, "holds, exit 0"),
        said("max_age: none", SLOW, fast, OLD, "holds, exit 0").says("defaults: {max_age: 1h}"),
        said("max_age: 3h # the source may be older", SLOW, fast, OLD, "holds, exit 0")
            .says("sources: {svc: {max_age: 1d}}"),
        said("eroding_under: 30%", measure, r#"{"ms": 300}"#, OK, "eroding margin, exit 0"),
        said("eroding_under: 5%", measure, r#"{"ms": 370}"#, OK, "holds, exit 0"),
        said("review_by: 2026-11-20", SLOW, fast, OK, "eroding review_due, exit 0"),
        said("review_by: 2026-11-20 # it may fail", SLOW, fast, OK, "eroding review_due, exit 1")
            .arguments(&["--fail-on", "eroding"]),
        said("review_by: 2026-11-21", SLOW, fast, OK, "holds, exit 0"),
        said("optional: [\"input.svc.p99\"]", SLOW, "{}", OK, "holds + absence, exit 0"),
        said("optional: [\"input.svc\"]", SLOW, "{}", OK, "holds + absence, exit 0"),
        said("optional: [\"input.other\"]", &SLOW.replace("svc.p99", "other.p99"), "{}", OK, "holds + absence, exit 0"),
        said("optional: [\"input.svc\"] # failed", SLOW, "{}", "status: failed", "unknown failed, exit 3"),
        said(
            "optional: [\"data.design.ms\"]",
            "violation contains \"x\" if input.svc.p99 > data.design.ms",
            fast,
            OK,
            "holds + absence, exit 0",
        ),
        said(
            "required: [\"input.svc.privileged\"]",
            "violation contains \"x\" if input.svc.privileged",
            "{}",
            OK,
            "unknown missing, exit 3",
        ),
        said("vacuous: first", served, r#"{"edges": []}"#, OK, "unknown vacuous, exit 3"),
        said("vacuous: strict", served, r#"{"edges": []}"#, OK, "unknown vacuous + vacuous, exit 3"),
        said("vacuous: allowed", served, r#"{"edges": []}"#, OK, "holds + never_reached, exit 0"),
        said("vacuous: allowed # missing", served, "{}", OK, "unknown missing, exit 3"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_it_says() {
    let text = r#"# METADATA
# scope: subpackages
# custom:
#   assumption: {owner: team-shop, severity: warning}
#   other_tool: {level: 3}
#   severity: HIGH
package shop

# METADATA
# title: Nothing is slow
# description: A slow checkout is an empty cart.
# related_resources:
#   - https://example.com/adr/12
#   - {ref: https://example.com/adr/13, description: Why}
# custom:
#   id: AVD-AWS-0001
#   assumption: {id: latency, severity: error, formerly: [slow]}
violation contains {"msg": "slow", "subject": "svc"} if input.svc.p99 > 400

# METADATA
# title: Nothing is missing
# custom: {id: AVD-AWS-0002, severity: LOW}
violation_missing contains "missing" if not input.svc.backup

# METADATA
# title: Something else is missing
deny_missing contains "else" if not input.svc.other
"#;
    let one = "# METADATA\n# custom:\n#   assumption: {owner: team-cart}\npackage shop.cart\n\nwarn contains \"x\" if input.svc.p99 > 400\n";
    let project = Project::good()
        .with("policies/calls.rego", text)
        .with("policies/cart.rego", one)
        .with("facts/svc.json", r#"{"p99": 500}"#);
    let run = project.check(&["-o", "json"]);
    assert_eq!(run.code, Some(1), "{run}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    insta::assert_json_snapshot!(report["assumptions"]);
}

#[test]
fn what_is_wrong_with_it() {
    let package = |fields: &str| format!("{}package shop\n\n{SLOW}\n", block(fields));
    let rule = |fields: &str| format!("package shop\n\n{}{SLOW}\n", block(fields));
    let dedented = |lines: &str| {
        let lines: String = lines.lines().flat_map(|line| ["# ", line, "\n"]).collect();
        format!("# METADATA\n{lines}package shop\n\n{SLOW}\n")
    };
    let policies = [
        ("an unknown key", package("serverity: warning")),
        ("an unknown severity", package("severity: critical")),
        ("no duration", package("max_age: 1 day")),
        ("no date", package("review_by: 2027-02-30")),
        ("no share", package("eroding_under: 150%")),
        ("no list", package("optional: input.svc.p99")),
        ("no path", package("optional: [\"p99\"]")),
        ("no id", package("id: check out")),
        ("an unknown way of being vacuous", package("vacuous: yes")),
        ("several at once", package("serverity: warning\nmax_age: soon\nowner: [a]")),
        (
            "no mapping",
            "# METADATA\n# custom:\n#   assumption: yes\npackage shop\n\nholds if input.svc.ok\n".to_owned(),
        ),
        ("no YAML", "# METADATA\n# title: [\npackage shop\n\nholds if input.svc.ok\n".to_owned()),
        (
            "keys of the assumption beside it",
            dedented("custom:\n  assumption:\n    owner: a\n  severity: note\n  max_age: 1d"),
        ),
        ("keys of the assumption beside `custom`", dedented("custom:\n  assumption:\n    owner: a\nseverity: note")),
        ("keys of the assumption without it", dedented("owner: a\ncustom:\n  vacuous: allowed")),
        ("an unknown scope", "# METADATA\n# scope: module\npackage shop\n\nholds if input.svc.ok\n".to_owned()),
        ("a key twice", package("owner: a\nowner: b")),
        ("a path that nothing reads", rule("optional: [\"input.svc.p999\"]")),
        ("a required path that nothing reads", rule("required: [\"input.cart\"]")),
        ("above a helper", format!("package shop\n\n{SLOW}\n\n{}slow if input.svc.p99 > 3\n", block("owner: a"))),
        ("above nothing", format!("package shop\n\n{SLOW}\n\n{}", block("owner: a"))),
        (
            "the id of a package without a plain assumption",
            format!(
                "{}package shop\n\n{}\n",
                block("id: slow\nformerly: [late]"),
                SLOW.replace("violation", "violation_a")
            ),
        ),
        (
            "on one of several definitions",
            format!(
                "package shop\n\n{}{SLOW}\n\n{}{}\n",
                block("owner: a"),
                block("owner: b"),
                SLOW.replace("400", "900")
            ),
        ),
        ("two blocks for a package", format!("{}package shop\n\n{}", block("owner: a"), SLOW)),
        ("an id twice", rule("id: slow")),
        (
            "an earlier id that another assumption has",
            format!(
                "package shop\n\n{}{SLOW}\n\nwarn_late contains \"x\" if input.svc.late\n",
                block("formerly: [shop/late]")
            ),
        ),
        (
            "an earlier id of two assumptions",
            format!(
                "package shop\n\n{}{SLOW}\n\n{}warn_late contains \"x\" if input.svc.late\n",
                block("formerly: [a, shop, a]"),
                block("formerly: [b, a]")
            ),
        ),
    ];
    let said = table(policies.map(|(title, text)| {
        let mut project = Project::good().with("policies/calls.rego", text);
        if title == "two blocks for a package" {
            project = project
                .with("policies/other.rego", format!("{}package shop\n\nholds if input.svc.ok\n", block("owner: b")));
        } else if title == "an id twice" {
            project = project.with("policies/other.rego", format!("package cart\n\n{}{SLOW}\n", block("id: slow")));
        }
        let run = project.check(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
}

#[test]
fn an_assumption_without_a_title_is_named_once() {
    let text = "package untitled\n\nwarn contains \"x\" if input.traces.edges\n";
    let folder = Project::good().with("policies/calls.rego", text).write();
    for arguments in [&["check"][..], &["list"]] {
        let run = folder.run(arguments);
        assert_eq!(run.stdout.matches("untitled").count(), 1, "{arguments:?}: {run}");
    }
}
