//! Evidence is what a violation rests on: without it the violation is another one or none, and nothing else matters
//! to it. Asked of policies and facts that are made up.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use stillholds::{
    check::{Options, check},
    project::Project,
    report::{Format, Look, render},
};
use tempfile::TempDir;

use crate::harness::NOW;

const CASES: usize = 350;

/// Conditions on `s`, an element of a list.
const CONDITIONS: [&str; 12] = [
    "s.kind == \"web\"",
    "s.kind != \"db\"",
    "s.size < 3",
    "s.size > 2",
    "\"x\" in s.tags",
    "startswith(s.image, \"reg/\")",
    "count([t | some t in s.tags; t != \"z\"]) > 1",
    "big(s)",
    "s.name in heavy",
    "not s.paused",
    "not s.kind in {\"web\", \"api\"}",
    "not big(s)",
];

const HELPERS: &str = "big(s) if s.size > 3

heavy contains t.name if {
	some t in input.svc.items
	t.size > 3
}
";

#[derive(Debug, Clone)]
struct Case {
    conditions: Vec<&'static str>,
    items: Vec<Value>,
}

impl Case {
    fn rests_on_absence_alone(&self) -> bool {
        self.conditions.iter().all(|condition| condition.starts_with("not "))
    }

    fn policy(&self) -> String {
        let conditions = self.conditions.join("\n\t");
        let head = "violation contains {\"msg\": \"found\", \"subject\": s.name} if {\n\tsome s in input.svc.items";
        format!("package p\n\n{HELPERS}\n{head}\n\t{conditions}\n}}\n")
    }
}

fn cases() -> Vec<Case> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let maybe = |values: Vec<Value>| prop::option::weighted(0.85, prop::sample::select(values));
    let tags = prop::option::weighted(0.85, prop::collection::vec(prop::sample::select(vec!["x", "y", "z"]), 0..4));
    let item = (
        maybe(vec![json!("web"), json!("api"), json!("db")]),
        maybe((0..7).map(Value::from).collect()),
        maybe(vec![json!("reg/a:1"), json!("reg/b:2"), json!("hub/c:3")]),
        maybe(vec![json!(true), json!(false)]),
        tags,
    );
    let conditions = prop::sample::subsequence(CONDITIONS.to_vec(), 1..=3);
    let case = (conditions, prop::collection::vec(item, 2..=6)).prop_map(|(conditions, items)| {
        let items = items.into_iter().enumerate().map(|(at, (kind, size, image, paused, tags))| {
            let fields = [("kind", kind), ("size", size), ("image", image), ("paused", paused)];
            let mut item = json!({"name": format!("n{at}")});
            for (key, value) in fields.into_iter().chain([("tags", tags.map(Value::from))]) {
                if let Some(value) = value {
                    item[key] = value;
                }
            }
            item
        });
        Case { conditions, items: items.collect() }
    });
    (0..CASES).map(|_| case.new_tree(&mut runner).expect("a case can be made").current()).collect()
}

/// A project in a folder whose facts are written anew for every check.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn of(case: &Case) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bench = Self { folder };
        fs::create_dir(bench.path().join("facts")).expect("a folder in a temporary folder");
        bench.put("stillholds.yaml", "version: 1\npolicies: [p.rego]\n");
        bench.put("p.rego", &case.policy());
        bench
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).expect("a file in a temporary folder");
    }

    /// The one assumption's part of the report.
    fn check(&self, svc: &Value) -> Value {
        self.put("facts/svc.json", &svc.to_string());
        let options = Options {
            now: NOW.parse().expect("a time"),
            timeout: Duration::from_mins(1),
            facts: None,
            references: BTreeMap::new(),
            select: Vec::new(),
            fail_on_eroding: false,
            allow_unknown: false,
        };
        let project = Project::load(self.path()).expect("the project is valid");
        let report = check(&project, &options).expect("the project can be checked");
        let text = render(&report, Format::Json, Look::default());
        let report: Value = serde_json::from_str(&text).expect("the report is JSON");
        report["assumptions"][0].clone()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The paths and values of a violation's evidence.
fn evidence(violation: &Value) -> Vec<(String, Value)> {
    list(&violation["evidence"])
        .map(|fact| (fact["path"].as_str().unwrap_or_default().to_owned(), fact["value"].clone()))
        .collect()
}

/// Takes a fact out of the document of `input.svc`.
fn remove(svc: &mut Value, path: &str) {
    let pointer = path.trim_start_matches("input.svc").replace('[', "/").replace(']', "").replace('.', "/");
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match svc.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(last)),
        Some(Value::Array(items)) => drop(items.remove(last.parse().expect("an index"))),
        _ => panic!("{path} leads nowhere"),
    }
}

#[test]
fn without_its_evidence_a_violation_is_gone() {
    let (mut all, mut gone, mut on_absence, mut without_any) = (0, 0, 0, 0);
    let mut left = Vec::new();
    for case in cases() {
        let bench = Bench::of(&case);
        let svc = json!({"items": case.items});
        let before = bench.check(&svc);
        for violation in list(&before["violations"]).filter(|violation| violation["counts"] == true) {
            let paths = evidence(violation);
            if case.rests_on_absence_alone() {
                on_absence += 1;
                continue;
            }
            all += 1;
            without_any += usize::from(paths.is_empty());
            let mut changed = svc.clone();
            // The last of a list first: the paths of those before it stay what they are.
            paths.iter().rev().for_each(|(path, _)| remove(&mut changed, path));
            let after = bench.check(&changed);
            let is_it = |other: &&Value| other["subject"] == violation["subject"] && other["counts"] == true;
            if list(&after["violations"]).any(|other| is_it(&other)) {
                left.push(format!("{:?} of {:?}: {paths:?}", violation["subject"], case.conditions));
            } else {
                gone += 1;
            }
        }
    }
    println!("{gone} of {all} violations are gone without their evidence; {on_absence} rest on absence alone");
    for one in &left {
        println!("  left: {one}");
    }
    assert!(all > 100, "only {all} violations say too little");
    assert_eq!(without_any, 0, "violations without evidence");
    assert!(gone * 100 >= all * 98, "{gone} of {all}");
}

#[test]
fn what_has_nothing_to_do_with_it_changes_nothing() {
    for case in cases() {
        let bench = Bench::of(&case);
        let before = bench.check(&json!({"items": case.items}));
        bench.put("facts/other.json", "{\"unrelated\": [1, 2, {\"weather\": \"rain\"}]}");
        let after = bench.check(&json!({"aside": {"weather": ["rain"]}, "items": case.items, "zone": 7}));
        assert_eq!(before["verdict"], after["verdict"], "{case:?}");
        let of = |judged: &Value| -> Vec<_> {
            list(&judged["violations"]).map(|one| (one["subject"].clone(), evidence(one))).collect()
        };
        assert_eq!(of(&before), of(&after), "{case:?}");
    }
}
