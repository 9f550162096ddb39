//! Groups of rules become assumptions: rule words, suffixes, ids, and METADATA merged along its scopes.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Rule, RuleBody, RuleHead};

use super::{
    InputBinding, PolicyError, Reads,
    annotation::{Annotation, Custom, Placed, Scope},
    apart::{Apart, split_mark},
    reads::reads,
    rules::{DataPath, RuleId, Rules, arity, head_ref},
    syntax::{Parsed, Reference, Step, text_of},
};
use crate::{
    model::{Assumption, Document, Finding, FindingSeverity, Path, Read, RelatedResource, is_id},
    source::{At, Location, Place, Span},
};

/// What a rule says about its assumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// Any element refutes.
    Violation,
    /// The same, as OPA's users write it.
    Deny,
    /// Any element erodes.
    Warn,
    /// Must be true.
    Holds,
    /// The population.
    Subjects,
    /// The margin.
    Measure,
}

const WORDS: [(&str, Word); 6] = [
    ("violation", Word::Violation),
    ("deny", Word::Deny),
    ("warn", Word::Warn),
    ("holds", Word::Holds),
    ("subjects", Word::Subjects),
    ("measure", Word::Measure),
];

/// The rules of one word in a group.
#[derive(Debug, Clone)]
pub struct GroupRule {
    /// The word.
    pub word: Word,
    /// The name, with its suffix.
    pub name: String,
    /// The path below `data`.
    pub(crate) path: DataPath,
    /// The title of its only definition's own METADATA, where several definitions have one.
    pub title: Option<String>,
    /// Its first definition.
    pub location: Location,
    /// Whether a definition makes violations that say not what they are about.
    pub without_subject: bool,
}

impl GroupRule {
    /// The rule as a reference, safe for any name.
    #[must_use]
    pub fn reference(&self) -> String {
        reference(&self.path)
    }
}

/// A path below `data` as a reference, safe for any name.
pub(crate) fn reference(path: &DataPath) -> String {
    let mut reference = "data".to_owned();
    for segment in path {
        reference.push('[');
        reference.push_str(&serde_json::Value::from(segment.as_str()).to_string());
        reference.push(']');
    }
    reference
}

/// An assumption with its rules.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is said of it.
    pub assumption: Assumption,
    /// Its rules.
    pub rules: Vec<GroupRule>,
    /// What they read.
    pub reads: Reads,
    /// What they see as `input`, where that is not all facts.
    pub input: Option<InputBinding>,
}

/// A package; the mark behind the names of its rules, where the assumptions of each of its files are kept apart.
type Family = (DataPath, String);

/// Whether a rule of this name belongs to an assumption.
pub(crate) fn is_rule_word(name: &str) -> bool {
    word_of(name).is_some()
}

/// The word and suffix of a rule's name.
fn word_of(name: &str) -> Option<(Word, &str)> {
    let (name, _) = split_mark(name);
    let (base, suffix) = name.split_once('_').map_or((name, None), |(base, suffix)| (base, Some(suffix)));
    let word = WORDS.iter().find(|(word, _)| *word == base)?.1;
    match suffix {
        None => Some((word, "")),
        Some(suffix) => suffix
            .split('_')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then_some((word, suffix)),
    }
}

/// The name with a rule word that was probably meant: a plural, one edit or only the case away, or underscores too
/// many in its suffix.
fn near_word(name: &str) -> Option<String> {
    let (base, suffix) = name.split_at(name.find('_').unwrap_or(name.len()));
    if word_of(name).is_some() {
        return None;
    }
    let lower = base.to_lowercase();
    let mut words = WORDS.iter().map(|(word, _)| *word);
    let word = words.find(|word| {
        lower == format!("{word}s")
            || (lower == "denies" && *word == "deny")
            || strsim::damerau_levenshtein(&lower, word) <= 1
    })?;
    let parts = suffix.split('_').filter(|part| !part.is_empty());
    Some(parts.fold(word.to_owned(), |near, part| format!("{near}_{part}")))
}

/// One definition that belongs to a group.
struct Member<'a> {
    id: RuleId,
    word: Word,
    path: &'a DataPath,
}

