//! From the syntax tree to the table of statements and the rewritten text, in one walk.

use std::collections::{BTreeMap, BTreeSet};

use regorus::{
    Value,
    unstable::{ArithOp, AssignOp, BUILTINS, BoolOp, Expr, Literal, LiteralStmt, Query, Rule, RuleAssign, RuleHead},
};

use super::{
    AT, Body, Call, Constants, Form, Head, Hop, Kind, Known, MADE, Need, Operand, Origin, Pair, Program, Read, Root,
    SEEN, Side, Slot, Statement, Text,
    order::{Definitions, order as order_of},
};
use crate::{
    policy::{
        DataPath, Module, Piece, Rules, is_rule_word,
        rules::{Target, head_path},
        syntax::{Parsed, Reference, Step, text_of},
        walk::variables,
    },
    source::Span,
};

/// The variable that holds what a head makes; it sorts behind what people write, so that it is made last.
const HEAD: &str = "zzz__head";

/// What the names of the functions begin with that ask whether a condition is reached.
const REACHED: &str = "zzz__reached_";

/// Further calls that give numbers.
const COUNTS: [&str; 5] = ["count", "indexof", "product", "strings.count", "sum"];

/// Calls that give a number of what they are given, so that what is needed of their value is needed of its.
const CONVERSIONS: [&str; 9] = [
    "abs",
    "ceil",
    "floor",
    "round",
    "time.parse_duration_ns",
    "time.parse_rfc3339_ns",
    "to_number",
    "units.parse",
    "units.parse_bytes",
];

/// Calls whose reads cannot be followed.
const UNFOLLOWED: [&str; 5] = ["walk", "json.filter", "json.remove", "object.filter", "object.remove"];

/// The rules with only those heads rewritten that the engine gets wrong: an object in the head of a set of which a
/// field is undefined loses the whole set. As a variable of the body it loses only that element, as in OPA.
///
/// Behind each module stand functions that ask whether any binding reaches the last condition of a body. The engine
/// leaves them at the first that does, and unlike rules they do not show among the values of their package.
pub(in crate::evaluate) fn plain(rules: &Rules) -> Plain {
    let mut builder = Builder::new(rules, false);
    let modules = builder.modules();
    Plain { modules, reached: builder.reached }
}

/// The rules to evaluate without a trace.
pub(in crate::evaluate) struct Plain {
    pub(in crate::evaluate) modules: Vec<Module>,
    /// Of a body, by the number it has in the program: the call that is true if its last condition is reached.
    pub(in crate::evaluate) reached: BTreeMap<usize, String>,
}

pub(super) fn program(rules: &Rules) -> Program {
    let mut builder = Builder::new(rules, true);
    let modules = builder.modules();
    let mut program = Program {
        modules,
        bodies: builder.bodies,
        rules: builder.of_rule,
        arguments: BTreeMap::new(),
        constants: builder.constants,
        defaults: builder.defaults,
    };
    for (at, body) in program.bodies.iter().enumerate() {
        for statement in body.statements.iter().chain([&body.head.statement]) {
            for call in statement.calls.iter().filter(|call| !call.arguments.is_empty()) {
                let origins = call.arguments.iter().map(|argument| {
                    let (root, hops) = match argument {
                        Operand::Read(read) => {
                            let origin = &statement.reads[*read].origin;
                            (origin.root.clone(), origin.hops.clone())
                        }
                        Operand::Slot(slot) => (Root::Slot(*slot), Vec::new()),
                        _ => (Root::Unknown, Vec::new()),
                    };
                    Origin { root: Root::Elsewhere(at, Box::new(root)), hops }
                });
                program.arguments.entry(call.rule.clone()).or_default().push(origins.collect());
            }
        }
    }
    program
}

/// A change of the text.
struct Edit {
    start: usize,
    end: usize,
    pieces: Vec<Piece>,
}

struct Builder<'a> {
    rules: &'a Rules,
    /// Whether it is to tell how it came out; else only heads are rewritten.
    probes: bool,
    module: usize,
    bodies: Vec<Body>,
    of_rule: BTreeMap<DataPath, Vec<usize>>,
    constants: BTreeMap<DataPath, Vec<Text>>,
    /// The rule that is being read.
    rule: DataPath,
    /// How many names were given to places.
    places: usize,
    defaults: BTreeSet<DataPath>,
    /// The functions that ask for the last condition of a body, and what calls them.
    asking: Vec<Piece>,
    reached: BTreeMap<usize, String>,
}

/// What an expression stands in.
struct Context<'c> {
    body: usize,
    statement: &'c mut Statement,
    edits: &'c mut Vec<Edit>,
    /// Under `not`.
    negated: bool,
    /// Names for places begin with this.
    prefix: String,
    names: &'c mut Names,
}

/// The variables that a body itself binds.
#[derive(Default)]
struct Names {
    all: BTreeSet<String>,
    /// Those that nothing has bound yet.
    unbound: BTreeSet<String>,
    /// Those that are declared with their values: a look-up by one of them waits for it.
    declared: BTreeSet<String>,
    /// Those that are ordered or computed with.
    numbers: BTreeSet<String>,
}

impl<'a> Builder<'a> {
    fn new(rules: &'a Rules, probes: bool) -> Self {
        let mut builder = Self {
            rules,
            probes,
            module: 0,
            bodies: Vec::new(),
            of_rule: BTreeMap::new(),
            constants: BTreeMap::new(),
            rule: Vec::new(),
            places: 0,
            defaults: BTreeSet::new(),
            asking: Vec::new(),
            reached: BTreeMap::new(),
        };
        builder.gather_constants();
        builder
    }

