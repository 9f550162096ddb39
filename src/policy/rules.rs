//! All rules of all modules by their full path, and what a name in a module stands for.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule, RuleHead};

use super::{
    apart::split_mark,
    syntax::{Parsed, Reference},
};

/// The path of a package or rule below `data`.
pub(crate) type DataPath = Vec<String>;

/// One definition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId {
    pub(crate) module: usize,
    pub(crate) rule: usize,
}

/// Every rule by its full path.
pub(crate) struct Rules {
    pub(crate) modules: Vec<Parsed>,
    by_path: BTreeMap<DataPath, Vec<RuleId>>,
    packages: BTreeSet<DataPath>,
}

/// What a name or a path below `data` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A rule, and how many further steps of the path go into its value.
    Rule(DataPath, usize),
    /// A package, or a path on which packages lie.
    Package,
    /// Nothing among the policies.
    Nothing,
}

impl Rules {
    pub(crate) fn new(modules: Vec<Parsed>) -> Self {
        let mut by_path: BTreeMap<DataPath, Vec<RuleId>> = BTreeMap::new();
        let mut packages = BTreeSet::new();
        for (at, module) in modules.iter().enumerate() {
            let package = module.package();
            for (rule, definition) in module.ast.policy.iter().enumerate() {
                let path = package.iter().cloned().chain(head_path(definition)).collect();
                by_path.entry(path).or_default().push(RuleId { module: at, rule });
            }
            packages.insert(package);
        }
        Self { modules, by_path, packages }
    }

    pub(crate) fn rule(&self, id: RuleId) -> &Rule {
        &self.modules[id.module].ast.policy[id.rule]
    }

    pub(crate) fn definitions(&self, path: &[String]) -> &[RuleId] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = (&DataPath, &[RuleId])> {
        self.by_path.iter().map(|(path, ids)| (path, ids.as_slice()))
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &DataPath> {
        self.packages.iter()
    }

    /// The names of a package's own rules.
    pub(crate) fn names_in(&self, package: &[String]) -> impl Iterator<Item = &str> {
        self.by_path
            .keys()
            .filter(move |path| path.len() > package.len() && path.starts_with(package))
            .map(move |path| split_mark(&path[package.len()]).0)
    }

    /// What a path below `data` (without `data` itself) stands for: the longest rule that begins it.
    pub(crate) fn resolve(&self, path: &[String]) -> Target {
        for end in (1..=path.len()).rev() {
            if self.by_path.contains_key(&path[..end]) {
                return Target::Rule(path[..end].to_vec(), path.len() - end);
            }
        }
        let leads_to = |known: &DataPath| known.starts_with(path);
        if self.packages.iter().any(leads_to) || self.by_path.keys().any(leads_to) {
            return Target::Package;
        }
        Target::Nothing
    }

    /// The path below `data` of a name as a module sees it: a rule of its own package, or an import of a path of
    /// `data`. Imports win, as in the engine.
    pub(crate) fn local(&self, module: usize, name: &str) -> Option<DataPath> {
        let parsed = &self.modules[module];
        if let Some((_, path, _)) = parsed.imports().find(|(alias, ..)| alias == name) {
            return (path.first().map(String::as_str) == Some("data")).then(|| path[1..].to_vec());
        }
        let mut path = parsed.package();
        path.push(name.to_owned());
        (self.resolve(&path) != Target::Nothing).then_some(path)
    }
}

/// The head of a definition without what follows its name: for functions and defaults too.
pub(crate) fn head_ref(rule: &Rule) -> &Expr {
    match rule {
        Rule::Default { refr, .. }
        | Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        } => refr,
    }
}

/// The path of a head below its package: the keys up to the first step that is none.
pub(crate) fn head_path(rule: &Rule) -> Vec<String> {
    Reference::of(head_ref(rule)).map(|reference| reference.full_path()).unwrap_or_default()
}

/// Whether this definition is one of a function, and with how many arguments.
pub(crate) fn arity(rule: &Rule) -> Option<usize> {
    match rule {
        Rule::Spec { head: RuleHead::Func { args, .. }, .. } => Some(args.len()),
        Rule::Default { args, .. } if !args.is_empty() => Some(args.len()),
        _ => None,
    }
}
