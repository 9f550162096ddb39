//! What the engine would find only when it evaluates, or never: unknown functions and wrong arity, names that nothing
//! binds, `data.` paths to nowhere, recursion, calls to the outside.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Ref, Rule};

use super::{
    PolicyError,
    builtins::{self, OUTSIDE, OpaOnly, RANDOM, arity_of_builtin, of_opa},
    groups::is_rule_word,
    rules::{DataPath, RuleId, Rules, Target, arity, head_ref},
    syntax::{Parsed, Reference},
    walk::{Node, bind, loose, visit_rule},
};
use crate::{
    source::{At, Place},
    spelling::nearest,
};

/// Roots below `data` that are no policies.
pub(crate) const DOCUMENTS: [&str; 3] = ["design", "snapshot", "reference"];

/// A chain of rules longer than this could exhaust the evaluator's stack; heavy rules count as several.
const MAX_CHAIN: usize = 1_000;

/// Checks all rules; gives those that another one uses, or nothing where they cannot be followed from one to the next
/// to an end. Errors about packages in `unreadable` are left out: what they define is not known.
pub(crate) fn check(
    rules: &Rules,
    documents: &BTreeSet<String>,
    unreadable: &BTreeSet<DataPath>,
    errors: &mut Vec<At<PolicyError>>,
) -> Option<BTreeSet<DataPath>> {
    let mut graph: BTreeMap<DataPath, BTreeSet<DataPath>> = BTreeMap::new();
    for (at, module) in rules.modules.iter().enumerate() {
        let mut check =
            Check { rules, documents, unreadable, module: at, parsed: module, uses: BTreeSet::new(), errors };
        for (_, path, import) in module.imports() {
            if path.first().is_some_and(|root| root == "data") {
                let steps: Vec<_> = path[1..].iter().map(String::as_str).collect();
                check.data_path(&steps, false, || module.place(import.refr.span()));
            }
        }
        let package = module.package();
        for rule in &module.ast.policy {
            check.uses = BTreeSet::new();
            check.rule(rule);
            let path = package.iter().cloned().chain(super::rules::head_path(rule)).collect();
            graph.entry(path).or_default().append(&mut check.uses);
        }
    }
    chains(rules, &graph, errors).then(|| graph.into_values().flatten().collect())
}

/// A call of a function.
struct Call<'a> {
    function: &'a Expr,
    params: &'a [Ref<Expr>],
    is_statement: bool,
}

impl Call<'_> {
    /// Whether a function may be called so that takes this many arguments: a call that is a statement may have one
    /// more, for the output.
    fn fits(&self, arity: usize) -> bool {
        let found = self.params.len();
        found == arity || self.is_statement && found == arity + 1
    }
}

struct Check<'a> {
    rules: &'a Rules,
    documents: &'a BTreeSet<String>,
    unreadable: &'a BTreeSet<DataPath>,
    module: usize,
    parsed: &'a Parsed,
    /// The rules this one uses.
    uses: BTreeSet<DataPath>,
    errors: &'a mut Vec<At<PolicyError>>,
}

