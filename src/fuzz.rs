//! Whatever people, programs and strangers write: no reader panics or hangs, and what it says stands inside the file.
//!
//! Each test reads arbitrary bytes and documents that were good before they were cut, doubled and mixed. How many is
//! said by `STILLHOLDS_FUZZ_CASES`; without it they are few. All five at once for about half an hour:
//!
//! ```text
//! STILLHOLDS_FUZZ_CASES=1000000 timeout 1800 cargo test --release --lib fuzz
//! ```

use std::{
    collections::BTreeSet,
    env, fmt,
    path::Path,
    time::{Duration, Instant},
};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use crate::{
    facts::{self, Format},
    model::{Json, Segment},
    policy::{self, Others, PolicyFile},
    project::Project,
    source::{Advice, At, Place, SourceFile, rendered},
};

/// Nothing so short takes longer, on any machine and beside any other tests.
const LATEST: Duration = Duration::from_secs(20);

const MARKDOWN: [&str; 2] = [
    r#"# Checkout

Text with `code` and [a link](x.md).

> - ```rego
>   # METADATA
>   # title: Calls
>   # custom:
>   #   assumption: {id: calls, max_age: 24h, optional: ["input.traces.edges[_].p99_ms"]}
>   package shop.calls
>
>   subjects contains e.server if some e in input.traces.edges
>   ```

More.

~~~~rego
violation contains {"msg": sprintf("größe %s", [e.server]), "subject": e.server} if {
	some e in input.traces.edges
	not e.server in data.design.services[e.client].calls
}
~~~~

```rego test
package shop.calls_test
import data.shop.calls
test_one if count(calls.violation) == 0 with input as {"traces": {"edges": []}}
```
"#,
    "Title\r\n=====\r\n\r\n1. one\r\n\r\n   ``` rego {.numbered}\r\n   package a\r\n   # METADATA\r\n   # title: x\r\n   # scope: rule\r\n   holds if input.a.b == `raw\r\n   # METADATA\r\n   `\r\n   ```\r\n",
];

const POLICIES: [&str; 2] = [
    r#"# METADATA
# title: Deep
# description: |
#   Over several
#   lines.
# related_resources:
#   - ref: https://example.com/adr/0012
# custom:
#   assumption:
#     id: deep
#     severity: warning
#     formerly: [old, older]
#     review_by: 2027-03-01
package a.b["c-d"]

import data.lib.f
import rego.v1

default allowed := false
allowed if { every x in input.svc.list { x > 1e3 } } else := true if input.svc["größe"] != "\u00fc"
measure contains {"value": m.v, "limit": 400, "unit": "ms"} if some m in input.svc.ms
holds_slow if { x := [y | y := input.svc.list[_]; y >= 3] ; count(x) > 2 with input.svc.n as 1 }
f(x) := y if { y := x + 1 }
"#,
    "package main\n\ndeny[msg] {\n\tinput.kind == \"Deployment\"\n\tc := input.spec.containers[_]\n\tnot c.limits\n\tmsg = sprintf(\"%s\", [c.name])\n}\n\nwarn_x[{\"msg\": \"x\"}] { input.a }\n",
];

const PROJECTS: [&str; 2] = [
    r#"version: 1
name: storefront
policies: ["docs/**/*.md", {path: "legacy/*.rego", rego: v0, input: "manifests[_]"}]
library: ["dependencies/*", "!dependencies/call-still-seen", {id: "latency/*", severity: warning, max_age: 1h}]
design: ["design/*.yaml"]
facts: facts
references: {staging: {facts: facts-staging, max_age: 24h}}
defaults: {max_age: 24h, eroding_under: 10%, fail_severity: error, vacuous: first}
sources: {manifests: {documents: many, max_age: none}}
gate: {deny_findings: [], max_baseline: null, max_waiver: 365d}
aliases: {checkout: [checkout, "checkout-*"]}
redact: [token]
"#,
    "version: 1\npolicies:\n  - &p \"größe/*.rego\"\n  - *p\ncollect:\n  - {source: svc, http: {url: \"https://example.com/x\"}}\n  - source: files\n    file: {path: \"x/*.json\"}\n",
];

