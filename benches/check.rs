//! What a check costs beside the bare engine: 22 assumptions over 1,000 services, from the files to the report.
//!
//! `cargo bench --bench check`, and with `-- --quick` in a few seconds. The other side reads the same file and
//! evaluates the same rules on one thread, and does nothing else: it knows no ages, no gaps, no evidence, no report.
//! Every run is a process of its own, so that each has its own peak of memory and its own cold start, and the sides
//! take turns. Both must find the same violations, so that neither can win by doing less. There are three fleets: one in
//! which most assumptions are violated, one in which all of them hold, and one in which all have decayed and are
//! explained; a large one that holds (45,000 services, 100 MB); and 163 rules over the plan of an estate of 20,000
//! resources (60 MB). With `--quick` the plan has 2,000 resources, and there is no large fleet. `--only NAME` runs one.

#[path = "check/fleet.rs"]
mod fleet;
#[path = "check/lcg.rs"]
mod lcg;
#[path = "check/plan.rs"]
mod plan;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    mem::ManuallyDrop,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use self::fleet::State;
use regorus::{Engine, Value};
use serde_json::json;
use sha2::{Digest, Sha256};
use stillholds::{
    check::{Options, judge, load, load_facts, load_policies},
    model::{Judged, Report, Verdict},
    project::Project,
    report::{Format, Look, render},
};

const FLEET: &str = include_str!("check/fleet.rego");
/// Asks this program to be one side, in a process of its own.
const SIDE: &str = "--side";
const NOW: &str = "2026-11-20T12:00:00Z";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, side, folder] = &args[..]
        && flag == SIDE
    {
        let found = match side.as_str() {
            "check" => checked(Path::new(folder)),
            "stages" => in_stages(Path::new(folder)),
            "bare" => bare(Path::new(folder)),
            _ => panic!("there is no side `{side}`"),
        };
        return println!("{}", found.to_json());
    }
    // `cargo bench` says `--bench`; `cargo test --all-targets` does not, and only wants to see it run.
    let is_quick = args.iter().any(|arg| arg == "--quick") || !args.iter().any(|arg| arg == "--bench");
    let only = args.iter().position(|arg| arg == "--only").and_then(|at| args.get(at + 1));
    let turns = if is_quick { (3, 2) } else { (9, 5) };
    let fleet = |name, services, state, turns| Case {
        name,
        facts: ("fleet", fleet::document(services, state)),
        policies: FLEET.to_owned(),
        expects: state,
        turns,
    };
    let plan = |resources, turns| Case {
        name: "plan",
        facts: ("plan", plan::document(resources)),
        policies: plan::policies(),
        expects: State::Mixed,
        turns,
    };
    // One after the other: what is not measured now is not in memory.
    let cases: [(&str, &dyn Fn() -> Case); 5] = [
        ("mixed", &|| fleet("mixed", 1_000, State::Mixed, turns)),
        ("clean", &|| fleet("clean", 1_000, State::Clean, turns)),
        ("explained", &|| fleet("explained", 1_000, State::Decayed, turns)),
        ("large", &|| fleet("large", 45_000, State::Clean, (3, 1))),
        ("plan", &|| if is_quick { plan(2_000, turns) } else { plan(20_000, (3, 1)) }),
    ];
    for (name, case) in cases {
        let is_asked = only.map_or(!(is_quick && name == "large"), |only| only == name);
        if is_asked {
            compare(&case());
        }
    }
}

/// What both sides do.
struct Case {
    name: &'static str,
    /// The source and its document.
    facts: (&'static str, String),
    policies: String,
    expects: State,
    /// How many turns, and how many processes in each.
    turns: (u32, u32),
}

/// How many violations each rule found (for `holds` 1 where it is not true), and the milliseconds of each stage.
#[derive(Default, PartialEq, Debug)]
struct Found {
    violations: BTreeMap<String, u64>,
    /// The assumptions that do not hold, with the reason.
    open: Vec<String>,
    stages: BTreeMap<String, f64>,
}

impl Found {
    fn of(report: &Report) -> Self {
        let others = report.assumptions.iter().filter(|judged| judged.verdict != Verdict::Holds);
        let open = others.map(|judged| format!("{}: {:?}", judged.assumption.id, judged.message)).collect();
        Self { violations: counts(&report.assumptions), open, stages: BTreeMap::new() }
    }

