//! A query over rules, facts and data, with the results that `opa eval` gives.
//!
//! The statements are rewritten into one list of all bindings: the engine's own way of gathering results drops some
//! that are false. As in OPA, an expression has its value, what only binds is `true`, and where there is one result to
//! be had the value may be `false`; of several bindings or statements only those count of which nothing is `false`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use regorus::{
    Value,
    unstable::{Expr, Literal, LiteralStmt, Rule},
};

use super::{
    engine::{Engine, Failure},
    in_pool,
    program::{bound, has_wildcard, iterates},
};
use crate::{
    model::Json,
    policy::{
        Module, Nowhere, Piece, PolicyError, Rules, any_rules,
        syntax::{self, Parsed},
        walk::visit_statement,
    },
    source::{At, Place, SourceFile, Span},
};

/// What a query is evaluated with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time it is.
    pub now: Timestamp,
    /// How long it may take.
    pub timeout: std::time::Duration,
    /// Whether the query is Rego v0.
    pub v0: bool,
    /// Whether a built-in that fails is an error; else it is undefined.
    pub strict: bool,
}

/// What a query came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// One for each binding; none where it is undefined.
    pub results: Vec<QueryResult>,
    /// What the query and the rules printed, line by line.
    pub printed: Vec<String>,
}

/// What a query came to for one binding.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    /// Of each statement, as written.
    pub expressions: Vec<Expression>,
    /// The variables with their values.
    pub bindings: BTreeMap<String, Json>,
}

/// A statement of a query with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Its value; `true` of what only binds.
    pub value: Json,
    /// As written.
    pub text: String,
    /// The line, from 1.
    pub row: usize,
    /// The column in characters, from 1.
    pub col: usize,
}

/// The package of a query while it is looked at; nothing is evaluated in it.
const PACKAGE: &str = "zzz__query";
/// A statement in front of it.
const FIRST: &str = "true";
/// The variable that holds the value of a statement.
const VALUE: &str = "zzz__value";

/// Evaluates a query over modules. `documents` are in `data` beside their packages.
///
/// # Errors
/// What is wrong with the query, or with the rules where these were not checked before; what the evaluation failed on.
pub(crate) fn query(
    modules: &[Module],
    text: &SourceFile,
    input: &Value,
    data: &Value,
    settings: &Settings,
) -> Result<Answer, Vec<At<PolicyError>>> {
    let (rules, query) = parsed(modules, text, data, settings.v0)?;
    let prepared = Prepared::of(&rules, query)?;
    // The query's own package is nothing that a query about all of `data` should see.
    let rules = without_last(rules);
    in_pool(|| {
        let failed = |failure| vec![said(failure, text)];
        let engine = Engine::new(&rules, input, data, settings.now, settings.timeout).map_err(|error| vec![*error])?;
        let (value, printed) = engine.query(&prepared.module, settings.strict).map_err(failed)?;
        Ok(Answer { results: prepared.results(value.as_ref()), printed })
    })
}

/// The rules with the query as the last module's only rule.
fn parsed(
    modules: &[Module],
    text: &SourceFile,
    data: &Value,
    v0: bool,
) -> Result<(Rules, usize), Vec<At<PolicyError>>> {
    let module = Module::of_file(text.clone(), v0);
    if let Some(error) = module.nul() {
        return Err(vec![error]);
    }
    if text.text().lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        let help = Some("write one, such as `data`".to_owned());
        return Err(vec![At::new(PolicyError::Syntax { message: "the query is empty".to_owned(), help }, whole(text))]);
    }
    // Its own parser says best what is wrong, and takes nothing for the end of what stands around it below.
    let behind = module.rewritten(&[Piece::Insert(format!("{FIRST};\n")), Piece::Copy(0, module.text.len())]);
    syntax::check_query(&behind).map_err(|error| vec![*error])?;
    // Behind another statement, what begins like a comprehension is none.
    let open = if v0 { "{" } else { "if {" };
    let module = module.rewritten(&[
        Piece::Insert(format!("package {PACKAGE}\nresult {open} {FIRST};\n")),
        Piece::Copy(0, module.text.len()),
        Piece::Insert("\n}".to_owned()),
    ]);
    let loaded: Vec<Module> = modules.iter().cloned().chain([module]).collect();
    // What a query asks for and nobody has is undefined, whatever its name is.
    let rules = any_rules(&loaded, &roots(data), Nowhere::Undefined)?;
    let last = rules.modules.len() - 1;
    Ok((rules, last))
}

/// The keys of `data`.
pub(crate) fn roots(data: &Value) -> BTreeSet<String> {
    let name = |key: &Value| key.as_string().ok().map(|key| key.as_ref().to_owned());
    data.as_object().map(|fields| fields.keys().filter_map(name).collect()).unwrap_or_default()
}

fn without_last(mut rules: Rules) -> Rules {
    rules.modules.pop();
    Rules::new(rules.modules)
}

/// A query as the engine gets it, and what its values mean.
struct Prepared {
    /// One expression: the list of all results.
    module: Module,
    /// Statements as written, with line and column.
    statements: Vec<(String, usize, usize)>,
    variables: Vec<String>,
}

