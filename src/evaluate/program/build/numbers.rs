//! What is ordered or computed with, also where it goes by other names: bound to a variable, put into a literal, handed
//! through a call, given by a rule. Whatever a comparison cannot do without is needed of every binding, however it gets
//! there. A count, a sum and the like speak of what is there: they end the search.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, BoolOp, Expr, Query, Ref, Rule, RuleHead};

use super::{
    super::Need,
    Builder,
    expr::is_aggregate,
    names::{Deep, deep, deep_statement},
};
use crate::policy::{
    DataPath,
    rules::{RuleId, Target, head_ref},
    syntax::{Reference, Step, text_of},
};

/// What of a value is needed of every binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demand {
    /// The value itself.
    Value,
    /// Each of its elements: it is a collection that is gone through.
    Elements,
    /// Something further inside.
    Inside,
}

impl Demand {
    /// What is demanded of a collection where this is demanded of its elements.
    pub(super) fn of_collection(self) -> Self {
        if self == Self::Value { Self::Elements } else { Self::Inside }
    }

    /// What is demanded of what these steps start from.
    fn through(self, steps: &[Step<'_>]) -> Self {
        match steps {
            [] => self,
            [Step::Key(_)] | [_, _, ..] => Self::Inside,
            [_] => self.of_collection(),
        }
    }

    /// What the absence of what an expression reads means where this is demanded of the expression. A value that is only
    /// taken out of the facts to look into it is needed where it is looked into, not here.
    pub(super) fn need(self, expr: &Expr) -> Need {
        let is_literal = |expr: &Expr| matches!(expr, Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. });
        let is_needed = match (self, term_of(expr)) {
            (Self::Value, term) => term.is_none(),
            (Self::Elements, Some(_)) => true,
            (Self::Inside, Some(term)) => is_literal(term),
            (Self::Elements | Self::Inside, None) => is_literal(expr),
        };
        if is_needed { Need::Number } else { Need::Value }
    }
}

/// Names and rules with what is demanded of them.
#[derive(Default)]
pub(super) struct Demands {
    names: BTreeSet<(String, Demand)>,
    rules: BTreeSet<(DataPath, Demand)>,
}

/// The expressions of a query and of all in it that matter here.
#[derive(Default)]
struct Sheet<'e> {
    /// Those that are ordered or computed with.
    operands: Vec<&'e Expr>,
    /// Patterns and the expressions they are bound to; whether to each element of it.
    bindings: Vec<(&'e Expr, &'e Expr, bool)>,
}

impl<'a> Builder<'a> {
    /// Finds the rules whose values are ordered or computed with somewhere.
    pub(super) fn gather_numbers(&mut self) {
        let rules = self.rules;
        let mut queue: Vec<(DataPath, RuleId, Option<Demand>)> =
            rules.paths().flat_map(|(path, ids)| ids.iter().map(|id| (path.clone(), *id, None))).collect();
        while let Some((path, id, demand)) = queue.pop() {
            (self.module, self.rule) = (id.module, path);
            for (rule, demand) in self.handed_on_by(rules.rule(id), demand) {
                if self.demanded.insert((rule.clone(), demand)) {
                    queue.extend(rules.definitions(&rule).iter().map(|id| (rule.clone(), *id, Some(demand))));
                }
            }
        }
    }

