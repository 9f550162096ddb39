//! From the syntax tree to the table of statements and the rewritten text, in one walk.

mod expr;
mod names;
mod statement;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleAssign, RuleHead};

pub(in crate::evaluate) use self::names::{has_wildcard, iterates};
use self::{
    expr::texts,
    names::{Names, mentioned},
    statement::is_true,
    text::{Edit, one_line, spliced},
};
use super::{
    AT, Body, Form, Head, Kind, Known, MADE, Need, Operand, Origin, Program, Root, Side, Slot, Statement, Text,
    order::order as order_of,
};
use crate::{
    policy::{
        DataPath, Module, Piece, Rules, is_rule_word,
        rules::head_path,
        syntax::{Parsed, Reference, Step},
        test_name,
        walk::variables,
    },
    source::Span,
};

/// The variable that holds what a head makes; it sorts behind what people write, so that it is made last.
const HEAD: &str = "zzz__head";

/// What the names of the functions begin with that ask whether a condition is reached.
const REACHED: &str = "zzz__reached_";
/// The same of those that ask for the cases of a test.
const CASES: &str = "zzz__cases_";

/// The rules with only those heads rewritten that the engine gets wrong: an object in the head of a set of which a
/// field is undefined loses the whole set. As a variable of the body it loses only that element, as in OPA.
///
/// Behind each module stand functions that ask whether any binding reaches the last condition of a body. The engine
/// leaves them at the first that does, and unlike rules they do not show among the values of their package.
pub(in crate::evaluate) fn plain(rules: &Rules) -> Plain {
    let mut builder = Builder::new(rules, false);
    let modules = builder.modules();
    Plain { modules, reached: builder.reached, cases: builder.cases }
}

/// The rules to evaluate without a trace.
pub(in crate::evaluate) struct Plain {
    pub(in crate::evaluate) modules: Vec<Module>,
    /// Of a body, by the number it has in the program: the call that is true if its last condition is reached.
    pub(in crate::evaluate) reached: BTreeMap<usize, String>,
    /// Of the body of a test with cases: the call that gives the keys of all that are tried.
    pub(in crate::evaluate) cases: BTreeMap<usize, String>,
}

/// The variables that the body of a module's only rule binds, and of each of its statements whether it has an output
/// argument.
pub(in crate::evaluate) fn bound(rules: &Rules, module: usize, query: &Query) -> (BTreeSet<String>, Vec<bool>) {
    let mut builder = Builder::new(rules, false);
    builder.module = module;
    let place = builder.parsed().place(&query.span);
    let body = builder.new_body(Kind::Value, None, Vec::new(), place);
    let names = builder.names(body, query).all;
    let has_output = |statement: &LiteralStmt| match &statement.literal {
        Literal::Expr { expr, .. } => builder.output(expr).is_some(),
        _ => false,
    };
    (names, query.stmts.iter().map(has_output).collect())
}

pub(super) fn program(rules: &Rules) -> Program {
    let mut builder = Builder::new(rules, true);
    let modules = builder.modules();
    let mut program = Program {
        modules,
        bodies: builder.bodies,
        rules: builder.of_rule,
        arguments: BTreeMap::new(),
        defaults: builder.defaults,
    };
    for (at, body) in program.bodies.iter().enumerate() {
        for statement in body.all() {
            for call in statement.calls.iter().filter(|call| !call.arguments.is_empty()) {
                let origins = call.arguments.iter().map(|argument| {
                    let (root, hops) = match argument {
                        Operand::Read(read) => {
                            let origin = &statement.reads[*read].origin;
                            (origin.root.clone(), origin.hops.clone())
                        }
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
    cases: BTreeMap<usize, String>,
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
            cases: BTreeMap::new(),
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
        let keys: Vec<Step<'_>> = match head {
            RuleHead::Compr { refr, .. } => Reference::of(refr).map_or_else(Vec::new, |reference| {
                let fixed = reference.full_path().len().saturating_sub(1);
                reference.steps[fixed..].to_vec()
            }),
            _ => Vec::new(),
        };
        let keyed = keys.len();
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
            self.ask_cases(body, &one.query, &keys);
            let (pieces, is_moved) = self.query(body, &one.query, value);
            self.keys(body, &keys);
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
            keys: Vec::new(),
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

    /// Finds where the keys of an entry come from.
    fn keys(&mut self, body: usize, keys: &[Step<'_>]) {
        let mut statement = Statement::empty(self.bodies[body].place.clone());
        let mut origins = Vec::new();
        for key in keys {
            let (Step::Variable(expr, _) | Step::Dynamic(expr) | Step::Number(expr)) = key else {
                origins.push(None);
                continue;
            };
            let mut context = Context {
                body,
                statement: &mut statement,
                edits: &mut Vec::new(),
                negated: false,
                prefix: HEAD.to_owned(),
                names: &mut Names::default(),
            };
            let operand = self.expr(expr, Need::Excused, &mut context);
            origins.push(match operand {
                Operand::Read(read) => Some(statement.reads[read].origin.clone()),
                _ => None,
            });
        }
        self.bodies[body].keys = origins;
    }

    /// Writes the function that asks for the keys of all cases that the body of a test tries: those of all bindings,
    /// from where its keys are known. What fails before that has no name.
    fn ask_cases(&mut self, body: usize, query: &Query, keys: &[Step<'_>]) {
        let Some(segments) = test_name(&self.rule[self.parsed().package().len()..]) else { return };
        let fixed = self.rule[self.parsed().package().len() + segments..].iter();
        let quoted = |key: &str| serde_json::Value::from(key).to_string();
        let mut texts: Vec<String> = fixed.map(|key| quoted(key)).collect();
        if self.probes || keys.is_empty() && texts.is_empty() {
            return;
        }
        let mut wanted = BTreeSet::new();
        for key in keys {
            let (expr, text) = match key {
                Step::Key(key) => {
                    texts.push(quoted(key));
                    continue;
                }
                Step::Variable(expr, _) | Step::Dynamic(expr) | Step::Number(expr) => {
                    (expr, self.text(self.parsed().span_of(expr)))
                }
            };
            mentioned(expr, &mut wanted);
            texts.push(text);
        }
        let names = self.names(body, query);
        wanted.retain(|name| names.all.contains(name));
        let definitions: Vec<_> = query.stmts.iter().map(|statement| self.definitions(statement, &names)).collect();
        let mut prefix = Vec::new();
        for written in order_of(&definitions) {
            if wanted.is_empty() {
                break;
            }
            for (name, _) in &definitions[written] {
                wanted.remove(name);
            }
            prefix.push(self.text(self.parsed().span(&query.stmts[written].span)));
        }
        if prefix.is_empty() {
            prefix.push("true".to_owned());
        }
        let name = format!("{CASES}{body}");
        let open = if self.parsed().module.v0 { "" } else { "if " };
        let list = format!("[[{}] | {}]", texts.join(", "), prefix.join("; "));
        self.asking.push(Piece::Insert(format!("\n{name}(_) := zzz__list {open}{{ zzz__list := {list} }}")));
        let path: DataPath = self.parsed().package().into_iter().chain([name]).collect();
        self.cases.insert(body, format!("{}(0)", crate::policy::reference(&path)));
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

fn value_of(assign: &RuleAssign) -> &Expr {
    &assign.value
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

fn is_true_only(query: &Query) -> bool {
    query.stmts.iter().all(|statement| matches!(&statement.literal, Literal::Expr { expr, .. } if is_true(expr)))
}
