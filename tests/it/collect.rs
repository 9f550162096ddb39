//! Collecting: the frame, the store, and the files of a project.

use std::{collections::BTreeMap, fs, process::Command};

use regex::Regex;

use crate::harness::{NOW, Project, Run, Written, table};

/// A project that collects, with policies that nobody needs meanwhile.
pub(crate) fn project(collect: &str) -> Project {
    let file = format!("version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\ncollect:\n{collect}");
    Project::good().without("facts/").with("stillholds.yaml", file)
}

/// What differs from run to run, made the same.
pub(crate) fn steady(text: &str) -> String {
    let rules = [
        (r"\d{4}-\d\d-\d\dT\d{6}Z", "[SNAPSHOT]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]"),
        (r"after \d+\.\d s", "after [TIME]"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"[0-9a-f]{64}", "[DIGEST]"),
        (r"wait \d{6,} s", "wait [LONG]"),
    ];
    rules.iter().fold(text.to_owned(), |text, (rule, name)| {
        Regex::new(rule).expect("the rule is valid").replace_all(&text, *name).into_owned()
    })
}

pub(crate) fn shown(run: &Run) -> String {
    steady(&run.to_string())
}

/// The names of the snapshots, the oldest first.
pub(crate) fn snapshots(written: &Written) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(written.path().join("facts"))
        .map(|entries| entries.map(|entry| entry.expect("the folder is read").file_name().into_string().expect("text")))
        .map(|names| names.filter(|name| name != ".lock").collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// The files of the newest snapshot by their names.
pub(crate) fn newest(written: &Written) -> BTreeMap<String, String> {
    let name = snapshots(written).pop().expect("there is a snapshot");
    let folder = format!("facts/{name}/");
    let files = written.files().into_iter();
    let inside = files.filter_map(|(path, content)| {
        Some((path.strip_prefix(&folder)?.to_owned(), steady(&String::from_utf8(content).expect("text"))))
    });
    inside.collect()
}

/// The newest snapshot as one text.
pub(crate) fn newest_shown(written: &Written) -> String {
    newest(written).into_iter().map(|(name, text)| format!("== {name}\n{text}")).collect::<Vec<_>>().concat()
}

#[test]
fn files_become_a_snapshot_that_a_check_trusts() {
    let written = project(
        "  - {source: traces, kind: file, path: traces.yaml, age: {field: at}}
  - {source: inventory, kind: file, path: \"inventory/*.csv\", age: {field: seen}}
  - {source: teams, kind: file, path: \"teams/**/*\", age: mtime}
  - {source: gone, kind: file, path: \"gone/*.json\"}
",
    )
    .with("traces.yaml", "at: 2026-11-21T01:00:00Z\nedges:\n  - {client: checkout, server: payments, p99_ms: .nan}\n")
    .with("inventory/b.csv", "sku,count,seen\nb,2,2026-11-20\n")
    .with("inventory/a.csv", "sku,count,seen\na,1,2026-11-21\n007,3,2026-11-19\n")
    .with("teams/a.toml", "name = \"a\"\napi_token = \"s3cret\"\n")
    .with("teams/x/b.jsonl", "{\"name\": \"b\"}\n{\"name\": \"c\", \"id\": 123456789012345678901}\n")
    .write();
    let run = written.run(&["collect", "--environment", "test"]);
    // Lines come as sources are done.
    let mut lines: Vec<_> = run.stderr.lines().map(steady).collect();
    lines.sort();
    insta::assert_snapshot!(format!(
        "exit {:?}\n{}\n{}\n{}",
        run.code,
        lines.join("\n"),
        steady(&run.stdout),
        newest_shown(&written)
    ));
    let judged = written.check(&[]);
    assert!(judged.stdout.ends_with("1 holds · 0 fail · exit 0\n"), "{judged}");
}

#[test]
fn what_is_wrong_with_a_file_fails_its_source_alone() {
    let cases: [(&str, &str, &str); 9] = [
        ("no JSON", "a.json", "{\"a\": NaN}"),
        ("empty", "a.json", ""),
        ("twice", "a.yaml", "a: 1\na: 2\n"),
        ("several documents", "a.yaml", "a: 1\n---\na: 2\n"),
        ("unknown ending", "a.txt", "a"),
        ("no text", "a.csv", "a\n\u{0}\n"),
        ("no field", "a.json", "[{\"at\": \"2026-11-21\"}, {}]"),
        ("no time", "a.json", "{\"at\": \"now\"}"),
        ("not packed", "a.json.gz", "{}"),
    ];
    let said = table(cases.map(|(title, name, text)| {
        let entry = "  - {source: a, kind: file, path: \"in/*\", age: {field: at}}\n  - {source: b, kind: file, path: b.json}\n";
        let written = project(entry).with(&format!("in/{name}"), text).with("b.json", "1").write();
        let run = written.run(&["collect"]);
        assert_eq!(run.code, Some(1), "{title}: {run}");
        assert!(newest(&written).contains_key("b.json") && !newest(&written).contains_key("a.json"), "{title}");
        (title, steady(&run.stdout))
    }));
    insta::assert_snapshot!(said);
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused() {
    let outside = Project::empty().with("secret.json", "\"s3cret\"").with("folder/a.json", "\"s3cret\"").write();
    let written = project(
        "  - {source: a, kind: file, path: a.json}\n  - {source: b, kind: file, path: \"b/*.json\"}\n  - {source: c, kind: file, path: c.json}\n",
    )
    .write();
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(outside.path().join(from), written.path().join(to)).expect("a link can be made");
    };
    link("secret.json", "a.json");
    link("folder", "b");
    // A pipe would be waited for.
    assert!(Command::new("mkfifo").arg(written.path().join("c.json")).status().expect("it runs").success());
    let run = written.run(&["collect"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert_eq!(newest(&written).len(), 1, "{run}");
    assert!(!newest_shown(&written).contains("s3cret"));
    insta::assert_snapshot!(steady(&run.stdout));
}

#[test]
fn many_documents_stay_many() {
    let collect = "  - {source: manifests, kind: file, path: \"k8s/*.yaml\", age: mtime}\nsources: {manifests: {documents: many}}\n";
    let written =
        project(collect).with("k8s/a.yaml", "kind: A\n---\n---\nkind: B\n").with("k8s/b.yaml", "kind: C\n").write();
    let run = written.run(&["collect"]);
    assert_eq!(run.code, Some(0), "{run}");
    insta::assert_snapshot!(newest(&written)["manifests.json"]);
    let kinds = written.run(&["facts", "manifests", "[_].kind"]);
    insta::assert_snapshot!(steady(&kinds.stdout));
}

fn git(written: &Written, date: &str, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(written.path())
        .args(["-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env_clear()
        .envs([("GIT_COMMITTER_DATE", date), ("GIT_AUTHOR_DATE", date), ("GIT_CONFIG_GLOBAL", "/dev/null")])
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_file_is_as_old_as_the_commit_that_changed_it() {
    let entries = [("known", ""), ("asked", ", age: git"), ("changed", ", age: git"), ("loose", "")]
        .iter()
        .map(|(name, age)| format!("  - {{source: {name}, kind: file, path: {name}.json{age}}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let mut files = project(&entries);
    for name in ["known", "asked", "changed", "loose"] {
        files = files.with(&format!("{name}.json"), "1");
    }
    let observed = |written: &Written, name: &str| {
        let manifest = written.read(&format!("facts/{}/snapshot.yaml", snapshots(written)[0]));
        let entry = manifest.split(&format!("\n  {name}:\n")).nth(1).expect("it is there").to_owned();
        let entry: Vec<_> = entry.lines().take_while(|line| line.starts_with("    ")).collect();
        let find = |key: &str| entry.iter().find_map(|line| line.trim().strip_prefix(key)).map(str::to_owned);
        let note = entry.iter().skip_while(|line| !line.contains("omitted:")).nth(1).map(|line| line.trim().to_owned());
        (find("observed_to: "), note)
    };
    let time = |text: &str| Some(text.to_owned());

    let written = files.clone().write();
    git(&written, NOW, &["init", "-q"]);
    git(&written, NOW, &["add", "known.json", "asked.json", "changed.json"]);
    git(&written, "2026-11-01T00:00:00Z", &["commit", "-q", "-m", "a"]);
    written.put("changed.json", b"2");
    written.put("asked.json", b"2");
    git(&written, "2026-11-02T00:00:00Z", &["commit", "-q", "-m", "b", "asked.json"]);
    assert_eq!(written.run(&["collect"]).code, Some(0));
    let is_quoted = |text: &str| text.trim_matches(['\'', '"']).to_owned();
    assert_eq!(observed(&written, "known").0.map(|t| is_quoted(&t)), time("2026-11-01T00:00:00Z"));
    assert_eq!(observed(&written, "asked").0.map(|t| is_quoted(&t)), time("2026-11-02T00:00:00Z"));
    let (changed, note) = observed(&written, "changed");
    assert!(changed.is_some() && note.is_some_and(|note| note.contains("not committed as it is")));
    let (loose, note) = observed(&written, "loose");
    assert!(loose.is_some() && note.is_none(), "nobody asked for its commit");

    // Of a shallow clone nobody knows how old a file is.
    let shallow = Project::empty().write();
    let from = format!("file://{}", written.path().display());
    git(&shallow, NOW, &["clone", "-q", "--depth", "1", &from, "clone"]);
    for name in ["stillholds.yaml", "policies/calls.rego"] {
        shallow.put(&format!("clone/{name}"), written.read(name).as_bytes());
    }
    let run = shallow.run(&["collect", "-C", "clone", "--only", "known"]);
    assert!(run.stdout.contains("age not known, since the history ends at its commit"), "{run}");

    // Without git the time of change is what there is, and it is said where a commit was asked for.
    let bare = files.write();
    let run = bare.run_with(&[("PATH", "/nowhere")], &["collect"]);
    assert_eq!(run.code, Some(0), "{run}");
    let (asked, note) = observed(&bare, "asked");
    assert!(asked.is_some() && note.clone().is_some_and(|note| note.contains("by the time of change")), "{note:?}");
    assert_eq!(observed(&bare, "known").1, None);
}

const TWO: &str =
    "  - {source: a, kind: file, path: a.json, age: mtime}\n  - {source: b, kind: file, path: b.json, age: mtime}\n";

#[test]
fn one_source_alone_leaves_the_others_as_they_were() {
    let written = project(TWO).with("a.json", "1").with("b.json", "1").write();
    assert_eq!(written.run(&["collect"]).code, Some(0));
    let before = written.files();
    written.put("a.json", b"2");
    written.put("b.json", b"2");
    let run = written.run(&["collect", "--only", "a"]);
    insta::assert_snapshot!(steady(&run.stdout));
    let files = newest(&written);
    assert_eq!((files["a.json"].as_str(), files["b.json"].as_str()), ("2\n", "1\n"));
    assert_eq!(snapshots(&written).len(), 2);
    for (path, content) in &before {
        assert!(!path.starts_with("facts/2") || written.files()[path] == *content, "{path} is as it was");
    }
    assert_eq!(written.run(&["facts"]).code, Some(0));
}

#[test]
fn only_so_many_snapshots_are_kept() {
    let written = project(TWO).with("a.json", "1").with("b.json", "1").write();
    for _ in 0..3 {
        assert_eq!(written.run(&["collect"]).code, Some(0));
    }
    let before = snapshots(&written);
    let run = written.run(&["collect", "--keep", "2"]);
    assert!(run.stdout.ends_with(&format!("removed {}, {}\n", before[0], before[1])), "{run}");
    let after = snapshots(&written);
    assert_eq!((after.len(), &after[0]), (2, &before[2]));
    assert_eq!(written.run(&["collect", "--keep", "1h"]).code, Some(0));
    assert_eq!(snapshots(&written).len(), 3);
}

#[test]
fn a_dry_run_asks_nobody_and_writes_nothing() {
    let written = project(TWO).with("a.json", "1").write();
    let before = written.files();
    let run = written.run(&["collect", "--dry-run"]);
    insta::assert_snapshot!(shown(&run));
    assert!(written.files() == before && !written.path().join("facts").exists());
}

#[test]
fn what_cannot_be_collected_is_said_with_exit_code_2() {
    let good = || project(TWO).with("a.json", "1").with("b.json", "1");
    let plain = good().with("facts/snapshot.yaml", "version: 1\nsources: {a: {file: a.json, sha256: SHA256(a.json), status: ok, observed_to: 2026-11-21T01:00:00Z}}\n");
    let cases: Vec<(&str, Project, &[&str])> = vec![
        ("no collect", Project::good(), &[]),
        ("unknown source", good(), &["--only", "aa", "--only", "b", "--only", "xyz"]),
        ("a plain snapshot", plain.with("facts/a.json", "1"), &[]),
        ("a file", good().with("facts", "x"), &[]),
        ("keep nothing", good(), &["--keep", "0"]),
        ("keep what", good(), &["--keep", "some"]),
        ("no credentials", good(), &["--credentials", "nowhere.yaml"]),
        ("no certificates", good(), &["--ca-file", "nowhere.pem"]),
        ("no certificates in it", good(), &["--ca-file", "a.json"]),
        ("a snapshot to come", good().with("facts/2999-01-01T000000Z/snapshot.yaml", "version: 1\n"), &[]),
    ];
    let said = table(cases.into_iter().map(|(title, project, arguments)| {
        let written = project.write();
        let before = written.files();
        let run = written.run(&[&["collect"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        let mut after = written.files();
        after.remove("facts/.lock");
        assert!(after == before, "{title}: nothing changed");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
}

#[cfg(unix)]
#[test]
fn a_store_behind_a_link_is_not_written_into() {
    let outside = Project::empty().with("precious", "x").write();
    let link = |written: &Written, to: &str, from: &str| {
        std::os::unix::fs::symlink(outside.path().join(to), written.path().join(from)).expect("a link can be made");
    };
    let good = || project(TWO).with("a.json", "1").with("b.json", "1");
    let linked = good().write();
    link(&linked, "", "facts");
    let below = good();
    let below = below
        .with("stillholds.yaml", format!("version: 1\npolicies: [\"policies/*.rego\"]\nfacts: x/y/z\ncollect:\n{TWO}"))
        .write();
    link(&below, "", "x");
    for written in [&linked, &below] {
        let run = written.run(&["collect"]);
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains("a link leads out of the project"), "{run}");
    }
    let locked = good().with("facts/README.md", "").write();
    link(&locked, "precious", "facts/.lock");
    assert_eq!(locked.run(&["collect"]).code, Some(0));
    assert_eq!(outside.files().into_iter().collect::<Vec<_>>(), [("precious".to_owned(), b"x".to_vec())]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_stops_the_run_before_anybody_is_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let written = project(TWO).with("a.json", "1").with("b.json", "1").write();
    assert_eq!(written.run(&["collect"]).code, Some(0));
    let before = written.files();
    let folder = written.path().join("facts");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("the right can be taken");
    let run = written.run(&["collect"]);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("the right can be given back");
    // Whoever may do everything is not stopped.
    if run.code != Some(0) {
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains("cannot be written: permission denied"), "{run}");
        assert!(written.files() == before);
    }
}

#[test]
fn two_runs_at_once_make_two_snapshots() {
    let written = project(TWO).with("a.json", "1").with("b.json", "1").write();
    let runs: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|_| scope.spawn(|| written.run(&["collect"]))).collect();
        started.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:?}");
    assert_eq!(snapshots(&written).len(), 4);
    for name in snapshots(&written) {
        assert!(written.path().join("facts").join(name).join("snapshot.yaml").is_file());
    }
}