/// All assumptions, in the order of their first rules.
pub(super) fn groups(
    rules: &Rules,
    annotations: &[Vec<Annotation>],
    documents: &BTreeSet<String>,
    used: &BTreeSet<DataPath>,
    notices: &mut Vec<Finding>,
    errors: &mut Vec<At<PolicyError>>,
) -> Vec<Group> {
    let mut members: BTreeMap<(Family, String), Vec<Member<'_>>> = BTreeMap::new();
    for (path, definitions) in rules.paths() {
        let Some((name, package)) = path.split_last() else { continue };
        for id in definitions {
            check_head(rules, *id, errors);
            let rule = rules.rule(*id);
            if let Some((word, suffix)) = word_of(name).filter(|_| arity(rule).is_none()) {
                let family = (package.to_vec(), split_mark(name).1.to_owned());
                let key = (family, suffix.to_owned());
                members.entry(key).or_default().push(Member { id: *id, word, path });
            }
        }
    }
    serve_subjects(rules, &mut members, errors);
    let blocks = attach(rules, annotations, errors);
    let mut groups: Vec<(RuleId, Group, &[Placed<String>])> = Vec::new();
    for (((package, _), suffix), mut members) in members {
        members.sort_by_key(|member| member.id);
        // A served `subjects` may stand above the group's own rules.
        let first = members.iter().filter(|m| m.word != Word::Subjects).map(|m| m.id).min().unwrap_or(members[0].id);
        let (group, formerly) = assumption(rules, &blocks, &package, &suffix, first, &members, errors);
        groups.push((first, group, formerly));
    }
    groups.sort_by_key(|(first, ..)| *first);
    let formerly: Vec<_> = groups.iter().map(|(.., formerly)| *formerly).collect();
    let groups: Vec<Group> = groups.into_iter().map(|(_, group, _)| group).collect();
    check_ids(&groups, rules, errors);
    check_former_ids(&groups, &formerly, rules, errors);
    check_blocks(&blocks, &groups, errors);
    check_reads(&groups, documents, errors);
    check_use(rules, &blocks, &groups, used, notices, errors);
    groups
}

/// A package's plain `subjects` serves its groups that have none; a group of nothing else is an error.
fn serve_subjects(
    rules: &Rules,
    members: &mut BTreeMap<(Family, String), Vec<Member<'_>>>,
    errors: &mut Vec<At<PolicyError>>,
) {
    let only_subjects: Vec<_> = members
        .iter()
        .filter(|(_, members)| members.iter().all(|member| member.word == Word::Subjects))
        .map(|(key, _)| key.clone())
        .collect();
    let plain: Vec<(Family, Vec<(RuleId, &DataPath)>)> = members
        .iter()
        .filter(|((_, suffix), _)| suffix.is_empty())
        .map(|((package, _), members)| {
            let subjects = members.iter().filter(|member| member.word == Word::Subjects);
            (package.clone(), subjects.map(|member| (member.id, member.path)).collect())
        })
        .collect();
    for key in only_subjects {
        let serves = key.1.is_empty() && members.keys().any(|other| other.0 == key.0 && *other != key);
        if let Some(only) = members.remove(&key)
            && !serves
        {
            let parsed = &rules.modules[only[0].id.module];
            let name = name_of(only[0].path);
            errors.push(At::new(PolicyError::OnlySubjects { name }, place_of(parsed, rules.rule(only[0].id))));
        }
    }
    for (package, subjects) in plain {
        for ((_, suffix), members) in members.iter_mut().filter(|((of, _), _)| *of == package) {
            if !suffix.is_empty() && members.iter().all(|member| member.word != Word::Subjects) {
                members.extend(subjects.iter().map(|(id, path)| Member { id: *id, word: Word::Subjects, path }));
            }
        }
    }
}

/// The name of the rule at a path, as its author wrote it.
fn name_of(path: &DataPath) -> String {
    path.last().map(|name| split_mark(name).0.to_owned()).unwrap_or_default()
}

fn place_of(parsed: &Parsed, rule: &Rule) -> Place {
    parsed.place(head_ref(rule).span())
}

