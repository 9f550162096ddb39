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

use crate::{
    evaluate::{self, Judgement, World, explain::Why},
    facts::{self, Facts},
    model::{
        self, Evidence, Finding, FindingSeverity, Gate, Json, Judged, Path as FactPath, ProjectRef, Report, Snapshot,
        matches,
    },
    policy::{self, Group, Policies},
    project::Project,
    source::{Advice, At, Problem, SourceFile},
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
    /// Which assumptions, by id or pattern; all where it is empty.
    pub select: Vec<String>,
    /// An erosion fails too.
    pub fail_on_eroding: bool,
    /// An unknown that would not fail if it were known passes.
    pub allow_unknown: bool,
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
    /// Something that would change what assumptions see.
    #[error("this version does not read `{key}` of the project file yet, and what reads it cannot be judged without")]
    NotYet {
        /// The key.
        key: &'static str,
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
            Self::NotYet { .. } => "check::not_yet",
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
            Self::NotYet { key } => Some(format!("take `{key}` out, and the policies that need it")),
            Self::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            Self::Unreadable { .. } => None,
        }
    }
}

/// Loads the project's policies: its own and the shipped ones it switches on.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load_policies(project: &Project) -> Result<Policies, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    match project.policy_files() {
        Ok(found) => {
            for found in found {
                match std::fs::read_to_string(project.root.join(&found.path)) {
                    Ok(text) => {
                        files.push(policy::PolicyFile { file: SourceFile::new(found.path, text), v0: found.entry.v0 });
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
    let documents = BTreeSet::new();
    match policy::load(&files, &project.library, &documents) {
        Ok(policies) if problems.is_empty() => Ok(policies),
        Ok(_) => Err(problems),
        Err(errors) => {
            problems.extend(errors.into_iter().map(boxed));
            Err(problems)
        }
    }
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

/// Judges the project's assumptions.
///
/// # Errors
/// Everything that people wrote and that cannot be read; a selection that selects nothing.
pub fn check(project: &Project, options: &Options) -> Result<Report, Vec<Problem>> {
    let mut problems = unseen(project);
    let is_seen = problems.is_empty();
    let mut keep = |errors: Vec<Problem>| problems.extend(errors);
    let policies = load_policies(project).map_err(&mut keep).ok();
    let design = load_design(project).map_err(&mut keep).ok();
    let facts = load_facts(project, options.facts.as_deref()).map_err(&mut keep).ok();
    let (Some(policies), Some((design, design_files)), Some(facts), true) = (policies, design, facts, is_seen) else {
        return Err(problems);
    };
    if policies.groups.is_empty() {
        return Err(vec![boxed(At::nowhere(CheckError::NoAssumptions))]);
    }
    let selected = select(&policies.groups, &options.select).map_err(boxed_all)?;
    let data = data(design, &facts, options.now);
    let world = World { input: &facts.input, data: &data, snapshot: &facts.snapshot };
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
        eroding_under: project.defaults.eroding_under,
        vacuous: project.defaults.vacuous,
        redact: project.redact.clone(),
        gate,
        explain_all: false,
    };
    let judgements = evaluate::evaluate(&policies, &selected, world, &settings).map_err(boxed_all)?;
    let (mut assumptions, fact_files) = explain(judgements, &facts, &design_files, &project.redact);
    assumptions.sort_by(|a, b| {
        let key = |judged: &crate::model::Judged| (judged.assumption.document.path.clone(), judged.verdict);
        key(a).cmp(&key(b)).then_with(|| a.assumption.id.cmp(&b.assumption.id))
    });
    let mut findings = facts.findings;
    findings.extend(not_yet(project));
    findings.extend(ahead(&facts.snapshot, options.now));
    findings.extend(unused_sources(project, &policies.groups, &facts.snapshot));
    findings.sort_by(|a, b| (a.code, &a.message).cmp(&(b.code, &b.message)));
    let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
    let of_modules = policies.modules.iter().map(|module| &module.file);
    for file in of_modules.chain(&design_files).chain([&project.file]).chain(&fact_files) {
        files.insert(file.path().to_owned(), file.clone());
    }
    Ok(Report {
        project: ProjectRef { name: project.name.clone(), path: path_in_repository(&project.root) },
        evaluated_at: options.now,
        snapshot: facts.snapshot,
        assumptions,
        findings,
        gate,
        files,
    })
}

/// Says why, with every fact at its place in its file. Returns the assumptions and the files of those facts.
fn explain(
    judgements: Vec<Judgement>,
    facts: &Facts,
    design: &[SourceFile],
    redact: &[String],
) -> (Vec<Judged>, Vec<SourceFile>) {
    let mut reasons: Vec<Why> =
        judgements.par_iter().map(|judgement| evaluate::explain::explain(judgement, redact)).collect();
    let of_all = reasons.iter().flat_map(|why| why.violations.iter().map(|(_, facts)| facts).chain([&why.facts]));
    let paths: BTreeSet<model::Path> = of_all.flatten().map(|(path, _)| path.clone()).collect();
    let places = facts::places(facts, design, &paths, redact);
    let evidence = |found: Vec<(model::Path, Json)>| -> Vec<Evidence> {
        let fact = |(path, value): (model::Path, Json)| {
            let source = path.source().or_else(|| path.key(1)).unwrap_or_default().to_owned();
            let collected_at = path.source().and_then(|name| facts.snapshot.source(name)?.observed_to);
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
        judged
    });
    (assumptions.collect(), places.files)
}

/// The design, and its files.
pub(crate) fn load_design(project: &Project) -> Result<(Value, Vec<SourceFile>), Vec<Problem>> {
    let found = project.expand(&project.design).map_err(boxed_all)?;
    let files: Vec<_> = found.into_iter().map(|file| (project.root.join(&file.path), file.path)).collect();
    facts::design(&files).map_err(boxed_all)
}

/// `data` as policies see it beside their own packages.
pub(crate) fn data(design: Value, facts: &Facts, now: Timestamp) -> Value {
    let mut data = Value::new_object();
    if let Ok(fields) = data.as_object_mut() {
        fields.insert("design".into(), design);
        fields.insert("snapshot".into(), facts::provenance(&facts.snapshot, now));
        fields.insert("reference".into(), Value::new_object());
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

/// What this version does not read and assumptions would see: without it they would be judged by something else.
pub(crate) fn unseen(project: &Project) -> Vec<Problem> {
    let references = project.references.values().map(|reference| ("references", &reference.place));
    let data = project.data.iter().map(|document| ("data", &document.place));
    let input = project.policies.iter().filter(|entry| entry.input.is_some()).map(|entry| ("input", &entry.place));
    let first =
        [references.min_by_key(|(_, place)| place.span.start), data.into_iter().next(), input.into_iter().next()];
    first.into_iter().flatten().map(|(key, place)| boxed(At::new(CheckError::NotYet { key }, place.clone()))).collect()
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
        (!project.collect.is_empty(), "collect", "facts are read as they lie there"),
        (!project.aliases.is_empty(), "aliases", "names are those that the facts have"),
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
