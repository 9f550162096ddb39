//! The tests of policies: those of a project, or those in files as `opa test` takes them.

use std::{collections::BTreeMap, fs, path::PathBuf};

use regex::Regex;
use regorus::Value;

use crate::{
    check::{load_declared, load_policies},
    evaluate::{query::roots, testing},
    facts,
    given::{Documents, Given, given},
    model::TestRun,
    policy::{Module, Nowhere, PolicyFile, any_rules, read_modules, tests},
    project::Project,
    source::{Advice, At, Problem, SourceFile},
};

pub use crate::evaluate::testing::Settings;

/// Runs the tests of a project: the `test_` rules of all files under `policies`, and those in fences marked
/// `rego test`. Of documents they see those under `data`; facts and design are those that they
/// give themselves, by `with`.
///
/// # Errors
/// Everything that is wrong with the policies and their tests.
pub fn test_project(project: &Project, only: Option<&Regex>, settings: &Settings) -> Result<TestRun, Vec<Problem>> {
    let policies = load_policies(project)?;
    // All of them have just been read.
    let files: Vec<_> = project
        .policy_files()
        .map_err(boxed)?
        .into_iter()
        .filter_map(|found| {
            let text = fs::read_to_string(project.root.join(&found.path)).ok()?;
            Some(PolicyFile { file: SourceFile::new(found.path, text), v0: found.entry.v0, others: None })
        })
        .collect();
    // Tests see the rules of others by the names they have, which the check keeps apart.
    let mut errors = Vec::new();
    let mut modules = read_modules(&files, &mut errors);
    modules.extend(policies.modules.into_iter().filter(|module| module.file.path().starts_with("stillholds:")));
    if !errors.is_empty() {
        return Err(boxed(errors));
    }
    modules.sort_by(|one, other| one.file.path().cmp(other.file.path()));
    let documents = load_declared(project, facts::Documents::Data)?;
    run(&modules, &documents.value, only, settings)
}

/// Runs the tests in files and folders. Documents that are called `data` are loaded, each below the folders that lead
/// to it; `v0` reads Rego as it was before OPA 1.0.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn test_files(
    paths: &[PathBuf],
    v0: bool,
    only: Option<&Regex>,
    settings: &Settings,
) -> Result<TestRun, Vec<Problem>> {
    let Given { policies, data } = given(paths, Documents::CalledData, v0).map_err(boxed)?;
    let data = facts::data(&data).map_err(boxed)?;
    let mut errors = Vec::new();
    let modules = read_modules(&policies, &mut errors);
    if !errors.is_empty() {
        return Err(boxed(errors));
    }
    run(&modules, &data, only, settings)
}

fn run(modules: &[Module], data: &Value, only: Option<&Regex>, settings: &Settings) -> Result<TestRun, Vec<Problem>> {
    let rules = any_rules(modules, &roots(data), Nowhere::Doubted).map_err(boxed)?;
    let mut tests = tests(&rules);
    if let Some(only) = only {
        tests.retain(|test| only.is_match(&test.full_name()));
    }
    let (tests, coverage) =
        testing::test(&rules, &tests, data, settings).map_err(|error| vec![Box::new(*error) as Problem])?;
    let files = modules.iter().map(|module| (module.file.path().to_owned(), module.file.clone()));
    Ok(TestRun { tests, coverage, files: files.collect::<BTreeMap<_, _>>() })
}

fn boxed<K: Advice + Send + Sync + 'static>(errors: Vec<At<K>>) -> Vec<Problem> {
    errors.into_iter().map(|error| Box::new(error) as _).collect()
}
