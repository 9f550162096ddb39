//! Collecting from real servers: Prometheus with a node exporter, and `kubectl` beside an API server. They are there
//! under `tests/live/servers.py` only, as `.ci/run` calls it.

use std::{collections::BTreeMap, env, fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    collect::{newest, newest_shown, snapshots},
    harness::{NOW_OF_EXAMPLES, Project, Run, Written, repository, run_in},
};

/// Where the servers are, and a home for what `kubectl` remembers.
struct Live {
    prometheus: String,
    kubeconfig: String,
    path: String,
    home: TempDir,
}

impl Live {
    fn new() -> Self {
        let named =
            |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/live/servers.py"));
        Self {
            prometheus: named("STILLHOLDS_LIVE_PROMETHEUS"),
            kubeconfig: named("STILLHOLDS_LIVE_KUBECONFIG"),
            path: format!("{}:{}", named("STILLHOLDS_LIVE_PROGRAMS"), named("PATH")),
            home: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    fn collect(&self, written: &Written) -> Run {
        let variables = [
            ("STILLHOLDS_LIVE_PROMETHEUS", self.prometheus.as_str()),
            ("KUBECONFIG", &self.kubeconfig),
            ("PATH", &self.path),
            ("HOME", self.home.path().to_str().expect("text")),
        ];
        written.run_with(&variables, &["collect", "--allow-commands"])
    }

    /// The project that asks all servers for all they have.
    fn shop(&self) -> (Written, Run) {
        let project = folder(&repository().join("tests/live/shop"));
        let settings = include_str!("../live/shop/stillholds.yaml").replace("PROMETHEUS", &self.prometheus);
        let written = project.with("stillholds.yaml", settings).write();
        let run = self.collect(&written);
        (written, run)
    }
}

/// The files of a folder, as a project.
fn folder(root: &Path) -> Project {
    let files = glob::glob(&format!("{}/**/*", root.display())).expect("the pattern is valid");
    files.map(|path| path.expect("the folder is read")).filter(|path| path.is_file()).fold(
        Project::empty(),
        |project, path| {
            let inside = path.strip_prefix(root).expect("it is inside").to_string_lossy().replace('\\', "/");
            project.with(&inside, fs::read(&path).expect("it can be read"))
        },
    )
}

/// What a query over the newest snapshot gives.
fn eval(written: &Written, query: &str) -> Value {
    let run = written.run(&["eval", query]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    answer["result"][0]["expressions"][0]["value"].clone()
}

/// Of each part of a source its status and what went wrong.
fn parts(written: &Written, source: &str) -> BTreeMap<String, (String, String)> {
    let parts = eval(written, &format!("data.snapshot.sources.{source}.parts"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = parts.as_object().expect("it has parts").iter();
    parts.map(|(name, part)| (name.clone(), (text(&part["status"]), text(&part["error"])))).collect()
}

/// Of each assumption its verdict, the reason, and what is said of its violations.
fn verdicts(run: &Run) -> BTreeMap<String, (Value, Value, Vec<Value>)> {
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let assumptions = report["assumptions"].as_array().expect("there are assumptions").iter();
    let said = |one: &Value| {
        let violations = one["violations"].as_array().into_iter().flatten();
        violations.map(|violation| violation["message"].clone()).collect()
    };
    assumptions
        .map(|one| {
            let id = one["id"].as_str().expect("it has an id").to_owned();
            (id, (one["verdict"].clone(), one["reason"].clone(), said(one)))
        })
        .collect()
}

#[test]
#[ignore = "needs the servers of tests/live/servers.py"]
fn a_real_prometheus_answers_in_parts() {
    let (written, run) = Live::new().shop();
    assert_eq!(run.code, Some(1), "{run}");
    let parts = parts(&written, "prometheus");
    let short = |name: &str| (parts[name].0.as_str(), parts[name].1.as_str());
    for name in ["p99_seconds", "memory", "replicas", "unknown", "zero", "alerts", "rules", "targets"] {
        assert_eq!(short(name), ("ok", ""), "{name}");
    }
    assert_eq!(short("month"), ("partial", "asked for the last 30 d, and the server keeps 15 d"));
    let (status, error) = short("week");
    assert_eq!(status, "partial");
    assert!(error.starts_with("asked for the last 7 d, and the server remembers less than 2 d"), "{error}");
    assert_eq!(short("error"), ("failed", "the query gives nothing"));
    let (status, error) = short("wrong");
    assert_eq!(status, "failed");
    assert!(error.ends_with("parse error: unclosed left parenthesis"), "{error}");

    let facts: Value = serde_json::from_str(&newest(&written)["prometheus.json"]).expect("it is JSON");
    let present: Vec<_> = facts.as_object().expect("it has parts").keys().map(String::as_str).collect();
    let expected = ["alerts", "memory", "month", "p99_seconds", "replicas", "rules", "targets", "week", "zero"];
    assert_eq!(present, expected);
    let p99 = facts["p99_seconds"][0]["value"].as_f64().expect("it is a number");
    assert!((p99 - 0.37).abs() < 1e-9, "{p99}");
    assert_eq!(facts["p99_seconds"][0]["component"], "checkout");
    assert_eq!(facts["p99_seconds"][1], json!({"labels": {"service": "web"}}), "nobody called it: `NaN`");
    let nonfinite = eval(&written, "data.snapshot.sources.prometheus.nonfinite");
    assert_eq!(nonfinite, json!(["p99_seconds[1].value"]));
    assert!(facts["memory"][0]["value"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{}", facts["memory"]);
    assert_eq!(facts["zero"], json!([{"labels": {}, "value": 0}]));

    let replicas = &facts["replicas"][0];
    assert_eq!((&replicas["last"], &replicas["min"], &replicas["max"]), (&json!(2), &json!(2), &json!(3)));
    assert_eq!(replicas["samples"], 49, "one an hour, at both ends too");
    assert!(replicas["slope_per_day"].as_f64().is_some_and(|slope| (-0.8..-0.7).contains(&slope)), "{replicas}");
    assert_eq!((&facts["alerts"][0]["state"], &facts["alerts"][0]["value"]), (&json!("firing"), &json!(2)));
    assert_eq!(facts["rules"][0]["rules"][0]["name"], "ReplicasMissing");
    let targets = facts["targets"].as_array().expect("it is a list").iter();
    let health: BTreeMap<_, _> =
        targets.map(|target| (target["labels"]["job"].as_str(), target["health"].as_str())).collect();
    assert_eq!(health, BTreeMap::from([(Some("gone"), Some("down")), (Some("node"), Some("up"))]));
}

#[test]
#[ignore = "needs the servers of tests/live/servers.py"]
fn a_real_kubectl_lists_what_it_may() {
    let (written, run) = Live::new().shop();
    let of_cluster = parts(&written, "kubernetes");
    for kind in ["deployments", "statefulsets", "daemonsets", "poddisruptionbudgets"] {
        assert_eq!(of_cluster[kind], ("ok".to_owned(), String::new()), "{kind}: {run}");
    }
    let failed = |kind: &str, said: &str| {
        let (status, error) = &of_cluster[kind];
        assert!(status == "failed" && error.contains(said), "{kind}: {status}: {error}");
    };
    failed("widgets", "the server doesn't have a resource type \"widgets\"");
    // The manifest itself is read here, since a query withholds whatever stands under `secrets`.
    let manifest = &newest(&written)["snapshot.yaml"];
    let part = |status: &str, error: &str| format!("      secrets:\n        status: {status}\n        error: '{error}");
    let forbidden = "`kubectl` ended with exit code 1: Error from server (Forbidden): secrets is forbidden: ";
    assert!(manifest.contains(&part("failed", forbidden)), "{manifest}");
    assert!(manifest.contains(&part("partial", &format!("namespace `vault`: {forbidden}"))), "{manifest}");

    let facts: Value = serde_json::from_str(&newest(&written)["kubernetes.json"]).expect("it is JSON");
    assert_eq!(facts["daemonsets"], json!([]), "an empty list is one");
    assert!(facts.get("secrets").is_none() && facts.get("widgets").is_none(), "what is not known is no list");
    assert_eq!(facts["statefulsets"][0]["metadata"]["name"], "orders");
    let deployments = facts["deployments"].as_array().expect("it is a list");
    assert_eq!(deployments.len(), 7);
    let checkout = deployments.iter().find(|one| one["component"] == "checkout").expect("it has its component");
    assert_eq!((&checkout["kind"], &checkout["status"]["replicas"]), (&json!("Deployment"), &json!(3)));
    assert_eq!(checkout["status"]["readyReplicas"], 0, "the API leaves it out");
    let of_shop: Value = serde_json::from_str(&newest(&written)["namespaces.json"]).expect("it is JSON");
    assert_eq!(of_shop["secrets"][0]["metadata"]["name"], "bank");
    assert!(!newest_shown(&written).contains("czNjcmV0"), "of Secrets nothing is kept");
}

#[test]
#[ignore = "needs the servers of tests/live/servers.py"]
fn a_check_judges_what_real_servers_gave() {
    let (written, _) = Live::new().shop();
    let run = written.run(&["check", "-o", "json"]);
    assert_eq!(run.code, Some(1), "{run}");
    let verdicts = verdicts(&run).into_iter().map(|(id, (verdict, reason, _))| {
        let text = |value: Value| value.as_str().unwrap_or("-").to_owned();
        format!("{id}: {} {}\n", text(verdict), text(reason))
    });
    insta::assert_snapshot!(verdicts.collect::<String>(), @r"
    live.kubernetes/forbidden: unknown failed
    live.kubernetes/in_part: unknown partial
    live.kubernetes/ready: decayed violated
    live.kubernetes/single: holds -
    live.kubernetes/unheard: unknown failed
    live.prometheus/alerts: decayed violated
    live.prometheus/checkout: decayed limit
    live.prometheus/down: unknown failed
    live.prometheus/empty: unknown missing
    live.prometheus/latency: unknown missing
    live.prometheus/memory: holds -
    live.prometheus/month: unknown partial
    live.prometheus/replicas: decayed violated
    live.prometheus/targets: decayed violated
    live.prometheus/wrong: unknown failed
    ");
    let said = |text: &str| assert!(run.stdout.contains(text), "{text}: {run}");
    said("the source `down` failed: `http://127.0.0.1:1/api/v1/query`: connection refused");
    said("asked for the last 30 d, and the server keeps 15 d");
    said("parse error: unclosed left parenthesis");
    said("Error from server (Forbidden): secrets is forbidden");
    said("`input.prometheus.p99_seconds[1].value` was not a finite number when it was collected");
}

#[test]
#[ignore = "needs the servers of tests/live/servers.py"]
fn the_example_collected_again_has_the_same_verdicts() {
    const COLLECTED: &str = "facts/2026-11-21T104022Z/";
    let root = repository().join("examples/storefront");
    let report = run_in(&root, &["check", "-o", "json", "--now", NOW_OF_EXAMPLES]);
    let read = |path: &str| fs::read(root.join(path)).expect("it can be read");
    let settings = [read("stillholds.yaml"), include_bytes!("../live/storefront.yaml").to_vec()].concat();
    // What was collected becomes the first snapshot of a store.
    let mut example = folder(&root).without("facts/").with("stillholds.yaml", settings);
    for name in ["load.json", "manifests.yaml", "snapshot.yaml", "traces.json"] {
        example = example.with(&format!("{COLLECTED}{name}"), read(&format!("facts/{name}")));
    }
    let written = example
        .with("reports/load.json", read("facts/load.json"))
        .with("observe/graph.py", include_str!("../live/graph.py"))
        .write();
    let run = Live::new().collect(&written);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(snapshots(&written).len(), 2, "{run}");
    let again = written.run(&["check", "-o", "json"]);
    assert_eq!((again.code, verdicts(&again)), (report.code, verdicts(&report)), "{again}");
    assert!(again.stdout.contains("/manifests.json") && !again.stdout.contains(COLLECTED), "{again}");
}
