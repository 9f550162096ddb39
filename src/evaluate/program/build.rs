//! From the syntax tree to the table of statements and the rewritten text, in one walk.

mod expr;
mod names;
mod numbers;
mod statement;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use regorus::{
    Value,
    unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleAssign, RuleHead},
};

pub(in crate::evaluate) use self::names::{has_wildcard, iterates};
use self::{
    expr::texts,
    names::{Names, mentioned},
    numbers::Demand,
    statement::is_true,
    text::{Edit, one_line, spliced},
};
use super::{
    AT, Body, Constants, Form, Head, Kind, Known, MADE, Need, Operand, Origin, Program, Root, Side, Slot, Statement,
    Text, order::order as order_of,
};
use crate::{
    model::{Path, Segment},
    policy::{
        DataPath, Module, Piece, Rules, is_rule_word,
        rules::head_path,
        syntax::{Parsed, Reference, Step, text_of},
        test_name,
        walk::variables,
    },
    source::{Place, Span},
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
    let names = builder.names(body, query, &[]).all;
    let has_output = |statement: &LiteralStmt| match &statement.literal {
        Literal::Expr { expr, .. } => builder.output(expr).is_some(),
        _ => false,
    };
    (names, query.stmts.iter().map(has_output).collect())
}

pub(super) fn program(rules: &Rules) -> Program {
    let mut builder = Builder::new(rules, true);
    let modules = builder.modules();
    builder.hand_in_constants();
    let mut program = Program {
        modules,
        bodies: builder.bodies,
        rules: builder.of_rule,
        arguments: BTreeMap::new(),
        defaults: builder.defaults,
        input: Path::new(vec![Segment::Key("input".to_owned())]),
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
    /// Rules that are nothing but a string.
    names: BTreeMap<DataPath, Text>,
    /// The parameters that something is compared with.
    compared: Vec<Compared>,
    /// The strings that functions are called with.
    handed_in: Vec<HandedIn>,
    /// The rules whose values are ordered or computed with.
    demanded: BTreeSet<(DataPath, Demand)>,
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

/// A comparison of a read with a parameter.
struct Compared {
    body: usize,
    statement: usize,
    read: usize,
    nth: usize,
    in_list: bool,
}

/// Strings as an argument.
struct HandedIn {
    rule: DataPath,
    nth: usize,
    texts: Vec<Text>,
    value: Value,
    place: Place,
}

/// What an expression stands in.
struct Context<'c> {
    body: usize,
    statement: &'c mut Statement,
    edits: &'c mut Vec<Edit>,
    /// Under `not`.
    negated: bool,
    /// In the term of a comprehension, which is not rewritten.
    is_nested_head: bool,
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
            names: BTreeMap::new(),
            compared: Vec::new(),
            handed_in: Vec::new(),
            demanded: BTreeSet::new(),
            rule: Vec::new(),
            places: 0,
            defaults: BTreeSet::new(),
            asking: Vec::new(),
            reached: BTreeMap::new(),
            cases: BTreeMap::new(),
        };
        builder.gather_constants();
        builder.gather_numbers();
        builder
    }

    fn parsed(&self) -> &'a Parsed {
        &self.rules.modules[self.module]
    }

    /// Rules that are nothing but a string, or a list or set of them.
    fn gather_constants(&mut self) {
        for (path, definitions) in self.rules.paths() {
            let [only] = definitions else { continue };
            if let Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, bodies, .. } =
                self.rules.rule(*only)
                && bodies.is_empty()
            {
                if let Some(texts) = texts(&assign.value) {
                    self.constants.insert(path.clone(), texts);
                } else if let Some(text) = text_of(&assign.value) {
                    self.names.insert(path.clone(), Text::new(text));
                }
            }
        }
    }

    /// What is compared with a parameter is compared with whatever strings it is called with.
    fn hand_in_constants(&mut self) {
        for one in &self.compared {
            let body = &mut self.bodies[one.body];
            let handed_in = self.handed_in.iter().filter(|with| with.rule == body.rule && with.nth == one.nth);
            let statement = body.statements.get_mut(one.statement).unwrap_or(&mut body.head.statement);
            statement.constants.extend(handed_in.map(|with| Constants {
                read: one.read,
                texts: with.texts.clone(),
                in_list: one.in_list,
                argument: Some((with.nth, with.value.clone())),
                place: with.place.clone(),
            }));
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
                        text: None,
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
        let demands = self.head_demands(rule);
        if bodies.is_empty() {
            let Some(value) = value else { return };
            let body = self.new_body(kind, None, arguments, place);
            self.bodies[body].keyed = keyed;
            let span = parsed.span_of(value);
            let made = self.finish(body, Some(value), &demands);
            if let Some(made) = made {
                let open = if parsed.ast.rego_v1 { " if { " } else { " { " };
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
            let (pieces, is_moved) = self.query(body, &one.query, value, &demands);
            self.bodies[body].key = self.key(body, head);
            self.keys(body, &keys);
            let mut span = self.query_span(&one.query);
            let (mut open, mut close) = ("{ ", " }");
            if one.query.stmts.is_empty() {
                // An `else` without condition ends with its value.
                let Some(own) = own.filter(|_| self.probes) else { continue };
                let end = parsed.span_of(own).end;
                span = Span { start: end, end };
                open = if parsed.ast.rego_v1 { " if { " } else { " { " };
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

    /// Where the key of an entry comes from, in the head of a rule that is an object of entries.
    fn key(&mut self, body: usize, head: &RuleHead) -> Option<Origin> {
        let RuleHead::Compr { refr, .. } = head else { return None };
        let Expr::RefBrack { index, .. } = refr.as_ref() else { return None };
        if !matches!(index.as_ref(), Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }) {
            return None;
        }
        let mut statement = Statement::empty(self.parsed().place(index.span()));
        let names = &mut Names::default();
        let (edits, prefix) = (&mut Vec::new(), HEAD.to_owned());
        let mut context =
            Context { body, statement: &mut statement, edits, negated: false, is_nested_head: false, prefix, names };
        match self.expr(index, Need::Value, &mut context) {
            Operand::Read(read) if self.bodies[body].keyed == 1 => Some(statement.reads[read].origin.clone()),
            _ => None,
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
        // The span of an `else` in Rego v0 leaves its braces out.
        span.start < start && self.parsed().module.text.as_bytes().get(span.start) == Some(&b'{')
            || self.parsed().is_first_in_braces(start)
    }

    fn new_body(&mut self, kind: Kind, parent: Option<(usize, usize)>, slots: Vec<Slot>, place: Place) -> usize {
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
            key: None,
            keys: Vec::new(),
        });
        let at = self.bodies.len() - 1;
        if parent.is_none() {
            self.of_rule.entry(self.rule.clone()).or_default().push(at);
        }
        at
    }

    /// The text of a body's statements and its head; and whether the head became a variable.
    /// `demands` are made of the head.
    fn query(&mut self, body: usize, query: &Query, head: Option<&Expr>, demands: &[Demand]) -> (Vec<Piece>, bool) {
        let of_head: Vec<_> = demands.iter().filter_map(|demand| Some((head?, *demand))).collect();
        let mut names = self.names(body, query, &of_head);
        let is_measure = self.rule.last().is_some_and(|name| name == "measure" || name.starts_with("measure_"));
        if let Some(head) = head.filter(|_| is_measure && self.bodies[body].parent.is_none()) {
            names.measured = self.measured(query, head);
        }
        let definitions: Vec<_> = query.stmts.iter().map(|statement| self.definitions(statement, &names)).collect();
        let engines = order_of(&definitions);
        if !self.probes && self.is_asked(body) {
            // Whether anything reaches the last condition is asked without it.
            let last = engines.iter().rposition(|at| is_condition(&query.stmts[*at]));
            let position = |at: usize| engines.iter().position(|other| *other == at);
            names.selects.retain(|nth, _| position(nth + 1) < last);
        }
        let order = if self.probes { engines.clone() } else { (0..query.stmts.len()).collect() };
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
            self.ask(body, &engines, &each);
        }
        self.mark_builders(body, query, head);
        let made = self.finish(body, head, demands);
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

    /// Whether it is asked of a body what reaches its last condition: those of an assumption's own rules.
    fn is_asked(&self, body: usize) -> bool {
        let of = &self.bodies[body];
        of.parent.is_none() && of.kind != Kind::Function && self.rule.last().is_some_and(|name| is_rule_word(name))
    }

    /// Writes the function that asks whether a binding reaches the last condition of one of an assumption's own bodies.
    fn ask(&mut self, body: usize, order: &[usize], each: &[Vec<Piece>]) {
        if !self.is_asked(body) {
            return;
        }
        let of = &self.bodies[body];
        let last = order.iter().rposition(|at| of.statements[*at].form.is_condition());
        let Some(last) = last.filter(|last| *last > 0) else { return };
        let parsed = self.parsed();
        let package = parsed.package();
        if self.rule.len() != package.len() + 1 {
            return;
        }
        let open = if parsed.ast.rego_v1 { "if {" } else { "{" };
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
                is_nested_head: false,
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
        let names = self.names(body, query, &[]);
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
    fn finish(&mut self, body: usize, head: Option<&Expr>, demands: &[Demand]) -> Option<Vec<Piece>> {
        let head = head?;
        let span = self.parsed().span_of(head);
        let is_nested = self.bodies[body].parent.is_some();
        let mut statement = Statement::empty(self.parsed().module.place(span));
        statement.text = one_line(&self.text(span));
        statement.written = self.bodies[body].statements.len();
        statement.bound = self.bodies[body].slots.len();
        // A default is a function's answer to absence.
        let definitions = self.rules.definitions(&self.rule);
        let has_default = self.bodies[body].kind == Kind::Function
            && definitions.iter().any(|id| self.has_default(self.rules.rule(*id)));
        let mut edits = Vec::new();
        let mut context = Context {
            body,
            statement: &mut statement,
            edits: &mut edits,
            negated: false,
            is_nested_head: is_nested,
            prefix: HEAD.to_owned(),
            names: &mut Names::default(),
        };
        let mut origin = None;
        if matches!(head, Expr::BoolExpr { .. } | Expr::Membership { .. }) {
            self.condition(head, &mut context);
        } else {
            let need = if has_default {
                Need::Defaulted
            } else {
                demands.iter().map(|demand| demand.need(head)).max().unwrap_or(Need::Value)
            };
            let operand = self.expr(head, need, &mut context);
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
    fn empty(place: Place) -> Self {
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

/// Whether a statement is sure to ask something.
fn is_condition(statement: &LiteralStmt) -> bool {
    match &statement.literal {
        Literal::NotExpr { .. } | Literal::Every { .. } => true,
        Literal::Expr { expr, .. } => {
            matches!(
                expr.as_ref(),
                Expr::BoolExpr { .. } | Expr::Membership { .. } | Expr::Var { .. } | Expr::RefDot { .. }
            )
        }
        Literal::SomeVars { .. } | Literal::SomeIn { .. } => false,
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
