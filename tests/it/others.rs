//! Policies that know nothing of this tool, as the users of conftest and Gatekeeper write them, run unchanged.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::Value;

use crate::harness::{Project, Run, repository, table};

/// The project in `tests/it/others`: 25 files of policy, a list of manifests, two reviews.
fn others() -> Project {
    let root = repository().join("tests/it/others");
    let pattern = format!("{}/**/*", root.display());
    let files = glob::glob(&pattern).expect("the pattern is valid").map(|path| path.expect("the folder is read"));
    files.filter(|path| path.is_file()).fold(Project::empty(), |project, path| {
        let name = path.strip_prefix(&root).expect("it lies below").to_string_lossy().replace('\\', "/");
        project.with(&name, fs::read(&path).expect("it can be read"))
    })
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Each assumption on a line, with what speaks against it below.
fn told(report: &Value) -> String {
    let mut out = String::new();
    for judged in list(&report["assumptions"]) {
        let text = |key: &str| judged[key].as_str().unwrap_or("-").to_owned();
        let _ = writeln!(out, "{} {} {}", text("id"), text("verdict"), text("reason"));
        for violation in list(&judged["violations"]) {
            let counts = if violation["counts"] == true { "" } else { " (does not count)" };
            let _ =
                writeln!(out, "  {}: {}{counts}", violation["subject"], violation["message"].as_str().unwrap_or("-"));
            for fact in list(&violation["evidence"]) {
                let place = &fact["location"];
                let _ = writeln!(
                    out,
                    "    {} at {}:{}",
                    fact["path"],
                    place["path"].as_str().unwrap_or("-"),
                    place["line"]
                );
            }
        }
        for note in list(&judged["notes"]) {
            let _ = writeln!(
                out,
                "  {}: {}",
                note["reason"].as_str().unwrap_or("-"),
                note["message"].as_str().unwrap_or("-")
            );
        }
        if judged["verdict"] == "unknown" {
            let _ = writeln!(out, "  {}", judged["message"].as_str().unwrap_or("-"));
        }
    }
    out
}

#[test]
fn policies_of_others_run_unchanged() {
    let run = others().check(&["-o", "json"]);
    let report = report(&run);
    let assumptions = list(&report["assumptions"]);
    assert!(assumptions.len() > 20, "{run}");
    let violations: Vec<&Value> = assumptions.iter().flat_map(|judged| list(&judged["violations"])).collect();
    assert!(violations.iter().all(|violation| !violation["subject"].is_null()), "each names its object");
    for violation in &violations {
        let facts = list(&violation["evidence"]);
        assert!(!facts.is_empty(), "{violation:#}");
        assert!(facts.iter().all(|fact| !fact["location"].is_null()), "{violation:#}");
    }
    let notes = assumptions.iter().flat_map(|judged| list(&judged["notes"]));
    assert!(notes.into_iter().all(|note| note["reason"] != "not_explained"), "all statements were followed");
    let ids: BTreeSet<&str> = assumptions.iter().filter_map(|judged| judged["id"].as_str()).collect();
    assert_eq!(ids.len(), assumptions.len());
    insta::assert_snapshot!(told(&report));
}

/// A project with one file of policy in Rego v0, evaluated with each element of `things`.
fn each(rules: &str, things: &str) -> Project {
    Project::empty()
        .with(
            "stillholds.yaml",
            "version: 1\nname: others\npolicies: [{path: \"p/*.rego\", rego: v0, input: \"things[_]\"}]\n",
        )
        .with("p/a.rego", format!("package main\n\n{rules}\n"))
        .with("facts/things.json", things)
}

#[test]
fn elements_are_united_into_one_verdict() {
    let slow = "deny[msg] { input.p99 > 400; msg := \"slow\" }";
    let rows = [
        ("none is so", slow, r#"[{"name": "a", "p99": 1}, {"name": "b", "p99": 2}]"#),
        ("one is so", slow, r#"[{"name": "a", "p99": 1}, {"address": "b", "p99": 500}]"#),
        ("a value that some lack is none that all lack", slow, r#"[{"p99": 1}, {"kind": "Service"}]"#),
        ("a value that all lack", slow, r#"[{"p50": 1}, {"kind": "Service"}]"#),
        ("a value that has another name", slow, r#"[{"P99": 1}, {"P99": 500}]"#),
        ("of another type in one of them", slow, r#"[{"p99": "fast"}, {"p99": 3}]"#),
        (
            "a value that all under a kind lack",
            "deny[msg] { input.kind == \"A\"; input.p99 > 400; msg := \"slow\" }",
            r#"[{"kind": "A"}, {"kind": "B", "p99": 3}]"#,
        ),
        (
            "a value under `not` that one lacks",
            "deny[msg] { not input.p99 < 400; msg := \"slow\" }",
            r#"[{"p99": 1}, {"name": "b"}]"#,
        ),
        ("no element", slow, "[]"),
        (
            "a list inside that one has",
            "deny[msg] { c := input.containers[_]; c.bad; msg := c.name }",
            r#"[{"kind": "Service"}, {"containers": []}]"#,
        ),
        (
            "a list inside that none has",
            "deny[msg] { c := input.containers[_]; c.bad; msg := c.name }",
            r#"[{"kind": "Service"}, {"pods": []}]"#,
        ),
        (
            "a list that another kind of elements would have",
            "cs[c] { c := input.spec.containers[_] }\n\ncs[c] { c := input.job.spec.containers[_] }\n\ndeny[msg] { c := cs[_]; c.bad; msg := c.name }",
            r#"[{"kind": "Service"}, {"spec": {"containers": [{"name": "a"}]}}]"#,
        ),
        ("the elements of an object", slow, r#"{"web": {"p99": 1}, "db": {"p99": 900}}"#),
        ("elements that are no objects", slow, r#"[1, null, "a"]"#),
        ("no list", slow, "3"),
        (
            "the same said of two without a name of their own, and of two with one",
            "deny[{\"msg\": \"bad\"}] { input.bad }\n\ndeny[{\"msg\": \"bad\", \"subject\": input.team}] { input.bad }",
            r#"[{"bad": true, "team": "x"}, {"bad": true, "team": "x"}]"#,
        ),
        (
            "a helper by each element for itself",
            "is_bad { input.p99 > 400 }\n\nis_bad { input.errors > 3 }\n\ndeny[\"bad\"] { is_bad }",
            r#"[{"name": "a", "p99": 900, "errors": 1}, {"name": "b", "p99": 1, "errors": 9}, {"p99": 1, "errors": 1}]"#,
        ),
        (
            "a message that one element has nothing for",
            "deny[msg] { input.bad; msg := sprintf(\"%s is bad\", [input.name]) }",
            r#"[{"bad": true, "name": "a"}, {"bad": true}]"#,
        ),
        (
            "an error of a built-in in one of them",
            "deny[\"x\"] { to_number(input.n) > 3 }",
            r#"[{"n": "1"}, {"n": "x"}]"#,
        ),
        ("holds", "holds { input.ok }", r#"[{"ok": true}, {"ok": false, "address": "b"}]"#),
        (
            "measure",
            "measure = {\"value\": input.p99, \"limit\": 400}",
            r#"[{"p99": 1, "address": "a"}, {"p99": 500, "address": "b"}]"#,
        ),
    ];
    let said = rows.map(|(title, rules, things)| {
        let run = each(rules, things).check(&["-o", "json"]);
        (title, format!("exit {}\n{}", run.code.unwrap_or(-1), told(&report(&run))))
    });
    insta::assert_snapshot!(table(said));
}

#[test]
fn a_source_as_a_whole_is_the_input() {
    let project = Project::empty()
        .with("stillholds.yaml", "version: 1\npolicies: [{path: \"p/*.rego\", input: plan}]\n")
        .with(
            "p/plan.rego",
            "package terraform\n\ndeny contains msg if {\n\tsome r in input.resource_changes\n\tr.type == \"aws_s3_bucket\"\n\
             \t\"delete\" in r.change.actions\n\tmsg := sprintf(\"%s goes away\", [r.address])\n}\n",
        )
        .with(
            "facts/plan.json",
            r#"{"resource_changes": [{"address": "aws_s3_bucket.logs", "type": "aws_s3_bucket", "change": {"actions": ["delete"]}}]}"#,
        );
    let decayed = told(&report(&project.check(&["-o", "json"])));
    let aliased = project.clone().with(
        "p/plan.rego",
        "package terraform\n\nimport input\nimport input as tfplan\nimport input.resource_changes as changes\n\n\
         deny contains {\"msg\": \"goes away\", \"subject\": r.address} if {\n\tsome r in changes\n\t\"delete\" in r.change.actions\n\
         \tnot tfplan.approved\n}\n",
    );
    let aliased = aliased.check(&["-o", "json"]);
    assert!(aliased.stderr.is_empty(), "{aliased}");
    let aliased = told(&report(&aliased));
    let none = project.clone().with("facts/plan.json", r#"{"resource_changes": []}"#);
    let other = project.without("facts/").with("facts/state.json", "{}");
    let [none, other] = [none, other].map(|project| told(&report(&project.check(&["-o", "json"]))));
    insta::assert_snapshot!(table([
        ("decayed", decayed),
        ("by other names", aliased),
        ("vacuous", none),
        ("not collected", other)
    ]));
}

#[test]
fn what_is_wrong_with_policies_of_others_is_said() {
    let entry = "version: 1\nname: others\npolicies: [{path: \"p/*.rego\", rego: v0, input: \"things[_]\"}]\n";
    let with = |files: &[(&str, &str)]| {
        Project::empty().with("stillholds.yaml", entry).with("facts/things.json", "[1]").with_all(files).check(&[])
    };
    let deny = "package main\n\ndeny[\"x\"] { input.x }\n";
    let rows = [
        (
            "a rule of another file",
            with(&[("p/a.rego", deny), ("p/b.rego", "package main\n\nwarn[\"y\"] { count(deny) > input.x }\n")]),
        ),
        (
            "a rule of another package's files",
            with(&[
                ("p/a.rego", deny),
                ("p/b.rego", "package other\n\nwarn[\"y\"] { count(data.main.deny) > input.x }\n"),
            ]),
        ),
        ("a near word", with(&[("p/a.rego", "package main\n\ndenies[\"x\"] { input.x }\n")])),
        ("no set", with(&[("p/a.rego", "package main\n\ndeny = \"x\" { input.x }\n")])),
        (
            "keywords that are imported",
            with(&[(
                "p/a.rego",
                "package main\n\nimport future.keywords.every\n\ndeny[\"x\"] { every x in input.xs { x > 3 } }\n\nwarn[\"y\"] { contains(input.if, \"in\") }\n",
            )]),
        ),
        ("v1 in an entry of v0", with(&[("p/a.rego", "package main\n\ndeny contains \"x\" if input.x\n")])),
    ];
    insta::assert_snapshot!(table(rows.map(|(title, run)| (title, run.to_string()))));
    let idle = with(&[("p/a.rego", deny), ("p/lib.rego", "package lib\n\nf(x) { x > 3 }\n")]);
    assert!(idle.stdout.contains("`p/lib.rego` makes no assumption"), "{idle}");
    let excepted = with(&[("p/a.rego", deny), ("p/b.rego", "package main\n\nexception[rules] { rules := [\"\"] }\n")]);
    assert!(excepted.stdout.contains("`exception` is a rule of conftest's own"), "{excepted}");
}

#[test]
fn documents_of_others_stand_at_the_root_of_data() {
    let line = |line: &str| format!("version: 1\nname: others\npolicies: [\"p/*.rego\"]\n{line}\n");
    let rules = "package p\n\nviolation contains sprintf(\"%s is not known\", [r]) if {\n\tsome r in input.svc.regions\n\
                 \tnot r in data.regions.allowed\n}\n";
    let project = |documents: &[(&str, &str)]| {
        Project::empty()
            .with("stillholds.yaml", line("data: [\"data/*\"]"))
            .with("p/p.rego", rules)
            .with("facts/svc.json", r#"{"regions": ["eu", "us"]}"#)
            .with_all(documents)
    };
    let allowed = ("data/regions.yaml", "regions:\n  allowed: [eu]\n");
    let rows = [
        ("read", project(&[allowed]).check(&["-v"])),
        ("a key that is not there", project(&[("data/regions.yaml", "regions: {known: [eu]}\n")]).check(&[])),
        ("a root that nobody has", project(&[("data/regions.yaml", "zones: {allowed: [eu]}\n")]).check(&[])),
        ("a reserved root", project(&[allowed, ("data/b.json", "{\n  \"design\": {\"x\": 1}\n}")]).check(&[])),
        ("a key with two values", project(&[allowed, ("data/s.yaml", "regions: {allowed: [us]}\n")]).check(&[])),
        ("a rule in their place", project(&[allowed, ("data/p.yaml", "p:\n  violation: [x]\n")]).check(&[])),
        ("a value in a package's place", project(&[allowed, ("data/p.yaml", "p: 3\n")]).check(&[])),
        ("a list", project(&[("data/regions.yaml", "- eu\n")]).check(&[])),
    ];
    insta::assert_snapshot!(table(rows.map(|(title, run)| (title, run.to_string()))));
    // Documents may stand beside the rules of a package.
    let beside = project(&[allowed, ("data/p.yaml", "p: {limit: 3}\n")]).check(&[]);
    assert_eq!(beside.code, Some(1), "{beside}");
}

#[test]
fn what_would_not_load_is_listed() {
    let written = Project::empty()
        .with("policy/old.rego", "package main\n\ndeny[\"x\"] { input.x == data.limits.x }\n")
        .with("policy/new.rego", "package main\n\ndeny contains \"x\" if input.x\n")
        .with("policy/text.rego", "package main\n\ndeny contains $\"{input.name} is bad\" if input.x\n")
        .with("policy/raw.rego", "package main\n\nmsg := $`{input.name}`\n")
        .with("policy/keys.rego", "package keys.not\n\ndeny contains \"x\" if input.import.default > 3\n")
        .with("policy/lines.rego", "package lines\n\ndeny contains \"x\" if {\n\tinput\n\t\t.a\n}\n")
        .with("policy/bodies.rego", "package bodies\n\ndeny[\"x\"] { input.x } { input.y }\n")
        .with("policy/meta.rego", "package main\n\ndeny contains rego.metadata.rule().title if input.x\n")
        .with(
            "policy/deep/keys.rego",
            "package deep.keys\n\ndeny[msg] { msg := crypto.x509.parse_certificates(input.x) }\n",
        )
        .with("policy/deep/world.rego", "package deep.world\n\ndeny[msg] { msg := http.send({\"url\": input.x}) }\n")
        .with("policy/deep/mixed.rego", "package deep.mixed\n\ndeny[msg] { x if msg := 1 }\n")
        .with("policy/deep/broken.rego", "package deep.broken\n\ndeny contains \"x\" if {\n")
        .with("policy/a_test.rego", "package nothing\n")
        .with("policy/README.md", "# no policy")
        .write();
    let run = |arguments: &[&str]| written.run(&[&["list", "--unsupported"], arguments].concat());
    let rows = [
        ("a folder", run(&["policy"])),
        ("files", run(&["policy/old.rego", "policy/new.rego"])),
        ("for programs", run(&["policy/text.rego", "-o", "json"])),
        ("nothing", run(&["nowhere"])),
    ];
    insta::assert_snapshot!(table(rows.map(|(title, run)| (title, run.to_string()))));
}

#[test]
fn built_in_functions_that_the_engine_lacks_are_there() {
    let rules = "deny[sprintf(\"%v of %v\", [crypto.sha256(input.text), net.cidr_merge(input.nets)])] {\n\tany(array.flatten(input.flags))\n\
                 \tnet.cidr_intersects(input.nets[0], input.nets[1]) == false\n}\n\nwarn[\"fails\"] { crypto.md5(input.nets) == \"x\" }";
    let run = each(rules, r#"[{"text": "abc", "nets": ["10.0.0.0/9", "10.128.0.0/9"], "flags": [[false], [true]]}]"#)
        .check(&["-o", "json"]);
    insta::assert_snapshot!(told(&report(&run)));
}

#[test]
fn rego_v0_and_v1_stand_side_by_side() {
    let old = r#"# METADATA
# title: No service is slow
package shop.latency

import future.keywords.in

default holds = false

holds {
	count(slow) == 0
	not any_late
}

slow[name] {
	svc := input.svc.services[name]
	limit(svc) < svc.p99
}

limit(svc) = 100 {
	svc.tier == "gold"
} else = 400 {
	svc.tier in {"silver", "bronze"}
} else = 1000

any_late = true {
	input.svc.services[_].late
}

by_team[team] = names {
	team := input.svc.services[_].team
	names := [name | input.svc.services[name].team == team]
}

violation_teams[{"msg": msg, "subject": team}] {
	names := by_team[team]
	count(names) > data.shop.limits.per_team
	msg := sprintf("%s has %d services", [team, count(names)])
}

measure_gold = {"value": input.svc.services.web.p99, "limit": 500}
"#;
    let new = "package shop.limits\n\nper_team := 1\n";
    let project = |facts: &str| {
        Project::empty()
            .with(
                "stillholds.yaml",
                "version: 1\nname: v0\npolicies: [{path: \"old/*.rego\", rego: v0}, \"new/*.rego\"]\n",
            )
            .with("old/latency.rego", old)
            .with("new/limits.rego", new)
            .with("facts/svc.json", facts)
    };
    let good = r#"{"services": {"web": {"p99": 90, "tier": "gold", "team": "a"}, "db": {"p99": 300, "tier": "silver", "team": "b"}}}"#;
    let bad = r#"{"services": {"web": {"p99": 900, "tier": "gold", "team": "a"}, "db": {"p99": 300, "tier": "x", "team": "a"}}}"#;
    let said = [("good", good), ("bad", bad)].map(|(title, facts)| {
        let run = project(facts).check(&["-o", "json"]);
        (title, format!("exit {}\n{}", run.code.unwrap_or(-1), told(&report(&run))))
    });
    insta::assert_snapshot!(table(said));
}

#[test]
fn what_is_known_of_the_source_counts_for_its_elements() {
    let manifest = |entry: &str| {
        format!("version: 1\nsources:\n  things: {{file: things.json, sha256: SHA256(things.json), {entry}}}\n")
    };
    let slow = "deny[msg] { input.p99 > 400; msg := \"slow\" }";
    let unset = "deny[msg] { not input.owner; msg := \"nobody owns it\" }";
    let at = "observed_to: 2026-11-21T01:00:00Z";
    let rows = [
        ("partial, and none is so", slow, r#"[{"p99": 1}]"#, format!("status: partial, {at}")),
        ("partial, and one is so", slow, r#"[{"p99": 500}]"#, format!("status: partial, {at}")),
        ("partial, and one lacks something", unset, r#"[{"p99": 500}]"#, format!("status: partial, {at}")),
        ("failed", slow, "[]", "status: failed, error: refused".to_owned()),
        (
            "a number that was not finite",
            slow,
            r#"[{"p99": 1}, {"p50": 1}]"#,
            format!("status: ok, {at}, nonfinite: [\"[1].p99\"]"),
        ),
        (
            "something withheld that was looked for under `not`",
            unset,
            r#"[{"owner": "a"}, {}]"#,
            format!("status: ok, {at}, withheld: [\"[1].owner\"]"),
        ),
    ];
    let said = rows.map(|(title, rules, things, entry)| {
        let run = each(rules, things).with("facts/snapshot.yaml", manifest(&entry)).check(&["-o", "json"]);
        (title, format!("exit {}\n{}", run.code.unwrap_or(-1), told(&report(&run))))
    });
    insta::assert_snapshot!(table(said));
}