    fn parsed(&self) -> &'a Parsed {
        &self.rules.modules[self.module]
    }

    /// Rules that are nothing but lists or sets of strings.
    fn gather_constants(&mut self) {
        for (path, definitions) in self.rules.paths() {
            let [only] = definitions else { continue };
            if let Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, bodies, .. } =
                self.rules.rule(*only)
                && bodies.is_empty()
                && let Some(texts) = texts(&assign.value)
            {
                self.constants.insert(path.clone(), texts);
            }
        }
    }

    fn modules(&mut self) -> Vec<Module> {
        let mut modules = Vec::new();
        for at in 0..self.rules.modules.len() {
            self.module = at;
            let parsed = self.parsed();
            let package = parsed.package();
            let mut edits = Vec::new();
            for rule in &parsed.ast.policy {
                self.rule = package.iter().cloned().chain(head_path(rule)).collect();
                self.rule(rule, &mut edits);
            }
            let whole = Span { start: 0, end: parsed.module.text.len() };
            let mut pieces = spliced(whole, edits);
            pieces.append(&mut self.asking);
            modules.push(parsed.module.rewritten(&pieces));
        }
        modules
    }

    fn rule(&mut self, rule: &Rule, edits: &mut Vec<Edit>) {
        let Rule::Spec { head, bodies, .. } = rule else {
            self.defaults.insert(self.rule.clone());
            return;
        };
        let parsed = self.parsed();
        let mut arguments = Vec::new();
        let (kind, value): (_, Option<&Expr>) = match head {
            RuleHead::Set { key, .. } => (Kind::Elements, key.as_deref()),
            RuleHead::Compr { assign, .. } => (Kind::Value, assign.as_ref().map(value_of)),
            RuleHead::Func { args, assign, .. } => {
                for (nth, argument) in args.iter().enumerate() {
                    let mut names = BTreeSet::new();
                    variables(argument, &mut names);
                    names.remove("_");
                    let is_plain = matches!(argument.as_ref(), Expr::Var { .. });
                    arguments.extend(names.into_iter().map(|name| Slot {
                        name,
                        origin: is_plain.then_some(Known::Argument(nth)),
                        hidden: false,
                    }));
                }
                (Kind::Function, assign.as_ref().map(value_of))
            }
        };
        // `by_name[x.name] := x` has one entry for each name.
        let keyed = match head {
            RuleHead::Compr { refr, .. } => Reference::of(refr)
                .map_or(0, |reference| (reference.steps.len() + 1).saturating_sub(reference.full_path().len())),
            _ => 0,
        };
        let place = parsed.place(rule.span());
        if bodies.is_empty() {
            let Some(value) = value else { return };
            let body = self.new_body(kind, None, arguments, place);
            self.bodies[body].keyed = keyed;
            let span = parsed.span_of(value);
            let made = self.finish(body, Some(value));
            if let Some(made) = made {
                let open = if parsed.module.v0 { " { " } else { " if { " };
                let mut pieces = vec![Piece::Insert(format!("{HEAD}{open}"))];
                if self.probes {
                    pieces.push(Piece::Insert(format!("{AT}({body}, 0, {}); ", self.variables(body))));
                }
                pieces.extend(made);
                pieces.push(Piece::Insert(" }".to_owned()));
                edits.push(Edit { start: span.start, end: span.end, pieces });
            }
            return;
        }
        let is_open = matches!(head, RuleHead::Set { .. });
        let mut head_is_moved = false;
        for (nth, one) in bodies.iter().enumerate() {
            let own: Option<&Expr> = one.assign.as_ref().map(value_of);
            let value = own.or(if nth == 0 || is_open { value } else { None });
            let body = self.new_body(kind, None, arguments.clone(), place.clone());
            self.bodies[body].keyed = keyed;
            self.bodies[body].is_fallback = one.is_else && is_true_only(&one.query);
            let (pieces, is_moved) = self.query(body, &one.query, value);
            let mut span = self.query_span(&one.query);
            let (mut open, mut close) = ("{ ", " }");
            if one.query.stmts.is_empty() {
                // An `else` without condition ends with its value.
                let Some(own) = own.filter(|_| self.probes) else { continue };
                let end = parsed.span_of(own).end;
                span = Span { start: end, end };
                open = if parsed.module.v0 { " { " } else { " if { " };
            } else if self.is_braced(&one.query, span.start) {
                (open, close) = ("", "");
            }
            let mut all = vec![Piece::Insert(open.to_owned())];
            all.extend(pieces);
            all.push(Piece::Insert(close.to_owned()));
            edits.push(Edit { start: span.start, end: span.end, pieces: all });
            if let (true, Some(value)) = (is_moved, value) {
                if own.is_some() || !head_is_moved {
                    let span = parsed.span_of(value);
                    edits.push(Edit { start: span.start, end: span.end, pieces: vec![Piece::Insert(HEAD.to_owned())] });
                }
                head_is_moved |= own.is_none();
            }
        }
    }

    /// The bytes of a body's statements.
    fn query_span(&self, query: &Query) -> Span {
        let span = |statement: &LiteralStmt| self.parsed().span(&statement.span);
        let start = query.stmts.iter().map(|statement| span(statement).start).min().unwrap_or(0);
        let end = query.stmts.iter().map(|statement| span(statement).end).max().unwrap_or(start);
        Span { start, end }
    }

    fn is_braced(&self, query: &Query, start: usize) -> bool {
        let span = self.parsed().span(&query.span);
        span.start < start && self.parsed().module.text.as_bytes().get(span.start) == Some(&b'{')
    }

    fn new_body(
        &mut self,
        kind: Kind,
        parent: Option<(usize, usize)>,
        slots: Vec<Slot>,
        place: crate::source::Place,
    ) -> usize {
        let outer = slots.len();
        self.bodies.push(Body {
            rule: self.rule.clone(),
            kind,
            parent,
            slots,
            outer,
            statements: Vec::new(),
            head: Head { statement: Statement::empty(place.clone()), origin: None },
            place,
            is_fallback: false,
            seen: 0,
            keyed: 0,
        });
        let at = self.bodies.len() - 1;
        if parent.is_none() {
            self.of_rule.entry(self.rule.clone()).or_default().push(at);
        }
        at
    }

    /// The text of a body's statements and its head; and whether the head became a variable.
    fn query(&mut self, body: usize, query: &Query, head: Option<&Expr>) -> (Vec<Piece>, bool) {
        let mut names = self.names(body, query);
        let definitions: Vec<_> = query.stmts.iter().map(|statement| self.definitions(statement, &names)).collect();
        let order = if self.probes { order_of(&definitions) } else { (0..query.stmts.len()).collect() };
        let mut pieces = Vec::new();
        let mut each = Vec::new();
        for written in order {
            let statement = &query.stmts[written];
            if !pieces.is_empty() {
                pieces.push(Piece::Insert("; ".to_owned()));
            }
            let nth = self.bodies[body].statements.len();
            if self.probes {
                pieces.push(Piece::Insert(format!("{AT}({body}, {nth}, {}); ", self.variables(body))));
            }
            let prefix = definitions[written].iter().map(|(name, _)| name.as_str()).min().unwrap_or("").to_owned();
            let of_statement = self.statement(body, statement, written, prefix, &mut names);
            if !self.probes {
                each.push(of_statement.clone());
            }
            pieces.extend(of_statement);
        }
        if !self.probes {
            self.ask(body, &order_of(&definitions), &each);
        }
        self.mark_builders(body, query, head);
        let made = self.finish(body, head);
        let is_moved = made.is_some();
        let is_nested = self.bodies[body].parent.is_some();
        let end = self.bodies[body].statements.len();
        if self.probes && (is_nested || is_moved) {
            let before = if pieces.is_empty() { "" } else { "; " };
            pieces.push(Piece::Insert(format!("{before}{AT}({body}, {end}, {})", self.variables(body))));
        }
        if let Some(made) = made {
            pieces.push(Piece::Insert("; ".to_owned()));
            pieces.extend(made);
        } else if self.probes && !is_nested {
            let value = head.map_or_else(|| "true".to_owned(), |head| self.text(self.parsed().span_of(head)));
            let before = if pieces.is_empty() { "" } else { "; " };
            pieces.push(Piece::Insert(format!("{before}{MADE}({body}, {}, {value})", self.variables(body))));
        }
        (pieces, is_moved)
    }

    /// Marks the statements at the end that only put together what the head is made of.
    fn mark_builders(&mut self, body: usize, query: &Query, head: Option<&Expr>) {
        let mut wanted = BTreeSet::new();
        if let Some(head) = head {
            mentioned(head, &mut wanted);
        }
        for statement in self.bodies[body].statements.iter_mut().rev() {
            let Literal::Expr { expr, .. } = &query.stmts[statement.written].literal else { break };
            let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr.as_ref() else { break };
            let Expr::Var { span, .. } = lhs.as_ref() else { break };
            if !is_built(rhs) || !wanted.contains(span.text()) {
                break;
            }
            statement.builds = true;
            mentioned(rhs, &mut wanted);
        }
    }

    /// Writes the function that asks whether a binding reaches the last condition of one of an assumption's own bodies.
    fn ask(&mut self, body: usize, order: &[usize], each: &[Vec<Piece>]) {
        let of = &self.bodies[body];
        let name = self.rule.last().map_or("", String::as_str);
        if of.parent.is_some() || of.kind == Kind::Function || !is_rule_word(name) {
            return;
        }
        let last = order.iter().rposition(|at| of.statements[*at].form.is_condition());
        let Some(last) = last.filter(|last| *last > 0) else { return };
        let parsed = self.parsed();
        let package = parsed.package();
        if self.rule.len() != package.len() + 1 {
            return;
        }
        let is_v0 =
            parsed.module.v0 && !parsed.imports().any(|(_, path, _)| path.first().is_some_and(|root| root == "rego"));
        let open = if is_v0 { "{" } else { "if {" };
        let name = format!("{REACHED}{body}");
        self.asking.push(Piece::Insert(format!("\n{name}(_) {open} ")));
        for (nth, at) in order[..last].iter().enumerate() {
            if nth > 0 {
                self.asking.push(Piece::Insert("; ".to_owned()));
            }
            self.asking.extend(each[*at].iter().cloned());
        }
        self.asking.push(Piece::Insert(" }".to_owned()));
        let path: DataPath = package.into_iter().chain([name]).collect();
        self.reached.insert(body, format!("{}(0)", crate::policy::reference(&path)));
    }

    /// The head of a body as its last statement, where it is more than a variable or a literal. Without probes only
    /// those of sets are.
    fn finish(&mut self, body: usize, head: Option<&Expr>) -> Option<Vec<Piece>> {
        let head = head?;
        let span = self.parsed().span_of(head);
        let is_nested = self.bodies[body].parent.is_some();
        let mut statement = Statement::empty(self.parsed().module.place(span));
        statement.text = one_line(&self.text(span));
        statement.written = self.bodies[body].statements.len();
        statement.bound = self.bodies[body].slots.len();
        let mut edits = Vec::new();
        let mut context = Context {
            body,
            statement: &mut statement,
            edits: &mut edits,
            negated: false,
            prefix: HEAD.to_owned(),
            names: &mut Names::default(),
        };
        let mut origin = None;
        if matches!(head, Expr::BoolExpr { .. } | Expr::Membership { .. }) {
            self.condition(head, &mut context);
        } else {
            let operand = self.expr(head, Need::Value, &mut context);
            origin = match &operand {
                Operand::Read(read) => Some(statement.reads[*read].origin.clone()),
                Operand::Slot(slot) => Some(Origin { root: Root::Slot(*slot), hops: Vec::new() }),
                _ => None,
            };
            statement.sides = vec![Side { text: statement.text.clone(), operand }];
        }
        statement.numbers.head = self.gives_number(head);
        self.bodies[body].head = Head { statement, origin };
        let is_simple = matches!(
            head,
            Expr::Var { .. }
                | Expr::String { .. }
                | Expr::RawString { .. }
                | Expr::Number { .. }
                | Expr::Bool { .. }
                | Expr::Null { .. }
        ) && !self.is_rule(head);
        if is_nested || is_simple || !self.probes && self.bodies[body].kind != Kind::Elements {
            return None;
        }
        let call = if self.probes {
            format!("{HEAD} := {MADE}({body}, {}, ", self.variables(body))
        } else {
            format!("{HEAD} := [{}, ", self.variables(body))
        };
        let mut pieces = vec![Piece::Insert(call)];
        pieces.extend(spliced(span, edits));
        pieces.push(Piece::Insert(if self.probes { ")".to_owned() } else { "][1]".to_owned() }));
        Some(pieces)
    }

    fn is_rule(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Var { span, .. } if self.rules.local(self.module, span.text()).is_some() || span.text() == "input")
    }

    /// The variables bound so far, as a list for the engine; `input` comes first.
    fn variables(&self, body: usize) -> String {
        let mut text = if self.probes { "[input".to_owned() } else { "[null".to_owned() };
        for slot in self.bodies[body].slots.iter().filter(|slot| self.probes || !slot.hidden) {
            text.push_str(", ");
            text.push_str(&slot.name);
        }
        text.push(']');
        text
    }

    fn text(&self, span: Span) -> String {
        self.parsed().module.text[span.start..span.end].to_owned()
    }

    /// Whether a name is a variable that the body itself binds.
    fn is_local(&self, body: usize, name: &str) -> bool {
        !matches!(name, "_" | "input" | "data")
            && self.rules.local(self.module, name).is_none()
            && !self.parsed().imports().any(|(alias, ..)| alias == name)
            && !self.bodies[body].slots.iter().any(|slot| slot.name == name)
    }

    fn names(&self, body: usize, query: &Query) -> Names {
        let mut declared = BTreeSet::new();
        let mut used = BTreeSet::new();
        let mut named = BTreeSet::new();
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => named.extend(vars.iter().map(|name| name.text().to_owned())),
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().chain([value]).for_each(|pattern| variables(pattern, &mut declared));
                    indexes(collection, &mut used);
                }
                Literal::Expr { expr, .. } => {
                    indexes(expr, &mut used);
                    match expr.as_ref() {
                        Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } => variables(lhs, &mut declared),
                        Expr::AssignExpr { lhs, rhs, .. } => {
                            variables(lhs, &mut used);
                            variables(rhs, &mut used);
                        }
                        Expr::Call { .. } => {
                            if let Some(out) = self.output(expr) {
                                variables(out, &mut used);
                            }
                        }
                        _ => {}
                    }
                }
                Literal::NotExpr { .. } => {}
                Literal::Every { domain, .. } => indexes(domain, &mut used),
            }
        }
        declared.remove("_");
        used.retain(|name| self.is_local(body, name));
        used.extend(declared.iter().cloned().chain(named));
        Names { unbound: used.clone(), all: used, declared, numbers: numbers(query) }
    }

    /// The argument of a call that takes its result.
    fn output<'e>(&self, expr: &'e Expr) -> Option<&'e Expr> {
        let Expr::Call { fcn, params, .. } = expr else { return None };
        let reference = Reference::of(fcn)?;
        let path = reference.full_path();
        let arity = match self.function(&path) {
            Some(rule) => {
                let id = *self.rules.definitions(&rule).first()?;
                crate::policy::rules::arity(self.rules.rule(id))?
            }
            None => usize::from(BUILTINS.get(path.join(".").as_str())?.1),
        };
        (params.len() == arity + 1).then(|| params.last()).flatten().map(AsRef::as_ref)
    }

    /// The rule that a call means, if it is one of the policies'.
    fn function(&self, path: &[String]) -> Option<DataPath> {
        let (root, rest) = path.split_first()?;
        let target: DataPath = if root == "data" {
            rest.to_vec()
        } else {
            self.rules.local(self.module, root)?.into_iter().chain(rest.iter().cloned()).collect()
        };
        (!self.rules.definitions(&target).is_empty()).then_some(target)
    }

    /// What a statement defines, as the engine sees it.
    fn definitions(&self, statement: &LiteralStmt, names: &Names) -> Definitions {
        let (locals, declared) = (&names.all, &names.declared);
        let used = |expr: &Expr| {
            let mut names = BTreeSet::new();
            mentioned(expr, &mut names);
            names.retain(|name| locals.contains(name));
            names
        };
        let mut with: BTreeSet<String> = BTreeSet::new();
        for one in &statement.with_mods {
            with.extend(used(&one.r#as));
        }
        let mut out: Definitions = Vec::new();
        let places = |expr: &Expr, out: &mut Definitions| {
            let mut names = BTreeSet::new();
            indexes(expr, &mut names);
            names.retain(|name| !declared.contains(name));
            for name in names.into_iter().filter(|name| locals.contains(name)) {
                let mut needs = used(expr);
                needs.remove(&name);
                // What else the same expression looks up by is found in it too.
                let mut others = BTreeSet::new();
                indexes(expr, &mut others);
                others.retain(|name| !declared.contains(name));
                needs.retain(|need| !others.contains(need));
                out.push((name, needs));
            }
        };
        match &statement.literal {
            Literal::SomeVars { .. } => out.push((String::new(), BTreeSet::new())),
            Literal::SomeIn { key, value, collection, .. } => {
                let mut names = BTreeSet::new();
                key.iter().chain([value]).for_each(|pattern| variables(pattern, &mut names));
                names.remove("_");
                places(collection, &mut out);
                let needs: BTreeSet<_> = used(collection).union(&with).cloned().collect();
                if names.is_empty() {
                    out.push((String::new(), needs));
                } else {
                    out.extend(names.into_iter().map(|name| (name, needs.clone())));
                }
            }
            Literal::Expr { expr, .. } => {
                places(expr, &mut out);
                match expr.as_ref() {
                    Expr::AssignExpr { lhs, rhs, .. } => {
                        for (pattern, other) in [(lhs, rhs), (rhs, lhs)] {
                            let mut names = BTreeSet::new();
                            if matches!(pattern.as_ref(), Expr::Var { .. } | Expr::Array { .. } | Expr::Object { .. }) {
                                variables(pattern, &mut names);
                            }
                            names.retain(|name| locals.contains(name));
                            let needs: BTreeSet<_> = used(other).union(&with).cloned().collect();
                            if names.is_empty() {
                                out.push((String::new(), needs));
                            } else {
                                out.extend(names.into_iter().map(|name| {
                                    let needs = needs.iter().filter(|need| **need != name).cloned().collect();
                                    (name, needs)
                                }));
                            }
                        }
                    }
                    Expr::Call { params, .. } if self.output(expr).is_some() => {
                        let mut names = BTreeSet::new();
                        if let Some(out) = self.output(expr) {
                            variables(out, &mut names);
                        }
                        names.retain(|name| locals.contains(name));
                        let mut needs = with.clone();
                        params[..params.len() - 1].iter().for_each(|param| needs.extend(used(param)));
                        if names.is_empty() {
                            out.push((String::new(), needs));
                        } else {
                            out.extend(names.into_iter().map(|name| (name, needs.clone())));
                        }
                    }
                    _ => out.push((String::new(), used(expr).union(&with).cloned().collect())),
                }
            }
            Literal::NotExpr { expr, .. } => {
                out.push((String::new(), used(expr).union(&with).cloned().collect()));
            }
            Literal::Every { domain, query, .. } => {
                let mut needs: BTreeSet<_> = used(domain).union(&with).cloned().collect();
                let mut inside = BTreeSet::new();
                mentioned_in(query, &mut inside);
                needs.extend(inside.into_iter().filter(|name| locals.contains(name)));
                out.push((String::new(), needs));
            }
        }
        out
    }

    /// One statement: its table entry, and its text.
    fn statement(
        &mut self,
        body: usize,
        literal: &LiteralStmt,
        written: usize,
        prefix: String,
        names: &mut Names,
    ) -> Vec<Piece> {
        let span = self.parsed().span(&literal.span);
        let mut statement = Statement::empty(self.parsed().module.place(span));
        statement.text = one_line(&self.text(span));
        statement.written = written;
        statement.bound = self.bodies[body].slots.len();
        let mut edits = Vec::new();
        let mut context = Context { body, statement: &mut statement, edits: &mut edits, negated: false, prefix, names };
        for with in &literal.with_mods {
            self.expr(&with.r#as, Need::Value, &mut context);
            if with.refr.span().text().starts_with("data") {
                context.statement.unfollowed = Some("`with data`");
            }
        }
        match &literal.literal {
            Literal::SomeVars { .. } => context.statement.form = Form::Binds,
            Literal::SomeIn { key, value, collection, .. } => {
                self.some(key.as_deref(), value, collection, &mut context);
            }
            Literal::Expr { expr, .. } => self.test(expr, &mut context),
            Literal::NotExpr { expr, .. } => {
                context.statement.form = Form::Not;
                context.negated = true;
                self.condition(expr, &mut context);
                if has_wildcard(expr) {
                    // The engine would ask of each element by itself; no element may be so.
                    context.edits.push(insert(span.start, span.start + "not".len(), "[1 |".to_owned()));
                    context.edits.push(insert(span.end, span.end, "] == []".to_owned()));
                }
            }
            Literal::Every { key, value, domain, query, .. } => {
                self.every(key.as_ref().map(regorus::unstable::Span::text), value, domain, query, &mut context);
            }
        }
        self.bodies[body].statements.push(statement);
        spliced(span, edits)
    }

    /// Makes a name for a place.
    fn place_name(&mut self, prefix: &str) -> String {
        self.places += 1;
        format!("{prefix}__at{}", self.places)
    }

    fn slot(&mut self, body: usize, name: &str, origin: Option<Known>, hidden: bool) -> usize {
        let slots = &mut self.bodies[body].slots;
        if let Some(at) = slots.iter().position(|slot| slot.name == name) {
            return at;
        }
        slots.push(Slot { name: name.to_owned(), origin, hidden });
        slots.len() - 1
    }

    fn list(&mut self, collection: &Expr, context: &mut Context<'_>) -> Option<Origin> {
        let operand = self.expr(collection, Need::List, context);
        let side = Side { text: one_line(&self.text(self.parsed().span_of(collection))), operand: operand.clone() };
        context.statement.sides.push(side);
        match operand {
            Operand::Read(read) => {
                if !context.statement.lists.contains(&read) {
                    context.statement.lists.push(read);
                }
                Some(context.statement.reads[read].origin.clone())
            }
            Operand::Slot(slot) => Some(Origin { root: Root::Slot(slot), hops: Vec::new() }),
            _ => None,
        }
    }

    fn some(&mut self, key: Option<&Expr>, value: &Expr, collection: &Expr, context: &mut Context<'_>) {
        context.statement.form = Form::Some;
        let list = self.list(collection, context);
        let mut step = None;
        match key {
            Some(Expr::Var { span, .. }) if span.text() != "_" => {
                step = Some(span.text().to_owned());
                if self.probes {
                    self.slot(context.body, span.text(), None, false);
                }
            }
            Some(wild @ Expr::Var { .. }) if self.probes => {
                let name = self.place_name(&context.prefix);
                let span = self.parsed().span_of(wild);
                context.edits.push(insert(span.start, span.end, name.clone()));
                step = Some(name);
            }
            None if self.probes => {
                let name = self.place_name(&context.prefix);
                let start = self.parsed().span_of(value).start;
                context.edits.push(insert(start, start, format!("{name}, ")));
                step = Some(name);
            }
            Some(other) => {
                self.bind(other, None, context);
            }
            None => {}
        }
        let step = step.map(|name| {
            let hidden = name.contains("__at");
            context.names.unbound.remove(&name);
            self.slot(context.body, &name, None, hidden)
        });
        let element = list.map(|mut origin| {
            origin.hops.push(step.map_or(Hop::Each(None), Hop::Slot));
            origin
        });
        self.bind(value, element, context);
    }

    /// Gives the variables of a pattern their slots.
    fn bind(&mut self, pattern: &Expr, origin: Option<Origin>, context: &mut Context<'_>) {
        match pattern {
            Expr::Var { span, .. } if !matches!(span.text(), "_" | "input" | "data") => {
                let name = span.text();
                context.names.unbound.remove(name);
                self.slot(context.body, name, origin.map(Known::At), false);
            }
            Expr::Array { items, .. } => {
                for (at, item) in items.iter().enumerate() {
                    let origin = origin.clone().map(|mut origin| {
                        origin.hops.push(Hop::Index(at));
                        origin
                    });
                    self.bind(item, origin, context);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, key, item) in fields {
                    let origin = origin.clone().zip(text_of(key)).map(|(mut origin, key)| {
                        origin.hops.push(Hop::Key(Text::new(key)));
                        origin
                    });
                    self.bind(item, origin, context);
                }
            }
            _ => {}
        }
    }

    fn every(
        &mut self,
        key: Option<&str>,
        value: &regorus::unstable::Span,
        domain: &Expr,
        query: &Query,
        context: &mut Context<'_>,
    ) {
        context.statement.form = Form::Every;
        let list = self.list(domain, context);
        let mut slots = self.bodies[context.body].slots.clone();
        let step = match key {
            Some(name) if name != "_" => Some(name.to_owned()),
            None if self.probes && value.text() != "_" => {
                let name = self.place_name(value.text());
                let start = self.parsed().span(value).start;
                context.edits.push(insert(start, start, format!("{name}, ")));
                Some(name)
            }
            _ => None,
        };
        let nth = self.bodies[context.body].statements.len();
        let place = self.parsed().place(&query.span);
        let outer = slots.len();
        let step = step.map(|name| {
            slots.push(Slot { hidden: name.contains("__at"), name, origin: None });
            slots.len() - 1
        });
        if value.text() != "_" {
            let origin = list.map(|mut origin| {
                origin.hops.push(step.map_or(Hop::Each(None), Hop::Slot));
                Known::At(origin)
            });
            slots.push(Slot { name: value.text().to_owned(), origin, hidden: false });
        }
        let inner = self.new_body(Kind::Every, Some((context.body, nth)), slots, place);
        self.bodies[inner].outer = outer;
        context.statement.nested.push(inner);
        let (pieces, _) = self.query(inner, query, None);
        let span = self.query_span(query);
        context.edits.push(Edit { start: span.start, end: span.end, pieces });
    }

    /// A statement that is an expression.
    fn test(&mut self, expr: &Expr, context: &mut Context<'_>) {
        match expr {
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                let (pattern, value): (&Expr, &Expr) = if *op == AssignOp::ColEq || is_pattern(lhs, context) {
                    (lhs, rhs)
                } else if is_pattern(rhs, context) {
                    (rhs, lhs)
                } else {
                    self.comparison(&BoolOp::Eq, lhs, rhs, context);
                    return;
                };
                context.statement.form = Form::Binds;
                let is_number =
                    matches!(pattern, Expr::Var { span, .. } if context.names.numbers.contains(span.text()));
                let need = if is_number { Need::Number } else { Need::Value };
                let side = self.side(value, need, context);
                let origin = match &side.operand {
                    Operand::Read(read) => Some(context.statement.reads[*read].origin.clone()),
                    Operand::Slot(slot) => Some(Origin { root: Root::Slot(*slot), hops: Vec::new() }),
                    _ => None,
                };
                if !matches!(pattern, Expr::Var { .. }) {
                    context.statement.form = Form::Test;
                }
                context.statement.sides.push(side);
                self.bind(pattern, origin, context);
                if let Expr::Var { span, .. } = pattern
                    && self.gives_number(value)
                    && let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == span.text())
                {
                    context.statement.numbers.slots.push(slot);
                }
            }
            Expr::Call { .. } if self.output(expr).is_some() => {
                context.statement.form = Form::Binds;
                let Expr::Call { fcn, params, .. } = expr else { return };
                let last = params.len() - 1;
                self.call(expr, fcn, &params[..last], Need::Value, context);
                self.bind(&params[last], None, context);
            }
            _ => self.condition(expr, context),
        }
    }

    /// A test, also under `not`.
    fn condition(&mut self, expr: &Expr, context: &mut Context<'_>) {
        match expr {
            Expr::BoolExpr { op, lhs, rhs, .. } => self.comparison(op, lhs, rhs, context),
            Expr::AssignExpr { lhs, rhs, .. } => self.comparison(&BoolOp::Eq, lhs, rhs, context),
            Expr::Membership { .. } => self.membership(expr, context),
            Expr::Call { fcn, params, .. } => {
                for param in params {
                    let text = one_line(&self.text(self.parsed().span_of(param)));
                    context.statement.sides.push(Side { text, operand: Operand::Unknown });
                }
                let operands = self.call(expr, fcn, params, Need::Truth, context);
                for (side, operand) in context.statement.sides.iter_mut().zip(operands) {
                    side.operand = operand;
                }
            }
            _ => {
                let need = if context.negated { Need::Absence } else { Need::Truth };
                let operand = self.expr(expr, need, context);
                let text = one_line(&self.text(self.parsed().span_of(expr)));
                context.statement.sides.push(Side { text, operand });
            }
        }
    }

    fn comparison(&mut self, op: &BoolOp, lhs: &Expr, rhs: &Expr, context: &mut Context<'_>) {
        let against_true = is_true(lhs) || is_true(rhs);
        let need = match op {
            BoolOp::Eq if context.negated => Need::Absence,
            BoolOp::Eq if against_true => Need::Truth,
            BoolOp::Ne if context.negated => Need::Negated,
            BoolOp::Eq | BoolOp::Ne => Need::Value,
            _ => Need::Number,
        };
        let left = self.side(lhs, need, context);
        let right = self.side(rhs, need, context);
        let place = context.statement.place.clone();
        match op {
            BoolOp::Eq => {
                for (one, other) in [(lhs, &right), (rhs, &left)] {
                    self.constants(one, other, false, context);
                }
            }
            BoolOp::Ne => {}
            _ => context.statement.pairs.push(Pair {
                left: left.clone(),
                right: right.clone(),
                is_arithmetic: false,
                place,
            }),
        }
        context.statement.sides.extend([left, right]);
    }

    /// Constants on one side, a read on the other.
    fn constants(&self, constant: &Expr, other: &Side, in_list: bool, context: &mut Context<'_>) {
        let Operand::Read(read) = other.operand else { return };
        let texts = match text_of(constant) {
            Some(text) => vec![Text::new(text)],
            None => match self.listed(constant) {
                Some(texts) => texts,
                None => return,
            },
        };
        let place = self.parsed().place(constant.span());
        context.statement.constants.push(Constants { read, texts, in_list, place });
    }

    /// The strings of a list that is written there or is a rule of its own; `kinds[_]` is one of them.
    fn listed(&self, expr: &Expr) -> Option<Vec<Text>> {
        if let Some(texts) = texts(expr) {
            return Some(texts);
        }
        let reference = Reference::of(expr)?;
        let path = reference.full_path();
        let rule = self.function(&path)?;
        self.constants.get(&rule).cloned()
    }

    fn membership(&mut self, expr: &Expr, context: &mut Context<'_>) {
        let Expr::Membership { key, value, collection, .. } = expr else { return };
        let need = if context.negated { Need::Negated } else { Need::Value };
        if let Some(key) = key {
            self.expr(key, need, context);
        }
        let left = self.side(value, need, context);
        let right = self.side(collection, need, context);
        if text_of(value).is_some() {
            self.constants(value, &right, true, context);
        }
        self.constants(collection, &left, false, context);
        context.statement.sides.extend([left, right]);
    }

    /// One side of a condition: what is more than a look-up hands over its value.
    fn side(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Side {
        let span = self.parsed().span_of(expr);
        let text = one_line(&self.text(span));
        let is_look_up = |read: &Read| matches!(read.origin.root, Root::Input | Root::Data | Root::Slot(_));
        let first = context.edits.len();
        let operand = match self.expr(expr, need, context) {
            Operand::Unknown => None,
            Operand::Read(read) if !is_look_up(&context.statement.reads[read]) => None,
            operand => Some(operand),
        };
        let operand = operand.unwrap_or_else(|| {
            if !self.probes {
                return Operand::Unknown;
            }
            let number = self.bodies[context.body].seen;
            self.bodies[context.body].seen += 1;
            if self.gives_number(expr) {
                context.statement.numbers.seen.push(number);
            }
            let inner: Vec<Edit> = context.edits.drain(first..).collect();
            let mut pieces = vec![Piece::Insert(format!("{SEEN}({}, {number}, ", context.body))];
            pieces.extend(spliced(span, inner));
            pieces.push(Piece::Insert(")".to_owned()));
            context.edits.push(Edit { start: span.start, end: span.end, pieces });
            Operand::Seen(number)
        });
        Side { text, operand }
    }

    /// Any expression.
    fn expr(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Operand {
        let inner = if context.negated { Need::Negated } else { Need::Value };
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr, need, context),
            Expr::String { value, .. }
            | Expr::RawString { value, .. }
            | Expr::Number { value, .. }
            | Expr::Bool { value, .. }
            | Expr::Null { value, .. } => Operand::Literal(value.clone()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                for item in items {
                    self.expr(item, inner, context);
                }
                literal(expr).map_or(Operand::Unknown, Operand::Literal)
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key, inner, context);
                    self.expr(value, inner, context);
                }
                Operand::Unknown
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(expr, query, &[term], context);
                Operand::Unknown
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.comprehension(expr, query, &[key, value], context);
                Operand::Unknown
            }
            Expr::UnaryExpr { expr: inner, .. } => {
                self.expr(inner, Need::Number, context);
                literal(expr).map_or(Operand::Unknown, Operand::Literal)
            }
            Expr::BinExpr { lhs, rhs, .. } | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs, inner, context);
                self.expr(rhs, inner, context);
                Operand::Unknown
            }
            Expr::ArithExpr { op, lhs, rhs, .. } => {
                let left = self.side(lhs, Need::Number, context);
                let right = self.side(rhs, Need::Number, context);
                let place = self.parsed().place(expr.span());
                let is_arithmetic = matches!(op, ArithOp::Sub);
                context.statement.pairs.push(Pair { left, right, is_arithmetic, place });
                Operand::Unknown
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let before = context.statement.sides.len();
                self.comparison(op, lhs, rhs, context);
                context.statement.sides.truncate(before);
                Operand::Unknown
            }
            Expr::Membership { .. } => {
                let before = context.statement.sides.len();
                self.membership(expr, context);
                context.statement.sides.truncate(before);
                Operand::Unknown
            }
            Expr::Call { fcn, params, .. } => {
                self.call(expr, fcn, params, need, context);
                Operand::Unknown
            }
        }
    }

    /// Whether it is a number wherever it has a value. What arithmetic computes with is looked at for itself.
    fn gives_number(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Number { .. } | Expr::ArithExpr { .. } | Expr::UnaryExpr { .. } => true,
            Expr::Call { fcn, .. } => Reference::of(fcn).is_some_and(|reference| {
                let path = reference.full_path();
                let name = path.join(".");
                let is_known = CONVERSIONS.contains(&name.as_str()) || COUNTS.contains(&name.as_str());
                is_known && self.function(&path).is_none()
            }),
            _ => false,
        }
    }

    fn comprehension(
        &mut self,
        expr: &Expr,
        query: &Query,
        terms: &[&regorus::unstable::Ref<Expr>],
        context: &mut Context<'_>,
    ) {
        let place = self.parsed().place(expr.span());
        let slots = self.bodies[context.body].slots.clone();
        let nth = self.bodies[context.body].statements.len();
        let outer = slots.len();
        let inner = self.new_body(Kind::Comprehension, Some((context.body, nth)), slots, place);
        self.bodies[inner].outer = outer;
        context.statement.nested.push(inner);
        let term = terms.last().map(AsRef::as_ref);
        let (pieces, _) = self.query(inner, query, term);
        let span = self.query_span(query);
        context.edits.push(Edit { start: span.start, end: span.end, pieces });
    }

    fn call(
        &mut self,
        whole: &Expr,
        function: &Expr,
        params: &[regorus::unstable::Ref<Expr>],
        need: Need,
        context: &mut Context<'_>,
    ) -> Vec<Operand> {
        let path = Reference::of(function).map(|reference| reference.full_path()).unwrap_or_default();
        let name = path.join(".");
        let inner = if context.negated { Need::Negated } else { Need::Value };
        if name == "object.get" && params.len() >= 2 {
            return self.object_get(whole, params, context);
        }
        if let Some(rule) = self.function(&path) {
            let arguments: Vec<_> = params.iter().map(|param| self.expr(param, inner, context)).collect();
            context.statement.calls.push(Call { rule, arguments: arguments.clone(), negated: context.negated });
            return arguments;
        }
        if UNFOLLOWED.contains(&name.as_str()) {
            context.statement.unfollowed = Some(match name.as_str() {
                "walk" => "`walk`",
                _ => "a call that takes paths out of a document",
            });
        }
        let passes = is_conversion(function) && need == Need::Number;
        params.iter().map(|param| self.expr(param, if passes { Need::Number } else { inner }, context)).collect()
    }

    fn object_get(
        &mut self,
        whole: &Expr,
        params: &[regorus::unstable::Ref<Expr>],
        context: &mut Context<'_>,
    ) -> Vec<Operand> {
        let object = self.expr(&params[0], Need::Excused, context);
        let keys: Vec<&Expr> = match params[1].as_ref() {
            Expr::Array { items, .. } => items.iter().map(AsRef::as_ref).collect(),
            one => vec![one],
        };
        let mut origin = match &object {
            Operand::Read(read) => Some(context.statement.reads[*read].origin.clone()),
            Operand::Slot(slot) => Some(Origin { root: Root::Slot(*slot), hops: Vec::new() }),
            _ => None,
        };
        for key in keys {
            let hop = match text_of(key) {
                Some(key) => Hop::Key(Text::new(key)),
                None => match self.expr(key, Need::Value, context) {
                    Operand::Read(read) if context.statement.reads[read].origin.hops.is_empty() => {
                        match context.statement.reads[read].origin.root {
                            Root::Slot(slot) => Hop::Slot(slot),
                            _ => computed(&Operand::Read(read), context.statement),
                        }
                    }
                    operand => computed(&operand, context.statement),
                },
            };
            if let Some(origin) = &mut origin {
                origin.hops.push(hop);
            }
        }
        if let Some(origin) = origin {
            let place = self.parsed().place(whole.span());
            let text = one_line(&self.text(place_span(self.parsed(), whole)));
            context.statement.reads.push(Read { origin, need: Need::Excused, negated: context.negated, text, place });
        }
        for default in params.iter().skip(2) {
            self.expr(default, Need::Value, context);
        }
        // The value is that of the call, not of the read.
        vec![Operand::Unknown; params.len()]
    }

    fn reference(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Operand {
        let Some(reference) = Reference::of(expr) else { return Operand::Unknown };
        let (root, prefix, taken) = match reference.variable() {
            None => {
                self.expr(reference.root, Need::Value, context);
                (Root::Unknown, Vec::new(), 0)
            }
            Some(name) => self.root(name, &reference, context),
        };
        let mut hops = prefix;
        let listed = match (&root, reference.root) {
            (Root::Rule(rule), _) => self.constants.get(rule).cloned(),
            (Root::Unknown, set @ Expr::Set { .. }) => texts(set),
            _ => None,
        };
        for (nth, step) in reference.steps[taken..].iter().enumerate() {
            let before = context.statement.reads.len();
            let hop = self.hop(step, context);
            if nth == 0
                && let Some(texts) = &listed
            {
                self.looked_up(step, &hop, before, texts, context);
            }
            hops.push(hop);
        }
        let iterates = hops.iter().any(|hop| matches!(hop, Hop::Each(_)));
        let span = self.parsed().span_of(expr);
        let read = Read {
            origin: Origin { root, hops },
            need,
            negated: context.negated,
            text: one_line(&self.text(span)),
            place: self.parsed().module.place(span),
        };
        let at = context.statement.reads.len();
        context.statement.reads.push(read);
        if iterates {
            context.statement.lists.push(at);
        }
        Operand::Read(at)
    }

    /// A look-up in a set of constants compares with them.
    fn looked_up(&self, step: &Step<'_>, hop: &Hop, before: usize, texts: &[Text], context: &mut Context<'_>) {
        let place = match step {
            Step::Variable(index, _) | Step::Dynamic(index) => self.parsed().place(index.span()),
            Step::Key(_) | Step::Number(_) => return,
        };
        let read = match hop {
            Hop::Slot(slot) => {
                let origin = Origin { root: Root::Slot(*slot), hops: Vec::new() };
                let text = self.bodies[context.body].slots[*slot].name.clone();
                let negated = context.negated;
                context.statement.reads.push(Read { origin, need: Need::Value, negated, text, place: place.clone() });
                context.statement.reads.len() - 1
            }
            // What stands in the brackets is the last that was read.
            Hop::Computed(_) if context.statement.reads.len() == before + 1 => before,
            _ => return,
        };
        context.statement.constants.push(Constants { read, texts: texts.to_vec(), in_list: false, place });
    }

    /// What a name stands for, with the steps an alias brings, and how many steps of the reference it takes.
    fn root(&self, name: &str, reference: &Reference<'_>, context: &mut Context<'_>) -> (Root, Vec<Hop>, usize) {
        if let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == name) {
            return (Root::Slot(slot), Vec::new(), 0);
        }
        let keys: Vec<&str> = reference.keys().collect();
        let mut path: Vec<String> = Vec::new();
        let mut own = 0;
        match name {
            "input" => return (Root::Input, Vec::new(), 0),
            "data" => {}
            _ => {
                let import = self.parsed().imports().find(|(alias, ..)| alias == name).map(|(_, path, _)| path);
                match import {
                    Some(found) if found.first().is_some_and(|root| root == "input") => {
                        let hops = found[1..].iter().map(|key| Hop::Key(Text::new(key))).collect();
                        return (Root::Input, hops, 0);
                    }
                    Some(found) => path.extend(found.into_iter().skip(1)),
                    None => match self.rules.local(self.module, name) {
                        Some(found) => path.extend(found),
                        None => return (Root::Unknown, Vec::new(), 0),
                    },
                }
                own = path.len();
            }
        }
        path.extend(keys.iter().map(|key| (*key).to_owned()));
        let target = self.rules.resolve(&path);
        if target == Target::Package {
            // Which of its rules are meant is known only where they are evaluated.
            let below: Vec<_> =
                self.rules.paths().map(|(rule, _)| rule).filter(|rule| rule.starts_with(&path)).cloned().collect();
            for rule in below {
                uses(context, &rule);
            }
            return (Root::Unknown, Vec::new(), 0);
        }
        if let Target::Rule(rule, _) = target {
            let taken = rule.len().saturating_sub(own);
            let rest = path[..own].iter().skip(rule.len());
            let hops = rest.map(|key| Hop::Key(Text::new(key))).collect();
            uses(context, &rule);
            return (Root::Rule(rule), hops, taken);
        }
        let hops = path[..own].iter().map(|key| Hop::Key(Text::new(key))).collect();
        (Root::Data, hops, 0)
    }

    fn hop(&mut self, step: &Step<'_>, context: &mut Context<'_>) -> Hop {
        match step {
            Step::Key(key) => Hop::Key(Text::new(key)),
            Step::Number(Expr::Number { value, .. }) => {
                value.as_u64().ok().and_then(|at| usize::try_from(at).ok()).map_or(Hop::Computed(None), Hop::Index)
            }
            Step::Number(_) => Hop::Computed(None),
            Step::Variable(index, "_") => {
                if !self.probes || context.negated {
                    return Hop::Each(None);
                }
                let name = self.place_name(&context.prefix);
                let span = self.parsed().span_of(index);
                context.edits.push(insert(span.start, span.end, name.clone()));
                Hop::Each(Some(self.slot(context.body, &name, None, true)))
            }
            Step::Variable(index, name) => {
                if context.names.declared.contains(*name) {
                    // Else the engine would try every key before the variable has its value.
                    let span = self.parsed().span_of(index);
                    context.edits.push(insert(span.start, span.end, format!("[{name}][0]")));
                }
                if let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == *name) {
                    return Hop::Slot(slot);
                }
                if context.names.unbound.remove(*name) {
                    return Hop::Each(Some(self.slot(context.body, name, None, false)));
                }
                let operand = self.expr(index, Need::Value, context);
                computed(&operand, context.statement)
            }
            Step::Dynamic(index) => {
                let operand = self.expr(index, Need::Value, context);
                computed(&operand, context.statement)
            }
        }
    }
}

