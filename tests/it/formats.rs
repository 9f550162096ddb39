//! Facts in every format they can have: the same verdicts and the same evidence, each at its place in its file.

use std::{collections::BTreeMap, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::harness::{Project, table};

/// A list of small objects, as every format can write it.
const LISTS: [(&str, &str); 6] = [
    (
        "edges.json",
        r#"[
  {"client": "checkout", "server": "payments", "p99_ms": 310},
  {"client": "checkout", "server": "größe, \"x\"", "p99_ms": 512.5},
  {"client": "007", "server": "web", "p99_ms": 401}
]
"#,
    ),
    (
        "edges.yaml",
        "- {client: checkout, server: payments, p99_ms: 310}
- client: checkout
  server: größe, \"x\"
  p99_ms: 512.5
- client: \"007\"
  server: web
  p99_ms: 401
",
    ),
    (
        "edges.yml",
        "\u{feff}# the same as JSON\n[{\"client\": \"checkout\", \"server\": \"payments\", \"p99_ms\": 310},\n{\"client\": \"checkout\", \
         \"server\": \"größe, \\\"x\\\"\", \"p99_ms\": 512.5}, {\"client\": \"007\", \"server\": \"web\", \"p99_ms\": 401}]\n",
    ),
    (
        "edges.ndjson",
        r#"{"client": "checkout", "server": "payments", "p99_ms": 310}

{"server": "größe, \"x\"", "p99_ms": 512.5, "client": "checkout"}
 {"client":"007","server":"web","p99_ms":401}
"#,
    ),
    ("edges.csv", "client,server,p99_ms\ncheckout,payments,310\ncheckout,\"größe, \"\"x\"\"\",512.5\n007,web,401\n"),
    (
        // As a spreadsheet writes it.
        "edges.csv",
        "\u{feff}\"server\",\"client\",\"p99_ms\"\r\n\"payments\",\"checkout\",\"310\"\r\n\"größe, \"\"x\"\"\",\"checkout\",\
         \"512.5\"\r\n\r\n\"web\",\"007\",\"401\"\r\n",
    ),
];