impl Check<'_> {
    fn rule(&mut self, rule: &Rule) {
        let mut bound = BTreeSet::new();
        visit_rule(rule, &mut |node| bind(&node, &mut bound));
        for (name, at) in loose(rule) {
            let is_known =
                self.rules.local(self.module, name).is_some() || self.parsed.imports().any(|(alias, ..)| alias == name);
            if !is_known {
                self.errors.push(At::new(PolicyError::Loose { name: name.to_owned() }, self.parsed.place(at.span())));
            }
        }
        let mut found = Vec::new();
        let mut declared = Vec::new();
        let mut statement: Option<&Expr> = None;
        visit_rule(rule, &mut |node| match node {
            Node::Declared(name) => declared.push(name),
            Node::Statement(expr) => statement = Some(expr),
            Node::Reference(reference, expr) => found.push((expr, Some(reference), None)),
            Node::Call(expr, name, params) => {
                let is_statement = statement.is_some_and(|statement| std::ptr::eq(statement, expr));
                found.push((expr, None, Some(Call { function: name, params, is_statement })));
            }
            _ => {}
        });
        // The engine takes the rule for the variable, and says nothing.
        for name in declared.into_iter().filter(|name| self.rules.local(self.module, name.text()).is_some()) {
            self.errors.push(At::new(PolicyError::Shadowed(name.text().to_owned()), self.parsed.place(name)));
        }
        for (expr, reference, call) in found {
            match (reference, call) {
                (Some(reference), _) => self.reference(&reference, expr, &bound),
                (_, Some(call)) => self.call(expr, &call),
                _ => {}
            }
        }
    }

    fn reference(&mut self, reference: &Reference<'_>, expr: &Expr, bound: &BTreeSet<String>) {
        let Some(name) = reference.variable() else { return };
        if name == "_" || name == "input" || bound.contains(name) {
            return;
        }
        let keys: Vec<_> = reference.keys().collect();
        let open = keys.len() < reference.steps.len();
        if name == "data" {
            if !keys.is_empty() {
                self.data_path(&keys, open, || self.parsed.place(expr.span()));
            }
        } else if let Some(path) = self.rules.local(self.module, name) {
            // An import that leads nowhere has been told as such.
            let is_imported = self.parsed.imports().any(|(alias, ..)| alias == name);
            if is_imported && self.rules.resolve(&path) == Target::Nothing {
                return;
            }
            let path: Vec<_> = path.iter().map(String::as_str).chain(keys).collect();
            self.data_path(&path, open, || self.parsed.place(expr.span()));
        } else if self.parsed.imports().all(|(alias, ..)| alias != name) && !self.is_unreadable(&self.parsed.package())
        {
            let of_package: DataPath = self.parsed.package().into_iter().chain([name.to_owned()]).collect();
            if self.is_kept_apart(&of_package) {
                let error = PolicyError::KeptApart { path: dotted(&of_package, "") };
                self.errors.push(At::new(error, self.parsed.place(reference.root.span())));
                return;
            }
            let known = self.names();
            let near = nearest(name, known.iter().chain(bound).map(String::as_str)).map(str::to_owned);
            let error = PolicyError::Unbound { name: name.to_owned(), near, import: self.package_called(name) };
            self.errors.push(At::new(error, self.parsed.place(reference.root.span())));
        }
    }

    /// Everything a rule of this module could mean by a name.
    fn names(&self) -> Vec<String> {
        let package = self.parsed.package();
        let own = self.rules.names_in(&package).map(str::to_owned);
        own.chain(self.parsed.imports().map(|(alias, ..)| alias)).chain(["input".into(), "data".into()]).collect()
    }

    /// The path to import of the only package whose last segment this is.
    fn package_called(&self, name: &str) -> Option<String> {
        let mut packages = self.rules.packages().filter(|path| path.last().is_some_and(|last| last == name));
        let only = packages.next().filter(|_| packages.next().is_none())?;
        Some(dotted(only, ""))
    }

    /// Whether this is a rule of assumptions that each file has for itself.
    fn is_kept_apart(&self, path: &[String]) -> bool {
        let is_it = |(last, package): (&String, &[String])| {
            self.rules.names_in(package).any(|name| name == last) && is_rule_word(last)
        };
        path.split_last().is_some_and(is_it)
    }

    fn is_unreadable(&self, path: &[String]) -> bool {
        self.unreadable.iter().any(|package| path.starts_with(package) || package.starts_with(path))
    }

    /// A path below `data`; `open` where a further step is not known before evaluation.
    fn data_path(&mut self, path: &[&str], open: bool, place: impl Fn() -> Place) {
        let Some(root) = path.first() else { return };
        if DOCUMENTS.contains(root) {
            return;
        }
        let path: DataPath = path.iter().map(|step| (*step).to_owned()).collect();
        match self.rules.resolve(&path) {
            Target::Rule(rule, _) => {
                self.uses.insert(rule);
            }
            Target::Package => {
                let below = self.rules.paths().map(|(rule, _)| rule).filter(|rule| rule.starts_with(&path));
                self.uses.extend(below.cloned());
            }
            Target::Nothing if self.is_unreadable(&path) || self.documents.contains(*root) => {}
            Target::Nothing if self.is_kept_apart(&path) => {
                self.errors.push(At::new(PolicyError::KeptApart { path: dotted(&path, "") }, place()));
            }
            Target::Nothing => {
                let known = (0..path.len()).rev().find(|end| self.rules.resolve(&path[..*end]) == Target::Package);
                let known = known.unwrap_or(0);
                let mut candidates: Vec<&str> = self.rules.names_in(&path[..known]).collect();
                candidates.extend(
                    self.rules
                        .packages()
                        .filter(|p| p.starts_with(&path[..known]))
                        .filter_map(|p| p.get(known))
                        .map(String::as_str),
                );
                if known == 0 {
                    candidates.extend(DOCUMENTS);
                    candidates.extend(self.documents.iter().map(String::as_str));
                }
                let near = nearest(&path[known], candidates).map(|near| dotted(&path[..known], near));
                let _ = open;
                self.errors.push(At::new(PolicyError::Nowhere { path: dotted(&path, ""), near }, place()));
            }
        }
    }

    fn call(&mut self, expr: &Expr, call: &Call<'_>) {
        let &Call { function, params, .. } = call;
        let Some(reference) = Reference::of(function) else { return };
        let path = reference.full_path();
        let place = || self.parsed.place(function.span());
        let name = path.join(".");
        let local = match path.split_first() {
            Some((root, rest)) if root == "data" => Some(rest.to_vec()),
            Some((root, rest)) => {
                self.rules.local(self.module, root).map(|base| base.into_iter().chain(rest.iter().cloned()).collect())
            }
            None => None,
        };
        let defined = local.as_deref().map_or(&[][..], |path: &[String]| self.rules.definitions(path));
        if !defined.is_empty() {
            let arities: BTreeSet<_> = defined.iter().filter_map(|id| arity(self.rules.rule(*id))).collect();
            self.uses.extend(local);
            if arities.is_empty() {
                self.errors.push(At::new(PolicyError::NotAFunction { name }, place()));
            } else if !arities.iter().any(|arity| call.fits(*arity)) {
                let expected = *arities.first().unwrap_or(&0);
                self.errors.push(At::new(
                    PolicyError::Arity { name, expected, found: params.len() },
                    self.parsed.place(expr.span()),
                ));
            }
            return;
        }
        if local.as_deref().is_some_and(|path: &[String]| self.is_unreadable(&path[..path.len().saturating_sub(1)])) {
            return;
        }
        let error = if OUTSIDE.contains(&name.as_str()) {
            PolicyError::Outside { name }
        } else if RANDOM.contains(&name.as_str()) {
            PolicyError::Random { name }
        } else if let Some(expected) = arity_of_builtin(&name) {
            // What follows the arguments of a test can only be its outcome.
            let is_outcome = || !is_test(&name) || params.last().is_none_or(|last| !is_constant(last));
            if call.fits(expected) && (params.len() == expected || is_outcome()) {
                return;
            }
            PolicyError::Arity { name, expected, found: params.len() }
        } else if name == "print" {
            return;
        } else if let Some(OpaOnly { since, instead, .. }) = of_opa(&name) {
            PolicyError::OpaOnly { name, since: *since, instead: *instead }
        } else {
            let (last, root) = path.split_last().map_or(("", &[][..]), |(last, root)| (last.as_str(), root));
            let package = local.as_deref().and_then(<[String]>::split_last).filter(|_| !root.is_empty());
            let (near, import) = if let Some((_, package)) = package {
                // In a package that is there: what it has.
                let near = nearest(last, self.rules.names_in(package));
                (near.map(|near| format!("{}.{near}", root.join("."))), None)
            } else {
                let known = self.names();
                let known = builtins::names().chain(known.iter().map(String::as_str));
                let import = root.first().filter(|_| root.len() == 1).and_then(|root| self.package_called(root));
                (nearest(&name, known).map(str::to_owned), import)
            };
            PolicyError::UnknownFunction { name, near, import }
        };
        self.errors.push(At::new(error, place()));
    }
}

