//! What an assumption reads, found without evaluating it: through helpers, functions, aliases and packages.
//!
//! A small abstract interpretation: every expression stands for the set of paths its value may come from. Elements of
//! lists and look-ups by a variable are `[_]`. Where something cannot be followed (`walk`), that is said, and all that it
//! may reach is read as a whole.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query, Rule, RuleHead};

use super::{
    InputBinding,
    rules::{DataPath, RuleId, Rules, Target, arity, head_ref},
    syntax::{Reference, Step, text_of},
    walk::{Node, variables, visit_statement},
};
use crate::{
    model::{Path, Segment},
    source::Place,
};

/// How a path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Its value is needed: compared, computed with, passed on, built into a message.
    Value,
    /// Its value is needed, and only given a name or handed to a function: what lies below is read where the name is.
    Name,
    /// Its elements are the first that a rule iterates over.
    FirstList,
    /// Its elements are iterated over further inside: absent means empty.
    List,
    /// Whether it is true: absent means not set.
    Truth,
    /// Whether it is absent, by a bare `not`.
    Absence,
    /// `object.get`, which brings a value of its own.
    Excused,
}

/// One way in which an assumption reads a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The path, from `input` or `data`.
    pub path: Path,
    /// How.
    pub role: Role,
    /// Whether it stands under `not`, in a comprehension or in `every`, so that its absence can make a rule fire.
    pub negated: bool,
    /// Whether it is looked for there, so that what was not collected can make a rule fire. A field of an element that
    /// the rule met outside is not: `not edge.server in …` speaks of an edge that was seen.
    pub sought: bool,
    /// Whether it stands under `with input`, where evaluation is not followed.
    pub elsewhere: bool,
    /// The assumption's own definitions that lead to it, by their number.
    pub(crate) definitions: BTreeSet<usize>,
    /// The expression.
    pub place: Place,
}

impl Use {
    /// Whether the path's absence from the facts leaves the rule without an answer.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        match self.role {
            Role::Value | Role::Name | Role::FirstList => true,
            // What was designed is needed wherever it stands; what was observed may be absent and mean just that.
            Role::List | Role::Truth | Role::Absence => self.path.source().is_none(),
            Role::Excused => false,
        }
    }
}

/// What was found of one assumption.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    /// Every use, in the order of the rules.
    pub uses: Vec<Use>,
    /// The rules it goes through, its own among them.
    pub(crate) through: BTreeSet<DataPath>,
    /// The first rule.
    pub(crate) entry: Option<Place>,
    /// The definitions of its own rules.
    pub(crate) definitions: Vec<Place>,
    /// What could not be followed.
    pub not_followed: Vec<(String, Place)>,
}

/// Analyses the rules at these paths as the entry points of one assumption, which sees all facts as its `input`, or
/// those that are bound to it.
pub(crate) fn reads<'a>(
    rules: &Rules,
    entries: impl Iterator<Item = &'a DataPath>,
    input: Option<&InputBinding>,
) -> Reads {
    let base = input.map_or_else(|| Path::new(vec![Segment::Key("input".to_owned())]), InputBinding::path);
    // An element that is looked at has been met.
    let is_met = input.is_some_and(|input| input.each);
    let mut analysis = Analysis {
        rules,
        found: Reads::default(),
        seen: BTreeMap::new(),
        values: BTreeMap::new(),
        active: Vec::new(),
        module: 0,
        context: Context::default(),
        input: Origin { paths: BTreeMap::from([(base, is_met)]), ..Origin::default() },
        replaced: Vec::new(),
        asks_truth: true,
        iterated: false,
        depth: 0,
    };
    for entry in entries {
        if let (None, Some(id)) = (&analysis.found.entry, rules.definitions(entry).first()) {
            analysis.found.entry = Some(rules.modules[id.module].place(head_ref(rules.rule(*id)).span()));
        }
        // Of the rules of an assumption only `holds` can have a default, and `false` says there what nothing says.
        analysis.asks_truth = true;
        analysis.rule_value(entry);
    }
    analysis.found
}

/// What an expression's value may come from.
#[derive(Debug, Clone, Default)]
struct Origin {
    /// Each with whether it is of an element that was met outside of any negation.
    paths: BTreeMap<Path, bool>,
    element: Option<Box<Origin>>,
    fields: BTreeMap<String, Origin>,
    /// The rules whose value it is, as a whole.
    rules: BTreeSet<DataPath>,
    /// What a built-in made it of.
    derived: BTreeMap<Path, bool>,
    /// The constants that it may be.
    texts: BTreeSet<String>,
}

impl Origin {
    fn path(path: Path) -> Self {
        Self { paths: BTreeMap::from([(path, false)]), ..Self::default() }
    }

    fn element(element: Self) -> Self {
        Self { element: Some(Box::new(element)), ..Self::default() }
    }

    fn join(mut self, other: Self) -> Self {
        let join = |mine: &mut BTreeMap<Path, bool>, theirs: BTreeMap<Path, bool>| {
            for (path, met) in theirs {
                mine.entry(path).and_modify(|known| *known &= met).or_insert(met);
            }
        };
        join(&mut self.paths, other.paths);
        join(&mut self.derived, other.derived);
        self.rules.extend(other.rules);
        self.element = match (self.element, other.element) {
            (Some(mine), Some(theirs)) => Some(Box::new(mine.join(*theirs))),
            (mine, theirs) => mine.or(theirs),
        };
        for (key, origin) in other.fields {
            let known = self.fields.remove(&key).unwrap_or_default();
            self.fields.insert(key, known.join(origin));
        }
        self.texts.extend(other.texts);
        self
    }

