use std::{fs, path::Path};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};

use super::*;
use crate::{
    model::{Age, MaxAge, Severity, Vacuous},
    policy::InputBinding,
    schema,
    source::{At, SourceFile},
    yaml,
};

/// As a terminal without colours shows it.
fn shown(error: &dyn Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(80)
        .render_report(&mut text, error)
        .unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn all_shown(errors: &[At<ProjectError>]) -> String {
    errors.iter().map(|error| shown(error)).collect()
}

fn read(text: &str) -> Result<Project, Vec<At<ProjectError>>> {
    Project::parse(Path::new("/somewhere/storefront"), &SourceFile::new(Project::FILE, text))
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const EVERYTHING: &str = r#"
version: 1
name: storefront
policies: ["docs/**/*.md", "policies/*.rego", {path: "legacy/*.rego", rego: v0, input: "manifests[_]"}]
library: ["dependencies/*", "!dependencies/call-still-seen", {id: "latency/*", severity: warning, owner: team-sre, max_age: 1h}]
design: ["design/*.yaml"]        # documents merged key by key; a key with two values is an error naming both places
data: ["legacy/data/*.json"]     # further documents at the root of `data`
facts: facts                     # a snapshot or a store
references: {staging: {facts: facts-staging, max_age: 24h}}
waivers: waivers.yaml
baseline: baseline.jsonl
defaults: {max_age: 24h, eroding_under: 10%, fail_severity: error, vacuous: first}
sources: {manifests: {documents: many, max_age: none}}
gate: {deny_findings: [], max_baseline: null, max_waiver: 365d}
aliases:
  checkout: [checkoutservice, "checkout-*", "outbound|9080||checkout.*"]    # glob patterns over the whole name
redact: []                       # further key names whose values are never shown
collect:
  - {source: inventory, kind: file, path: "inventory/*.csv", age: git}              # age: git | mtime | {field: generated_at}
  - {source: stock, kind: http, url: "https://stock.example/api/levels", select: /items, timeout: 10s}
  - {source: capacity, kind: command, run: ["./capacity.sh", "--json"], format: json, timeout: 30s, env: [REGION]}
  - source: prometheus
    kind: prometheus
    url: http://prometheus.example:9090
    queries:
      checkout_p99: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service="checkout"}[5m])))
      replicas_30d: {query: "min by (deployment) (kube_deployment_status_replicas_available)", range: 30d, step: 1h, on_empty: unknown}
    include: [alerts, targets]
  - {source: kubernetes, kind: kubernetes, kinds: [deployments, services], namespaces: [shop]}   # or files: "dump/*.json"
  - {source: traces, kind: traces, path: "otlp/*.jsonl.zst", shards: 4}                          # or url:, api:, window:, limit:
"#;

