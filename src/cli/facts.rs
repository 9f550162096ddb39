//! `stillholds facts`: what was collected. Nobody writes Rego against data he cannot see.

use std::fmt::Write as _;

use jiff::Timestamp;
use stillholds::{
    check::load_facts,
    facts::{Example, Facts, Row, shape, values_at},
    model::{Age, ExitCode, Json, MaxAge, Path, Segment, Source, Status},
    project::Project,
    report::quiet_line,
    secret::{WITHHELD, redacted},
    source::escape,
    spelling::nearest,
};

use super::{
    Console, Failure,
    args::{FactsArgs, ProjectArgs},
};

/// Show what was collected: the sources, the shape of one, or the values at a path
///
/// Paths are those that rules read, `input.` in front or not; `[_]` is any element. A source is stale where it is older
/// than the project file allows (`sources` and `defaults`); assumptions may allow less.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stillholds facts                            every source, its state and its age
  stillholds facts traces                     its keys, their types, how often
  stillholds facts traces 'edges[_].server'   the values at a path
  stillholds facts input.load.p99_ms          as rules write it
  stillholds facts traces 'edges[0]'          one element")]
pub(crate) struct Args {
    /// The source, or a path from it on
    source: Option<String>,
    /// A path in it
    path: Option<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    facts: FactsArgs,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let project = self.project.project()?;
        let facts = load_facts(&project, self.facts.folder(&project).as_deref())?;
        let text = match &self.source {
            None => sources(&facts, &project, self.facts.now()),
            Some(given) => {
                let (source, path) = split(given, self.path.as_deref());
                let source = find(&facts, source)?;
                match path {
                    None => of_shape(&facts, source)?,
                    Some(path) => values(&facts, source, &path, &project.redact)?,
                }
            }
        };
        console.print(&text)?;
        Ok(ExitCode::Clean)
    }
}

/// The source and the path in it: a path as rules write it names both at once.
fn split<'a>(source: &'a str, path: Option<&str>) -> (&'a str, Option<String>) {
    let source = source.strip_prefix("input.").unwrap_or(source);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let Some(end) = source.find(['.', '[']).filter(|end| *end > 0 && is_name(&source[..*end])) else {
        return (source, path.map(str::to_owned));
    };
    let below = source[end..].trim_start_matches('.');
    let dot = if path.is_some_and(|path| !path.starts_with('[')) { "." } else { "" };
    (&source[..end], Some(format!("{below}{dot}{}", path.unwrap_or_default())))
}

fn find<'a>(facts: &'a Facts, name: &str) -> Result<&'a Source, Failure> {
    facts.snapshot.source(name).ok_or_else(|| {
        let known: Vec<_> = facts.snapshot.sources.iter().map(|source| source.name.as_str()).collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        Failure::new(format!("no source is called `{}`", escape(name)), help)
    })
}

/// Columns as wide as their widest cell, the last one open.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or_default())
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn sources(facts: &Facts, project: &Project, now: Timestamp) -> String {
    let snapshot = &facts.snapshot;
    let environment = snapshot.environment.as_deref().map(|name| format!(", {}", escape(name))).unwrap_or_default();
    let mut text = format!("{}{environment}\n", escape(&snapshot.path));
    if !snapshot.has_manifest {
        text.push_str("no snapshot.yaml: nobody knows how old these facts are\n");
    }
    text.push('\n');
    let mut rows = vec![["SOURCE", "STATUS", "AGE", "BASIS", "SIZE", "FILE"].map(str::to_owned).to_vec()];
    for source in &snapshot.sources {
        let limit = max_age(source, project);
        // Of a source with parts each has its own age.
        let of_source = limit.filter(|_| source.parts.is_empty());
        let [status, age] = state(source.status, source.observed_to, of_source, now);
        let basis = source.basis.map_or("-", stillholds::model::Basis::as_str);
        let share = source.sampling.filter(|share| *share < 1.0);
        let share = share.map(|share| format!(" {} %", share * 100.0)).unwrap_or_default();
        rows.push(vec![
            source.name.clone(),
            status,
            age,
            format!("{basis}{share}"),
            size(source.bytes),
            source.file.as_deref().map_or_else(|| "-".to_owned(), |file| escape(file).into_owned()),
        ]);
        for (name, part) in &source.parts {
            let [status, age] = state(part.status, part.observed_to.or(source.observed_to), limit, now);
            let age = if part.observed_to.is_some() || status == STALE { age } else { String::new() };
            rows.push(vec![format!("  {}", escape(name)), status, age]);
        }
    }
    text.push_str(&table(&rows));
    for source in &snapshot.sources {
        if let Some(error) = &source.error {
            let _ = write!(text, "\n{}: {}\n", source.name, escape(error));
        }
        for (name, part) in &source.parts {
            if let Some(error) = &part.error {
                let _ = write!(text, "\n{}.{}: {}\n", source.name, escape(name), escape(error));
            }
        }
        for omitted in &source.omitted {
            let _ = write!(text, "\n{}: left out: {}\n", source.name, escape(omitted));
        }
    }
    text
}

/// How old the project lets this source be, whatever single assumptions say.
fn max_age(source: &Source, project: &Project) -> Option<Age> {
    let own = project.sources.get(&source.name).and_then(|settings| settings.max_age);
    match own.or(project.defaults.max_age)? {
        MaxAge::Limit(limit) => Some(limit),
        MaxAge::None => None,
    }
}

const STALE: &str = "stale";