/// Heads that look like rule words and are not what those need.
fn check_head(rules: &Rules, id: RuleId, errors: &mut Vec<At<PolicyError>>) {
    let parsed = &rules.modules[id.module];
    let rule = rules.rule(id);
    let Some(reference) = Reference::of(head_ref(rule)) else { return };
    if arity(rule).is_some() {
        return;
    }
    let mut path = reference.full_path();
    if let Some(last) = path.last_mut() {
        *last = split_mark(last).0.to_owned();
    }
    let open = reference.steps.len() + 1 > path.len();
    let place = || place_of(parsed, rule);
    if let Some(at) = path[..path.len().saturating_sub(1)].iter().position(|segment| word_of(segment).is_some()) {
        let rest: Vec<_> = path[at + 1..].iter().map(String::as_str).collect();
        let clean: String = rest.join("_").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let suffix = format!("{}_{clean}", path[at]);
        errors.push(At::new(PolicyError::FurtherSegment { word: path.join("."), suffix }, place()));
        return;
    }
    let Some((word, _)) = path.last().and_then(|name| word_of(name)) else { return };
    let name = path.last().cloned().unwrap_or_default();
    let wrong = |needed: &'static str, form: String| {
        let found = kind_of(rule, open);
        At::new(PolicyError::WrongHead { name: name.clone(), needed, found, form }, place())
    };
    // What a set would hold: the value where it can be seen, else the key.
    let contains = || {
        let of_key = reference.steps.last().and_then(|step| match step {
            Step::Variable(_, variable) if open => Some(*variable),
            _ => None,
        });
        let of_value = assigned(rule).filter(|value| matches!(value, Expr::String { .. } | Expr::Object { .. }));
        let of_value = of_value.map(|value| &parsed.module.text[parsed.span(value.span()).range()]);
        let element = of_value.filter(|text| text.len() <= 60 && !text.contains('\n')).or(of_key).unwrap_or("v");
        format!("{name} contains {element} if {{ … }}")
    };
    if matches!(word, Word::Violation | Word::Deny | Word::Warn) {
        for element in elements(rule) {
            if let Some(found) = fault(element) {
                let error = PolicyError::WrongElement { name: name.clone(), found };
                errors.push(At::new(error, parsed.place(element.span())));
            }
        }
    }
    match (word, rule) {
        (Word::Holds, Rule::Default { value, .. }) => {
            if kind(value).is_some_and(|kind| kind != "a boolean") {
                errors.push(wrong("true or false", format!("default {name} := false")));
            }
        }
        (Word::Violation | Word::Deny | Word::Warn | Word::Subjects, Rule::Default { value, .. }) => {
            if is_plain(value) {
                errors.push(wrong("a set", contains()));
            }
        }
        (Word::Measure, Rule::Default { .. }) => {}
        (Word::Violation | Word::Deny | Word::Warn | Word::Subjects, Rule::Spec { head, .. }) => match head {
            RuleHead::Set { key: Some(_), .. } if !open => {}
            RuleHead::Compr { assign: Some(assign), .. } if !open && !is_plain(&assign.value) => {}
            _ => errors.push(wrong("a set", contains())),
        },
        (Word::Holds, Rule::Spec { head, .. }) => match head {
            RuleHead::Compr { assign, .. } if !open => {
                let boolean = |expr: &Expr| matches!(expr, Expr::Bool { .. }) || !is_literal(expr);
                if assign.as_ref().is_some_and(|assign| !boolean(&assign.value)) {
                    errors.push(wrong("true or false", format!("{name} if {{ … }}")));
                }
            }
            _ => errors.push(wrong("true or false", format!("{name} if {{ … }}"))),
        },
        (Word::Measure, Rule::Spec { head, .. }) => match head {
            RuleHead::Set { key: Some(_), .. } if !open => {}
            RuleHead::Compr { assign: Some(assign), .. }
                if !open
                    && (!is_literal(&assign.value)
                        || matches!(assign.value.as_ref(), Expr::Object { .. } | Expr::Set { .. })) => {}
            _ => errors.push(wrong(
                "an object `{value, limit}` or a set of them",
                format!("{name} contains {{\"subject\": …, \"value\": …, \"limit\": …}} if {{ … }}"),
            )),
        },
    }
}

/// The value that a complete rule's head or a default gives.
fn assigned(rule: &Rule) -> Option<&Expr> {
    match rule {
        Rule::Default { value, .. } => Some(value),
        Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, .. } => Some(&assign.value),
        Rule::Spec { .. } => None,
    }
}

/// What a rule is, by its head.
fn kind_of(rule: &Rule, open: bool) -> &'static str {
    match (rule, assigned(rule)) {
        _ if open => "a partial object",
        (Rule::Spec { head: RuleHead::Set { .. }, .. }, _) => "a set",
        (_, None) => "a boolean",
        (_, Some(value)) => kind(value).unwrap_or("another value"),
    }
}

/// What an expression's value is, where that can be seen.
fn kind(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::Bool { .. } | Expr::BoolExpr { .. } | Expr::Membership { .. } => "a boolean",
        Expr::String { .. } | Expr::RawString { .. } => "text",
        Expr::Number { .. } | Expr::UnaryExpr { .. } => "a number",
        Expr::Null { .. } => "null",
        Expr::Array { .. } | Expr::ArrayCompr { .. } => "a list",
        Expr::Set { .. } | Expr::SetCompr { .. } | Expr::BinExpr { .. } => "a set",
        Expr::Object { .. } | Expr::ObjectCompr { .. } => "an object",
        Expr::ArithExpr { .. } => "a number or a set",
        _ => return None,
    })
}