#[test]
fn all_that_can_be_written_is_kept() {
    let project = read(EVERYTHING).unwrap();
    assert_eq!(project.name, "storefront");
    let legacy = &project.policies[2];
    assert_eq!((legacy.pattern.as_str(), legacy.v0), ("legacy/*.rego", true));
    assert_eq!(legacy.input, Some(InputBinding { source: "manifests".to_owned(), each: true }));
    assert_eq!(project.file.slice(legacy.place.span), "\"legacy/*.rego\"");
    let [on, off, latency] = &project.library[..] else { panic!("{:?}", project.library) };
    assert_eq!((on.pattern.as_str(), on.negated), ("dependencies/*", false));
    assert_eq!((off.pattern.as_str(), off.negated), ("dependencies/call-still-seen", true));
    assert_eq!(latency.overrides.severity, Some(Severity::Warning));
    assert_eq!(latency.overrides.max_age, Some(MaxAge::Limit(Age::from_seconds(3600))));
    assert_eq!(latency.place.location().line, 5);
    assert_eq!(project.references["staging"].facts, "facts-staging");
    assert_eq!(project.defaults.max_age, Some(MaxAge::Limit(Age::from_seconds(86_400))));
    assert!(project.sources["manifests"].documents_many);
    assert_eq!(project.sources["manifests"].max_age, Some(MaxAge::None));
    assert_eq!(project.gate, GateSettings::default());
    assert_eq!(project.aliases[0].patterns.len(), 3);
    let kinds: Vec<_> = project.collect.iter().map(|entry| (entry.source.as_str(), &entry.kind)).collect();
    insta::assert_debug_snapshot!(kinds.iter().map(|(source, _)| source).collect::<Vec<_>>(), @r#"
    [
        "inventory",
        "stock",
        "capacity",
        "prometheus",
        "kubernetes",
        "traces",
    ]
    "#);
    let CollectKind::Prometheus { queries, include, .. } = kinds[3].1 else { panic!("{:?}", kinds[3]) };
    assert_eq!(queries[1].range.unwrap().step, Some(Age::from_seconds(3600)));
    assert_eq!(include, &[PrometheusList::Alerts, PrometheusList::Targets]);
}

#[test]
fn the_rest_has_defaults() {
    let project = read("{version: 1, policies: [\"docs/*.md\"]}").unwrap();
    assert_eq!((project.name.as_str(), project.facts.as_str()), ("storefront", "facts"));
    assert_eq!(project.defaults, DefaultSettings::default());
    assert_eq!((project.defaults.eroding_under, project.defaults.vacuous), (0.1, Vacuous::First));
    assert_eq!(project.gate.max_waiver, "365d".parse().unwrap());
    assert!(project.library.is_empty() && project.collect.is_empty() && project.waivers.is_none());
}

/// Whether an editor that knows only the schema sees it too.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Schema {
    Refuses,
    CannotTell,
}
use Schema::{CannotTell, Refuses};

/// Files that are right, for the schema too.
const GOOD: &[&str] = &[
    EVERYTHING,
    "version: 1\npolicies: [\"docs/*.md\"]\n",
    "\u{feff}version: 1\npolicies: [./a//b.rego]\n",
    "version: 1\npolicies: []\nlibrary: [dependencies/only-declared-calls]\n",
    "version: 1\npolicies: [a.rego]\nlibrary:\ndefaults:\nname: ~\nwaivers:\n",
    "version: 1\npolicies: [a.rego]\ndefaults: {eroding_under: 0.1, max_age: none, vacuous: strict}\n",
    "version: 1\npolicies: [{path: a.rego, rego: v1, input: plan}]\n",
    "version: 1\npolicies: [a.rego]\nlibrary: [{id: latency/*, review_by: 2027-03-01, eroding_under: 5%}]\n",
    "version: 1\npolicies: [a.rego]\ngate: {deny_findings: [waiver-expired], max_baseline: 0}\n",
    "version: 1\npolicies: [a.rego]\ncollect: [{source: a, kind: file, path: a.json, age: {field: generated_at}}]\n",
    "version: 1\npolicies: [a.rego]\ncollect: [{source: k, kind: kubernetes, files: \"dump/*.json\"}]\n",
    "version: 1\npolicies: [a.rego]\ncollect: [{source: t, kind: traces, url: \"http://tempo:3200\", api: tempo, window: 1h, limit: 500}]\n",
];

