//! Rules as they stand, whether or not they make an assumption: for tests and queries.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Query, Rule, RuleHead, Span as EngineSpan};

use super::{
    Module, PolicyError,
    module::Piece,
    precheck,
    rules::{DataPath, Rules, head_path, head_ref},
    sort,
    syntax::{self, Parsed, Reference},
    with_room,
};
use crate::source::{At, Place};

/// A rule whose name begins so is a test.
const TEST: &str = "test_";
/// One that is to be written.
const TODO: &str = "todo_test_";
/// What the second definition of a test and those after it are called by the engine, before their number; names that
/// people give do not contain it.
const COPY: &str = "zzz__copy";

/// What becomes of a path below `data` that leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nowhere {
    /// It is an error if something else has nearly its name: a test of what is not there may pass.
    Doubted,
    /// It is undefined.
    Undefined,
}

/// A rule that is a test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TestRule {
    /// The rule's path as the engine knows it.
    pub(crate) path: DataPath,
    /// The path of its package.
    pub(crate) package: DataPath,
    /// Its name in the package; the second one of a name has `#01` behind it, as OPA calls it.
    pub(crate) name: String,
    /// Whether it is to be skipped.
    pub(crate) is_todo: bool,
    /// Whether it takes arguments, so that nothing can run it.
    pub(crate) is_function: bool,
    /// Whether each key of its value is a case.
    pub(crate) has_cases: bool,
    /// Its first definition.
    pub(crate) place: Place,
}

impl TestRule {
    /// Its package and name, as `data.shop_test.test_limit`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", precheck::dotted(&self.package, ""), self.name)
    }
}

/// Loads the rules of modules, tests among them. Documents are the roots below `data` that are
/// no rules; what some `with` replaces leads somewhere.
///
/// # Errors
/// Everything that is wrong with them, in the order of files and lines.
pub(crate) fn any_rules(
    modules: &[Module],
    documents: &BTreeSet<String>,
    nowhere: Nowhere,
) -> Result<Rules, Vec<At<PolicyError>>> {
    with_room(|| {
        let (mut errors, mut parsed, mut unreadable) = (Vec::new(), Vec::new(), BTreeSet::new());
        for module in modules {
            match syntax::parse(module.clone()) {
                Ok(module) => parsed.push(module),
                Err(error) => {
                    errors.push(*error);
                    unreadable.extend(Some(module.package()).filter(|package| !package.is_empty()));
                }
            }
        }
        let rules = Rules::new(numbered(parsed));
        precheck::check(&rules, documents, &unreadable, &mut errors);
        let replaced = replaced(&rules);
        errors.retain(|error| match &error.kind {
            PolicyError::Nowhere { path, near } => {
                let is_doubted = nowhere == Nowhere::Doubted && near.is_some();
                is_doubted && !replaced.iter().any(|replaced| begins(path, replaced))
            }
            _ => true,
        });
        if errors.is_empty() {
            return Ok(rules);
        }
        let files: Vec<_> = modules.iter().map(|module| &module.file).collect();
        sort(&mut errors, &files);
        Err(errors)
    })
}

/// Whether a path, as it is written, is another one or goes on from it.
fn begins(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The paths below `data` in whose place some `with` puts something.
fn replaced(rules: &Rules) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rule in rules.modules.iter().flat_map(|module| &module.ast.policy) {
        if let Rule::Spec { bodies, .. } = rule.as_ref() {
            for body in bodies {
                replaced_in(&body.query, &mut found);
            }
        }
    }
    found
}

fn replaced_in(query: &Query, found: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        for with in &statement.with_mods {
            if let Some(reference) = Reference::of(&with.refr).filter(|found| found.variable() == Some("data")) {
                let keys: Vec<String> = reference.keys().map(str::to_owned).collect();
                found.insert(precheck::dotted(&keys, ""));
            }
        }
        if let Literal::Every { query, .. } = &statement.literal {
            replaced_in(query, found);
        }
    }
}