/// The elements of a set that its rule names: where a body gives the variable of the head its value, that value.
fn elements(rule: &Rule) -> Vec<&Expr> {
    match rule {
        Rule::Spec { head: RuleHead::Set { key: Some(key), .. }, bodies, .. } => match key.as_ref() {
            Expr::Var { span, .. } => bodies.iter().filter_map(|body| value_of(span.text(), body)).collect(),
            key => vec![key],
        },
        _ => match assigned(rule) {
            Some(Expr::Set { items, .. }) => items.iter().map(AsRef::as_ref).collect(),
            Some(Expr::SetCompr { term, .. }) => vec![term],
            _ => Vec::new(),
        },
    }
}

/// What a body assigns to a variable.
fn value_of<'a>(name: &str, body: &'a RuleBody) -> Option<&'a Expr> {
    body.query.stmts.iter().find_map(|statement| match &statement.literal {
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr { lhs, rhs, .. } => {
                matches!(lhs.as_ref(), Expr::Var { span, .. } if span.text() == name).then_some(rhs.as_ref())
            }
            _ => None,
        },
        _ => None,
    })
}

/// What can be seen to be wrong with an element of `violation`, `deny` or `warn`.
fn fault(element: &Expr) -> Option<String> {
    match element {
        Expr::Object { fields, .. } => match fields.iter().find(|(_, key, _)| text_of(key) == Some("msg")) {
            Some((_, _, value)) => {
                kind(value).filter(|kind| *kind != "text").map(|kind| format!("has a `msg` that is {kind}"))
            }
            // A computed key may be `msg`.
            None => fields.iter().all(|(_, key, _)| is_literal(key)).then(|| "has no `msg`".to_owned()),
        },
        Expr::ObjectCompr { .. } => None,
        other => kind(other).filter(|kind| *kind != "text").map(|kind| format!("is {kind}")),
    }
}

/// Whether a value can be seen not to be a set.
fn is_plain(expr: &Expr) -> bool {
    is_literal(expr) && !matches!(expr, Expr::Set { .. })
}

fn is_literal(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Array { .. }
            | Expr::Object { .. }
            | Expr::Set { .. }
            | Expr::ArrayCompr { .. }
            | Expr::ObjectCompr { .. }
    )
}

/// A METADATA block and what it is attached to.
struct Block<'a> {
    annotation: &'a Annotation,
    module: usize,
    /// What keeps the file it stands in apart: a block on its package speaks of that file alone.
    apart: Option<&'a Apart>,
    scope: Scope,
    target: Attached,
}

impl Block<'_> {
    /// Whether it speaks of packages of which these files are.
    fn speaks_to(&self, apart: Option<&Apart>) -> bool {
        self.apart.is_none() || self.apart == apart
    }
}

enum Attached {
    Package(DataPath),
    Rule(RuleId, DataPath),
    /// An import, or nothing at all.
    Nothing,
}

/// OPA's rule: a block belongs to the first statement below it.
fn attach<'a>(
    rules: &'a Rules,
    annotations: &'a [Vec<Annotation>],
    errors: &mut Vec<At<PolicyError>>,
) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    for (module, (parsed, annotations)) in rules.modules.iter().zip(annotations).enumerate() {
        let package = parsed.package();
        let mut statements: Vec<(usize, Option<usize>, bool)> = Vec::new();
        statements.push((parsed.span(&parsed.ast.package.span).start, None, true));
        statements.extend(parsed.ast.imports.iter().map(|import| (parsed.span(&import.span).start, None, false)));
        statements.extend(
            parsed.ast.policy.iter().enumerate().map(|(at, rule)| (parsed.span(rule.span()).start, Some(at), false)),
        );
        for annotation in annotations {
            let next =
                statements.iter().filter(|(start, ..)| *start >= annotation.span.end).min_by_key(|(start, ..)| *start);
            let target = match next {
                Some((_, _, true)) => Attached::Package(package.clone()),
                Some((_, Some(rule), _)) => {
                    let path =
                        package.iter().cloned().chain(super::rules::head_path(&parsed.ast.policy[*rule])).collect();
                    Attached::Rule(RuleId { module, rule: *rule }, path)
                }
                _ => Attached::Nothing,
            };
            let scope = annotation.scope.as_ref().map_or(
                match target {
                    Attached::Package(_) => Scope::Package,
                    _ => Scope::Rule,
                },
                |(scope, _)| *scope,
            );
            blocks.push(Block { annotation, module, apart: parsed.module.apart.as_ref(), scope, target });
        }
    }
    for (at, block) in blocks.iter().enumerate() {
        let same = |other: &&Block<'_>| {
            other.scope == block.scope
                && match (&other.target, &block.target) {
                    (Attached::Package(mine), Attached::Package(theirs)) => {
                        mine == theirs && other.apart == block.apart
                    }
                    (Attached::Rule(_, mine), Attached::Rule(_, theirs)) => {
                        block.scope == Scope::Document && mine == theirs
                    }
                    _ => false,
                }
        };
        if let Some(first) = blocks[..at].iter().find(same) {
            let what = match &block.target {
                Attached::Package(package) => format!("the package `{}`", package.join(".")),
                Attached::Rule(_, path) => format!("`{}`", path.join(".")),
                Attached::Nothing => continue,
            };
            let error = At::new(PolicyError::SecondBlock { what }, block_place(rules, block));
            errors.push(error.and("the first is here", block_place(rules, first)));
        }
    }
    blocks
}