impl Statement {
    fn empty(place: crate::source::Place) -> Self {
        Self {
            text: String::new(),
            place,
            written: 0,
            form: Form::Test,
            bound: 0,
            reads: Vec::new(),
            lists: Vec::new(),
            sides: Vec::new(),
            pairs: Vec::new(),
            constants: Vec::new(),
            numbers: super::Numbers::default(),
            calls: Vec::new(),
            nested: Vec::new(),
            unfollowed: None,
            builds: false,
        }
    }
}

/// A look-up by the value of this operand.
fn computed(operand: &Operand, statement: &Statement) -> Hop {
    Hop::Computed(match operand {
        Operand::Read(read) => Some(Box::new(statement.reads[*read].origin.clone())),
        Operand::Slot(slot) => Some(Box::new(Origin { root: Root::Slot(*slot), hops: Vec::new() })),
        _ => None,
    })
}

fn value_of(assign: &RuleAssign) -> &Expr {
    &assign.value
}

fn place_span(parsed: &Parsed, expr: &Expr) -> Span {
    parsed.span_of(expr)
}

fn is_conversion(function: &Expr) -> bool {
    let name = Reference::of(function).map(|reference| reference.full_path().join("."));
    name.is_some_and(|name| CONVERSIONS.contains(&name.as_str()))
}