const FACTS: [(Format, &str); 7] = [
    (Format::Json, r#"{"a": [1, -2.5e3, {"b": "gr\u00f6ße", "": null}], "c d": {"e": [true, false, []]}}"#),
    (
        Format::Yaml,
        "a: &a [1, .inf, {b: 'grö''ße', c: \"\\u00e4\"}]\nc: |\n  text\n  more\n? d\n: *a\ne:\n- - 1\n  - !!str 2\n",
    ),
    (Format::Yaml, "%YAML 1.2\n---\nbase: &b {x: 1}\nother: {<<: *b, y: 2}\n...\n---\n- >-\n  folded\n  text\n- ~\n"),
    (
        Format::Toml,
        "a = 1_000\nb.c = 'x'\n[[d]]\ne = \"\"\"\nlong\n\"\"\"\n[[d]]\nf = 2026-11-21T00:00:00Z\n[g.\"h i\"]\nj = [nan, {k = 0x1f}]\n",
    ),
    (Format::Ndjson, "{\"a\": 1}\n\n [1, \"größe\"]\r\n7\n"),
    (Format::Csv, "a,\"b \"\"c\"\"\",d\r\n1,größe,007\n\"x\ny\",,1e5\n"),
    (Format::Csv, "\u{feff}a\n1\n"),
];

/// What grammars are made of, and what breaks them.
const PIECES: [&[u8]; 44] = [
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"    ",
    b"\"",
    b"'",
    b"`",
    b"```",
    b"```rego\n",
    b"~~~",
    b"> ",
    b"- ",
    b"# METADATA\n",
    b"# ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b":",
    b": ",
    b",",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"? ",
    b"|\n",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"1e999",
    b".",
    b"..",
    b"package ",
    b" if ",
    b"null",
];

/// One way to spoil a document.
#[derive(Debug, Clone)]
enum Change {
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index, usize),
    Set(Index, u8),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let between = |one: &Index, other: &Index| {
            let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
            one.min(other)..one.max(other).min(one.min(other) + 64)
        };
        match self {
            Self::Insert(at, piece) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, piece.iter().copied());
            }
            Self::Remove(one, other) => drop(bytes.drain(between(one, other))),
            Self::Repeat(one, other, times) => {
                let range = between(one, other);
                let repeated = bytes[range.clone()].repeat(*times);
                bytes.splice(range.end..range.end, repeated);
            }
            Self::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Set(..) => {}
        }
    }
}