    fn to_json(&self) -> serde_json::Value {
        json!({"violations": self.violations, "open": self.open, "stages": self.stages, "peak": peak()})
    }
}

/// The most memory that this process has held, in MB, where the system says so.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// The user and system time of all processes that this one has started and that have ended, in milliseconds, where
/// the system says so. The kernel adds it up finely and tells it in hundredths of a second.
fn cpu_of_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name, which may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(16)? + ticks(17)?) * 10.0)
}

/// Writes the project that all sides read, and tells how many MB the facts are.
fn write_project(folder: &Path, case: &Case) -> f64 {
    let (source, facts) = &case.facts;
    let sha256 = Sha256::digest(facts).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let manifest = format!(
        "version: 1\nsources:\n  {source}: {{file: {source}.json, sha256: {sha256}, status: ok, observed_to: \"{NOW}\"}}\n"
    );
    let project = "version: 1\npolicies: [policies.rego]\ndefaults: {max_age: 24h}\n";
    fs::create_dir(folder.join("facts")).expect("a folder in a temporary folder");
    for (path, text) in [
        ("stillholds.yaml", project),
        ("policies.rego", case.policies.as_str()),
        ("facts/snapshot.yaml", manifest.as_str()),
        (&format!("facts/{source}.json"), facts.as_str()),
    ] {
        fs::write(folder.join(path), text).expect("a file in a temporary folder");
    }
    f64::from(u32::try_from(facts.len()).expect("no more than 4 GB")) / 1e6
}

fn checked(folder: &Path) -> Found {
    let project = Project::load(folder).expect("the project is valid");
    let report = report(&project);
    let text = render(&report, Format::Json, Look::default());
    assert!(text.len() > 1_000, "the report says something");
    Found::of(&report)
}

fn report(project: &Project) -> Report {
    let options = Options { timeout: Duration::from_mins(1), ..Options::new(NOW.parse().expect("a time")) };
    // As the program does it.
    let loaded = ManuallyDrop::new(load(project, &options).expect("the project can be loaded"));
    judge(project, &options, &loaded).expect("the project can be checked")
}

/// The stages one after the other; what the check itself takes beside the loading is its evaluation.
fn in_stages(folder: &Path) -> Found {
    let mut stages = BTreeMap::new();
    let mut since = Instant::now();
    let mut ends = |stage: &str, less: f64| {
        let taken = milliseconds(since.elapsed()) - less;
        stages.insert(stage.to_owned(), taken);
        since = Instant::now();
        taken
    };
    let project = Project::load(folder).expect("the project is valid");
    drop(load_policies(&project).expect("the policies are valid"));
    let policies = ends("1 load policies", 0.0);
    drop(load_facts(&project, None).expect("the facts are valid"));
    let facts = ends("2 load facts", 0.0);
    let report = report(&project);
    ends("3 evaluate and judge", policies + facts);
    let text = render(&report, Format::Json, Look::default());
    assert!(text.len() > 1_000, "the report says something");
    ends("4 render as JSON", 0.0);
    Found { stages, ..Found::of(&report) }
}

fn counts(assumptions: &[Judged]) -> BTreeMap<String, u64> {
    assumptions
        .iter()
        .map(|judged| {
            let suffix = judged.assumption.id.rsplit('/').next().unwrap_or_default();
            (suffix.to_owned(), judged.violations.len() as u64)
        })
        .collect()
}

fn bare(folder: &Path) -> Found {
    let read = |path: &Path| fs::read_to_string(path).expect("the file is there");
    let facts = fs::read_dir(folder.join("facts")).expect("the folder is there");
    let file =
        facts.map(|file| file.expect("a file").path()).find(|path| path.extension().is_some_and(|e| e == "json"));
    let file = file.expect("the facts are there");
    let document = Value::from_json_str(&read(&file)).expect("the facts are JSON");
    let source = file.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut input = Value::new_object();
    input.as_object_mut().expect("an object").insert(source.as_str().into(), document);
    let mut engine = Engine::new();
    let policies = read(&folder.join("policies.rego"));
    let package = policies.lines().find_map(|line| line.strip_prefix("package ")).expect("a package").to_owned();
    engine.add_policy("policies.rego".to_owned(), policies.clone()).expect("the policies are valid");
    engine.set_input(input);
    let violations = rules(&policies)
        .map(|rule| {
            let value = engine.eval_rule(format!("data.{package}.{rule}")).expect("the rule can be evaluated");
            let (word, suffix) = rule.split_once('_').expect("a word and a suffix");
            let count = match word {
                "holds" => u64::from(value != Value::Bool(true)),
                _ => value.as_set().map_or(0, |elements| elements.len() as u64),
            };
            (suffix.to_owned(), count)
        })
        .collect();
    Found { violations, ..Found::default() }
}