    /// The value at each key that another value may be; any, where that is not known.
    fn look_up(&self, key: &Self) -> Self {
        let mut segments: Vec<_> = key.texts.iter().cloned().map(Segment::Key).collect();
        if segments.is_empty() || !(key.paths.is_empty() && key.derived.is_empty()) {
            segments.push(Segment::Any);
        }
        segments.iter().map(|segment| self.step(segment)).reduce(Self::join).unwrap_or_default()
    }

    fn step(&self, segment: &Segment) -> Self {
        let paths = self.paths.iter().map(|(path, met)| (path.join(segment.clone()), *met)).collect();
        let mut origin = Self { paths, ..Self::default() };
        // Which element stands at a place is for the whole to say.
        if matches!(segment, Segment::Index(_)) {
            origin.derived.clone_from(&self.derived);
        }
        if let Some(element) = &self.element {
            origin = origin.join((**element).clone());
        }
        match segment {
            Segment::Key(key) => origin.join(self.fields.get(key).cloned().unwrap_or_default()),
            Segment::Any | Segment::Index(_) => self.fields.values().cloned().fold(origin, Self::join),
        }
    }

    /// As what a built-in made of it: all that is in it.
    fn into_derived(self) -> Self {
        fn add(origin: Origin, all: &mut BTreeMap<Path, bool>) {
            for (path, met) in origin.paths.into_iter().chain(origin.derived) {
                all.entry(path).and_modify(|known| *known &= met).or_insert(met);
            }
            origin.element.into_iter().for_each(|element| add(*element, all));
            origin.fields.into_values().for_each(|field| add(field, all));
        }
        let mut derived = BTreeMap::new();
        add(self, &mut derived);
        Self { derived, ..Self::default() }
    }

    /// Whether it is a list, a set or an object that a policy made.
    fn is_made(&self) -> bool {
        self.element.is_some() || !self.fields.is_empty()
    }

    /// Below a key, or as elements.
    fn under(self, step: &Step<'_>) -> Self {
        match step {
            Step::Key(key) => Self { fields: BTreeMap::from([((*key).to_owned(), self)]), ..Self::default() },
            _ => Self::element(self),
        }
    }

    /// As something that was met: the elements of lists among it.
    fn met(mut self) -> Self {
        for (path, met) in self.paths.iter_mut().chain(&mut self.derived) {
            *met |= path.segments().contains(&Segment::Any);
        }
        self
    }
}

type Scope = BTreeMap<String, Origin>;

/// What makes a use one of its own: path and role, negated, sought and elsewhere, file and place.
type Seen = (Path, Role, [bool; 3], String, usize);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_excessive_bools, reason = "each may be so without the others")]
struct Context {
    /// Under a bare `not`.
    absent: bool,
    /// Under `not`, in a comprehension or in `every`, or before a `default` or an `else`.
    negated: bool,
    /// Where it is negated, and where a collection is taken as a whole: counted, compared, subtracted.
    seeking: bool,
    /// In `object.get`.
    excused: bool,
    /// Under `with input`.
    elsewhere: bool,
}

impl Context {
    /// Inside a `not`, a comprehension or an `every`.
    fn nested(self) -> Self {
        Self { negated: true, seeking: true, ..self }
    }
}

struct Analysis<'a> {
    rules: &'a Rules,
    found: Reads,
    /// Where in what was found a use stands.
    seen: BTreeMap<Seen, usize>,
    /// The value of a rule, by where it was reached.
    values: BTreeMap<(DataPath, Context), Origin>,
    active: Vec<DataPath>,
    module: usize,
    context: Context,
    /// What `input` stands for; `with` replaces it.
    input: Origin,
    /// The paths below `input` that `with` replaces.
    replaced: Vec<Path>,
    /// Whether the reference at hand is only asked whether it is true.
    asks_truth: bool,
    /// Whether the current body has iterated already.
    iterated: bool,
    depth: u32,
}

/// Built-ins whose value speaks of a collection as a whole.
const WHOLE: [&str; 10] =
    ["all", "any", "count", "max", "min", "object.subset", "product", "sort", "sum", "graph.reachable"];

/// Built-ins that compare a text with another one, of which neither an end nor a pattern says only what is in it.
const COMPARE: [&str; 4] = ["endswith", "glob.match", "regex.match", "startswith"];

/// Functions nested deeper than this are not followed.
const MAX_DEPTH: u32 = 16;