impl Prepared {
    fn of(rules: &Rules, at: usize) -> Result<Self, Vec<At<PolicyError>>> {
        let parsed = &rules.modules[at];
        let Rule::Spec { bodies, .. } = parsed.ast.policy[0].as_ref() else { return Err(Vec::new()) };
        let query = &bodies[0].query;
        let (variables, has_output) = bound(rules, at, query);
        let own = || query.stmts.iter().zip(has_output.iter().copied()).skip(1);
        let counted = own().count() > 1 || own().any(|(statement, _)| any_iterates(statement));
        let (mut pieces, mut values, mut statements) = (Vec::new(), Vec::new(), Vec::new());
        for (nth, (statement, has_output)) in own().enumerate() {
            let span = span_of(parsed, statement);
            let captured = is_captured(&statement.literal, has_output);
            if nth > 0 {
                pieces.push(Piece::Insert("; ".to_owned()));
            }
            if captured {
                pieces.push(Piece::Insert(format!("{VALUE}{nth} := ")));
            }
            match &statement.literal {
                // The engine would ask of each element by itself; no element may be so.
                Literal::NotExpr { expr, .. } if has_wildcard(expr) => pieces.extend([
                    Piece::Insert("[1 |".to_owned()),
                    Piece::Copy(span.start + "not".len(), span.end),
                    Piece::Insert("] == []".to_owned()),
                ]),
                _ => pieces.push(Piece::Copy(span.start, span.end)),
            }
            if captured && counted {
                pieces.push(Piece::Insert(format!("; {VALUE}{nth}")));
            }
            if !matches!(statement.literal, Literal::SomeVars { .. }) {
                values.push(if captured { format!("{VALUE}{nth}") } else { "true".to_owned() });
                let location = parsed.module.place(span).location();
                let text = parsed.module.text[span.range()].to_owned();
                statements.push((text, location.line, location.column));
            }
        }
        let variables: Vec<String> = variables.into_iter().collect();
        let open = format!("[[[{}], [{}]] | ", values.join(", "), variables.join(", "));
        pieces.insert(0, Piece::Insert(open));
        pieces.push(Piece::Insert(" ]".to_owned()));
        Ok(Self { module: parsed.module.rewritten(&pieces), statements, variables })
    }

    fn results(&self, value: Option<&Value>) -> Vec<QueryResult> {
        let rows = value.and_then(|value| value.as_array().ok()).map_or(&[][..], |rows| rows.as_slice());
        rows.iter().map(|row| self.result(row)).collect()
    }

    fn result(&self, row: &Value) -> QueryResult {
        let list = |at: usize| -> Vec<Json> {
            let part = row.as_array().ok().and_then(|row| row.get(at)).and_then(|part| part.as_array().ok());
            // Values of the engine always have a JSON form.
            let json = |value: &Value| serde_json::to_value(value).unwrap_or_default();
            part.map(|values| values.iter().map(json).collect()).unwrap_or_default()
        };
        let expression = |((text, row, col), value): (&(String, usize, usize), Json)| Expression {
            value,
            text: text.clone(),
            row: *row,
            col: *col,
        };
        QueryResult {
            expressions: self.statements.iter().zip(list(0)).map(expression).collect(),
            bindings: self.variables.iter().cloned().zip(list(1)).collect(),
        }
    }
}

/// The bytes of a statement. The engine's span of one that begins with an object begins at the object's last field.
fn span_of(parsed: &Parsed, statement: &LiteralStmt) -> Span {
    let whole = parsed.span(&statement.span);
    let mut start = whole.start;
    visit_statement(statement, &mut |node| {
        use crate::policy::walk::Node;
        if let Node::Statement(expr) | Node::Reference(_, expr) | Node::Call(expr, ..) = node {
            let first = first_of(expr);
            start = start.min(parsed.span_of(first).start);
        }
    });
    Span { start, end: whole.end }
}

/// What an expression begins with.
fn first_of(expr: &Expr) -> &Expr {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => first_of(refr),
        Expr::BoolExpr { lhs, .. }
        | Expr::ArithExpr { lhs, .. }
        | Expr::BinExpr { lhs, .. }
        | Expr::AssignExpr { lhs, .. } => first_of(lhs),
        Expr::Membership { key, value, .. } => first_of(key.as_ref().unwrap_or(value)),
        _ => expr,
    }
}

/// Whether a statement has a value of its own: OPA says `true` of all others.
fn is_captured(literal: &Literal, has_output: bool) -> bool {
    match literal {
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr { .. } => false,
            Expr::Call { fcn, .. } => !has_output && fcn.span().text() != "print",
            _ => true,
        },
        _ => false,
    }
}

fn any_iterates(statement: &LiteralStmt) -> bool {
    matches!(&statement.literal, Literal::Expr { expr, .. } if iterates(expr))
}

/// Why there is no answer, at its place.
fn said(failure: Failure, query: &SourceFile) -> At<PolicyError> {
    let (message, help) = failure.said();
    match failure {
        Failure::Error(error) => *error,
        _ => At::new(PolicyError::Syntax { message, help: Some(help) }, whole(query)),
    }
}

fn whole(query: &SourceFile) -> Place {
    query.at(0..query.text().trim_end().len())
}
