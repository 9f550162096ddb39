//! Policies × facts → report: the spine. Read this first.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use rayon::prelude::*;
use regorus::Value;

pub use crate::evaluate::Watch;
use crate::{
    evaluate::{self, Judgement, World, explain::Why},
    facts::{self, Declared, Documents, Facts, FactsError},
    model::{
        self, Evidence, Finding, FindingSeverity, Gate, Json, Judged, Path as FactPath, ProjectRef, Report, Segment,
        Snapshot, matches,
    },
    policy::{self, Group, Others, Policies, PolicyError},
    project::Project,
    secret::Secrets,
    source::{Advice, At, Place, Problem, SourceFile},
    spelling::nearest,
};

/// What a run of the check is asked for beyond the project.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of the check.
    pub now: Timestamp,
    /// How long one assumption may take.
    pub timeout: Duration,
    /// Another snapshot than the project's.
    pub facts: Option<String>,
    /// Snapshots to compare with beside the project's, or in place of those, by name.
    pub references: BTreeMap<String, String>,
    /// Which assumptions, by id or pattern; all where it is empty.
    pub select: Vec<String>,
    /// An erosion fails too.
    pub fail_on_eroding: bool,
    /// An unknown that would not fail if it were known passes.
    pub allow_unknown: bool,
    /// Who watches the evaluation.
    pub watch: Watch,
}

impl Options {
    /// How long one assumption may take where nobody says.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// A check of everything at this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            timeout: Self::TIMEOUT,
            facts: None,
            references: BTreeMap::new(),
            select: Vec::new(),
            fail_on_eroding: false,
            allow_unknown: false,
            watch: Watch::default(),
        }
    }
}

/// What is wrong with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// An id or pattern that selects nothing.
    #[error("no assumption is called `{pattern}`")]
    NothingSelected {
        /// As it was given.
        pattern: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// A project that assumes nothing would pass whatever happens.
    #[error("there is nothing to check: the policies hold no assumption")]
    NoAssumptions,
    /// A document that says what a rule says.
    #[error("`{path}` is both a rule and a key of a document under `data`")]
    RuleInData {
        /// The rule.
        path: String,
    },
    /// A file of policy in another encoding.
    #[error("`{path}` cannot be read: it is not UTF-8")]
    NotUtf8 {
        /// The file.
        path: String,
    },
    /// A file of policy that cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl Advice for CheckError {
    fn code(&self) -> &'static str {
        match self {
            Self::NothingSelected { .. } => "check::nothing_selected",
            Self::RuleInData { .. } => "check::rule_in_data",
            Self::NoAssumptions => "check::no_assumptions",
            Self::NotUtf8 { .. } | Self::Unreadable { .. } => "check::unreadable",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NothingSelected { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NothingSelected { .. } => {
                Some("`stillholds list` shows them all; `*` stands for any run of characters".to_owned())
            }
            Self::NoAssumptions => Some(
                "mark the blocks of Rego in the pages with `rego`, or switch on a shipped one under `library`; \
                 `stillholds init` in an empty folder shows an example"
                    .to_owned(),
            ),
            Self::RuleInData { .. } => Some("rename one of them: only one could be seen".to_owned()),
            Self::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            Self::Unreadable { .. } => None,
        }
    }
}

/// Loads the project's policies: its own and the shipped ones it switches on.
///
/// # Errors
/// Everything that is wrong with them, and with the documents of others that they read.
pub fn load_policies(project: &Project) -> Result<Policies, Vec<Problem>> {
    load_policies_beside(project, &load_declared(project, Documents::Data))
}