/// The names of the rules that are assumptions.
fn rules(policies: &str) -> impl Iterator<Item = &str> {
    let heads = policies.lines().filter(|line| line.starts_with("violation_") || line.starts_with("holds_"));
    heads.filter_map(|line| line.split(' ').next())
}

/// What one side takes: of a turn the mean of its processes.
#[derive(Default)]
struct Side {
    wall: Vec<f64>,
    cpu: Vec<Option<f64>>,
    peak: Vec<Option<f64>>,
    stages: BTreeMap<String, Vec<f64>>,
    violations: serde_json::Value,
    open: Vec<serde_json::Value>,
}

impl Side {
    /// Runs one turn: so many processes, one after the other.
    fn take_turn(&mut self, name: &str, folder: &Path, processes: u32) {
        let (cpu, since) = (cpu_of_children(), Instant::now());
        let outputs: Vec<_> = (0..processes)
            .map(|_| {
                let this = std::env::current_exe().expect("a program has a path");
                // The engine's errors, which it makes by the thousand, would else each take a backtrace.
                let mut command = Command::new(this);
                command.args([SIDE, name]).arg(folder).env_remove("RUST_BACKTRACE");
                command.output().expect("a program can be started again")
            })
            .collect();
        let each = 1.0 / f64::from(processes);
        self.wall.push(milliseconds(since.elapsed()) * each);
        self.cpu.push(cpu_of_children().zip(cpu).map(|(after, before)| (after - before) * each));
        for output in outputs {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a side prints JSON");
            self.peak.push(found["peak"].as_f64());
            for (stage, taken) in found["stages"].as_object().expect("an object") {
                self.stages.entry(stage.clone()).or_default().extend(taken.as_f64());
            }
            self.violations = found["violations"].clone();
            self.open = found["open"].as_array().cloned().unwrap_or_default();
        }
    }
}

fn compare(case: &Case) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let megabytes = write_project(folder.path(), case);
    let (rounds, processes) = case.turns;
    let mut sides = ["check", "bare", "stages"].map(|name| (name, Side::default()));
    for _ in 0..rounds {
        for (name, side) in &mut sides {
            side.take_turn(name, folder.path(), processes);
        }
    }
    let [(_, check), (_, bare), (_, stages)] = sides;
    assert_eq!(check.violations, bare.violations, "both sides find the same");
    assert_eq!(check.violations, stages.violations, "the stages are the check");
    let found = bare.violations.as_object().expect("an object");
    assert_eq!(found.len(), rules(&case.policies).count(), "every rule is an assumption");
    let violations: u64 = found.values().filter_map(serde_json::Value::as_u64).sum();
    match case.expects {
        State::Mixed => {}
        State::Clean => assert!(check.open.is_empty(), "everything holds: {:?}", check.open),
        State::Decayed => assert_eq!(check.open.len(), found.len(), "everything has decayed"),
    }

    println!(
        "{}: {} assumptions over {megabytes:.1} MB of JSON, {} hold, {violations} violations, the same on both sides",
        case.name,
        found.len(),
        found.len() - check.open.len(),
    );
    println!("medians of {rounds} turns with {processes} processes each\n");
    println!("{:24}{:>12}{:>14}{:>9}", "a process", "stillholds", "bare regorus", "ratio");
    row("CPU time", "ms", check.cpu.into_iter().collect(), bare.cpu.into_iter().collect());
    row("wall time", "ms", Some(check.wall), Some(bare.wall));
    row("peak memory", "MB", check.peak.into_iter().collect(), bare.peak.into_iter().collect());
    println!("\n{:24}{:>12}", "stages of stillholds", "wall");
    for (stage, taken) in stages.stages {
        println!("{stage:24}{:>9.1} ms", median(taken));
    }
    println!();
}

fn row(what: &str, unit: &str, ours: Option<Vec<f64>>, theirs: Option<Vec<f64>>) {
    let (Some(ours), Some(theirs)) = (ours.map(median), theirs.map(median)) else {
        return println!("{what:24}not measured on this system");
    };
    println!("{what:24}{ours:>9.1} {unit}{theirs:>11.1} {unit}{:>8.2}x", ours / theirs);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