/// Documents that are almost those, and some that are nothing.
fn spoilt(good: Vec<&'static [u8]>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec);
    let change = prop_oneof![
        4 => (any::<Index>(), piece.clone()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        2 => any::<(Index, Index)>().prop_map(|(one, other)| Change::Remove(one, other)),
        2 => (any::<(Index, Index)>(), 1..4_usize).prop_map(|((one, other), times)| Change::Repeat(one, other, times)),
        1 => any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
    ];
    let changed = (prop::sample::select(good), prop::collection::vec(change, 0..8)).prop_map(|(good, changes)| {
        let mut bytes = good.to_vec();
        for change in &changes {
            change.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![
        6 => changed,
        1 => prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ]
}

/// Reads as many as are asked for.
fn fuzz<T: fmt::Debug>(cases: &impl Strategy<Value = T>, read: impl Fn(T) -> Result<(), TestCaseError>) {
    let number = env::var("STILLHOLDS_FUZZ_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(300);
    // What fails is printed; it becomes a test of its own where it is mended.
    let config = ProptestConfig { cases: number, failure_persistence: None, ..ProptestConfig::default() };
    let timed = |case| {
        let start = Instant::now();
        read(case)?;
        let took = start.elapsed();
        prop_assert!(took < LATEST, "took {took:?}");
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(cases, timed) {
        panic!("{error}");
    }
}

/// Whether bytes are characters of a text.
fn is_inside(place: &Place) -> bool {
    let span = place.span;
    span.start <= span.end && place.file.text().get(span.range()).is_some()
}

fn all_inside<K: Advice>(errors: &[At<K>]) -> Result<(), TestCaseError> {
    let places =
        errors.iter().flat_map(|error| error.place.iter().chain(error.related.iter().map(|related| &related.place)));
    for place in places {
        prop_assert!(
            is_inside(place),
            "{:?} of {} bytes in {}",
            place.span,
            place.file.text().len(),
            place.file.path()
        );
    }
    let shown = rendered(errors);
    prop_assert!(errors.is_empty() || !shown.is_empty());
    let is_shown = |c: char| c == '\n' || !c.is_control();
    prop_assert!(shown.chars().all(is_shown), "{shown:?}");
    Ok(())
}

/// Loads one file with policies, as the project's own or as those of others.
fn load(path: &str, bytes: &[u8], v0: bool, others: bool) -> Result<(), TestCaseError> {
    let file = SourceFile::new(path, String::from_utf8_lossy(bytes));
    let lines = file.text().split('\n').count();
    let input = policy::InputBinding { source: "svc".to_owned(), each: true };
    let others = others.then(|| Others { input, name: "x".to_owned() });
    match policy::load(&[PolicyFile { file, v0, others }], &[], &BTreeSet::new()) {
        Err(errors) => all_inside(&errors),
        Ok(policies) => {
            for group in &policies.groups {
                let location = &group.assumption.location;
                prop_assert!(
                    (1..=lines).contains(&location.line) && location.end_line <= lines,
                    "{location:?} of {lines}"
                );
            }
            Ok(())
        }
    }
}

#[test]
fn documents_of_any_kind() {
    fuzz(&spoilt(MARKDOWN.map(str::as_bytes).to_vec()), |bytes| load("docs/x.md", &bytes, false, false));
}

#[test]
fn policies_and_metadata_of_any_kind() {
    let cases = (spoilt(POLICIES.map(str::as_bytes).to_vec()), any::<(bool, bool)>());
    fuzz(&cases, |(bytes, (v0, others))| load("x.rego", &bytes, v0, others));
}

#[test]
fn project_files_of_any_kind() {
    fuzz(&spoilt(PROJECTS.map(str::as_bytes).to_vec()), |bytes| {
        let file = SourceFile::new("stillholds.yaml", String::from_utf8_lossy(&bytes));
        Project::parse(Path::new("nowhere"), &file).map_or_else(|errors| all_inside(&errors), |_| Ok(()))
    });
}

/// Every path of a value, and some that are none.
fn paths_of(value: &Json) -> Vec<Vec<Segment>> {
    let mut all = vec![(Vec::new(), value)];
    let mut at = 0;
    while let Some((path, value)) = all.get(at).cloned() {
        let below = |step: Segment| [path.as_slice(), &[step]].concat();
        match value {
            Json::Array(items) => {
                all.extend(items.iter().enumerate().map(|(at, item)| (below(Segment::Index(at)), item)));
            }
            Json::Object(fields) => {
                all.extend(fields.iter().map(|(key, item)| (below(Segment::Key(key.clone())), item)));
            }
            _ => {}
        }
        at += 1;
    }
    let nowhere = [Segment::Index(0), Segment::Index(usize::MAX), Segment::Key("a".to_owned()), Segment::Any];
    all.into_iter().map(|(path, _)| path).chain(nowhere.map(|step| vec![step])).collect()
}

/// Finds places in a text, which may be another one than the paths are of.
fn find(bytes: &[u8], format: Format, many: bool, paths: &[Vec<Segment>]) -> Result<usize, TestCaseError> {
    let paths: Vec<_> = paths.iter().map(Vec::as_slice).collect();
    let found = facts::locate(bytes, format, many, &paths);
    prop_assert_eq!(found.len(), paths.len());
    let ranges: Vec<_> =
        found.iter().flatten().flat_map(|found| [Some(found.value.clone()), found.key.clone()]).flatten().collect();
    for range in &ranges {
        prop_assert!(range.start <= range.end && range.end <= bytes.len(), "{range:?} of {}", bytes.len());
    }
    for location in facts::locations("x", bytes, &ranges) {
        prop_assert!((location.line, location.column) <= (location.end_line, location.end_column), "{location:?}");
    }
    Ok(found.iter().flatten().count())
}

fn facts_of_any_format() -> impl Strategy<Value = (Format, Vec<u8>, bool)> {
    let of = |format: Format| {
        let good = FACTS.iter().filter(|(known, _)| *known == format).map(|(_, text)| text.as_bytes()).collect();
        (Just(format), spoilt(good), any::<bool>())
    };
    prop_oneof![of(Format::Json), of(Format::Yaml), of(Format::Toml), of(Format::Ndjson), of(Format::Csv)]
}

#[test]
fn facts_of_any_kind() {
    fuzz(&facts_of_any_format(), |(format, bytes, many)| match facts::decode(bytes.clone(), format, many, "x") {
        Ok(decoded) => {
            let paths = paths_of(&decoded.value);
            // A document may be a list of documents that has no place; so may those that are left out.
            let found = find(&bytes, format, many, &paths)?;
            let real = paths.len() - 4;
            prop_assert!(found + 1 >= real, "{found} of {real} places are found");
            Ok(())
        }
        Err(message) => {
            // `x:LINE:COLUMN: …`, where there is a place.
            let mut place = message.strip_prefix("x:").unwrap_or("1:1").splitn(3, ':').map(str::parse);
            if let (Some(Ok(line)), Some(Ok(column))) = (place.next(), place.next()) {
                let lines = bytes.split(|byte| *byte == b'\n').count();
                prop_assert!((1..=lines).contains(&line), "{message} of {lines} lines");
                let line = bytes.split(|byte| *byte == b'\n').nth(line - 1).unwrap_or_default();
                let width = String::from_utf8_lossy(line).chars().count();
                prop_assert!((1..=width + 1).contains(&column), "{message} of {width} columns");
            }
            Ok(())
        }
    });
}

#[test]
fn places_in_facts_that_changed() {
    let paths: Vec<_> = FACTS
        .iter()
        .filter_map(|(format, text)| facts::decode(text.as_bytes().to_vec(), *format, true, "x").ok())
        .flat_map(|decoded| paths_of(&decoded.value))
        .collect();
    fuzz(&facts_of_any_format(), |(format, bytes, many)| find(&bytes, format, many, &paths).map(drop));
}
