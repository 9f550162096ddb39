//! `stillholds eval`: a Rego query, answered as `opa eval` answers it.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use clap::ValueEnum;
use serde::Serialize;
use stillholds::{
    eval::{Answer, Expression, Files, QueryResult, Settings, eval_files, eval_project},
    model::{ExitCode, Json},
    report::{Look, escape_json, quiet_line},
    source::escape,
};
use unicode_width::UnicodeWidthStr;

use super::{Console, Failure, args::FactsArgs, args::ProjectArgs, args::limit};

/// Evaluate a Rego query over the project's policies, design and facts
///
/// `data` has the policies, the design and the snapshot's provenance, `input` the facts. With -d or -i no project is
/// read: then they are the files named. The answer is that of `opa eval`, but of a project's facts what sounds like a
/// secret is withheld. Calls to the outside are refused, and
/// `time.now_ns` is the time of `--now`. Exit codes: 0; 1 where `--fail` or `--fail-defined` says so; 2 the query cannot
/// be evaluated.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "those of `opa eval`, each a flag of its own")]
#[command(after_help = "Examples:
  stillholds eval 'input.traces.edges[_].client'
  stillholds eval 'data.shop.violation' -f pretty
  stillholds eval 'some e in input.edges; e.p99_ms > 400' -i traces.json -f bindings
  stillholds eval 'data.main.deny[_]' -d policy -i plan.json --fail-defined")]
pub(crate) struct Args {
    /// The query; several statements are separated by `;`
    #[arg(value_name = "QUERY")]
    query: String,
    /// How to write the answer
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// Exit with 1 if there is no result
    #[arg(long, conflicts_with = "fail_defined")]
    fail: bool,
    /// Exit with 1 if there is a result
    #[arg(long)]
    fail_defined: bool,
    /// Read policies and data from this file or folder instead of a project
    #[arg(short, long, value_name = "FILE|DIR", help_heading = "Without a project")]
    data: Vec<PathBuf>,
    /// Read the input from this file
    #[arg(short, long, value_name = "FILE", help_heading = "Without a project")]
    input: Option<PathBuf>,
    /// Read Rego as it was before OPA 1.0
    #[arg(long, help_heading = "Without a project")]
    v0_compatible: bool,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    facts: FactsArgs,
    /// Make a built-in function that fails an error; else it is undefined
    #[arg(long)]
    strict_builtin_errors: bool,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = limit, env = "STILLHOLDS_TIMEOUT")]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// All of it, as JSON
    Json,
    /// The values of each result, a JSON list each
    Values,
    /// The variables of each result, a JSON object each
    Bindings,
    /// For people: a value, or a table
    Pretty,
    /// The values of each result on a line, text as it is
    Raw,
}

/// An answer as `opa eval` writes it.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    result: Vec<WrittenResult<'a>>,
}

#[derive(Serialize)]
struct WrittenResult<'a> {
    expressions: Vec<WrittenExpression<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bindings: Option<&'a BTreeMap<String, Json>>,
}

#[derive(Serialize)]
struct WrittenExpression<'a> {
    value: &'a Json,
    text: &'a str,
    location: WrittenLocation,
}

#[derive(Serialize)]
struct WrittenLocation {
    row: usize,
    col: usize,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let settings = Settings {
            now: self.facts.now(),
            timeout: self.timeout,
            v0: self.v0_compatible,
            strict: self.strict_builtin_errors,
        };
        let answer = if self.data.is_empty() && self.input.is_none() {
            let project = self.project.project()?;
            eval_project(&project, self.facts.folder(&project).as_deref(), &self.query, &settings)?
        } else {
            eval_files(&Files { data: self.data, input: self.input }, &self.query, &settings)?
        };
        for line in &answer.printed {
            // There is nowhere left to say that standard error is gone.
            let _ = writeln!(io::stderr(), "{}", quiet_line(&escape(line)));
        }
        console.print(&match self.format {
            Format::Json => json(&answer),
            Format::Values => answer.results.iter().map(|result| indented(&values(result))).collect(),
            Format::Bindings => answer.results.iter().map(|result| indented(&result.bindings)).collect(),
            Format::Pretty => pretty(&answer.results, console.look()),
            Format::Raw => raw(&answer.results),
        })?;
        let is_defined = !answer.results.is_empty();
        let fails = if is_defined { self.fail_defined } else { self.fail };
        Ok(if fails { ExitCode::Failed } else { ExitCode::Clean })
    }
}