    /// The rules on which a definition makes demands, where this is demanded of its own value.
    fn handed_on_by(&self, rule: &'a Rule, demand: Option<Demand>) -> BTreeSet<(DataPath, Demand)> {
        let Rule::Spec { head, bodies, .. } = rule else { return BTreeSet::new() };
        let value: Option<&Expr> = match head {
            RuleHead::Set { key, .. } => key.as_deref(),
            RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
                assign.as_ref().map(|assign| assign.value.as_ref())
            }
        };
        let demand = demand.filter(|_| !self.has_default(rule)).and_then(|demand| of_head(rule, demand));
        let mut rules = BTreeSet::new();
        if bodies.is_empty() {
            let head: Vec<_> = value.zip(demand).into_iter().collect();
            rules.append(&mut self.demands(None, &head).rules);
        }
        for body in bodies {
            let own = body.assign.as_ref().map(|assign| assign.value.as_ref());
            let head: Vec<_> = own.or(value).zip(demand).into_iter().collect();
            rules.append(&mut self.demands(Some(&body.query), &head).rules);
        }
        rules
    }

    /// Whether a definition is one of a function with a default, which is its author's answer to absence.
    pub(super) fn has_default(&self, definition: &Rule) -> bool {
        let is_default = |id: &RuleId| matches!(self.rules.rule(*id), Rule::Default { .. });
        matches!(definition, Rule::Spec { head: RuleHead::Func { .. }, .. })
            && self.rules.definitions(&self.rule).iter().any(is_default)
    }

    /// What is demanded of the head of the rule at hand.
    pub(super) fn head_demands(&self, definition: &Rule) -> Vec<Demand> {
        if self.has_default(definition) {
            return Vec::new();
        }
        let all = [Demand::Value, Demand::Elements, Demand::Inside].into_iter();
        let of_rule = all.filter(|demand| self.demanded.contains(&(self.rule.clone(), *demand)));
        of_rule.filter_map(|demand| of_head(definition, demand)).collect()
    }

    /// The variables that a query, and the head behind it, cannot do without.
    pub(super) fn numbers(&self, query: &Query, head: &[(&Expr, Demand)]) -> BTreeSet<(String, Demand)> {
        self.demands(Some(query), head).names
    }

    /// The variables that the value and the limit of a measure are made of.
    pub(super) fn measured(&self, query: &Query, head: &Expr) -> BTreeSet<(String, Demand)> {
        let mut sheet = Sheet::default();
        query.stmts.iter().for_each(|statement| deep_statement(statement, &mut |met| sheet.add(met)));
        sheet.operands.clear();
        let made = match head {
            Expr::Var { span, .. } => {
                let is_it =
                    |pattern: &Expr| matches!(pattern, Expr::Var { span: name, .. } if name.text() == span.text());
                sheet.bindings.iter().find(|(pattern, ..)| is_it(pattern)).map_or(head, |(_, value, _)| *value)
            }
            _ => head,
        };
        let Expr::Object { fields, .. } = made else { return BTreeSet::new() };
        let is_compared = |key: &Expr| matches!(text_of(key), Some("value" | "limit"));
        let compared = fields.iter().filter(|(_, key, _)| is_compared(key));
        let compared: Vec<_> = compared.map(|(_, _, value)| (value.as_ref(), Demand::Value)).collect();
        self.all_demands(&sheet, &compared).names
    }

    fn demands(&self, query: Option<&Query>, head: &[(&Expr, Demand)]) -> Demands {
        let mut sheet = Sheet::default();
        if let Some(query) = query {
            query.stmts.iter().for_each(|statement| deep_statement(statement, &mut |met| sheet.add(met)));
        }
        for (value, _) in head {
            deep(value, &mut |met| sheet.add(met));
        }
        self.all_demands(&sheet, head)
    }

    fn all_demands(&self, sheet: &Sheet<'_>, head: &[(&Expr, Demand)]) -> Demands {
        let mut out = Demands::default();
        let mut queue = Vec::new();
        for operand in &sheet.operands {
            self.hand_on(operand, Demand::Value, &mut out, &mut queue);
        }
        for (value, demand) in head {
            self.hand_on(value, *demand, &mut out, &mut queue);
        }
        while let Some((name, demand)) = queue.pop() {
            for (pattern, value, is_element) in &sheet.bindings {
                let Some(demand) = of_pattern(pattern, &name, demand) else { continue };
                let demand = if *is_element { demand.of_collection() } else { demand };
                self.hand_on(value, demand, &mut out, &mut queue);
            }
        }
        out
    }

    /// Notes what an expression needs of names and rules to have the value that is demanded.
    fn hand_on(&self, expr: &Expr, demand: Demand, out: &mut Demands, queue: &mut Vec<(String, Demand)>) {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                let Some(reference) = Reference::of(expr) else { return };
                let Some(name) = reference.variable() else {
                    self.hand_on(reference.root, demand.through(&reference.steps), out, queue);
                    return;
                };
                if let Some((rule, taken)) = self.named_rule(&reference) {
                    out.rules.insert((rule, demand.through(&reference.steps[taken..])));
                } else if !matches!(name, "input" | "data") {
                    let demanded = (name.to_owned(), demand.through(&reference.steps));
                    if out.names.insert(demanded.clone()) {
                        queue.push(demanded);
                    }
                }
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                for item in items {
                    self.hand_on(item, Demand::Value, out, queue);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, _, item) in fields {
                    self.hand_on(item, Demand::Value, out, queue);
                }
            }
            Expr::Call { fcn, params, .. } => self.hand_on_call(fcn, params, demand, out, queue),
            Expr::UnaryExpr { expr, .. } => self.hand_on(expr, Demand::Value, out, queue),
            _ => {
                if let Some(term) = term_of(expr).filter(|_| demand != Demand::Value) {
                    let of_term = if demand == Demand::Elements { Demand::Value } else { Demand::Inside };
                    self.hand_on(term, of_term, out, queue);
                }
            }
        }
    }

    fn hand_on_call(
        &self,
        function: &Expr,
        params: &[Ref<Expr>],
        demand: Demand,
        out: &mut Demands,
        queue: &mut Vec<(String, Demand)>,
    ) {
        let path = Reference::of(function).map(|reference| reference.full_path()).unwrap_or_default();
        if let Some(rule) = self.function(&path) {
            out.rules.insert((rule, demand));
        } else if is_aggregate(&path.join(".")) {
            return;
        }
        if demand == Demand::Value {
            for param in params {
                self.hand_on(param, demand, out, queue);
            }
        }
    }

    /// The rule that a reference leads to, and how many of its steps lead there.
    fn named_rule(&self, reference: &Reference<'_>) -> Option<(DataPath, usize)> {
        let name = reference.variable()?;
        let base = if name == "data" { Vec::new() } else { self.rules.local(self.module, name)? };
        let own = base.len();
        let path: DataPath = base.into_iter().chain(reference.keys().map(str::to_owned)).collect();
        match self.rules.resolve(&path) {
            Target::Rule(rule, _) => {
                let taken = rule.len().saturating_sub(own);
                Some((rule, taken))
            }
            Target::Package | Target::Nothing => None,
        }
    }
}