/// Files that are wrong; each stands below `version: 1` and `policies: [a.rego]` where it does not say otherwise.
const BROKEN: &[(&str, Schema)] = &[
    ("", Refuses),
    ("# nothing but words\n", Refuses),
    ("[version, policies]\n", Refuses),
    ("version: 1\npolicies: [a.rego\n", CannotTell),
    ("version: 1\nversion: 1\npolicies: [a.rego]\n", CannotTell),
    ("policies: [a.rego]\n", Refuses),
    ("version: 2\npolicies: [a.rego]\n", Refuses),
    ("version: \"1\"\npolicies: [a.rego]\n", Refuses),
    ("version: 1\n", Refuses),
    ("version: 1\npolicies: docs/*.md\n", Refuses),
    ("version: 1\npolicies: []\n", Refuses),
    ("version: 1\npolicies: []\nlibrary: [\"!latency/*\"]\n", Refuses),
    ("version: 1\npolicies: [a.rego]\npolicy: [b.rego]\nfacst: facts\n", Refuses),
    ("version: 1\npolicies: [../nearby/*.rego, /etc/*.rego, 'C:\\policies\\a.rego', 'a\\b.rego']\n", Refuses),
    ("version: 1\npolicies: [\"docs/**.md\", \"docs/[a.md\"]\n", Refuses),
    ("version: 1\npolicies: [docs/*.md, \"!docs/old.md\"]\n", Refuses),
    ("version: 1\npolicies: [{path: legacy/*.rego, rego: v2, input: \"Manifests[*]\"}]\n", Refuses),
    ("version: 1\npolicies: [{paths: legacy/*.rego}]\n", Refuses),
    ("version: 1\npolicies: [3, \"\"]\n", Refuses),
    ("library: [policies/mine.rego, {id: latency/*, severity: fatal, max_age: soon, review_by: 1 March}]\n", Refuses),
    ("library: [{id: \"!latency/*\", owner: team-sre}]\n", Refuses),
    ("facts: ../production/facts\n", Refuses),
    ("facts: .\nname: \" \"\n", Refuses),
    ("references: {Staging-EU: {facts: facts-staging}, last: facts-last, test: {max_age: 1h}}\n", Refuses),
    ("references: {staging: {facts: ../staging}}\n", Refuses),
    ("baseline: /var/lib/baseline.jsonl\n", Refuses),
    ("defaults:\n  max_age: 24\n  eroding_under: 10\n  fail_severity: eror\n", Refuses),
    ("defaults: {eroding_under: 110%, vacuous: allowed}\n", Refuses),
    ("defaults: {vacuous: lax, max_age: [1h]}\n", Refuses),
    ("sources: {k8s-manifests: {documents: all}}\n", Refuses),
    ("sources: {\"404\": {}}\n", Refuses),
    ("gate: {deny_findings: [Waiver Expired], max_baseline: -1, max_waiver: one year}\n", Refuses),
    ("aliases: {checkout: [checkoutservice], cart: [cartservice, checkoutservice]}\n", CannotTell),
    ("aliases: {checkout: checkoutservice}\n", Refuses),
    ("redact: [iban, 7]\n", Refuses),
    ("collect: [{source: a, kind: file, path: a.json}, {source: a, kind: file, path: b.json}]\n", CannotTell),
    ("collect: [{source: a, kind: htpp, url: x}]\n", Refuses),
    ("collect: [{kind: file, path: a.json}]\n", Refuses),
    ("collect: [{source: a}]\n", Refuses),
    ("collect:\n  - source: a\n    kind: http\n    url: https://a.example\n    queries: {up: up}\n", Refuses),
    ("collect:\n  - {source: a, kind: http, url: \"https://ann:secret@a.example\"}\n", Refuses),
    ("collect: [{source: a, kind: http, url: a.example/levels, select: items}]\n", Refuses),
    ("collect: [{source: a, kind: command, run: [], format: xml}]\n", Refuses),
    ("collect: [{source: a, kind: file, path: ../a.json, age: {of: generated_at}}]\n", Refuses),
    (
        "collect:\n  - source: prometheus\n    kind: prometheus\n    url: http://p:9090\n    queries:\n      alerts: up\n      \
         P99: up\n      slow: {query: up, step: 1h, on_empty: skip}\n    include: [alert]\n",
        Refuses,
    ),
    ("collect: [{source: k, kind: kubernetes}]\n", Refuses),
    ("collect: [{source: k, kind: kubernetes, kinds: [Deployment]}]\n", Refuses),
    ("collect: [{source: k, kind: kubernetes, files: a.json, namespaces: [shop]}]\n", Refuses),
    ("collect: [{source: t, kind: traces, path: a.jsonl, api: tempo, shards: 0}]\n", Refuses),
    ("collect: [{source: t, kind: traces}]\n", Refuses),
    ("collect: [{source: t, kind: traces, url: \"http://t:3200\", shards: 2}]\n", Refuses),
];