impl Analysis<'_> {
    fn place(&self, expr: &Expr) -> Place {
        self.rules.modules[self.module].place(expr.span())
    }

    fn give_up(&mut self, what: &str, expr: &Expr) {
        let place = self.place(expr);
        if self.found.not_followed.iter().all(|(_, known)| *known != place) {
            self.found.not_followed.push((what.to_owned(), place));
        }
    }

    fn note(&mut self, origin: &Origin, role: Role, expr: &Expr) {
        let place = self.place(expr);
        let role = match role {
            _ if self.context.excused => Role::Excused,
            Role::Truth if self.context.absent => Role::Absence,
            role => role,
        };
        for (path, met) in &origin.paths {
            let sought = self.context.seeking && !met;
            // `data` as a whole is no read; `input` is one of every source, unless only a key of it is asked for.
            if path.segments().len() < 2 && (path.key(0) != Some("input") || role == Role::Excused) {
                continue;
            }
            if self.package(path) {
                continue;
            }
            // An iteration reads its list as well as what it finds in it.
            let first = path.segments().iter().position(|segment| *segment == Segment::Any);
            if let Some(first) = first.filter(|first| *first > 1) {
                let list = Path::new(path.segments()[..first].to_vec());
                self.record(list, if role == Role::Excused { role } else { Role::List }, sought, &place);
            }
            self.record(path.clone(), role, sought, &place);
        }
    }

    /// Reads what a path stands for where packages lie on it: all rules below.
    fn package(&mut self, path: &Path) -> bool {
        let Some(("data", segments)) = path.key(0).map(|root| (root, &path.segments()[1..])) else { return false };
        let below: Vec<_> = (self.rules.paths())
            .filter(|(rule, ids)| {
                rule.len() > segments.len()
                    && leads_to(segments, rule)
                    && ids.iter().all(|id| arity(self.rules.rule(*id)).is_none())
            })
            .map(|(rule, _)| rule.clone())
            .collect();
        for rule in &below {
            self.rule_value(rule);
        }
        // Documents lie beside the packages.
        !below.is_empty() && segments.first() != Some(&Segment::Any)
    }

    fn record(&mut self, path: Path, role: Role, sought: bool, place: &Place) {
        if self.replaced.iter().any(|replaced| replaced.covers(&path)) {
            return;
        }
        let Context { negated, elsewhere, .. } = self.context;
        let how = [negated, sought, elsewhere];
        let key = (path.clone(), role, how, place.file.path().to_owned(), place.span.start);
        let next = self.found.uses.len();
        let at = *self.seen.entry(key).or_insert(next);
        if at == next {
            let (definitions, place) = (BTreeSet::new(), place.clone());
            self.found.uses.push(Use { path, role, negated, sought, elsewhere, definitions, place });
        }
        self.found.uses[at].definitions.extend(self.found.definitions.len().checked_sub(1));
    }

    fn rule_value(&mut self, path: &DataPath) -> Origin {
        // Where the rules of others fail, for whatever reason, a default speaks: they are looked through for what makes
        // it so. That nothing is true and that `false` is said are the same to a test.
        let outer = self.context;
        if self.has_default(path, self.asks_truth) {
            self.context = outer.nested();
        }
        let origin = self.rule_value_here(path);
        self.context = outer;
        origin
    }

    fn has_default(&self, path: &DataPath, asks_truth: bool) -> bool {
        self.rules.definitions(path).iter().any(|id| match self.rules.rule(*id) {
            Rule::Default { value, .. } => !(asks_truth && is_literal(value, "false")),
            Rule::Spec { .. } => false,
        })
    }

    fn rule_value_here(&mut self, path: &DataPath) -> Origin {
        let key = (path.clone(), self.context);
        if let Some(origin) = self.values.get(&key) {
            return origin.clone();
        }
        // Recursion is an error that the pre-check has reported.
        if self.active.contains(path) {
            return Origin::default();
        }
        self.active.push(path.clone());
        self.found.through.insert(path.clone());
        let outer = (self.module, self.iterated);
        let mut origin = Origin::default();
        let is_own = self.active.len() == 1;
        for id in self.rules.definitions(path).to_vec() {
            if is_own {
                // What others have led to is led to by this one too.
                self.values.clear();
                self.found.definitions.push(self.rules.modules[id.module].place(self.rules.rule(id).span()));
            }
            origin = origin.join(self.definition(id, None));
        }
        (self.module, self.iterated) = outer;
        self.active.pop();
        origin.rules.insert(path.clone());
        self.values.insert(key, origin.clone());
        origin
    }

    fn definition(&mut self, id: RuleId, arguments: Option<&[Origin]>) -> Origin {
        self.module = id.module;
        let rules = self.rules;
        match rules.rule(id) {
            Rule::Default { value, .. } => self.expr(value, &mut Scope::new(), Role::Value),
            Rule::Spec { head, bodies, .. } => {
                let mut base = Scope::new();
                if let (RuleHead::Func { args, .. }, Some(values)) = (head, arguments) {
                    for (pattern, value) in args.iter().zip(values) {
                        self.bind(pattern, value.clone(), &mut base);
                    }
                }
                let assign = match head {
                    RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => assign.as_ref(),
                    RuleHead::Set { .. } => None,
                };
                let mut origin = Origin::default();
                let nothing = Vec::new();
                let bodies = if bodies.is_empty() { &nothing } else { bodies };
                let mut ends: Vec<_> = Vec::new();
                for (at, body) in bodies.iter().enumerate() {
                    let mut scope = base.clone();
                    self.iterated = false;
                    let outer = self.context;
                    // An `else` speaks where what stands before it fails.
                    if at + 1 < bodies.len() {
                        self.context = self.context.nested();
                    }
                    self.query(&body.query, &mut scope);
                    self.context = outer;
                    ends.push((scope, body.assign.as_ref().or(assign)));
                }
                if ends.is_empty() {
                    self.iterated = false;
                    ends.push((base, assign));
                }
                for (mut scope, assign) in ends {
                    let value = match head {
                        RuleHead::Set { key: Some(key), .. } => {
                            Origin::element(self.expr(key, &mut scope, Role::Value))
                        }
                        _ => match assign {
                            Some(assign) => self.expr(&assign.value, &mut scope, Role::Name),
                            None => Origin::default(),
                        },
                    };
                    let head = Reference::of(head_ref(rules.rule(id)));
                    let steps = head.iter().flat_map(|head| &head.steps);
                    let below = steps.skip_while(|step| matches!(step, Step::Key(_))).collect::<Vec<_>>();
                    let value = below.into_iter().rev().fold(value, Origin::under);
                    origin = origin.join(value);
                }
                origin
            }
        }
    }

    fn bind(&mut self, pattern: &Expr, value: Origin, scope: &mut Scope) {
        match pattern {
            Expr::Var { span, .. } if span.text() != "_" => {
                let value = if self.context.seeking { value } else { value.met() };
                scope.insert(span.text().to_owned(), value);
            }
            Expr::Array { items, .. } => {
                // It fits a list of this length only.
                let list = if self.context.seeking { value.clone() } else { value.clone().met() };
                self.take_whole(&list.paths, pattern);
                for item in items {
                    self.bind(item, value.step(&Segment::Any), scope);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, key, pattern) in fields {
                    let segment = text_of(key).map_or(Segment::Any, |key| Segment::Key(key.to_owned()));
                    let field = value.step(&segment);
                    self.note(&field, Role::Value, key);
                    self.bind(pattern, field, scope);
                }
            }
            _ => {}
        }
    }

    /// Reads the collection of an iteration; the first one of a body is special.
    fn list(&mut self, expr: &Expr, scope: &mut Scope) -> Origin {
        let role = if self.iterated { Role::List } else { Role::FirstList };
        let origin = self.expr(expr, scope, role);
        if !origin.paths.is_empty() {
            self.iterated = true;
        }
        origin
    }

    fn query(&mut self, query: &Query, scope: &mut Scope) {
        for statement in in_order(query) {
            let mut inputs = Vec::new();
            for with in &statement.with_mods {
                let value = self.expr(&with.r#as, scope, Role::Value);
                let target = Reference::of(&with.refr).map(|target| target.full_path()).unwrap_or_default();
                if target.first().is_some_and(|root| root == "input") {
                    inputs.push((target, value));
                }
            }
            if inputs.is_empty() {
                self.statement(statement, scope);
            } else {
                self.give_up("`with input`", &statement.with_mods[0].refr);
                self.with_input(inputs, |this| this.statement(statement, scope));
            }
        }
    }

    /// With another `input`, or with other values at paths of it.
    fn with_input(&mut self, inputs: Vec<(Vec<String>, Origin)>, inside: impl FnOnce(&mut Self)) {
        let (input, replaced, context) = (self.input.clone(), self.replaced.len(), self.context);
        self.context.elsewhere = true;
        // The rules on the way read something else now.
        let values = std::mem::take(&mut self.values);
        for (target, value) in inputs {
            if target.len() == 1 {
                self.input = value;
            } else {
                let below = target[1..].iter().rev().fold(value, |value, key| value.under(&Step::Key(key)));
                self.input = self.input.clone().join(below);
                self.replaced.push(Path::new(target.into_iter().map(Segment::Key).collect()));
            }
        }
        inside(self);
        self.context = context;
        self.input = input;
        self.replaced.truncate(replaced);
        self.values = values;
    }

    fn statement(&mut self, statement: &LiteralStmt, scope: &mut Scope) {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for name in vars {
                    scope.entry(name.text().to_owned()).or_default();
                }
            }
            Literal::SomeIn { key, value, collection, .. } => {
                let list = self.list(collection, scope);
                if let Some(key) = key {
                    self.bind(key, Origin::default(), scope);
                }
                self.bind(value, list.step(&Segment::Any), scope);
            }
            Literal::Expr { expr, .. } => {
                self.expr(expr, scope, Role::Truth);
            }
            Literal::NotExpr { expr, .. } => {
                let outer = self.context;
                self.context = Context { absent: true, ..outer.nested() };
                self.expr(expr, scope, Role::Truth);
                self.context = outer;
            }
            Literal::Every { key, value, domain, query, .. } => {
                let list = self.list(domain, scope);
                let mut inner = scope.clone();
                if let Some(key) = key {
                    inner.insert(key.text().to_owned(), Origin::default());
                }
                inner.insert(value.text().to_owned(), list.step(&Segment::Any));
                self.nested(|this| this.query(query, &mut inner));
            }
        }
    }

    fn nested(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = self.context;
        self.context = outer.nested();
        inside(self);
        self.context = outer;
    }

    /// A collection that is taken as a whole: what was not collected of it can make a rule fire.
    fn whole(&mut self, expr: &Expr, scope: &mut Scope) -> Origin {
        let is_literal = matches!(expr, Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. });
        let outer = self.context;
        self.context.seeking |= !is_literal;
        let origin = self.operand(expr, scope);
        self.context.seeking = true;
        self.asks_truth = false;
        // The elements of a literal stand there, but not what they themselves consist of.
        match &origin.element {
            Some(element) if is_literal => self.seek(element, expr, false),
            _ => self.seek(&origin, expr, false),
        }
        self.context = outer;
        origin
    }

    /// Looks through what made a collection once more, for what may be missing in it.
    fn seek(&mut self, origin: &Origin, expr: &Expr, is_inside: bool) {
        for rule in &origin.rules {
            self.rule_value(rule);
        }
        let place = self.place(expr);
        // An element that was met where the collection was made was not met here.
        let inside = origin.paths.iter().filter(|_| is_inside);
        for (path, met) in inside.chain(&origin.derived).filter(|(path, _)| path.segments().len() > 1) {
            self.record(path.clone(), Role::List, is_inside || !met, &place);
        }
        if let Some(element) = &origin.element {
            self.seek(element, expr, true);
        }
    }

    /// What was not collected of these can make a rule fire.
    fn take_whole(&mut self, paths: &BTreeMap<Path, bool>, expr: &Expr) {
        let place = self.place(expr);
        for (path, _) in paths.iter().filter(|(path, met)| path.segments().len() > 1 && !**met) {
            self.record(path.clone(), Role::List, true, &place);
        }
    }

    /// An operand that is compared: what a built-in made of a collection speaks of all of it.
    fn compared(&mut self, origin: Origin, expr: &Expr) -> Origin {
        self.take_whole(&origin.derived, expr);
        origin
    }

    /// An operand whose value is needed also under `not`.
    fn operand(&mut self, expr: &Expr, scope: &mut Scope) -> Origin {
        self.operand_as(Role::Value, expr, scope)
    }

    fn operand_as(&mut self, role: Role, expr: &Expr, scope: &mut Scope) -> Origin {
        let outer = self.context;
        self.context.absent = false;
        let origin = self.expr(expr, scope, role);
        self.context = outer;
        origin
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    fn expr(&mut self, expr: &Expr, scope: &mut Scope, role: Role) -> Origin {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.asks_truth = role == Role::Truth;
                let origin = self.reference(expr, scope);
                self.note(&origin, role, expr);
                origin
            }
            Expr::String { .. } | Expr::RawString { .. } => {
                Origin { texts: text_of(expr).map(str::to_owned).into_iter().collect(), ..Origin::default() }
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                let items: Vec<_> = items.iter().map(|item| self.operand(item, scope)).collect();
                Origin::element(items.into_iter().fold(Origin::default(), Origin::join))
            }
            Expr::Object { fields, .. } => {
                let mut origin = Origin::default();
                for (_, key, value) in fields {
                    let key = self.operand(key, scope);
                    let value = self.operand(value, scope);
                    if key.texts.is_empty() {
                        origin = origin.join(Origin::element(value));
                        continue;
                    }
                    for key in key.texts {
                        origin.fields.insert(key, value.clone());
                    }
                }
                origin
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                let mut inner = scope.clone();
                let mut element = Origin::default();
                self.nested(|this| {
                    this.query(query, &mut inner);
                    element = this.expr(term, &mut inner, Role::Value);
                });
                Origin::element(element)
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                let mut inner = scope.clone();
                let mut element = Origin::default();
                self.nested(|this| {
                    this.query(query, &mut inner);
                    this.expr(key, &mut inner, Role::Value);
                    element = this.expr(value, &mut inner, Role::Value);
                });
                Origin::element(element)
            }
            Expr::UnaryExpr { expr, .. } => {
                self.operand(expr, scope);
                Origin::default()
            }
            Expr::BinExpr { lhs, rhs, .. } => self.operand(lhs, scope).join(self.operand(rhs, scope)),
            Expr::ArithExpr { lhs, rhs, .. } => {
                let left = self.operand(lhs, scope);
                // What is subtracted from a set matters by what is not in it.
                if is_collection(lhs, &left) || is_collection(rhs, &Origin::default()) {
                    self.whole(rhs, scope);
                    return left;
                }
                if self.operand(rhs, scope).is_made() && is_reference(rhs) {
                    self.whole(rhs, scope);
                }
                Origin::default()
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let against_true = is_literal(lhs, "true") || is_literal(rhs, "true");
                let mut is_whole = false;
                for side in [lhs, rhs] {
                    let origin = match op {
                        // `x == true` asks no more than `x`, and `not x == 3` also asks whether it is there.
                        BoolOp::Eq if against_true => self.expr(side, scope, Role::Truth),
                        BoolOp::Eq if self.context.absent => self.expr(side, scope, Role::Truth),
                        _ => self.operand(side, scope),
                    };
                    let origin = self.compared(origin, side);
                    is_whole |= is_collection(side, &origin);
                }
                // A list that is compared with another one is taken as a whole.
                for side in [lhs, rhs].into_iter().filter(|side| is_whole && is_reference(side)) {
                    self.whole(side, scope);
                }
                Origin::default()
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                match op {
                    AssignOp::ColEq => {
                        let value = self.expr(rhs, scope, Role::Name);
                        self.bind(lhs, value, scope);
                    }
                    AssignOp::Eq if self.is_unbound(lhs, scope) => {
                        let value = self.expr(rhs, scope, Role::Name);
                        self.bind(lhs, value, scope);
                    }
                    AssignOp::Eq if self.is_unbound(rhs, scope) => {
                        let value = self.expr(lhs, scope, Role::Name);
                        self.bind(rhs, value, scope);
                    }
                    AssignOp::Eq => {
                        for side in [lhs, rhs] {
                            let origin = self.expr(side, scope, Role::Value);
                            self.compared(origin, side);
                        }
                    }
                }
                Origin::default()
            }
            Expr::Membership { key, value, collection, .. } => {
                if let Some(key) = key {
                    self.operand(key, scope);
                }
                let origin = self.operand(value, scope);
                self.compared(origin, value);
                self.operand(collection, scope);
                Origin::default()
            }
            Expr::Call { fcn, params, .. } => {
                self.asks_truth = role == Role::Truth;
                self.call(expr, fcn, params, scope)
            }
            Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => Origin::default(),
        }
    }

    /// Whether `=` binds this side.
    fn is_unbound(&self, expr: &Expr, scope: &Scope) -> bool {
        match expr {
            Expr::Var { span, .. } => {
                let name = span.text();
                scope.get(name).is_none_or(|origin| origin.paths.is_empty() && origin.element.is_none())
                    && !matches!(name, "input" | "data")
                    && self.rules.local(self.module, name).is_none()
            }
            Expr::Array { .. } | Expr::Object { .. } => true,
            _ => false,
        }
    }

    fn call(
        &mut self,
        whole: &Expr,
        function: &Expr,
        params: &[regorus::unstable::Ref<Expr>],
        scope: &mut Scope,
    ) -> Origin {
        let asks_truth = self.asks_truth;
        let path = Reference::of(function).map(|reference| reference.full_path()).unwrap_or_default();
        let name = path.join(".");
        if name == "object.get" && params.len() >= 2 {
            return self.object_get(whole, params, scope);
        }
        let target = match path.split_first() {
            Some((root, rest)) if root == "data" => Some(rest.to_vec()),
            Some((root, rest)) => self
                .rules
                .local(self.module, root)
                .map(|base| base.into_iter().chain(rest.iter().cloned()).collect::<DataPath>()),
            None => None,
        };
        let target = target.filter(|target| !self.rules.definitions(target).is_empty());
        let is_whole = target.is_none() && WHOLE.contains(&name.as_str());
        let role = if target.is_some() { Role::Name } else { Role::Value };
        let values: Vec<_> = params
            .iter()
            .map(|param| if is_whole { self.whole(param, scope) } else { self.operand_as(role, param, scope) })
            .collect();
        if let Some(target) = target {
            if self.depth >= MAX_DEPTH || self.active.contains(&target) {
                self.give_up("a function nested too deep", whole);
                self.note(&self.input.clone(), Role::Value, whole);
                return Origin::default();
            }
            self.found.through.insert(target.clone());
            self.depth += 1;
            self.active.push(target.clone());
            let outer = (self.module, self.iterated);
            let mut origin = Origin::default();
            let definitions = self.rules.definitions(&target).to_vec();
            let outer_context = self.context;
            if self.has_default(&target, asks_truth) {
                self.context = outer_context.nested();
            }
            for id in definitions {
                origin = origin.join(self.definition(id, Some(&values)));
            }
            self.context = outer_context;
            (self.module, self.iterated) = outer;
            self.active.pop();
            self.depth -= 1;
            return origin;
        }
        match name.as_str() {
            "walk" => {
                self.give_up(&format!("`{name}`"), whole);
                Origin::default()
            }
            // What is left of it stands where it stood, and compared it speaks of the whole.
            "json.filter" | "json.remove" | "object.filter" | "object.remove" => {
                let of = values.into_iter().next().unwrap_or_default();
                of.clone().into_derived().join(of)
            }
            "array.concat" | "array.slice" | "array.reverse" | "union" | "intersection" | "sort" | "object.union" => {
                let of = values.into_iter().fold(Origin::default(), Origin::join);
                of.clone().into_derived().join(of)
            }
            "max" | "min" => values.into_iter().fold(Origin::default(), Origin::join).step(&Segment::Any),
            _ => {
                if COMPARE.contains(&name.as_str()) {
                    values.iter().zip(params).for_each(|(value, param)| self.take_whole(&value.derived, param));
                }
                values.into_iter().fold(Origin::default(), Origin::join).into_derived()
            }
        }
    }

    fn object_get(&mut self, whole: &Expr, params: &[regorus::unstable::Ref<Expr>], scope: &mut Scope) -> Origin {
        self.asks_truth = false;
        let mut origin = match params[0].as_ref() {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(&params[0], scope),
            other => self.operand(other, scope),
        };
        let keys: Vec<&Expr> = match params[1].as_ref() {
            Expr::Array { items, .. } => items.iter().map(AsRef::as_ref).collect(),
            one => vec![one],
        };
        let outer = self.context;
        // What was not collected is answered by the value that it brings.
        (self.context.excused, self.context.seeking) = (true, true);
        self.note(&origin, Role::Excused, &params[0]);
        for key in keys {
            self.context.seeking = outer.seeking;
            let key = self.expr(key, scope, Role::Value);
            self.context.seeking = true;
            origin = origin.look_up(&key);
        }
        self.note(&origin, Role::Excused, whole);
        self.context = outer;
        for default in params.iter().skip(2) {
            self.operand(default, scope);
        }
        origin
    }

    /// What a reference stands for, without noting that it is read.
    fn reference(&mut self, expr: &Expr, scope: &mut Scope) -> Origin {
        let Some(reference) = Reference::of(expr) else { return Origin::default() };
        let mut origin = match reference.variable() {
            Some(name) => self.variable(name, scope),
            None => self.expr(reference.root, scope, Role::Value),
        };
        for step in &reference.steps {
            origin = match step {
                Step::Key(key) => origin.step(&Segment::Key((*key).to_owned())),
                Step::Number(Expr::Number { value, .. }) => {
                    let at = value.as_u64().ok().and_then(|at| usize::try_from(at).ok());
                    origin.step(&at.map_or(Segment::Any, Segment::Index))
                }
                Step::Number(_) => origin.step(&Segment::Any),
                Step::Variable(index, name) => {
                    if scope.contains_key(*name) || self.rules.local(self.module, name).is_some() {
                        let key = self.expr(index, scope, Role::Value);
                        origin.look_up(&key)
                    } else {
                        if !origin.paths.is_empty() {
                            // An index that nothing binds iterates.
                            let role = if self.iterated { Role::List } else { Role::FirstList };
                            self.iterated = true;
                            self.note(&origin, role, expr);
                        }
                        origin.step(&Segment::Any)
                    }
                }
                Step::Dynamic(index) => {
                    let key = self.expr(index, scope, Role::Value);
                    origin.look_up(&key)
                }
            };
            origin = self.through_rules(origin);
        }
        origin
    }

    fn variable(&mut self, name: &str, scope: &Scope) -> Origin {
        if let Some(origin) = scope.get(name) {
            return origin.clone();
        }
        let key = |name: &str| Segment::Key(name.to_owned());
        if name == "input" {
            return self.input.clone();
        }
        if name == "data" {
            return Origin::path(Path::new(vec![key(name)]));
        }
        let import =
            self.rules.modules[self.module].imports().find(|(alias, ..)| alias == name).map(|(_, path, _)| path);
        if let Some(path) = import {
            if path.first().is_some_and(|root| root == "input") {
                return path[1..].iter().fold(self.input.clone(), |origin, step| origin.step(&key(step)));
            }
            let origin = Origin::path(Path::new(path.iter().map(|step| key(step)).collect()));
            return self.through_rules(origin);
        }
        match self.rules.local(self.module, name) {
            Some(path) => {
                let path = std::iter::once("data").chain(path.iter().map(String::as_str)).map(key).collect();
                self.through_rules(Origin::path(Path::new(path)))
            }
            None => Origin::default(),
        }
    }

    /// Replaces paths that lead to rules by what those rules' values come from.
    fn through_rules(&mut self, origin: Origin) -> Origin {
        let mut out = Origin { paths: BTreeMap::new(), ..origin };
        for (path, met) in origin.paths {
            let keys: Option<DataPath> = (path.key(0) == Some("data"))
                .then(|| (1..path.segments().len()).map_while(|at| path.key(at)).map(str::to_owned).collect());
            match keys.map(|keys| self.rules.resolve(&keys)) {
                Some(Target::Rule(rule, _)) => {
                    let mut value = self.rule_value(&rule);
                    for segment in &path.segments()[rule.len() + 1..] {
                        value = value.step(segment);
                    }
                    out = out.join(value);
                }
                Some(Target::Package) => {
                    let segments = &path.segments()[1..];
                    let rules: Vec<_> = (self.rules.paths())
                        .map(|(rule, _)| rule)
                        .filter(|rule| rule.len() <= segments.len() && leads_to(&segments[..rule.len()], rule))
                        .cloned()
                        .collect();
                    for rule in rules {
                        let value = self.rule_value(&rule);
                        out = out.join(segments[rule.len()..].iter().fold(value, |value, segment| value.step(segment)));
                    }
                    // Documents, or further rules.
                    let is_below = |(rule, _): (&DataPath, _)| rule.len() > segments.len() && leads_to(segments, rule);
                    if matches!(segments, [] | [Segment::Any]) || self.rules.paths().any(is_below) {
                        out.paths.insert(path, met);
                    }
                }
                _ => {
                    out.paths.insert(path, met);
                }
            }
        }
        out
    }
}