/// Loads the project's policies, which read these documents of others.
fn load_policies_beside(project: &Project, data: &Result<Declared, Vec<Problem>>) -> Result<Policies, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    match project.policy_files() {
        Ok(found) => {
            for found in found {
                match std::fs::read_to_string(project.root.join(&found.path)) {
                    Ok(text) => {
                        let others = found.entry.input.clone().map(|input| Others { input, name: found.below });
                        let file = SourceFile::new(found.path, text);
                        files.push(policy::PolicyFile { file, v0: found.entry.v0, others });
                    }
                    Err(error) => {
                        let error = match error.kind() {
                            io::ErrorKind::InvalidData => CheckError::NotUtf8 { path: found.path },
                            _ => CheckError::Unreadable { path: found.path, reason: error.to_string() },
                        };
                        problems.push(boxed(At::nowhere(error)));
                    }
                }
            }
        }
        Err(errors) => problems.extend(errors.into_iter().map(boxed)),
    }
    let roots = data.as_ref().ok().and_then(|data| data.value.as_object().ok());
    let roots = roots.into_iter().flat_map(|roots| roots.iter().filter_map(|(root, _)| root.as_string().ok()));
    let documents = roots.map(ToString::to_string).collect();
    match policy::load(&files, &project.library, &documents) {
        Ok(policies) => {
            if let Ok(data) = data {
                problems.extend(rules_in_data(&policies, data).map(boxed));
            }
            if problems.is_empty() { Ok(policies) } else { Err(problems) }
        }
        Err(mut errors) => {
            // Which documents there are is not known where they cannot be read.
            errors.retain(|error| data.is_ok() || !matches!(error.kind, PolicyError::Nowhere { .. }));
            problems.extend(errors.into_iter().map(boxed));
            Err(problems)
        }
    }
}

/// Rules on whose paths a document has a value: which of the two would be seen is not said anywhere.
fn rules_in_data(policies: &Policies, data: &Declared) -> impl Iterator<Item = At<CheckError>> {
    policies.rule_places().filter_map(|(path, rule)| {
        let mut value = &data.value;
        for (at, step) in path.iter().enumerate() {
            match value.as_object() {
                Ok(fields) => value = fields.get(&Value::from(step.as_str()))?,
                // A document has another value where the rule's package should be.
                Err(_) => return in_data(&path[..at], path, data, &rule),
            }
        }
        in_data(path, path, data, &rule)
    })
}

fn in_data(key: &[String], rule: &[String], data: &Declared, place: &Place) -> Option<At<CheckError>> {
    let of_rule = std::iter::once("data").chain(rule.iter().map(String::as_str));
    let path = FactPath::new(of_rule.map(|step| Segment::Key(step.to_owned())).collect()).to_string();
    Some(At::new(CheckError::RuleInData { path }, data.place_of(key)?).and("the rule", place.clone()))
}

/// Reads the project's facts.
///
/// # Errors
/// Everything that keeps the snapshot as a whole from being read.
pub fn load_facts(project: &Project, folder: Option<&str>) -> Result<Facts, Vec<Problem>> {
    let documents_many =
        project.sources.iter().filter(|(_, source)| source.documents_many).map(|(name, _)| name.clone()).collect();
    let folder = folder.unwrap_or(&project.facts);
    facts::load(&project.root, folder, &facts::Settings { documents_many })
        .map_err(|errors| errors.into_iter().map(boxed).collect())
}

/// All that a check reads.
pub struct Loaded {
    policies: Policies,
    design: Declared,
    documents: Declared,
    facts: Facts,
    references: BTreeMap<String, Facts>,
}

/// Loads and judges the project's assumptions.
///
/// # Errors
/// Everything that people wrote and that cannot be read; a selection that selects nothing.
pub fn check(project: &Project, options: &Options) -> Result<Report, Vec<Problem>> {
    judge(project, options, &load(project, options)?)
}

/// Loads all that a check reads.
///
/// # Errors
/// Everything that people wrote and that cannot be read.
pub fn load(project: &Project, options: &Options) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut keep = |errors: Vec<Problem>| problems.extend(errors);
    let documents = load_declared(project, Documents::Data);
    let policies = load_policies_beside(project, &documents).map_err(&mut keep).ok();
    let documents = documents.map_err(&mut keep).ok();
    let design = load_declared(project, Documents::Design).map_err(&mut keep).ok();
    let facts = load_facts(project, options.facts.as_deref()).map_err(&mut keep).ok();
    let references = load_references(project, options).map_err(&mut keep).ok();
    match (policies, design, documents, facts, references) {
        (Some(policies), Some(design), Some(documents), Some(facts), Some(references)) => {
            Ok(Loaded { policies, design, documents, facts, references })
        }
        _ => Err(problems),
    }
}