fn whole(text: &str) -> String {
    let alone = text.is_empty() || text.contains("version") || text.starts_with(['#', 'p']);
    if alone { text.to_owned() } else { format!("version: 1\npolicies: [a.rego]\n{text}") }
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let mut said = String::new();
    for (text, _) in BROKEN {
        let text = whole(text);
        let errors = read(&text).expect_err(&text);
        assert!(!errors.is_empty(), "{text}");
        said.push_str("────────\n");
        said.push_str(&text);
        said.push('\n');
        said.push_str(&all_shown(&errors));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn schema_and_tool_agree() {
    let validator = schema::tests::validator(schema::PROJECT);
    let document = |text: &str| yaml::parse(&SourceFile::new(Project::FILE, text)).map(|node| node.to_json());
    for text in GOOD {
        if let Err(errors) = read(text) {
            panic!("{text}\n{}", all_shown(&errors));
        }
        let document = document(text).unwrap();
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}\n{errors:#?}");
    }
    for (text, schema) in BROKEN {
        let text = whole(text);
        let Ok(document) = document(&text) else { continue };
        assert_eq!(!validator.is_valid(&document), *schema == Refuses, "{text}");
    }
}

/// Values of which each is right somewhere and wrong elsewhere.
fn samples() -> Vec<Value> {
    let texts =
        ["x", "", " ", "../x", ".", "10%", "Upper", "24h", "none", "https://a", "!x", "/x", "a\\b", "x[_]", "0.1"];
    let others = [json!(null), json!(true), json!(7), json!(0.5), json!(-1), json!([]), json!({}), json!(["x"])];
    texts.into_iter().map(Value::from).chain(others).collect()
}

/// Every document that differs from this one in one value, one key or one element.
fn mutants(value: &Value) -> Vec<Value> {
    let mut found = samples();
    match value {
        Value::Array(items) => {
            for at in 0..items.len() {
                let with = |item: Value| {
                    let mut items = items.clone();
                    items[at] = item;
                    Value::Array(items)
                };
                found.extend(mutants(&items[at]).into_iter().map(with));
            }
        }
        Value::Object(keys) => {
            for (key, item) in keys {
                let with = |item: Value| {
                    let mut keys = keys.clone();
                    keys[key] = item;
                    Value::Object(keys)
                };
                found.extend(mutants(item).into_iter().map(with));
                let mut fewer = keys.clone();
                fewer.remove(key);
                let mut renamed = fewer.clone();
                renamed.insert("Other-key".to_owned(), item.clone());
                found.extend([Value::Object(fewer), Value::Object(renamed)]);
            }
        }
        _ => {}
    }
    found
}

#[test]
fn schema_and_tool_agree_on_what_is_nearly_right() {
    let validator = schema::tests::validator(schema::PROJECT);
    for text in GOOD {
        let good = yaml::parse(&SourceFile::new(Project::FILE, *text)).unwrap().to_json();
        // All of them take seconds; a prime step meets every key of every kind of entry.
        for mutant in mutants(&good).into_iter().step_by(7) {
            let ours = read(&mutant.to_string()).map(drop).map_err(|errors| all_shown(&errors));
            assert_eq!(validator.is_valid(&mutant), ours.is_ok(), "{mutant}\n{ours:?}");
        }
    }
}

#[test]
fn no_text_is_too_broken_to_be_read() {
    for (at, c) in EVERYTHING.char_indices().step_by(3) {
        let _ = read(&EVERYTHING[..at]);
        let _ = read(&format!("{}{}", &EVERYTHING[..at], &EVERYTHING[at + c.len_utf8()..]));
    }
}

#[test]
fn all_errors_come_at_once_and_in_order() {
    let errors = read("name: [a]\npolicies: [/a]\nfacts: ..\ngate: {max_waiver: 1y}\nnope: 1\n").unwrap_err();
    let lines: Vec<_> =
        errors.iter().map(|error| error.place.as_ref().map_or(0, |place| place.location().line)).collect();
    assert_eq!(lines, [1, 1, 2, 3, 4, 5]);
    assert_eq!(errors.iter().filter(|error| matches!(error.kind, ProjectError::NoVersion)).count(), 1);
}

#[test]
fn a_project_is_found_from_below() {
    let folder = folder(&[
        ("shop/stillholds.yaml", "version: 1\npolicies: [\"docs/*.md\"]\n"),
        ("shop/docs/deep/a.md", ""),
        ("other/stillholds.yml", ""),
    ]);
    let shop = folder.path().join("shop").canonicalize().unwrap();
    assert_eq!(Project::discover(&shop.join("docs/deep")).unwrap(), shop);
    assert_eq!(Project::discover(&shop).unwrap(), shop);
    assert_eq!(Project::load(&shop).unwrap().name, "shop");

    let hide = |error: &At<ProjectError>| {
        shown(error)
            .replace('\n', " ")
            .replace("  │ ", "")
            .replace("  ", "")
            .replace(&*folder.path().to_string_lossy(), "…")
    };
    let misnamed = Project::discover(&folder.path().join("other")).unwrap_err();
    assert!(
        matches!(&misnamed.kind, ProjectError::NotFound { misnamed: Some(path), .. } if path.ends_with("stillholds.yml"))
    );
    let nowhere = Project::discover(folder.path()).unwrap_err();
    assert!(matches!(nowhere.kind, ProjectError::NotFound { misnamed: None, .. }));
    assert!(hide(&nowhere).contains("`stillholds init` makes a project"), "{}", hide(&nowhere));
    let gone = Project::discover(&folder.path().join("gone")).unwrap_err();
    assert!(matches!(gone.kind, ProjectError::Unreadable { .. }));
    assert!(matches!(Project::load(folder.path()).unwrap_err()[0].kind, ProjectError::NotFound { .. }));
    fs::write(folder.path().join("other/stillholds.yaml"), b"name: \xff\n").unwrap();
    let unreadable = Project::load(&folder.path().join("other")).unwrap_err();
    insta::assert_snapshot!(unreadable[0].to_string(), @"`stillholds.yaml` cannot be read: it is not text in UTF-8");
}

/// A project in a folder of its own, with one policy file.
fn project(files: &[(&str, &str)], policies: &str) -> (tempfile::TempDir, Project) {
    let folder = folder(files);
    let text = format!("version: 1\npolicies: {policies}\n");
    let project = Project::parse(folder.path(), &SourceFile::new(Project::FILE, text)).unwrap();
    (folder, project)
}

const TREE: &[(&str, &str)] = &[
    ("docs/b.md", ""),
    ("docs/a.md", ""),
    ("docs/deep/er/c.md", ""),
    ("docs/.hidden/d.md", ""),
    ("docs/.e.md", ""),
    ("docs/notes.txt", ""),
    ("docs/[x]/f.md", ""),
    ("legacy/one.rego", ""),
    ("legacy/net/two.rego", ""),
    (".github/g.md", ""),
];

fn paths(policies: &str) -> Vec<(String, String)> {
    let (_folder, project) = project(TREE, policies);
    let files = project.policy_files().unwrap_or_else(|errors| panic!("{}", all_shown(&errors)));
    files.into_iter().map(|file| (file.path, file.below)).collect()
}

#[test]
fn patterns_find_the_same_files_in_the_same_order() {
    let found = |policies: &str| paths(policies).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(found("[docs/*.md]"), ["docs/a.md", "docs/b.md"]);
    assert_eq!(found("[docs/**/*.md]"), ["docs/[x]/f.md", "docs/a.md", "docs/b.md", "docs/deep/er/c.md"]);
    assert_eq!(found("[\"**/**/?.md\"]"), ["docs/[x]/f.md", "docs/a.md", "docs/b.md", "docs/deep/er/c.md"]);
    assert_eq!(found("[legacy/**]"), ["legacy/net/two.rego", "legacy/one.rego"]);
    assert_eq!(found("[docs/b.md, docs/*.md]"), ["docs/b.md", "docs/a.md"], "the first entry wins");
    assert_eq!(
        found("[docs/.e.md, \".github/*.md\", \"docs/[[]x]/*.md\"]"),
        ["docs/.e.md", ".github/g.md", "docs/[x]/f.md"]
    );
    assert_eq!(
        paths("[{path: \"legacy/**/*.rego\", rego: v0}]"),
        [("legacy/net/two.rego", "net/two.rego"), ("legacy/one.rego", "one.rego")]
            .map(|(path, below)| (path.to_owned(), below.to_owned()))
    );
    assert_eq!(paths("[legacy/one.rego]"), [("legacy/one.rego".to_owned(), "one.rego".to_owned())]);
}

#[test]
fn design_files_are_found_like_policies() {
    let (_folder, project) = project(TREE, "[docs/*.md]");
    let at = |path: &str| Located { path: path.to_owned(), place: project.policies[0].place.clone() };
    let files = project.expand(&[at("docs/*.txt"), at("legacy/*"), at("docs/n*")]).unwrap();
    let said: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.below.as_str(), file.pattern)).collect();
    assert_eq!(said, [("docs/notes.txt", "notes.txt", 0), ("legacy/one.rego", "one.rego", 1)]);
    assert_eq!(project.expand(&[at("a/*"), at("b/*")]).unwrap_err().len(), 2);
}