fn json(answer: &Answer) -> String {
    let result = answer.results.iter().map(|result| WrittenResult {
        expressions: result.expressions.iter().map(WrittenExpression::of).collect(),
        bindings: Some(&result.bindings).filter(|bindings| !bindings.is_empty()),
    });
    indented(&Written { result: result.collect() })
}

impl<'a> WrittenExpression<'a> {
    fn of(expression: &'a Expression) -> Self {
        let Expression { value, text, row, col } = expression;
        Self { value, text, location: WrittenLocation { row: *row, col: *col } }
    }
}

fn indented(value: &impl Serialize) -> String {
    // Structures of text and numbers always have a JSON form.
    let text = escape_json(&serde_json::to_string_pretty(value).unwrap_or_default());
    // OPA writes these so, which in JSON stand only in strings.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026") + "\n"
}

fn values(result: &QueryResult) -> Vec<&Json> {
    result.expressions.iter().map(|expression| &expression.value).collect()
}

/// One value by itself, several as a table: the variables, and the expressions that do more than come true.
fn pretty(results: &[QueryResult], look: Look) -> String {
    let Some(first) = results.first() else { return "undefined\n".to_owned() };
    let is_bool = |expression: &Expression| expression.value.is_boolean();
    let is_one = first.expressions.len() == 1 || first.expressions.iter().all(is_bool);
    if let ([_], true, Some(only)) = (results, first.bindings.is_empty() && is_one, first.expressions.first()) {
        return indented(&only.value);
    }
    let shown: Vec<usize> = (0..first.expressions.len())
        .filter(|at| first.bindings.is_empty() || !is_bool(&first.expressions[*at]))
        .collect();
    let head = shown.iter().map(|at| escape(&first.expressions[*at].text).into_owned());
    let head: Vec<String> = head.chain(first.bindings.keys().cloned()).collect();
    let cell = |value: &Json| escape_json(&value.to_string());
    let row = |result: &QueryResult| -> Vec<String> {
        let values = shown.iter().map(|at| &result.expressions[*at].value);
        values.chain(result.bindings.values()).map(cell).collect()
    };
    table(&head, &results.iter().map(row).collect::<Vec<_>>(), look)
}

/// A framed table with its heads in the middle.
fn table(head: &[String], rows: &[Vec<String>], look: Look) -> String {
    let (line, bar) = if look.unicode { ('─', '│') } else { ('-', '|') };
    let corners = if look.unicode { ["┌┬┐", "├┼┤", "└┴┘"] } else { ["+++", "+++", "+++"] };
    let width = |at: usize| rows.iter().map(|row| &row[at]).chain([&head[at]]).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..head.len()).map(|at| width(at).unwrap_or_default() + 2).collect();
    let rule = |corners: &str| {
        let mut corners = corners.chars();
        let [left, middle, right] = std::array::from_fn(|_| corners.next().unwrap_or_default());
        let lines: Vec<String> = widths.iter().map(|width| line.to_string().repeat(*width)).collect();
        format!("{left}{}{right}\n", lines.join(&middle.to_string()))
    };
    let row = |cells: &[String], is_head: bool| {
        let cell = |(cell, width): (&String, &usize)| {
            let room = width - cell.width();
            let left = if is_head { room / 2 } else { 1 };
            format!("{}{cell}{}", " ".repeat(left), " ".repeat(room - left))
        };
        let cells: Vec<String> = cells.iter().zip(&widths).map(cell).collect();
        format!("{bar}{}{bar}\n", cells.join(&bar.to_string()))
    };
    let rows: String = rows.iter().map(|cells| row(cells, false)).collect();
    [rule(corners[0]), row(head, true), rule(corners[1]), rows, rule(corners[2])].concat()
}

/// For scripts: text as it is, unless a terminal would see it.
fn raw(results: &[QueryResult]) -> String {
    let is_seen = io::stdout().is_terminal();
    let word = |value: &Json| match value {
        Json::String(text) if is_seen => {
            text.lines().map(|line| quiet_line(&escape(line))).collect::<Vec<_>>().join("\n")
        }
        Json::String(text) => text.clone(),
        other => escape_json(&other.to_string()),
    };
    let line = |result: &QueryResult| values(result).into_iter().map(word).collect::<Vec<_>>().join(" ") + "\n";
    results.iter().map(line).collect()
}
