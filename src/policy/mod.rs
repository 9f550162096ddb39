//! Policies: `.rego` and `.md` files in, assumptions out, with every error of the author's at its place.

mod annotation;
mod apart;
mod builtins;
mod diagnosis;
mod error;
mod groups;
mod library;
mod markdown;
mod module;
mod precheck;
mod reads;
pub(crate) mod rules;
pub(crate) mod syntax;
mod testing;
mod tokens;
pub(crate) mod walk;

use std::{collections::BTreeSet, panic, thread};

pub(crate) use apart::without_mark;
#[cfg(test)]
pub(crate) use builtins::ADDED;
pub(crate) use builtins::arity_of_builtin;
pub use error::PolicyError;
pub use groups::{Group, GroupRule, Word};
pub(crate) use groups::{is_rule_word, reference};
pub use library::{LibraryEntry, Overrides, SHIPPED};
pub use module::Module;
pub(crate) use module::Piece;
pub use reads::{Reads, Role, Use};

use self::library::Switched;
pub(crate) use self::{
    rules::{DataPath, Rules},
    testing::{Nowhere, TestRule, any_rules, test_name, tests},
};
use crate::{
    model::{Finding, Path, Segment},
    source::{At, Place, SourceFile},
};

/// A policy file as the project lists it.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Its path and text; Markdown if its name ends with `.md` or `.markdown`.
    pub file: SourceFile,
    /// Rego v0 instead of v1.
    pub v0: bool,
    /// What it is beside other policies of others; `None` for the project's own.
    pub others: Option<Others>,
}

/// How a file with policies of others is read: those that know nothing of this tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Others {
    /// What they read as `input`.
    pub input: InputBinding,
    /// What names the file in the ids of its assumptions: its path below the fixed part of the pattern.
    pub name: String,
}

/// The source that policies of others read as their `input`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputBinding {
    /// The source.
    pub source: String,
    /// Each element by itself, instead of the source as a whole.
    pub each: bool,
}

impl InputBinding {
    /// The path of facts that `input` stands for.
    #[must_use]
    pub fn path(&self) -> Path {
        let source = Path::new(vec![Segment::Key("input".to_owned()), Segment::Key(self.source.clone())]);
        if self.each { source.join(Segment::Any) } else { source }
    }
}

/// What was loaded.
pub struct Policies {
    /// Every module that the engine reads.
    pub modules: Vec<Module>,
    /// The rules in them.
    pub(crate) rules: Rules,
    /// The assumptions, in the order of their files and rules.
    pub groups: Vec<Group>,
    /// What was noticed of policies of others. They shall run unchanged, so none of it is an error.
    pub notices: Vec<Finding>,
}

impl Policies {
    /// The path below `data` of every rule, with where it is first defined.
    pub(crate) fn rule_places(&self) -> impl Iterator<Item = (&DataPath, Place)> {
        self.rules.paths().map(|(path, ids)| {
            let id = ids[0];
            (path, self.rules.modules[id.module].place(rules::head_ref(self.rules.rule(id)).span()))
        })
    }
}

/// Loads policies and switches on shipped assumptions. `documents` are the roots below `data` that hold neither
/// policies nor design.
///
/// # Errors
/// Everything that is wrong with them, in the order of files and lines.
pub fn load(
    files: &[PolicyFile],
    library: &[LibraryEntry],
    documents: &BTreeSet<String>,
) -> Result<Policies, Vec<At<PolicyError>>> {
    with_room(|| load_here(files, library, documents))
}

/// Reads policies of others as they lie there, Rego v0 and v1, and says what would not load: every error in the order of
/// files and lines. What they would read as `input` and find among documents is not known, so nothing is said of it.
#[must_use]
pub fn unsupported(files: &[SourceFile]) -> Vec<At<PolicyError>> {
    with_room(|| {
        let input = InputBinding { source: "input".to_owned(), each: true };
        let parses = |file: &SourceFile, v0: bool| syntax::parse(Module::of_file(file.clone(), v0));
        let file = |file: &SourceFile| {
            let v0 = parses(file, false).is_err_and(|error| match parses(file, true) {
                Ok(_) => true,
                Err(old) => {
                    let is_new = matches!(old.kind, PolicyError::NewKeyword { .. });
                    matches!(error.kind, PolicyError::OldSyntax { .. }) && !is_new
                }
            });
            let others = Others { input: input.clone(), name: file.path().to_owned() };
            PolicyFile { file: file.clone(), v0, others: Some(others) }
        };
        let files: Vec<_> = files.iter().filter(|file| !is_markdown(file.path())).map(file).collect();
        let mut errors = load_here(&files, &[], &BTreeSet::new()).err().unwrap_or_default();
        errors.retain(|error| !matches!(error.kind, PolicyError::Nowhere { .. } | PolicyError::ReadsNothing { .. }));
        errors
    })
}

/// Runs in a thread with room for rules nested as deep as the pre-check lets them be. The memory is only reserved.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    thread::scope(|scope| match thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
        Ok(handle) => handle.join().unwrap_or_else(|payload| panic::resume_unwind(payload)),
        Err(error) => panic!("no thread can be started: {error}"),
    })
}