/// Whether `=` only gives names to what this pattern meets.
fn is_pattern(expr: &Expr, context: &Context<'_>) -> bool {
    match expr {
        Expr::Var { span, .. } => span.text() == "_" || context.names.unbound.contains(span.text()),
        Expr::Array { items, .. } => items.iter().any(|item| is_pattern(item, context)),
        Expr::Object { fields, .. } => fields.iter().any(|(_, _, item)| is_pattern(item, context)),
        _ => false,
    }
}

/// Whether an expression makes something new of what it reads, so that its failing is no answer to a question.
fn is_built(expr: &Expr) -> bool {
    match expr {
        Expr::Object { .. } => true,
        Expr::Call { fcn, .. } => {
            let name = Reference::of(fcn).map(|reference| reference.full_path().join("."));
            matches!(name.as_deref(), Some("sprintf" | "concat"))
        }
        _ => false,
    }
}

fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Bool { value: Value::Bool(true), .. })
}

fn is_true_only(query: &Query) -> bool {
    query.stmts.iter().all(|statement| matches!(&statement.literal, Literal::Expr { expr, .. } if is_true(expr)))
}

/// A list or set of nothing but strings.
fn texts(expr: &Expr) -> Option<Vec<Text>> {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } if !items.is_empty() => {
            items.iter().map(|item| text_of(item).map(Text::new)).collect()
        }
        _ => None,
    }
}