/// How the collection went and how long ago that was; of what is too old to prove anything, that, and the limit.
fn state(status: Status, observed: Option<Timestamp>, limit: Option<Age>, now: Timestamp) -> [String; 2] {
    let seconds = observed.map(|observed| now.as_second() - observed.as_second());
    let age = match seconds.map(u64::try_from) {
        None => "not known".to_owned(),
        Some(Ok(seconds)) => Age::from_seconds(seconds).to_string(),
        Some(Err(_)) => "still to come".to_owned(),
    };
    // Clocks may differ by five minutes, as in the check.
    let good = |limit: Age| {
        seconds.is_some_and(|seconds| seconds >= -300 && u64::try_from(seconds).unwrap_or(0) <= limit.seconds())
    };
    match limit.filter(|limit| status != Status::Failed && !good(*limit)) {
        Some(limit) => [STALE.to_owned(), format!("{age} (limit {limit})")],
        None => [status.as_str().to_owned(), age],
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

fn document<'a>(facts: &'a Facts, source: &Source) -> Result<&'a regorus::Value, Failure> {
    let sources = facts.input.as_object().ok();
    sources.and_then(|sources| sources.get(&regorus::Value::from(source.name.as_str()))).ok_or_else(|| {
        let why = source.error.as_deref().unwrap_or("nothing was collected");
        Failure::new(format!("the source `{}` failed: {}", source.name, escape(why)), "mend it or collect it again")
    })
}

fn of_shape(facts: &Facts, source: &Source) -> Result<String, Failure> {
    let shape = shape(document(facts, source)?);
    let mut rows = vec![["PATH", "TYPE", "THERE", "FOR EXAMPLE"].map(str::to_owned).to_vec()];
    rows.extend(shape.rows.iter().map(|row| {
        let below = row.path.to_string();
        let dot = if below.is_empty() || below.starts_with(['[', '{']) { "" } else { "." };
        vec![format!("input.{}{dot}{below}", source.name), types(row), there(row), example(row)]
    }));
    Ok(table(&rows))
}

fn types(row: &Row) -> String {
    let mixed = row.types.len() > 1;
    let types = row
        .types
        .iter()
        .map(|(kind, count)| if mixed { format!("{} {count}", kind.as_str()) } else { kind.as_str().to_owned() });
    types.collect::<Vec<_>>().join(", ")
}

fn there(row: &Row) -> String {
    let keys = row.keys.map(|keys| format!(", {keys} keys")).unwrap_or_default();
    if row.present == row.of {
        format!("{}{keys}", row.present)
    } else {
        format!("{} of {}{keys}", row.present, row.of)
    }
}

fn example(row: &Row) -> String {
    match &row.example {
        None => String::new(),
        Some(Example::Withheld) => WITHHELD.to_owned(),
        Some(Example::Shown(value)) => value.clone(),
    }
}

/// The values at a path, as YAML, each under its own path.
fn values(facts: &Facts, source: &Source, text: &str, redact: &[String]) -> Result<String, Failure> {
    document(facts, source)?;
    let prefix = format!("input.{}", source.name);
    let full = if text == prefix || text.starts_with(&format!("{prefix}.")) || text.starts_with(&format!("{prefix}[")) {
        text.to_owned()
    } else if text.starts_with('[') {
        format!("{prefix}{text}")
    } else {
        format!("{prefix}.{text}")
    };
    let path: Path = full.parse().map_err(|error: stillholds::model::PathError| {
        Failure::new(error.to_string(), stillholds::model::PathError::HELP)
    })?;
    let found = values_at(&facts.input, &path);
    if found.is_empty() {
        let through = through_lists(&facts.input, path.segments().get(1..).unwrap_or_default());
        let help = match through {
            // Behind the source.
            Some(steps) => {
                let below = Path::new(steps.into_iter().skip(1).collect()).to_string();
                format!("a list is on the way: try `stillholds facts {} '{}'`", source.name, escape(&below))
            }
            None => format!("`stillholds facts {}` shows which paths there are", source.name),
        };
        return Err(Failure::new(format!("nothing is at `{}`", escape(&path.to_string())), help));
    }
    let mut text = String::new();
    for (path, value) in found {
        let json: Json = value.to_json_str().ok().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let json = redacted(json, &path, redact);
        let yaml = serde_yaml::to_string(&json).unwrap_or_default();
        let yaml: Vec<_> = yaml.trim_end().lines().map(|line| quiet_line(&escape(line))).collect();
        let path = escape(&path.to_string()).into_owned();
        match &yaml[..] {
            // The element of a list stands on a line of its own.
            [one] if !one.starts_with("- ") => {
                let _ = writeln!(text, "{path}: {one}");
            }
            many => {
                let _ = writeln!(text, "{path}:");
                for line in many {
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
    }
    Ok(text)
}

/// The path with `[_]` wherever it names a key of a list, if that leads to something.
fn through_lists(value: &regorus::Value, path: &[Segment]) -> Option<Vec<Segment>> {
    use regorus::Value;
    let Some((step, rest)) = path.split_first() else { return Some(Vec::new()) };
    let (step, below) = match (step, value) {
        (Segment::Key(_), Value::Array(items)) => {
            (Segment::Any, items.iter().find_map(|item| through_lists(item, path))?)
        }
        (Segment::Any, Value::Array(items)) => (Segment::Any, items.iter().find_map(|item| through_lists(item, rest))?),
        (Segment::Any, Value::Object(entries)) => {
            (Segment::Any, entries.iter_sorted().find_map(|(_, value)| through_lists(value, rest))?)
        }
        (Segment::Key(key), Value::Object(entries)) => {
            (step.clone(), through_lists(entries.get(&Value::from(key.as_str()))?, rest)?)
        }
        (Segment::Index(at), Value::Array(items)) => (step.clone(), through_lists(items.get(*at)?, rest)?),
        _ => return None,
    };
    Some([vec![step], below].concat())
}