fn load_here(
    files: &[PolicyFile],
    library: &[LibraryEntry],
    documents: &BTreeSet<String>,
) -> Result<Policies, Vec<At<PolicyError>>> {
    let mut errors = Vec::new();
    let in_order: Vec<_> = files.iter().map(|file| &file.file).collect();
    let mut modules = read_modules(files, &mut errors);
    modules.retain(|module| !module.is_test);
    let shipped = library::switched_on(library, &mut errors);
    let own = modules.len();
    modules.extend(shipped.iter().map(|(module, _)| module.clone()));

    let mut parsed = Vec::new();
    let mut unreadable: BTreeSet<DataPath> = BTreeSet::new();
    for (at, module) in modules.into_iter().enumerate() {
        let module = module.without_redundant_imports();
        let package = module.package();
        match syntax::parse(module).and_then(apart::set_apart) {
            Ok(module) => {
                let package = module.package();
                let reserved = package.first().is_some_and(|root| {
                    precheck::DOCUMENTS.contains(&root.as_str()) || (root == "stillholds" && at < own)
                });
                if reserved {
                    let error = PolicyError::Reserved { package: package.join(".") };
                    errors.push(At::new(error, module.place(module.ast.package.refr.span())));
                }
                parsed.push(module);
            }
            Err(error) => {
                errors.push(*error);
                if !package.is_empty() {
                    unreadable.insert(package);
                }
            }
        }
    }
    let annotations: Vec<_> =
        parsed.iter().map(|parsed| annotation::annotations(&parsed.module, &mut errors)).collect();
    let rules = Rules::new(parsed);
    let Some(used) = precheck::check(&rules, documents, &unreadable, &mut errors) else {
        // Rules in a circle or in an endless chain cannot be followed any further.
        sort(&mut errors, &in_order);
        return Err(errors);
    };
    let mut notices = Vec::new();
    let mut groups = groups::groups(&rules, &annotations, documents, &used, &mut notices, &mut errors);
    // What a module that cannot be read defines is not known, so nothing is said of what seems to be missing.
    if !unreadable.is_empty() || errors.iter().any(|error| error.kind.leaves_unused()) {
        errors.retain(|error| !error.kind.may_follow());
    }
    drop_names_of_imports_elsewhere(&mut errors);
    for group in &mut groups {
        if let Some((_, switched)) = shipped.iter().find(|(module, _)| module.file.path() == group.assumption.rule.path)
        {
            switch_on(group, switched);
        }
    }
    if errors.is_empty() {
        let modules = rules.modules.iter().map(|parsed| parsed.module.clone()).collect();
        return Ok(Policies { modules, rules, groups, notices });
    }
    sort(&mut errors, &in_order);
    Err(errors)
}

/// The modules in files, tests among them. What is wrong with their fences goes into the errors.
pub(crate) fn read_modules(files: &[PolicyFile], errors: &mut Vec<At<PolicyError>>) -> Vec<Module> {
    let mut modules = Vec::new();
    for (nth, PolicyFile { file, v0, others }) in files.iter().enumerate() {
        let mut of_file = if is_markdown(file.path()) {
            markdown::modules(file, errors)
        } else {
            let module = Module::of_file(file.clone(), *v0);
            errors.extend(module.nul());
            vec![module]
        };
        if let Some(others) = others {
            for module in &mut of_file {
                module.apart = Some(apart::Apart::new(others, nth));
            }
        }
        modules.extend(of_file);
    }
    modules
}

/// What a misplaced import would have brought is unknown for that reason alone.
fn drop_names_of_imports_elsewhere(errors: &mut Vec<At<PolicyError>>) {
    let path = |error: &At<PolicyError>| error.place.as_ref().map(|place| place.file.path().to_owned());
    let misplaced: BTreeSet<_> =
        errors.iter().filter(|error| matches!(error.kind, PolicyError::ImportElsewhere { .. })).map(path).collect();
    errors.retain(|error| {
        !matches!(error.kind, PolicyError::Unbound { .. } | PolicyError::UnknownFunction { .. })
            || !misplaced.contains(&path(error))
    });
}

fn is_markdown(path: &str) -> bool {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("md" | "markdown"))
}

/// A shipped assumption stands at the line of the project file that switched it on.
fn switch_on(group: &mut Group, switched: &Switched) {
    let assumption = &mut group.assumption;
    assumption.location = switched.place.location();
    switched.place.file.path().clone_into(&mut assumption.document.path);
    let overrides = &switched.overrides;
    assumption.severity = overrides.severity.unwrap_or(assumption.severity);
    assumption.owner = overrides.owner.clone().or(assumption.owner.take());
    assumption.max_age = overrides.max_age.or(assumption.max_age);
    assumption.review_by = overrides.review_by.or(assumption.review_by);
    assumption.eroding_under = overrides.eroding_under.or(assumption.eroding_under);
}

/// By file, as the project lists them, then by place.
fn sort(errors: &mut [At<PolicyError>], files: &[&SourceFile]) {
    errors.sort_by_cached_key(|error| {
        let place = error.place.as_ref();
        let file = place.and_then(|place| files.iter().position(|known| **known == place.file));
        (file.unwrap_or(usize::MAX), place.map(|place| place.file.path().to_owned()), place.map(|place| place.span))
    });
}