/// The statements of a body so that each stands behind those that bind its variables, as the engine orders them.
fn in_order(query: &Query) -> Vec<&LiteralStmt> {
    let mut waiting: Vec<_> = query
        .stmts
        .iter()
        .map(|statement| {
            let mut binds = BTreeSet::new();
            match &statement.literal {
                Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(|p| variables(p, &mut binds)),
                Literal::Expr { expr, .. } => {
                    if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                        variables(lhs, &mut binds);
                    }
                }
                _ => {}
            }
            let mut uses = BTreeSet::new();
            visit_statement(statement, &mut |node| {
                if let Node::Reference(reference, _) = node {
                    uses.extend(reference.variable().map(str::to_owned));
                }
            });
            (statement, binds, uses)
        })
        .collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|(statement, own, uses)| {
            waiting.iter().all(|(other, binds, _)| {
                std::ptr::eq(*statement, *other) || binds.iter().all(|name| own.contains(name) || !uses.contains(name))
            })
        });
        ordered.push(waiting.remove(ready.unwrap_or(0)).0);
    }
    ordered
}

/// Whether a rule lies at a path or below it.
fn leads_to(segments: &[Segment], rule: &DataPath) -> bool {
    segments.iter().zip(rule).all(|(segment, key)| match segment {
        Segment::Key(known) => known == key,
        Segment::Any => true,
        Segment::Index(_) => false,
    })
}