/// The value of a literal.
fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::String { value, .. }
        | Expr::RawString { value, .. }
        | Expr::Number { value, .. }
        | Expr::Bool { value, .. }
        | Expr::Null { value, .. } => Some(value.clone()),
        Expr::UnaryExpr { expr, .. } => match expr.as_ref() {
            Expr::Number { value, .. } => Some(Value::from(-value.as_f64().ok()?)),
            _ => None,
        },
        Expr::Array { items, .. } => {
            items.iter().map(|item| literal(item)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        Expr::Set { items, .. } => {
            let items = items.iter().map(|item| literal(item)).collect::<Option<std::collections::BTreeSet<_>>>()?;
            Some(Value::from(items))
        }
        _ => None,
    }
}

/// Variables that stand in brackets, outside of comprehensions: what is not bound otherwise is bound there.
fn indexes(expr: &Expr, names: &mut BTreeSet<String>) {
    shallow(expr, &mut |expr| {
        if let Expr::RefBrack { index, .. } = expr {
            variables(index, names);
        }
    });
    names.remove("_");
}

/// Whether an expression looks up by `_`, outside of comprehensions.
fn has_wildcard(expr: &Expr) -> bool {
    let mut found = false;
    shallow(expr, &mut |expr| {
        if let Expr::RefBrack { index, .. } = expr {
            found |= matches!(index.as_ref(), Expr::Var { span, .. } if span.text() == "_");
        }
    });
    found
}