#[test]
fn a_pattern_without_files_says_what_is_there() {
    let mut said = String::new();
    for policies in [
        "[doc/**/*.md]",
        "[elsewhere/*.md]",
        "[docs/c.md]",
        "[docs]",
        "[docs/]",
        "[docs/*.rego]",
        "[docs/a.md/*.md]",
        "[\"*.md\"]",
        "[docs/*]",
        "[{path: docs/*.md, rego: v0}]",
        "[{path: legacy/*.rego, rego: v0}, legacy/one.rego]",
        "[legacy/*.rego, {path: legacy/one.rego, input: manifests}]",
    ] {
        let (_folder, project) = project(TREE, policies);
        said.push_str(&all_shown(&project.policy_files().expect_err(policies)));
    }
    insta::assert_snapshot!(said);
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused() {
    use std::os::unix::fs::symlink;

    let outside = folder(&[("secret.md", ""), ("more/b.md", "")]);
    let (folder, project) = project(&[("docs/a.md", ""), ("other/c.md", "")], "[docs/**/*.md, \"linked/*.md\"]");
    symlink(outside.path().join("secret.md"), folder.path().join("docs/secret.md")).unwrap();
    symlink(outside.path().join("more"), folder.path().join("linked")).unwrap();
    symlink(folder.path(), folder.path().join("docs/round")).unwrap();
    let errors = project.policy_files().unwrap_err();
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`docs/secret.md` is a link that leads out of the project",
            "`linked/b.md` is a link that leads out of the project"
        ]
    );
    assert_eq!(project.inside("linked"), None);
    assert!(project.inside("docs/a.md").is_some() && project.inside("not/there").is_some());

    fs::remove_file(folder.path().join("docs/secret.md")).unwrap();
    fs::remove_file(folder.path().join("linked")).unwrap();
    symlink("other", folder.path().join("linked")).unwrap();
    let files = project.policy_files().unwrap();
    let said: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(said, ["docs/a.md", "linked/c.md"], "a link within the project is a way like any other");
}
