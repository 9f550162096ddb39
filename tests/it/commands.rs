//! The other commands, the report's ways out, and hostile text.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    harness::{NOW, NOW_OF_EXAMPLES, Project, Run, repository, run_in, table},
    verdicts::OK,
};

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

/// A project of two assumptions, a secret, and a source that failed.
fn shop() -> Project {
    Project::good()
        .with(
            "policies/latency.rego",
            r#"package shop.latency

import data.shop.limits

subjects contains name if some name, _ in input.load.p99_ms

violation contains sprintf("%s is slow", [name]) if {
	some name, ms in input.load.p99_ms
	ms > limits.of(name)
}

violation contains "somewhere" if {
	walk(input.load, [_, value])
	value == "slow"
}
"#,
        )
        .with("policies/limits.rego", "package shop.limits\n\nof(name) := data.design.services[name].p99_ms\n")
        .with("design/services.yaml", "services:\n  checkout: {calls: [payments], p99_ms: 400}\n")
        .with("facts/load.json", r#"{"p99_ms": {"checkout": 310}, "hosts": [{"name": "a", "api_token": "s3cr3t"}, {"name": "b", "cores": 4}]}"#)
        .with(
            "facts/snapshot.yaml",
            format!(
                "version: 1
environment: production
sources:
  traces: {{file: traces.json, sha256: SHA256(traces.json), {OK}, basis: sample, sampling: 0.1, omitted: [\"spans without service.name: 14\"]}}
  load: {{file: load.json, sha256: SHA256(load.json), {OK}, basis: census, parts: {{p99_ms: {{status: ok}}, hosts: {{status: partial, error: page 2 was refused}}}}}}
  orders: {{status: failed, error: connection refused}}
"
            ),
        )
}

#[test]
fn list() {
    let shop = shop().write();
    let run = shop.run(&["list"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run}");
    insta::assert_snapshot!("list_human", run.stdout);
    let run = shop.run(&["list", "-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run}");
    insta::assert_json_snapshot!("list_json", json(&run));
}

#[test]
fn list_needs_no_facts_and_says_what_is_wrong() {
    assert_eq!(shop().without("facts/").write().run(&["list"]).code, Some(0));
    let run = shop().with("policies/limits.rego", "package shop.limits\n").write().run(&["list"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run}");
    assert!(run.stderr.contains("unknown function `limits.of`"), "{run}");
}

/// Many violations, helpers in other files, values too long for a line, measures, what nobody can tell.
#[test]
fn a_report_stays_readable() {
    let services: Vec<_> = (0..15)
        .map(|n| {
            serde_json::json!({
                "name": format!("svc-{n:02}"), "kind": "Deployment", "replicas": 1 + n % 2, "p99_ms": 380 + 5 * n,
                "containers": [{"image": format!("shop/svc-{n:02}:{}", if n % 7 == 0 { "latest" } else { "1.0.2" })}],
            })
        })
        .collect();
    let services = serde_json::to_string_pretty(&serde_json::json!({"services": services, "regions": []}));
    let run = Project::good()
        .without("policies/")
        .with("stillholds.yaml", "version: 1\nname: shop\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\ndefaults: {max_age: 24h}\n")
        .with("policies/lib.rego", include_str!("readable/lib.rego"))
        .with("policies/shop.rego", include_str!("readable/shop.rego"))
        .with(
            "design/limits.yaml",
            "limits: {replicas: 2, p99_ms: 400}\nold: [svc-01, svc-03, svc-05, svc-07, svc-09, svc-11]\n",
        )
        .with("facts/kube.json", services.expect("it is JSON"))
        .with(
            "facts/snapshot.yaml",
            format!(
                "version: 1
sources:
  kube: {{file: kube.json, sha256: SHA256(kube.json), {OK}, basis: census}}
  traces: {{file: traces.json, sha256: SHA256(traces.json), status: ok, observed_to: 2026-11-01T00:00:00Z}}
  git: {{status: failed, error: connection refused}}
"
            ),
        )
        .check(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run}");
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{run}");
    insta::assert_snapshot!(run.shown());
}

/// What the example says of one assumption of each verdict.
#[test]
fn explain() {
    let ids = [
        ("one that has decayed", "checkout-dependencies"),
        ("one that nobody can tell of", "checkout-latency"),
        ("one that erodes, by a pattern that names it alone", "*/call-still-seen"),
        ("one that holds", "critical-replicas"),
    ];
    let said = table(ids.map(|(title, id)| {
        let run = explained(&["explain", id]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{title}: {run}");
        (title, run.shown())
    }));
    insta::assert_snapshot!(said);
}

/// Runs a command on the example.
fn explained(arguments: &[&str]) -> Run {
    run_in(&repository().join("examples/storefront"), &[arguments, &["--now", NOW_OF_EXAMPLES]].concat())
}

#[test]
fn explain_says_all_that_check_cuts_short() {
    let edges: Vec<_> =
        (0..14).map(|n| serde_json::json!({"client": "checkout", "server": format!("shadow-{n:02}")})).collect();
    let shop = Project::good().with("facts/traces.json", serde_json::json!({"edges": edges}).to_string()).write();
    let (checked, explained) = (shop.check(&[]), shop.run(&["explain", "shop.calls", "--now", NOW]));
    assert!(checked.stdout.contains("and 4 more: `stillholds explain shop.calls`"), "{checked}");
    for n in 0..14 {
        let sentence = format!("× checkout calls shadow-{n:02}\n");
        assert!(explained.stdout.contains(&sentence), "{n}: {explained}");
    }
}

#[test]
fn explain_as_json_is_the_report_about_one() {
    let one = explained(&["explain", "checkout-latency", "-o", "json"]);
    assert_eq!(one.code, Some(0), "{one}");
    assert_eq!(one.stdout, explained(&["check", "checkout-latency", "-o", "json"]).stdout);
}

#[test]
fn what_explain_cannot_do() {
    let wrong = [
        ("a pattern that names several", "checkout-*"),
        ("an unknown id", "checkout-latncy"),
        ("an id like none", "payments/*"),
    ];
    let said = table(wrong.map(|(title, id)| {
        let run = explained(&["explain", id]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
}

#[test]
fn facts() {
    let shop = shop().write();
    let questions: [(&str, &[&str]); 19] = [
        ("the sources", &[]),
        ("the shape of a source", &["load"]),
        ("the same, as rules name it", &["input.load"]),
        ("a value", &["load", "p99_ms.checkout"]),
        ("values of a list", &["load", "hosts[_].name"]),
        ("an element", &["load", "hosts[1]"]),
        ("the whole path", &["load", "input.load.hosts[0].name"]),
        ("a path with its source", &["input.load.hosts[0].name"]),
        ("the same without `input`", &["load.hosts[0]", "name"]),
        ("an element of a source by its path", &["load.hosts[1]"]),
        ("a key of a list", &["load", "hosts.name"]),
        ("a path to nothing through a list", &["load", "hosts.memory"]),
        ("a secret", &["load", "hosts[0].api_token"]),
        ("an element with a secret", &["load", "hosts[0]"]),
        ("a source that is misspelt", &["lod"]),
        ("a source that is like none", &["kubernetes"]),
        ("a source that failed", &["orders"]),
        ("a path to nothing", &["load", "p50_ms"]),
        ("a path that is none", &["load", "hosts["]),
    ];
    let said = table(questions.map(|(title, arguments)| {
        let run = shop.run(&[&["facts", "--now", NOW], arguments].concat());
        assert!(!run.to_string().contains("s3cr3t"), "{title}: {run}");
        (title, run.to_string())
    }));
    insta::assert_snapshot!(said);
}

#[test]
fn facts_that_are_too_old_are_called_stale() {
    let settings = "defaults: {max_age: 30m}\nsources: {orders: {max_age: none}}";
    let project = format!("version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\n{settings}\n");
    let run = shop()
        .with("stillholds.yaml", project)
        .with("facts/git.json", "{}")
        .with("facts/pool.json", "[{\"size\": 3}]")
        .with(
            "facts/snapshot.yaml",
            format!(
                "version: 1
sources:
  traces: {{file: traces.json, sha256: SHA256(traces.json), {OK}}}
  load: {{file: load.json, sha256: SHA256(load.json), {OK}, parts: {{p99_ms: {{status: ok}}, hosts: {{status: ok, observed_to: 2026-11-21T01:59:00Z}}}}}}
  orders: {{status: failed, error: connection refused}}
  pool: {{file: pool.json, sha256: SHA256(pool.json), status: ok, observed_to: 2026-11-21T02:03:00Z}}
"
            ),
        )
        .write()
        .run(&["facts", "--now", NOW]);
    insta::assert_snapshot!(run);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let shop = shop().write();
    let run = |value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stillholds"));
        command.current_dir(shop.path()).args(["check", "--now", NOW]).env_clear().env("LANG", "C.UTF-8");
        for name in ["FACTS", "FAIL_ON", "ALLOW_UNKNOWN", "TIMEOUT", "COLOR"] {
            command.env(format!("STILLHOLDS_{name}"), value);
        }
        command.output().expect("the program starts")
    };
    let (unset, plain) = (run(""), shop.check(&[]));
    assert_eq!((unset.status.code(), String::from_utf8_lossy(&unset.stdout)), (plain.code, plain.stdout.into()));
    assert_eq!(run("nonsense").status.code(), Some(2), "one that is set is read");
}

#[test]
fn init_makes_a_project_once() {
    let folder = Project::empty().write();
    let run = folder.run(&["init"]);
    insta::assert_snapshot!(run, @r"
    exit 0
    --- stdout
    wrote docs/architecture.md
    wrote design/services.yaml
    wrote facts/load.json
    wrote stillholds.yaml

    Now run `stillholds check`. Then change the number in facts/load.json and run it again.
    ");
    let before = folder.files();

    let again = folder.run(&["init"]);
    insta::assert_snapshot!(again, @r"
    exit 2
    --- stderr
    init::already_a_project

      × this folder already has a `stillholds.yaml`
      help: nothing was changed; `stillholds check` checks it

    1 error
    ");
    assert_eq!(folder.files(), before, "nothing is changed");

    let elsewhere = folder.run(&["init", "-C", "shops/first"]);
    insta::assert_snapshot!(elsewhere, @r"
    exit 0
    --- stdout
    wrote shops/first/docs/architecture.md
    wrote shops/first/design/services.yaml
    wrote shops/first/facts/load.json
    wrote shops/first/stillholds.yaml

    Now run `stillholds check -C shops/first`. Then change the number in shops/first/facts/load.json and run it again.
    ");
}

#[test]
fn schemas_are_json() {
    let nowhere = Project::empty().write();
    for kind in ["report", "project", "waivers", "manifest"] {
        let run = nowhere.run(&["schema", kind]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind}: {run}");
        jsonschema::validator_for(&json(&run)).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    assert_eq!(nowhere.run(&["schema"]), nowhere.run(&["schema", "report"]), "the report's is the default");
}

#[test]
fn a_report_goes_where_it_is_sent() {
    let shop = shop().write();
    shop.put("out/", b"");
    let human = shop.check(&[]);
    let on_stdout = shop.check(&["-o", "json"]);
    let into_file = shop.check(&["-o", "json=out/report.json"]);
    assert_eq!(into_file, human, "the human report stays on the terminal");
    assert_eq!(shop.read("out/report.json"), on_stdout.stdout);
    let both = shop.check(&["-o", "json", "-o", "human=out/report.txt"]);
    assert_eq!(both, on_stdout);
    assert_eq!(shop.read("out/report.txt"), human.stdout, "a file has no colours and the usual width");

    shop.put("out/other.json", b"");
    let mode = |path: &str| fs::metadata(shop.path().join(path)).expect("it is there").permissions();
    assert_eq!(mode("out/report.json"), mode("out/other.json"), "others may read it as far as they may read new files");

    let schema = json(&shop.run(&["schema", "report"]));
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&json(&on_stdout)).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn settings_of_a_source_that_nobody_knows_are_noticed() {
    let settings = "sources: {trace: {max_age: 1h}, manifests: {documents: many}, orders: {}, traces: {}}";
    let project = format!("version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\n{settings}\n");
    let run = shop()
        .with("stillholds.yaml", project)
        .with("policies/git.rego", "package shop.git\n\nholds if data.snapshot.sources.manifests.status == \"ok\"\n")
        .with("policies/limits.rego", "package shop.limits\n\nof(name) := data.design.services[name].p99_ms\n")
        .check(&["-o", "json", "--allow-unknown"]);
    let findings: Vec<_> = json(&run)["findings"].as_array().expect("findings are a list").clone();
    let said: Vec<_> = findings.iter().map(|found| (&found["code"], &found["message"], &found["location"])).collect();
    insta::assert_json_snapshot!(said);
}

#[test]
fn what_check_cannot_do() {
    let shop = shop().write();
    let before = shop.files();
    let wrong: [(&str, &[&str]); 6] = [
        ("two formats on the terminal", &["-o", "json", "-o", "human"]),
        ("an unknown id", &["shop.latenci"]),
        ("an id like none", &["payments/*"]),
        ("two unknown ids", &["payments/*", "shop.call"]),
        ("no such snapshot", &["--facts", "facts-staging"]),
        ("no such folder for the report", &["-o", "json=out/report.json"]),
    ];
    let said = table(wrong.map(|(title, arguments)| {
        let run = shop.check(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        assert_eq!(shop.files(), before, "{title}");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
    // The rest of that message is the system's.
    let run = shop.check(&["-o", "json=policies"]);
    assert!(run.stderr.starts_with("error: `policies` cannot be written: "), "{run}");
    assert_eq!((run.code, shop.files()), (Some(2), before));
}

#[test]
fn the_project_is_found_from_below_and_from_elsewhere() {
    let shop = shop();
    let written = shop.write();
    let here = written.check(&[]);
    assert_eq!(written.check(&["-C", "policies"]), here, "from a folder inside");
    let outside = Project::empty().with("shop/stillholds.yaml", "").write();
    for (path, content) in written.files() {
        outside.put(&format!("shop/{path}"), &content);
    }
    let named = |run: &Run| json(run)["assumptions"].clone();
    assert_eq!(named(&outside.check(&["-C", "shop", "-o", "json"])), named(&written.check(&["-o", "json"])));
    assert_eq!(
        outside.check(&["-C", "shop", "--facts", "shop/facts", "-o", "json"]),
        outside.check(&["-C", "shop", "-o", "json"]),
        "`--facts` is relative to where the program runs"
    );
}

/// What facts, policies and manifests hold is data: no terminal acts upon it, and no runner takes a line of it for a
/// command.
#[test]
fn hostile_text_is_shown_as_text() {
    let hostile = "\u{1b}[31mred\u{7}\n::error file=a::b\r\u{202e}x\u{9b}";
    // As JSON, which YAML and Rego read as well, but for one character that YAML does not have.
    let text = Value::from(hostile).to_string().replace('\u{9b}', "\\u009b");
    let project = Project::good()
        .with(
            "policies/calls.rego",
            format!(
                "package shop.calls\n\nviolation contains {{\"msg\": edge.server, \"subject\": edge.server, \"observed\": edge}} if \
                 some edge in input.traces.edges\n\nmeasure contains {{\"subject\": edge.server, \"value\": 3, \"limit\": 1, \"unit\": edge.server}} if \
                 some edge in input.traces.edges\n\nwarn contains {text} if input.traces.edges\n\nviolation_b contains \"x\" if input.orders.failed\n\n\
                 violation_c contains \"x\" if to_number(input.traces.edges[0].server) > 3\n",
            ),
        )
        .with("facts/traces.json", format!("{{\"edges\": [{{\"server\": {text}}}], {text}: [{text}]}}"))
        .with(
            "facts/snapshot.yaml",
            format!(
                "version: 1\nenvironment: {text}\nsources:\n  traces: {{file: traces.json, sha256: SHA256(traces.json), {OK}, omitted: [{text}], unaliased: [{text}]}}\n  \
                 orders: {{status: failed, error: {text}}}\n"
            ),
        )
        .write();
    // And whether it has something of it to show.
    let runs: [(&[&str], bool); 10] = [
        (&["check", "--now", NOW], true),
        (&["check", "--now", NOW, "-v"], true),
        (&["check", "--now", NOW, hostile], true),
        (&["explain", "--now", NOW, "shop.calls"], true),
        (&["list"], false),
        (&["facts", "--now", NOW], true),
        (&["facts", "traces"], true),
        (&["facts", "traces", "edges"], true),
        (&["facts", "orders"], true),
        (&["facts", hostile], true),
    ];
    for (arguments, shows) in runs {
        let run = project.run(arguments);
        for text in [&run.stdout, &run.stderr] {
            let raw = text.chars().find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
            assert_eq!(raw, None, "{arguments:?}: {run}");
            assert!(text.lines().all(|line| !line.trim_start().starts_with("::")), "{arguments:?}: {run}");
        }
        assert_eq!(run.to_string().contains("[31mred"), shows, "{arguments:?}: {run}");
    }
    let report = project.run(&["check", "--now", NOW, "-o", "json"]);
    assert_eq!(json(&report)["assumptions"][0]["violations"][0]["subject"], hostile, "in JSON it is what it is");
}