/// Every name in an expression, those in comprehensions too.
fn mentioned(expr: &Expr, names: &mut BTreeSet<String>) {
    shallow(expr, &mut |expr| match expr {
        Expr::Var { span, .. } => {
            names.insert(span.text().to_owned());
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            mentioned(term, names);
            mentioned_in(query, names);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            mentioned(key, names);
            mentioned(value, names);
            mentioned_in(query, names);
        }
        _ => {}
    });
}

fn mentioned_in(query: &Query, names: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|expr| mentioned(expr, names));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => mentioned(expr, names),
            Literal::Every { domain, query, .. } => {
                mentioned(domain, names);
                mentioned_in(query, names);
            }
        }
        statement.with_mods.iter().for_each(|with| mentioned(&with.r#as, names));
    }
}

/// Visits an expression and all in it, but not the queries of comprehensions.
fn shallow(expr: &Expr, on: &mut dyn FnMut(&Expr)) {
    on(expr);
    match expr {
        Expr::RefDot { refr, .. } => shallow(refr, on),
        Expr::RefBrack { refr, index, .. } => {
            shallow(refr, on);
            shallow(index, on);
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| shallow(item, on)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                shallow(key, on);
                shallow(value, on);
            }
        }
        Expr::Call { params, .. } => params.iter().for_each(|param| shallow(param, on)),
        Expr::UnaryExpr { expr, .. } => shallow(expr, on),
        Expr::AssignExpr { lhs, rhs, .. }
        | Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. } => {
            shallow(lhs, on);
            shallow(rhs, on);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).for_each(|expr| shallow(expr, on));
        }
        _ => {}
    }
}