/// Judges the project's assumptions by what was loaded.
///
/// # Errors
/// A selection that selects nothing; what the engine finds wrong with the policies.
pub fn judge(project: &Project, options: &Options, loaded: &Loaded) -> Result<Report, Vec<Problem>> {
    let Loaded { policies, design, documents, facts, references } = loaded;
    if policies.groups.is_empty() {
        return Err(vec![boxed(At::nowhere(CheckError::NoAssumptions))]);
    }
    let selected = select(&policies.groups, &options.select).map_err(boxed_all)?;
    let data = data(documents, design, references, facts, options.now);
    let snapshots = references.iter().map(|(name, facts)| (name.clone(), facts.snapshot.clone())).collect();
    let world = World { input: &facts.input, data: &data, snapshot: &facts.snapshot, references: &snapshots };
    let gate = Gate {
        fail_severity: project.defaults.fail_severity,
        fail_on_eroding: options.fail_on_eroding,
        allow_unknown: options.allow_unknown,
    };
    let settings = evaluate::Settings {
        now: options.now,
        timeout: options.timeout,
        max_age: project.defaults.max_age,
        source_max_age: project
            .sources
            .iter()
            .filter_map(|(name, source)| Some((name.clone(), source.max_age?)))
            .collect(),
        reference_max_age: project
            .references
            .iter()
            .filter_map(|(name, reference)| Some((name.clone(), reference.max_age?)))
            .collect(),
        eroding_under: project.defaults.eroding_under,
        vacuous: project.defaults.vacuous,
        redact: project.redact.clone(),
        gate,
        explain_all: false,
        watch: options.watch.clone(),
    };
    let judgements = evaluate::evaluate(policies, &selected, world, &settings).map_err(boxed_all)?;
    // The names of sources and parts are no secrets, however they sound.
    let mut named = data.clone();
    if let Ok(fields) = named.as_object_mut() {
        fields.remove(&"snapshot".into());
    }
    let read = [&facts.input, &named, &facts::unnamed(&facts.snapshot, options.now)];
    // Nothing that was read is shown where nothing is said.
    let is_said = judgements.iter().any(|judgement| says_something(&judgement.judged));
    let secrets = Secrets::of(if is_said { &read } else { &[] }, &project.redact);
    let (mut assumptions, fact_files) =
        explain(judgements, facts, references, &[design, documents], &secrets, &project.redact);
    assumptions.sort_by(|a, b| {
        let key = |judged: &crate::model::Judged| (judged.assumption.document.path.clone(), judged.verdict);
        key(a).cmp(&key(b)).then_with(|| a.assumption.id.cmp(&b.assumption.id))
    });
    let mut findings = facts.findings.clone();
    findings.extend(not_yet(project));
    findings.extend(ahead(&facts.snapshot, options.now));
    findings.extend(policies.notices.iter().cloned());
    for snapshot in snapshots.values() {
        findings.extend(ahead(snapshot, options.now));
    }
    findings.extend(references.values().flat_map(|facts| facts.findings.iter().cloned()));
    findings.extend(unused_sources(project, &policies.groups, &facts.snapshot));
    findings.sort_by(|a, b| (a.code, &a.message).cmp(&(b.code, &b.message)));
    let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
    let of_modules = policies.modules.iter().map(|module| &module.file);
    let declared = design.files.iter().chain(&documents.files);
    for file in of_modules.chain(declared).chain([&project.file]).chain(&fact_files) {
        files.insert(file.path().to_owned(), file.clone());
    }
    Ok(Report {
        project: ProjectRef { name: project.name.clone(), path: path_in_repository(&project.root) },
        evaluated_at: options.now,
        snapshot: facts.snapshot.clone(),
        references: snapshots,
        assumptions,
        findings,
        gate,
        files,
    })
}

/// Whether anything is said of an assumption beside its verdict.
fn says_something(judged: &Judged) -> bool {
    judged.message.is_some() || !(judged.notes.is_empty() && judged.violations.is_empty() && judged.measures.is_empty())
}