/// The tests among rules, in the order of their files and lines.
pub(crate) fn tests(rules: &Rules) -> Vec<TestRule> {
    let mut found: BTreeMap<DataPath, TestRule> = BTreeMap::new();
    for module in &rules.modules {
        let package = module.package();
        for rule in &module.ast.policy {
            let Rule::Spec { head, .. } = rule.as_ref() else { continue };
            let inner = head_path(rule);
            let Some(at) = inner.iter().position(|name| is_test(name)) else { continue };
            let path: DataPath = package.iter().cloned().chain(inner[..=at].iter().cloned()).collect();
            let has_keys = Reference::of(head_ref(rule)).is_some_and(|reference| reference.steps.len() > at);
            let name = inner[..=at].iter().map(|name| shown(name)).collect::<Vec<_>>().join(".");
            found.entry(path.clone()).or_insert_with(|| TestRule {
                path,
                package: package.clone(),
                name,
                is_todo: inner[at].starts_with(TODO),
                is_function: matches!(head, RuleHead::Func { .. }),
                has_cases: has_keys && matches!(head, RuleHead::Compr { .. }),
                place: module.place(rule.span()),
            });
        }
    }
    let mut tests: Vec<_> = found.into_values().collect();
    let order = |place: &Place| {
        let file = rules.modules.iter().position(|module| module.module.file == place.file);
        (file, place.span)
    };
    tests.sort_by_key(|test| order(&test.place));
    tests
}

/// How many segments of a rule's path below its package are the name of a test; `None` where it is none.
pub(crate) fn test_name(path: &[String]) -> Option<usize> {
    path.iter().position(|name| is_test(name)).map(|at| at + 1)
}

fn is_test(name: &str) -> bool {
    name.starts_with(TEST) || name.starts_with(TODO)
}

/// A name as people see it.
fn shown(name: &str) -> String {
    match name.split_once(COPY) {
        Some((name, number)) => format!("{name}#{number}"),
        None => name.to_owned(),
    }
}

/// Gives every definition of a test a name of its own, as OPA does. Else one that passes would hide another that fails.
fn numbered(parsed: Vec<Parsed>) -> Vec<Parsed> {
    let mut counts: BTreeMap<DataPath, usize> = BTreeMap::new();
    let renamed = parsed.into_iter().map(|parsed| {
        let package = parsed.package();
        let mut pieces = Vec::new();
        let mut done = 0;
        for rule in &parsed.ast.policy {
            let (Rule::Spec { head, .. }, inner) = (rule.as_ref(), head_path(rule)) else { continue };
            let Some(at) = inner.iter().position(|name| name.starts_with(TEST)) else { continue };
            // What has a key each, several may make together.
            if inner.len() > at + 1 || matches!(head, RuleHead::Set { .. } | RuleHead::Func { .. }) {
                continue;
            }
            let count = counts.entry([package.as_slice(), &inner[..=at]].concat()).or_default();
            *count += 1;
            if let Some(end) = name_in(head_ref(rule), &inner[at]).map(|span| span.end as usize).filter(|_| *count > 1)
            {
                pieces.push(Piece::Copy(done, end));
                pieces.push(Piece::Insert(format!("{COPY}{:02}", *count - 1)));
                done = end;
            }
        }
        if pieces.is_empty() {
            return parsed;
        }
        pieces.push(Piece::Copy(done, parsed.module.text.len()));
        match syntax::parse(parsed.module.rewritten(&pieces)) {
            Ok(renamed) => renamed,
            Err(_) => parsed,
        }
    });
    renamed.collect()
}

/// Where a name stands in a head.
fn name_in<'e>(head: &'e Expr, name: &str) -> Option<&'e EngineSpan> {
    match head {
        Expr::Var { span, .. } => (span.text() == name).then_some(span),
        Expr::RefDot { refr, field, .. } if field.0.text() != name => name_in(refr, name),
        Expr::RefDot { field, .. } => Some(&field.0),
        Expr::RefBrack { refr, .. } => name_in(refr, name),
        _ => None,
    }
}