/// Variables that some statement orders or computes with.
fn numbers(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &query.stmts {
        deep_statement(statement, &mut |expr| {
            let sides: [&Expr; 2] = match expr {
                Expr::BoolExpr { op: BoolOp::Lt | BoolOp::Le | BoolOp::Gt | BoolOp::Ge, lhs, rhs, .. }
                | Expr::ArithExpr { lhs, rhs, .. } => [lhs, rhs],
                _ => return,
            };
            for side in sides {
                let mut side = side;
                while let Expr::Call { fcn, params, .. } = side
                    && is_conversion(fcn)
                    && let Some(first) = params.first()
                {
                    side = first;
                }
                if let Expr::Var { span, .. } = side {
                    names.insert(span.text().to_owned());
                }
            }
        });
    }
    names
}

/// Visits every expression of a statement, those of comprehensions too.
fn deep_statement(statement: &LiteralStmt, on: &mut dyn FnMut(&Expr)) {
    match &statement.literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { collection, .. } => deep(collection, on),
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => deep(expr, on),
        Literal::Every { domain, query, .. } => {
            deep(domain, on);
            query.stmts.iter().for_each(|statement| deep_statement(statement, on));
        }
    }
}

fn deep(expr: &Expr, on: &mut dyn FnMut(&Expr)) {
    shallow(expr, &mut |expr| {
        on(expr);
        let (terms, query): (&[_], _) = match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => (&[term], query),
            Expr::ObjectCompr { key, value, query, .. } => (&[key, value], query),
            _ => return,
        };
        for term in terms {
            deep(term, on);
        }
        query.stmts.iter().for_each(|statement| deep_statement(statement, on));
    });
}

fn insert(start: usize, end: usize, text: String) -> Edit {
    Edit { start, end, pieces: vec![Piece::Insert(text)] }
}

/// Notes that a statement uses the value of a rule.
fn uses(context: &mut Context<'_>, rule: &DataPath) {
    if !context.statement.calls.iter().any(|call| call.rule == *rule && call.arguments.is_empty()) {
        let call = Call { rule: rule.clone(), arguments: Vec::new(), negated: context.negated };
        context.statement.calls.push(call);
    }
}

/// The bytes of a span with edits in it.
fn spliced(span: Span, mut edits: Vec<Edit>) -> Vec<Piece> {
    // Stable: what belongs to one place stays in the order in which it was found.
    edits.sort_by_key(|edit| (edit.start, edit.end));
    let mut pieces = Vec::new();
    let mut done = span.start;
    for edit in edits {
        if edit.start > done {
            pieces.push(Piece::Copy(done, edit.start));
        }
        pieces.extend(edit.pieces);
        done = edit.end.max(done);
    }
    if span.end > done {
        pieces.push(Piece::Copy(done, span.end));
    }
    pieces
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