/// Says why, with every fact at its place in its file. Returns the assumptions and the files of those facts.
fn explain(
    judgements: Vec<Judgement>,
    facts: &Facts,
    references: &BTreeMap<String, Facts>,
    declared: &[&Declared],
    secrets: &Secrets,
    redact: &[String],
) -> (Vec<Judged>, Vec<SourceFile>) {
    let mut reasons: Vec<Why> =
        judgements.par_iter().map(|judgement| evaluate::explain::explain(judgement, redact)).collect();
    let of_all = reasons.iter().flat_map(|why| why.violations.iter().map(|(_, facts)| facts).chain([&why.facts]));
    let paths: BTreeSet<model::Path> = of_all.flatten().map(|(path, _)| path.clone()).collect();
    let places = facts::places(facts, references, declared, &paths, secrets, redact);
    let evidence = |found: Vec<(model::Path, Json)>| -> Vec<Evidence> {
        let fact = |(path, value): (model::Path, Json)| {
            let of_reference = path.reference().map(|(name, source)| (references.get(name), source));
            let from = path.source().map(|source| (Some(facts), source)).or(of_reference);
            let collected_at = from.and_then(|(facts, name)| facts?.snapshot.source(name)?.observed_to);
            let source = from.map(|(_, source)| source).or_else(|| path.key(1)).unwrap_or_default().to_owned();
            Evidence { location: places.locations.get(&path).cloned(), path, value, source, collected_at }
        };
        found.into_iter().map(fact).collect()
    };
    let assumptions = judgements.into_iter().zip(&mut reasons).map(|(judgement, why)| {
        let mut judged = judgement.judged;
        for (violation, (conditions, facts)) in judged.violations.iter_mut().zip(why.violations.drain(..)) {
            violation.conditions = conditions;
            violation.evidence = evidence(facts);
        }
        judged.conditions = std::mem::take(&mut why.conditions);
        judged.evidence = evidence(std::mem::take(&mut why.facts));
        evaluate::explain::withhold(&mut judged, secrets);
        judged
    });
    (assumptions.collect(), places.files)
}

/// The documents that the project declares.
pub(crate) fn load_declared(project: &Project, of: Documents) -> Result<Declared, Vec<Problem>> {
    let patterns = match of {
        Documents::Design => &project.design,
        Documents::Data => &project.data,
    };
    let found = project.expand(patterns).map_err(boxed_all)?;
    let files: Vec<_> = found.iter().map(|file| (project.root.join(&file.path), file.path.clone())).collect();
    facts::declared(of, &files).map_err(|errors| {
        let entry = |error: &At<FactsError>| {
            let place = error.place.as_ref().filter(|_| matches!(error.kind, FactsError::ReservedRoot(_)))?;
            let file = found.iter().find(|file| file.path == place.file.path())?;
            Some(patterns[file.pattern].place.clone())
        };
        let with_entry = |error: At<FactsError>| match entry(&error) {
            Some(place) => error.and("listed here", place),
            None => error,
        };
        errors.into_iter().map(with_entry).map(boxed).collect()
    })
}

/// Reads the snapshots to compare with.
pub(crate) fn load_references(project: &Project, options: &Options) -> Result<BTreeMap<String, Facts>, Vec<Problem>> {
    let of_project = project.references.iter().map(|(name, reference)| (name, &reference.facts));
    let folders: BTreeMap<_, _> = of_project.chain(&options.references).collect();
    let mut problems = Vec::new();
    let mut references = BTreeMap::new();
    for (name, folder) in folders {
        match load_facts(project, Some(folder)) {
            Ok(facts) => drop(references.insert(name.clone(), facts)),
            Err(errors) => problems.extend(errors),
        }
    }
    if problems.is_empty() { Ok(references) } else { Err(problems) }
}

/// `data` as policies see it beside their own packages.
pub(crate) fn data(
    documents: &Declared,
    design: &Declared,
    references: &BTreeMap<String, Facts>,
    facts: &Facts,
    now: Timestamp,
) -> Value {
    let references: BTreeMap<Value, Value> =
        references.iter().map(|(name, facts)| (name.as_str().into(), facts.input.clone())).collect();
    let mut data = documents.value.clone();
    if let Ok(fields) = data.as_object_mut() {
        fields.insert("design".into(), design.value.clone());
        fields.insert("snapshot".into(), facts::provenance(&facts.snapshot, now));
        fields.insert("reference".into(), Value::from(references));
    }
    data
}