fn is_literal(expr: &Expr, word: &str) -> bool {
    matches!(expr, Expr::Bool { span, .. } if span.text() == word)
}

fn is_reference(expr: &Expr) -> bool {
    matches!(expr, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. })
}

/// Whether an expression is a list, a set or an object of the policy's own.
fn is_collection(expr: &Expr, origin: &Origin) -> bool {
    let makes_set = |name: &str| matches!(name, "object.keys" | "union" | "intersection");
    match expr {
        Expr::Array { .. }
        | Expr::Set { .. }
        | Expr::Object { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. } => true,
        Expr::Call { fcn, .. } => {
            origin.is_made() || Reference::of(fcn).is_some_and(|name| makes_set(&name.full_path().join(".")))
        }
        _ => origin.is_made(),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use super::*;
    use crate::{
        policy::{Module, syntax},
        source::SourceFile,
    };

    /// The reads of `data.p.violation`, one a line: path, role, and whether it stands under a negation.
    fn found(text: &str) -> BTreeSet<String> {
        let module = Module::of_file(SourceFile::new("p.rego", format!("package p\n{text}")), false);
        let rules = Rules::new(vec![syntax::parse(module).unwrap()]);
        let entry = vec!["p".to_owned(), "violation".to_owned()];
        let reads = crate::policy::with_room(|| reads(&rules, std::iter::once(&entry), None));
        reads
            .uses
            .iter()
            .map(|one| {
                let sought = match (one.negated, one.sought) {
                    (true, true) => " negated",
                    (false, true) => " sought",
                    (true, false) => " negated, met",
                    (false, false) => "",
                };
                format!("{} {:?}{sought}", one.path, one.role)
            })
            .collect()
    }

    fn assert_reads(text: &str, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(found(text), expected, "{text}");
    }

    #[test]
    fn iterations_helpers_functions_and_aliases_are_followed() {
        assert_reads(
            "violation contains e.server if { some e in input.t.edges; e.client == \"a\" }",
            &[
                "input.t.edges FirstList",
                "input.t.edges List",
                "input.t.edges[_].client Value",
                "input.t.edges[_].server Value",
            ],
        );
        assert_reads(
            "violation contains 1 if { some e in edges; f(e) }\nedges := input.t.edges\nf(x) if x.ms > 3",
            &[
                "input.t.edges Name",
                "input.t.edges FirstList",
                "input.t.edges List",
                "input.t.edges[_] Name",
                "input.t.edges[_].ms Value",
            ],
        );
        assert_reads(
            "import input.t as facts\nviolation contains 1 if facts.edges[i].ms > 3",
            &["input.t.edges FirstList", "input.t.edges List", "input.t.edges[_].ms Value"],
        );
        assert_reads(
            "violation contains 1 if { some a in input.x; some b in input.y; a == b }",
            &["input.x FirstList", "input.x List", "input.x[_] Value", "input.y List", "input.y[_] Value"],
        );
        assert_reads(
            "violation contains n if { n := count([e | some e in input.x; e.flag]); n > 3 }",
            &[
                "input.x FirstList negated",
                "input.x List negated",
                "input.x[_] List sought",
                "input.x[_] Value negated",
                "input.x[_].flag Truth negated",
            ],
        );
    }

    #[test]
    fn roles_say_what_absence_means() {
        assert_reads("violation contains 1 if input.x.y > 3", &["input.x.y Value"]);
        assert_reads("violation contains 1 if input.x.flag", &["input.x.flag Truth"]);
        assert_reads("violation contains 1 if input.x.flag == true", &["input.x.flag Truth"]);
        assert_reads("violation contains 1 if not input.x.y", &["input.x.y Absence negated"]);
        assert_reads("violation contains 1 if not input.x.y == 3", &["input.x.y Absence negated"]);
        assert_reads("violation contains 1 if not input.x.y < 3", &["input.x.y Value negated"]);
        assert_reads("violation contains 1 if not startswith(input.x.y, \"a\")", &["input.x.y Value negated"]);
        assert_reads(
            "violation contains 1 if object.get(input.x, \"y\", 0) > 3",
            &["input.x Excused sought", "input.x.y Excused sought"],
        );
        assert_reads(
            "violation contains 1 if not input.x.y in data.design.z",
            &["data.design.z Value negated", "input.x.y Value negated"],
        );
    }

    #[test]
    fn what_was_met_outside_is_not_looked_for_inside() {
        assert_reads(
            "violation contains 1 if { some e in input.x; not f(e) }\nf(e) if e.name in {n | some n in input.y}",
            &[
                "input.x FirstList",
                "input.x List negated, met",
                "input.x[_] Name negated, met",
                "input.x[_].name Value negated, met",
                "input.y FirstList negated",
                "input.y List negated",
                "input.y[_] Value negated",
            ],
        );
        // The whole list is no element.
        assert_reads(
            "violation contains 1 if { x := input.x; not 3 in x }",
            &["input.x Name", "input.x Value negated"],
        );
    }

    #[test]
    fn what_is_taken_as_a_whole_is_looked_for() {
        assert_reads("violation contains 1 if count(input.x) < 2", &["input.x List sought", "input.x Value sought"]);
        assert_reads("violation contains 1 if lower(input.x) == \"a\"", &["input.x List sought", "input.x Value"]);
        assert_reads(
            "violation contains 1 if { some e in input.x; lower(e.name) == \"a\" }",
            &["input.x FirstList", "input.x List", "input.x[_].name Value"],
        );
        assert_reads("violation contains 1 if { n := input.x - input.y; n > 2 }", &["input.x Value", "input.y Value"]);
        assert_reads(
            "violation contains 1 if { some e in input.x; count(e.tags) < 2 }",
            &["input.x FirstList", "input.x List", "input.x[_].tags Value"],
        );
        assert_reads("violation contains 1 if max([input.x, input.y]) > 2", &["input.x Value", "input.y Value"]);
    }

    #[test]
    fn a_default_speaks_where_the_others_fail() {
        assert_reads(
            "violation contains 1 if m == 1\ndefault m := 1\nm := 2 if input.x.y",
            &["input.x.y Truth negated"],
        );
        assert_reads("violation contains 1 if m\ndefault m := false\nm if input.x.y", &["input.x.y Truth"]);
        assert_reads(
            "violation contains 1 if m == 1\nm := 2 if {\n\tinput.x.y\n} else := 1 if input.x.z",
            &["input.x.y Truth negated", "input.x.z Truth"],
        );
    }

    #[test]
    fn what_stands_under_with_is_read_from_what_it_says() {
        assert_reads(
            "violation contains 1 if f with input as input.x\nf if input.y > 2",
            &["input.x Value", "input.x.y Value"],
        );
        assert_reads(
            "violation contains 1 if f with input.x as input.z\nf if input.x.y > input.w",
            &["input.w Value", "input.z Value", "input.z.y Value"],
        );
    }

    #[test]
    fn a_key_may_be_any_of_a_few_constants() {
        for (text, expected) in [
            ("s := \"x\"\nviolation contains 1 if input[s].bad", &["input.x.bad Truth"][..]),
            ("f(s) := input[s].ms\nviolation contains 1 if f(\"x\") > 3", &["input.x.ms Name"]),
            (
                "violation contains 1 if { some s in [\"x\", \"y\"]; input[s].bad }",
                &["input.x.bad Truth", "input.y.bad Truth"],
            ),
            (
                "violation contains 1 if { some s in {\"x\", input.z}; input[s].bad }",
                &["input.x.bad Truth", "input.z Value", "input[_].bad Truth"],
            ),
        ] {
            assert_reads(text, expected);
        }
    }

    #[test]
    fn statements_may_stand_before_what_binds_their_variables() {
        assert_reads("violation contains 1 if { x.ms > 3; x := input.t }", &["input.t Name", "input.t.ms Value"]);
    }

    #[test]
    fn a_chain_of_rules_is_analysed_in_linear_time() {
        let mut text = "violation contains 1 if r0\nr200 if input.x.y\n".to_owned();
        for at in 0..200 {
            let next = at + 1;
            writeln!(text, "r{at} if {{ r{next}; r{next} }}").unwrap();
        }
        assert_reads(&text, &["input.x.y Truth"]);
    }
}