/// An object with lists and further objects in it.
const TREES: [(&str, &str); 4] = [
    (
        "edges.json",
        r#"{"calls": [{"client": "checkout", "server": "payments", "p99_ms": 310}, {"client": "web", "server": "checkout",
   "p99_ms": 512.5, "since": "2026-11-21T00:00:00Z"}], "limits": {"p99": {"ms": 400}}}"#,
    ),
    (
        "edges.yaml",
        "limits: {p99: {ms: 400}}
calls:
  - {client: checkout, server: payments, p99_ms: 310}
  - client: web
    server: checkout
    p99_ms: 512.5
    since: 2026-11-21T00:00:00Z
",
    ),
    (
        "edges.toml",
        "limits.p99.ms = 400
calls = [
  {client = \"checkout\", server = \"payments\", p99_ms = 310},
  {client = \"web\", server = \"checkout\", p99_ms = 512.5, since = 2026-11-21T00:00:00Z},
]
",
    ),
    (
        "edges.toml",
        "# The same with headers.
[[calls]]
client = 'checkout'
server = 'payments'
p99_ms = 310

[[calls]]
server = 'checkout'
client = 'web'
since = 2026-11-21 00:00:00Z
p99_ms = 5_12.5

[limits.p99]
ms = 400
",
    ),
];

const OF_LISTS: &str = r#"package shop.edges

violation contains {"msg": sprintf("%s is slow", [edge.server]), "subject": edge.server} if {
	some edge in input.edges
	edge.p99_ms > 400
	edge.client != "007"
}
"#;

const OF_TREES: &str = r#"package shop.edges

violation contains {"msg": sprintf("%s is slow since %s", [edge.server, edge.since]), "subject": edge.server} if {
	some edge in input.edges.calls
	edge.p99_ms > input.edges.limits.p99.ms
}
"#;

fn project(policy: &str, name: &str, facts: &[u8]) -> Project {
    let manifest = format!(
        "version: 1\nsources:\n  edges: {{file: {name}, sha256: SHA256({name}), status: ok, observed_to: \
         2026-11-21T01:00:00Z}}\n"
    );
    Project::good()
        .without("facts/")
        .with("stillholds.yaml", "version: 1\nname: shop\npolicies: [\"policies/*.rego\"]\n")
        .with("policies/calls.rego", policy)
        .with(&format!("facts/{name}"), facts)
        .with("facts/snapshot.yaml", manifest)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

/// The text at a place of a report.
fn text_at<'t>(text: &'t str, place: &Value) -> &'t str {
    let number = |key: &str| usize::try_from(place[key].as_u64().expect("a number")).expect("a small one");
    let offset = |line: usize, column: usize| {
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        start + text[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
    };
    &text[offset(number("line"), number("column"))..offset(number("end_line"), number("end_column"))]
}

/// What is found by checking facts, with the text that stands where each piece of evidence is said to be.
fn checked(policy: &str, name: &str, text: &str, bytes: &[u8]) -> (Value, BTreeMap<String, String>) {
    let run = project(policy, name, bytes).check(&["-o", "json"]);
    assert_eq!(run.code, Some(1), "{name}: {run}");
    let report: Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
    let assumption = &report["assumptions"][0];
    let mut found = Vec::new();
    let mut texts = BTreeMap::new();
    for violation in assumption["violations"].as_array().expect("a list") {
        found.push(violation["message"].clone());
        for evidence in violation["evidence"].as_array().expect("a list") {
            let place = &evidence["location"];
            assert_eq!(place["path"], format!("facts/{name}"), "{evidence}");
            let path = evidence["path"].as_str().expect("a path").to_owned();
            texts.insert(path, text_at(text, place).to_owned());
            found.extend([evidence["path"].clone(), evidence["value"].clone()]);
        }
    }
    found.extend([assumption["verdict"].clone(), assumption["reads"].clone(), assumption["examined"].clone()]);
    (Value::from(found), texts)
}

fn all_alike(policy: &str, files: &[(&str, &str)]) -> String {
    let mut first = None;
    let mut rows = Vec::new();
    for (name, text) in files {
        let (found, texts) = checked(policy, name, text, text.as_bytes());
        assert_eq!(first.get_or_insert_with(|| found.clone()), &found, "{name}");
        let compressed = checked(policy, &format!("{name}.gz"), text, &packed(text.as_bytes()));
        assert_eq!(compressed, (found, texts.clone()), "{name}.gz");
        let texts: Vec<_> = texts.iter().map(|(path, text)| format!("{path}  {text}")).collect();
        rows.push((*name, texts.join("\n")));
    }
    format!("{}\n\n{}", serde_json::to_string_pretty(&first).expect("this can be written"), table(rows))
}

#[test]
fn lists_in_every_format_give_the_same_evidence() {
    insta::assert_snapshot!(all_alike(OF_LISTS, &LISTS));
}

#[test]
fn objects_in_every_format_give_the_same_evidence() {
    insta::assert_snapshot!(all_alike(OF_TREES, &TREES));
}

#[test]
fn line_ends_and_the_end_of_the_file_change_nothing_but_places() {
    for (policy, files) in [(OF_LISTS, &LISTS[..]), (OF_TREES, &TREES[..])] {
        for (name, text) in files.iter().filter(|(_, text)| !text.contains('\r')) {
            let expected = checked(policy, name, text, text.as_bytes());
            let windows = text.replace('\n', "\r\n");
            let cut = windows.trim_end();
            let marked = format!("\u{feff}{}", text.trim_start_matches('\u{feff}'));
            for text in [&windows, cut, &marked] {
                // What stands at each place is the same text, wherever that is.
                assert_eq!(checked(policy, name, text, text.as_bytes()), expected, "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn lines_of_compressed_files_are_shown_as_they_are_written() {
    let shown = [LISTS[4], LISTS[3], TREES[3]].map(|(name, text)| {
        let policy = if text.starts_with('#') { OF_TREES } else { OF_LISTS };
        (name, project(policy, &format!("{name}.gz"), &packed(text.as_bytes())).check(&["-v"]).shown())
    });
    insta::assert_snapshot!(table(shown));
}

/// Each in a format of its own, one after the other.
const SECRETS: [(&str, &str); 3] = [
    ("edges.csv", "server,p99_ms,password\na,512,hunter2\n"),
    ("edges.ndjson", "{\"server\": \"a\", \"p99_ms\": 512, \"password\": {\"is\": \"hunter2\"}}\n"),
    (
        "edges.toml",
        "a = {server = 'a', p99_ms = 512, password = {is = 'hunter2', was = ['hunter2', {x = 'hunter2'}]}}\n",
    ),
];

#[test]
fn secrets_are_not_shown_in_any_format() {
    let policy = OF_LISTS.replace("\tedge.client != \"007\"\n", "");
    let shown = SECRETS.map(|(name, text)| {
        let run = project(&policy, name, text.as_bytes()).check(&["-v"]);
        assert_eq!(run.code, Some(1), "{run}");
        assert!(!run.stdout.contains("hunter2"), "{run}");
        (name, run.shown())
    });
    insta::assert_snapshot!(table(shown));
}

#[test]
fn a_list_without_elements_is_a_list() {
    for (name, text) in [("edges.ndjson", ""), ("edges.csv", ""), ("edges.csv", "client,server,p99_ms\n")] {
        for (name, bytes) in
            [(name.to_owned(), text.as_bytes().to_vec()), (format!("{name}.gz"), packed(text.as_bytes()))]
        {
            let run = project(OF_LISTS, &name, &bytes).check(&["-o", "json"]);
            assert_eq!(run.code, Some(3), "{name}: {run}");
            let report: Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
            assert_eq!(report["snapshot"]["sources"][0]["status"], "ok", "{name}: {run}");
            assert_eq!(report["assumptions"][0]["reason"], "vacuous", "{name}: {run}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_where() {
    let whole = packed(b"[]");
    let cases: [(&str, &str, &[u8]); 26] = [
        ("a key twice", "edges.toml", b"[a]\nb = 1\nb = 2\n"),
        ("a table twice", "edges.toml", b"[a]\n[b]\n[a]\n"),
        ("a value that is none", "edges.toml", b"a = 1\nb = yes\n"),
        ("a list that is not closed", "edges.toml", b"a = [1,\n"),
        ("a number that is too large", "edges.toml", b"a = 1e999\n"),
        ("nothing", "edges.toml", b"# nothing\n"),
        ("a key twice in a line", "edges.ndjson", b"{\"a\": 1}\n\n{\"a\": 1, \"a\": 2}\n"),
        ("JSON over several lines", "edges.ndjson", b"[\n  {\"a\": 1}\n]\n"),
        ("two documents in a line", "edges.ndjson", b"{\"a\": 1}\n{\"a\": 2} {\"a\": 3}\n"),
        ("a line that is cut", "edges.ndjson", b"{\"a\": 1}\n{\"a\": \"x\n"),
        ("a line that is no JSON", "edges.ndjson", b"{\"a\": 1}\n{\"a\": NaN}\n"),
        ("a column twice", "edges.csv", b"a,b,a\n1,2,3\n"),
        ("a cell too few", "edges.csv", b"a,b\n1,2\n\n3\n"),
        ("a cell too many", "edges.csv", b"a,b\n1,2\n3,4,\n"),
        ("a quote that is not closed", "edges.csv", b"a,b\n1,\"2\n3,4\n"),
        ("a quote inside", "edges.csv", b"a,b\n1,5\" disk\n"),
        ("more after a quote", "edges.csv", b"a,b\n1,\"5\" disk\n"),
        ("semicolons", "edges.csv", b"a;b\n1;2\n"),
        ("bytes that are no text", "edges.csv", b"a,b\n1,gr\xf6\xdfe\n"),
        ("a line of a compressed file", "edges.ndjson.gz", &packed(b"1\n2\n{\"a\" 1}\n")),
        ("a cell of a compressed file", "edges.csv.gz", &packed(b"a,b\n1\n")),
        ("a compressed file that is cut", "edges.json.gz", &whole[..whole.len() - 3]),
        ("a compressed file that is empty", "edges.json.gz", b""),
        ("a compressed file that changed", "edges.json.gz", &[&whole[..whole.len() - 5], &[7; 5]].concat()),
        ("a name that says it is compressed", "edges.json.gz", b"[]"),
        ("a name that does not", "edges.json", &whole),
    ];
    let said = cases.map(|(title, name, bytes)| {
        let run = project(OF_LISTS, name, bytes).check(&[]);
        assert_eq!(run.code, Some(3), "{title}: {run}");
        let shown = run.shown();
        let head = shown.split("\n\n").next().unwrap_or_default();
        (title, head.lines().skip(1).collect::<Vec<_>>().join("\n"))
    });
    insta::assert_snapshot!(table(said));
}

#[test]
fn numbers_that_are_not_held_are_said_in_every_format() {
    let rounded = [
        ("edges.toml", "a = 1\nb.c = 123456789012345678901\n"),
        ("edges.ndjson", "{\"a\": 1}\n{\"a\": [0.5, 123456789012345678901]}\n"),
        ("edges.csv", "a,b\n1,123456789012345678901\n2,123456789012345678902\n"),
        ("edges.toml.gz", "a = [nan, 1]\nb.c = 0.12345678901234567890\n"),
    ];
    let said = rounded.map(|(name, text)| {
        let bytes = if name.contains(".gz") { packed(text.as_bytes()) } else { text.as_bytes().to_vec() };
        let run = project(OF_LISTS, name, &bytes).check(&["-o", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
        let findings = report["findings"].as_array().expect("a list");
        let place = |finding: &Value| {
            let place = &finding["location"];
            format!(
                "{}:{}:{} `{}` {}",
                place["path"].as_str().unwrap_or_default(),
                place["line"],
                place["column"],
                text_at(text, place),
                finding["message"].as_str().unwrap_or_default()
            )
        };
        (name, findings.iter().map(place).collect::<Vec<_>>().join("\n"))
    });
    insta::assert_snapshot!(table(said));
}