/// The groups that a selection names, in their own order.
fn select<'a>(groups: &'a [Group], patterns: &[String]) -> Result<Vec<&'a Group>, Vec<At<CheckError>>> {
    let ids = || groups.iter().map(|group| group.assumption.id.as_str());
    let errors: Vec<_> = patterns
        .iter()
        .filter(|pattern| !ids().any(|id| matches(pattern, id)))
        .map(|pattern| {
            let near = nearest(pattern, ids()).map(str::to_owned);
            At::nowhere(CheckError::NothingSelected { pattern: pattern.clone(), near })
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let is_selected =
        |group: &&Group| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &group.assumption.id));
    Ok(groups.iter().filter(is_selected).collect())
}

/// Times that are still to come: whatever wrote them, the age of these facts is not known.
fn ahead(snapshot: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let ahead = snapshot.sources.iter().filter_map(|source| Some((source, evaluate::ahead(source, now)?)));
    ahead
        .map(|(source, observed)| Finding {
            code: "observed-ahead",
            severity: FindingSeverity::Warning,
            message: format!(
                "the source `{}` claims to be observed at {observed}, which is still to come: set the clock of what \
                 collected it",
                source.name
            ),
            location: None,
        })
        .collect()
}

/// What the project file asks for and this version does not do yet: said, never passed over.
fn not_yet(project: &Project) -> Vec<Finding> {
    let asked = [
        (project.waivers.is_some(), "waivers", "nothing is waived"),
        (project.baseline.is_some(), "baseline", "every violation counts as new"),
        (!project.gate.deny_findings.is_empty(), "deny_findings", "findings do not fail the check"),
    ];
    asked
        .into_iter()
        .filter(|(asked, ..)| *asked)
        .map(|(_, key, meanwhile)| Finding {
            code: "not-yet",
            severity: FindingSeverity::Warning,
            message: format!("this version does not read `{key}` of the project file yet: {meanwhile}"),
            location: None,
        })
        .collect()
}

/// Settings of sources that nobody has and nobody asks for: with a slip in the name they do nothing, and what they
/// were to settle stays as it was.
fn unused_sources(project: &Project, groups: &[Group], snapshot: &Snapshot) -> Vec<Finding> {
    let mut known: BTreeSet<&str> = snapshot.sources.iter().map(|source| source.name.as_str()).collect();
    known.extend(groups.iter().flat_map(|group| &group.reads.uses).filter_map(|one| source_of(&one.path)));
    known.extend(project.policies.iter().filter_map(|entry| entry.input.as_ref()).map(|input| input.source.as_str()));
    known.extend(project.collect.iter().map(|entry| entry.source.as_str()));
    project
        .sources
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()))
        .map(|(name, settings)| {
            let advice = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it".to_owned(),
            };
            Finding {
                code: "unused-source",
                severity: FindingSeverity::Warning,
                message: format!(
                    "`sources` names `{name}`, which was not collected and which no assumption reads; {advice}"
                ),
                location: Some(settings.place.location()),
            }
        })
        .collect()
}

/// The source that a path names, as facts or as what is known of them.
fn source_of(path: &FactPath) -> Option<&str> {
    match (path.key(0)?, path.key(1)?) {
        ("input", source) => Some(source),
        ("data", "snapshot") if path.key(2) == Some("sources") => path.key(3),
        ("data", "reference") => path.key(3),
        _ => None,
    }
}

/// The project's root, relative to the root of the repository around it.
fn path_in_repository(root: &Path) -> String {
    let Ok(root) = root.canonicalize() else { return ".".to_owned() };
    let repository = root.ancestors().find(|folder| folder.join(".git").exists());
    let inside = repository.and_then(|repository| root.strip_prefix(repository).ok());
    match inside.map(|path| path.to_string_lossy().replace('\\', "/")) {
        Some(path) if !path.is_empty() => path,
        _ => ".".to_owned(),
    }
}

fn boxed<K>(error: At<K>) -> Problem
where
    K: Advice + Send + Sync + 'static,
{
    Box::new(error)
}

fn boxed_all<K>(errors: Vec<At<K>>) -> Vec<Problem>
where
    K: Advice + Send + Sync + 'static,
{
    errors.into_iter().map(boxed).collect()
}