impl<'e> Sheet<'e> {
    fn add(&mut self, met: Deep<'e>) {
        match met {
            Deep::Some(value, collection) => self.bindings.push((value, collection, true)),
            Deep::Expr(expr) => self.add_expr(expr),
        }
    }

    fn add_expr(&mut self, expr: &'e Expr) {
        match expr {
            Expr::BoolExpr { op: BoolOp::Lt | BoolOp::Le | BoolOp::Gt | BoolOp::Ge, lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. } => self.operands.extend([lhs.as_ref(), rhs.as_ref()]),
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                self.bindings.push((lhs, rhs, false));
                if *op == AssignOp::Eq {
                    self.bindings.push((rhs, lhs, false));
                }
            }
            _ => {}
        }
    }
}

/// What is demanded of what a definition's body makes, where this is demanded of the rule. Of a set or an object of
/// entries the whole speaks of what is there.
fn of_head(rule: &Rule, demand: Demand) -> Option<Demand> {
    let has_entries = match rule {
        Rule::Spec { head: RuleHead::Set { .. }, .. } => true,
        Rule::Spec { head: RuleHead::Compr { .. }, .. } => {
            Reference::of(head_ref(rule)).is_some_and(|head| head.steps.len() + 1 > head.full_path().len())
        }
        _ => false,
    };
    match demand {
        Demand::Value => (!has_entries).then_some(demand),
        Demand::Elements if has_entries => Some(Demand::Value),
        Demand::Elements | Demand::Inside => Some(demand),
    }
}

/// What is demanded of what a pattern is bound to, where this is demanded of one of its names.
pub(super) fn of_pattern(pattern: &Expr, name: &str, demand: Demand) -> Option<Demand> {
    match pattern {
        Expr::Var { span, .. } => (span.text() == name).then_some(demand),
        Expr::Array { items, .. } => items.iter().find_map(|item| of_pattern(item, name, demand)),
        Expr::Object { fields, .. } => fields.iter().find_map(|(_, _, item)| of_pattern(item, name, demand)),
        _ => None,
    }
    .map(|demand| if matches!(pattern, Expr::Var { .. }) { demand } else { Demand::Inside })
}

/// The term of a comprehension.
fn term_of(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ArrayCompr { term, .. } | Expr::SetCompr { term, .. } => Some(term),
        Expr::ObjectCompr { value, .. } => Some(value),
        _ => None,
    }
}