/// Whether a built-in answers true or false.
fn is_test(name: &str) -> bool {
    matches!(name, "contains" | "startswith" | "endswith" | "glob.match" | "net.cidr_contains" | "object.subset")
        || [".match", "_match", ".is_valid", "_is_valid"].iter().any(|end| name.ends_with(end))
        || name.starts_with("is_")
}

/// Whether an expression is a value that is neither true nor false.
fn is_constant(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Null { .. }
            | Expr::Array { .. }
            | Expr::Set { .. }
            | Expr::Object { .. }
    )
}

pub(super) fn dotted(path: &[String], last: &str) -> String {
    let mut segments = vec![crate::model::Segment::Key("data".to_owned())];
    segments.extend(path.iter().cloned().map(crate::model::Segment::Key));
    if !last.is_empty() {
        segments.push(crate::model::Segment::Key(last.to_owned()));
    }
    super::without_mark(&crate::model::Path::new(segments).to_string())
}

/// Cycles, and chains that are too long, through the graph of which rule uses which.
fn chains(rules: &Rules, graph: &BTreeMap<DataPath, BTreeSet<DataPath>>, errors: &mut Vec<At<PolicyError>>) -> bool {
    let before = errors.len();
    let place = |path: &DataPath| {
        let RuleId { module, rule } = rules.definitions(path)[0];
        let parsed = &rules.modules[module];
        parsed.place(head_ref(&parsed.ast.policy[rule]).span())
    };
    let weight = |path: &DataPath| {
        let weights = rules.definitions(path).iter().map(|id| rules.modules[id.module].weight(rules.rule(*id)));
        1 + weights.max().unwrap_or(0)
    };
    let mut depth: BTreeMap<&DataPath, usize> = BTreeMap::new();
    let mut said_too_long = false;
    for start in graph.keys() {
        // An explicit stack: the chains that are too long for the evaluator are too long for recursion here.
        let mut stack = vec![(start, graph[start].iter())];
        if depth.contains_key(start) {
            continue;
        }
        while let Some((rule, rest)) = stack.last_mut() {
            let rule = *rule;
            match rest.next() {
                Some(next) if depth.contains_key(next) => {}
                Some(next) => {
                    if let Some(at) = stack.iter().position(|(path, _)| *path == next) {
                        let name = dotted(next, "");
                        let mut error = At::new(PolicyError::Recursion { name }, place(next));
                        for (path, _) in &stack[at + 1..] {
                            error = error.and("through this rule", place(path));
                        }
                        errors.push(error);
                    } else if let Some((next, uses)) = graph.get_key_value(next) {
                        stack.push((next, uses.iter()));
                    }
                }
                None => {
                    let next = graph[rule].iter().filter_map(|next| depth.get(next)).max().unwrap_or(&0);
                    let longest = next + weight(rule);
                    if longest > MAX_CHAIN && !said_too_long {
                        said_too_long = true;
                        errors.push(At::new(PolicyError::LongChain { max: MAX_CHAIN }, place(rule)));
                    }
                    depth.insert(rule, longest);
                    stack.pop();
                }
            }
        }
    }
    errors.len() == before
}
