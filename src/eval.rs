//! A query over a project, or over files as `opa eval` takes them.

use std::path::PathBuf;

use regorus::Value;

use crate::{
    check::{Options, data, load_declared, load_facts, load_policies, load_references},
    evaluate::query::query,
    facts,
    given::{Documents, Given, given},
    model::Json,
    policy::{Module, PolicyFile, read_modules},
    project::Project,
    secret::{WITHHELD, is_secret, without_secrets},
    source::{Advice, At, Problem, SourceFile},
};

pub use crate::evaluate::query::{Answer, Expression, QueryResult, Settings};

/// What messages call the text of a query.
const QUERY: &str = "query";

/// Files to evaluate a query over, instead of a project.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Policies and data, and folders of them.
    pub data: Vec<PathBuf>,
    /// The document that is `input`; without one `input` is undefined.
    pub input: Option<PathBuf>,
}

/// Evaluates a query over a project's policies, its design and its facts; `folder` is another snapshot than its own.
/// Values under keys that sound like secrets are withheld.
///
/// # Errors
/// Everything that people wrote and that cannot be read, the query included; what the evaluation failed on.
pub fn eval_project(
    project: &Project,
    folder: Option<&str>,
    text: &str,
    settings: &Settings,
) -> Result<Answer, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut keep = |errors: Vec<Problem>| problems.extend(errors);
    let policies = load_policies(project).map_err(&mut keep).ok();
    let design = load_declared(project, facts::Documents::Design).map_err(&mut keep).ok();
    let documents = load_declared(project, facts::Documents::Data).map_err(&mut keep).ok();
    let references = load_references(project, &Options::new(settings.now)).map_err(&mut keep).ok();
    let facts = load_facts(project, folder).map_err(&mut keep).ok();
    let (Some(policies), Some(design), Some(documents), Some(references), Some(facts)) =
        (policies, design, documents, references, facts)
    else {
        return Err(problems);
    };
    let data = data(&documents, &design, &references, &facts, settings.now);
    let answer = query(&policies.modules, &SourceFile::new(QUERY, text), &facts.input, &data, settings);
    answer.map(|answer| withheld(answer, &project.redact)).map_err(boxed)
}

/// The answer with what sounds like a secret withheld, as wherever facts are shown.
fn withheld(mut answer: Answer, redact: &[String]) -> Answer {
    let names_secret = |text: &str| {
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
        words.any(|word| is_secret(word, redact))
    };
    let shown = |value: Json, is_secret: bool| match value {
        // That something is so is no secret.
        Json::Bool(_) | Json::Null => value,
        _ if is_secret => WITHHELD.into(),
        value => without_secrets(value, redact),
    };
    for result in &mut answer.results {
        let any = result.expressions.iter().any(|expression| names_secret(&expression.text));
        for expression in &mut result.expressions {
            expression.value = shown(expression.value.take(), names_secret(&expression.text));
        }
        for (name, value) in &mut result.bindings {
            *value = shown(value.take(), any || is_secret(name, redact));
        }
    }
    answer
}

/// Evaluates a query over files.
///
/// # Errors
/// Everything that people wrote and that cannot be read, the query included; what the evaluation failed on.
pub fn eval_files(files: &Files, text: &str, settings: &Settings) -> Result<Answer, Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    let given = match given(&files.data, Documents::All, settings.v0) {
        Ok(given) => given,
        Err(errors) => {
            problems.extend(boxed(errors));
            Given::default()
        }
    };
    let data = facts::data(&given.data).map_err(|errors| problems.extend(boxed(errors)));
    let input = match &files.input {
        None => Ok(Value::Undefined),
        Some(path) => {
            facts::input(path, &path.to_string_lossy().replace('\\', "/")).map_err(|error| problems.push(error))
        }
    };
    let modules = modules(&given.policies, &mut problems);
    let (Ok(data), Ok(input), true) = (data, input, problems.is_empty()) else { return Err(problems) };
    query(&modules, &SourceFile::new(QUERY, text), &input, &data, settings).map_err(boxed)
}

fn modules(files: &[PolicyFile], problems: &mut Vec<Problem>) -> Vec<Module> {
    let mut errors = Vec::new();
    let modules = read_modules(files, &mut errors);
    problems.extend(boxed(errors));
    modules
}

fn boxed<K: Advice + Send + Sync + 'static>(errors: Vec<At<K>>) -> Vec<Problem> {
    errors.into_iter().map(|error| Box::new(error) as _).collect()
}