fn block_place(rules: &Rules, block: &Block<'_>) -> Place {
    let module = &rules.modules[block.module].module;
    let first_line = module.text[block.annotation.span.start..].lines().next().map_or(0, str::len);
    module.place(Span { start: block.annotation.span.start, end: block.annotation.span.start + first_line })
}

/// The blocks that speak of a group, from the widest scope to the nearest, each with whether all its keys are the
/// group's own; and the blocks on its rules, of which only a single one is among them.
fn layers<'b, 'a>(
    blocks: &'b [Block<'a>],
    package: &[String],
    apart: Option<&Apart>,
    suffix: &str,
    members: &[Member<'_>],
) -> (Vec<(&'b Block<'a>, bool)>, Vec<&'b Block<'a>>) {
    let of_package = |scope: Scope| {
        blocks.iter().filter_map(move |block| match &block.target {
            Attached::Package(of) if block.scope == scope && block.speaks_to(apart) => Some((of, block)),
            _ => None,
        })
    };
    let of_rules = |scope: Scope| {
        blocks.iter().filter(move |block| match &block.target {
            Attached::Rule(id, _) => block.scope == scope && members.iter().any(|member| member.id == *id),
            _ => false,
        })
    };
    let mut above: Vec<_> = of_package(Scope::Subpackages).filter(|(of, _)| package.starts_with(of)).collect();
    above.sort_by_key(|(of, _)| of.len());
    let mut layers: Vec<_> = above.into_iter().map(|(_, block)| (block, false)).collect();
    let of_this = of_package(Scope::Package).filter(|(of, _)| *of == package);
    layers.extend(of_this.map(|(_, block)| (block, suffix.is_empty())));
    layers.extend(of_rules(Scope::Document).map(|block| (block, true)));
    let of_rules: Vec<_> = of_rules(Scope::Rule).collect();
    if let [only] = of_rules[..] {
        layers.push((only, true));
    }
    (layers, of_rules)
}

/// Merges the METADATA of a group and analyses its rules. Beside it, its earlier ids.
fn assumption<'a>(
    rules: &Rules,
    blocks: &[Block<'a>],
    package: &[String],
    suffix: &str,
    first: RuleId,
    members: &[Member<'_>],
    errors: &mut Vec<At<PolicyError>>,
) -> (Group, &'a [Placed<String>]) {
    let apart = rules.modules[first.module].module.apart.as_ref();
    let file = apart.map(|apart| apart.name.as_str());
    let steps = file.into_iter().chain(Some(suffix).filter(|suffix| !suffix.is_empty()));
    let default_id = steps.fold(package.join("."), |id, step| format!("{id}/{step}"));
    let (layers, of_rules) = layers(blocks, package, apart, suffix, members);
    if of_rules.len() > 1 {
        for block in of_rules.iter().filter(|block| block.annotation.custom.place.is_some()) {
            let error = PolicyError::OneOfSeveral { id: default_id.clone() };
            errors.push(At::new(error, block_place(rules, block)));
        }
    }
    let mut custom = Custom::default();
    let (mut id, mut formerly): (_, &'a [_]) = (None, &[]);
    let (mut title, mut description, mut related) = (None, None, Vec::<RelatedResource>::new());
    for (block, own) in layers {
        let annotation = block.annotation;
        custom = annotation.custom.under(&custom);
        if own {
            id = annotation.custom.id.as_ref().or(id);
            if !annotation.custom.formerly.is_empty() {
                formerly = &annotation.custom.formerly;
            }
            title = annotation.title.clone().or(title);
            description = annotation.description.clone().or(description);
            if !annotation.related.is_empty() {
                related.clone_from(&annotation.related);
            }
        }
    }
    let parsed = &rules.modules[first.module];
    let start = parsed.span(rules.rule(first).span());
    let prose = parsed.module.prose_at(start.start);
    let id = id.map_or(default_id, |(id, _)| id.clone());
    let title = title.or_else(|| prose.and_then(|prose| prose.heading.clone())).unwrap_or_else(|| id.clone());
    let description = description.or_else(|| prose.and_then(|prose| prose.paragraph.clone()));
    let rule_location = |id: RuleId| {
        let parsed = &rules.modules[id.module];
        parsed.place(rules.rule(id).span()).location()
    };
    let mut of_word: BTreeMap<(Word, &DataPath), Vec<RuleId>> = BTreeMap::new();
    for member in members {
        of_word.entry((member.word, member.path)).or_default().push(member.id);
    }
    let group_rules: Vec<GroupRule> = of_word
        .into_iter()
        .map(|((word, path), ids)| {
            let titles: Vec<_> = of_rules
                .iter()
                .filter(|block| matches!(&block.target, Attached::Rule(id, _) if ids.contains(id)))
                .map(|block| block.annotation.title.clone())
                .collect();
            let title = if of_rules.len() > 1 && ids.len() == 1 { titles.into_iter().next().flatten() } else { None };
            GroupRule {
                word,
                name: name_of(path),
                path: path.clone(),
                title,
                location: rule_location(ids[0]),
                // Where elements are looked at one by one, each violation is about its element.
                without_subject: apart.is_none_or(|apart| !apart.input.each)
                    && matches!(word, Word::Violation | Word::Deny | Word::Warn)
                    && ids.iter().any(|id| lacks_subject(rules.rule(*id))),
            }
        })
        .collect();
    let input = apart.map(|apart| apart.input.clone());
    let reads = reads(rules, group_rules.iter().map(|rule| &rule.path), input.as_ref());
    let location = rule_location(first);
    let assumption = Assumption {
        id,
        formerly: formerly.iter().map(|(id, _)| id.clone()).collect(),
        title,
        description,
        severity: custom.severity.map(|(severity, _)| severity).unwrap_or_default(),
        owner: custom.owner.map(|(owner, _)| owner),
        related,
        max_age: custom.max_age.map(|(age, _)| age),
        review_by: custom.review_by.map(|(date, _)| date),
        optional: custom.optional.into_iter().flatten().map(|(path, _)| path).collect(),
        required: custom.required.into_iter().flatten().map(|(path, _)| path).collect(),
        eroding_under: custom.eroding_under.map(|(ratio, _)| ratio),
        vacuous: custom.vacuous.map(|(vacuous, _)| vacuous),
        document: Document {
            path: location.path.clone(),
            heading: prose.and_then(|prose| prose.heading.clone()),
            anchor: prose.and_then(|prose| prose.anchor.clone()),
        },
        rule: location.clone(),
        location,
        reads: model_reads(&reads),
    };
    (Group { assumption, rules: group_rules, reads, input }, formerly)
}

/// Whether the elements that a definition makes can be seen to have no subject.
fn lacks_subject(rule: &Rule) -> bool {
    elements(rule).into_iter().any(|element| match element {
        Expr::String { .. } | Expr::RawString { .. } => true,
        Expr::Object { fields, .. } => !fields.iter().any(|(_, key, _)| text_of(key) == Some("subject")),
        Expr::Call { fcn, .. } => {
            Reference::of(fcn).is_some_and(|call| matches!(call.full_path().join(".").as_str(), "sprintf" | "concat"))
        }
        _ => false,
    })
}

/// The uses by path: needed if any needs it, excused if all excuse it.
fn model_reads(reads: &Reads) -> Vec<Read> {
    let mut by_path: BTreeMap<&Path, Read> = BTreeMap::new();
    for one in &reads.uses {
        let excused = one.role == super::Role::Excused;
        let read = by_path.entry(&one.path).or_insert_with(|| Read {
            path: one.path.clone(),
            needed: false,
            excused: true,
            location: one.place.location(),
        });
        read.needed |= one.is_needed();
        read.excused &= excused;
    }
    by_path.into_values().collect()
}

/// Where the first rule of a group stands.
fn first_rule(group: &Group, rules: &Rules) -> Place {
    let definition = rules.definitions(&group.rules[0].path)[0];
    place_of(&rules.modules[definition.module], rules.rule(definition))
}

/// Earlier ids that are not one assumption's alone: fingerprints, baseline and waivers could not tell whose they are.
fn check_former_ids(
    groups: &[Group],
    formerly: &[&[Placed<String>]],
    rules: &Rules,
    errors: &mut Vec<At<PolicyError>>,
) {
    let mut known: BTreeMap<String, (usize, &Place)> = BTreeMap::new();
    for (at, (group, formerly)) in groups.iter().zip(formerly).enumerate() {
        for (former, place) in *formerly {
            let lower = former.to_lowercase();
            let is_same = |other: &&Group| other.assumption.id.to_lowercase() == lower;
            let id = group.assumption.id.clone();
            if let Some(other) = groups.iter().find(is_same).filter(|other| !std::ptr::eq(*other, group)) {
                let error = PolicyError::FormerIdInUse { id, former: former.clone() };
                errors.push(At::new(error, place.clone()).and("the other assumption", first_rule(other, rules)));
            }
            match known.get(&lower) {
                Some((of, first)) if *of != at => {
                    let error = PolicyError::SameFormerId { former: former.clone() };
                    errors.push(At::new(error, place.clone()).and("the first is here", (*first).clone()));
                }
                Some(_) => {}
                None => {
                    known.insert(lower, (at, place));
                }
            }
        }
    }
}

fn check_ids(groups: &[Group], rules: &Rules, errors: &mut Vec<At<PolicyError>>) {
    let mut known: BTreeMap<String, &Group> = BTreeMap::new();
    let place = |group: &Group| first_rule(group, rules);
    for group in groups {
        let id = &group.assumption.id;
        if !is_id(id) {
            errors.push(At::new(PolicyError::BadId { id: id.clone() }, place(group)));
        }
        match known.get(&id.to_lowercase()) {
            Some(first) => {
                let first_id = &first.assumption.id;
                let kind = if first_id == id {
                    PolicyError::SameId { id: id.clone() }
                } else {
                    PolicyError::IdsByCase { first: first_id.clone(), id: id.clone() }
                };
                errors.push(At::new(kind, place(group)).and("the first is here", place(first)));
            }
            None => {
                known.insert(id.to_lowercase(), group);
            }
        }
    }
}

/// The groups that a block speaks of.
fn takers<'g>(block: &Block<'_>, groups: &'g [Group]) -> Vec<&'g Group> {
    let package_of = |group: &Group| group.rules[0].path[..group.rules[0].path.len() - 1].to_vec();
    let mark_of = |group: &Group| split_mark(&group.rules[0].path[group.rules[0].path.len() - 1]).1.to_owned();
    let is_of_file = |group: &Group| block.apart.is_none_or(|apart| apart.is_mark(&mark_of(group)));
    let is_taker = |group: &&Group| match &block.target {
        Attached::Package(package) if block.scope == Scope::Subpackages => {
            package_of(group).starts_with(package) && is_of_file(group)
        }
        Attached::Package(package) => package_of(group) == *package && is_of_file(group),
        Attached::Rule(_, path) => group.rules.iter().any(|rule| rule.path == *path),
        Attached::Nothing => false,
    };
    groups.iter().filter(is_taker).collect()
}

/// `custom.assumption` that says something about no assumption.
fn check_blocks(blocks: &[Block<'_>], groups: &[Group], errors: &mut Vec<At<PolicyError>>) {
    for block in blocks {
        let custom = &block.annotation.custom;
        let Some(place) = &custom.place else { continue };
        let takers = takers(block, groups);
        if takers.is_empty() {
            errors.push(At::new(PolicyError::NoTaker, place.clone()));
            continue;
        }
        let is_package = matches!(block.target, Attached::Package(_));
        let has_plain = takers
            .iter()
            .any(|group| group.rules.iter().any(|rule| rule.word != Word::Subjects && !rule.name.contains('_')));
        if is_package && !has_plain {
            for (key, place) in [
                ("id", custom.id.as_ref().map(|(_, place)| place)),
                ("formerly", custom.formerly.first().map(|(_, place)| place)),
            ] {
                if let Some(place) = place {
                    errors.push(At::new(PolicyError::NoPlainGroup { key }, place.clone()));
                }
            }
        }
        for (pattern, place) in custom.optional.iter().chain(&custom.required).flatten() {
            let is_read = takers.iter().any(|group| {
                !group.reads.not_followed.is_empty() || group.reads.uses.iter().any(|one| pattern.covers(&one.path))
            });
            if !is_read {
                let paths: BTreeSet<String> =
                    takers.iter().flat_map(|group| &group.reads.uses).map(|one| one.path.to_string()).collect();
                let text = pattern.to_string();
                let near = crate::spelling::nearest(&text, paths.iter().map(String::as_str)).map(str::to_owned);
                let id = takers[0].assumption.id.clone();
                errors.push(At::new(PolicyError::UnreadPath { id, path: text, near }, place.clone()));
            }
        }
    }
}

/// An assumption that reads nothing can never change.
fn check_reads(groups: &[Group], documents: &BTreeSet<String>, errors: &mut Vec<At<PolicyError>>) {
    for group in groups {
        let reads_something = group.reads.uses.iter().any(|one| match one.path.key(0) {
            Some("input") => true,
            _ => one
                .path
                .key(1)
                .is_some_and(|root| super::precheck::DOCUMENTS.contains(&root) || documents.contains(root)),
        });
        if !reads_something && group.reads.not_followed.is_empty() {
            let id = group.assumption.id.clone();
            let place = group.reads.entry.clone();
            errors.push(match place {
                Some(place) => At::new(PolicyError::ReadsNothing { id }, place),
                None => At::nowhere(PolicyError::ReadsNothing { id }),
            });
        }
    }
}

/// A rule of the name by which conftest excepts others, where nothing uses it.
fn exception(parsed: &Parsed, is_used: impl Fn(&Rule) -> bool) -> Option<Finding> {
    parsed.module.apart.as_ref()?;
    let is_exception = |rule: &&Rule| super::rules::head_path(rule) == ["exception"] && !is_used(rule);
    let rule = parsed.ast.policy.iter().map(AsRef::as_ref).find(is_exception)?;
    Some(Finding {
        code: "exception-not-applied",
        severity: FindingSeverity::Warning,
        message: "`exception` is a rule of conftest's own and excepts nothing here: ask for it in the rule that it is \
                  about, or write a waiver"
            .to_owned(),
        location: Some(place_of(parsed, rule).location()),
    })
}

/// Files and fences that make no assumption and serve none; rule names that are nearly rule words.
fn check_use(
    rules: &Rules,
    blocks: &[Block<'_>],
    groups: &[Group],
    named: &BTreeSet<DataPath>,
    notices: &mut Vec<Finding>,
    errors: &mut Vec<At<PolicyError>>,
) {
    let used: BTreeSet<&DataPath> = groups.iter().flat_map(|group| &group.reads.through).collect();
    for (at, parsed) in rules.modules.iter().enumerate() {
        let package = parsed.package();
        let path_of =
            |rule: &Rule| -> DataPath { package.iter().cloned().chain(super::rules::head_path(rule)).collect() };
        let makes_group = parsed
            .ast
            .policy
            .iter()
            .any(|rule| arity(rule).is_none() && path_of(rule).last().is_some_and(|name| word_of(name).is_some()));
        let mut said = BTreeSet::new();
        for rule in parsed.ast.policy.iter().filter(|rule| arity(rule).is_none()) {
            let path = path_of(rule);
            let name = path.last().cloned().unwrap_or_default();
            // Beside an assumption it may be a helper that merely has such a name; alone it must serve one.
            let is_helper = if makes_group { named.contains(&path) } else { used.contains(&path) };
            if let Some(near) = near_word(&name).filter(|_| !is_helper && said.insert(path)) {
                errors.push(At::new(PolicyError::NearWord { name, near }, place_of(parsed, rule)));
            }
        }
        if !said.is_empty() {
            continue;
        }
        notices.extend(exception(parsed, |rule| used.contains(&path_of(rule))));
        // A file may be there to say something of its package, or of those under it.
        if blocks.iter().any(|block| {
            block.module == at && matches!(block.target, Attached::Package(_)) && !takers(block, groups).is_empty()
        }) && parsed.ast.policy.is_empty()
        {
            continue;
        }
        let is_used = |rule: &Rule| used.contains(&path_of(rule));
        if !parsed.ast.policy.iter().any(|rule| is_used(rule)) {
            if parsed.module.apart.is_some() {
                let location = parsed.place(&parsed.ast.package.span).location();
                notices.push(Finding {
                    code: "idle-policy",
                    severity: FindingSeverity::Note,
                    message: format!("`{}` makes no assumption, and no assumption uses what it defines", location.path),
                    location: Some(location),
                });
                continue;
            }
            let what = if parsed.module.prose.is_empty() { "this file" } else { "the `rego` in this file" };
            errors.push(At::new(PolicyError::Useless { what }, parsed.place(&parsed.ast.package.span)));
            continue;
        }
        for prose in &parsed.module.prose {
            let inside: Vec<&Rule> = parsed
                .ast
                .policy
                .iter()
                .map(AsRef::as_ref)
                .filter(|rule| (prose.span.start..prose.span.end).contains(&parsed.span(rule.span()).start))
                .collect();
            // The first fence may hold the package and its METADATA only.
            if !inside.is_empty() && !inside.iter().any(|rule| is_used(rule)) {
                let what = "this fence";
                errors.push(At::new(PolicyError::Useless { what }, place_of(parsed, inside[0])));
            }
        }
    }
}
