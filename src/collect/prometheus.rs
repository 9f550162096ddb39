//! `prometheus`: the answers of queries, each a part of the source. Thanos, Mimir and VictoriaMetrics speak it too.
//!
//! All queries are asked for the same time, which is that of the server: clocks differ, and answers to one another's
//! questions should not. Numbers arrive as text and leave as numbers; one that is not finite is left out and listed,
//! because `NaN` answers nothing and text compares as greater than any number.

mod answer;
mod lists;
mod summary;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, json};
use url::{Url, form_urlencoded};

use super::{
    Aliases, Collector, Deadline, Failed, Gathered, Surroundings, Task, parallel,
    secrets::{below, withhold},
    shape::Shape,
    web::{self, Client, Request},
};
use crate::{
    model::{Age, Basis, Json, Part, Segment, Status},
    project::{OnEmpty, PrometheusList, Query, QueryRange},
};

/// A server, and what it is asked.
#[derive(Debug)]
pub(super) struct Prometheus {
    pub(super) url: String,
    pub(super) queries: Vec<Query>,
    pub(super) include: Vec<PrometheusList>,
}

/// The most points that Prometheus answers with for one series.
const POINTS: u64 = 11_000;

/// A range query that names no step has about so many points: five minutes between them in thirty days.
const POINTS_WANTED: u64 = 8_640;

/// The smallest step that is chosen, about as often as servers scrape.
const STEP: u64 = 15;

/// A clock that differs by more is worth a word.
const SKEW: u64 = 60;

impl Collector for Prometheus {
    fn kind(&self) -> &'static str {
        "prometheus"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        let Ok(url) = Url::parse(&self.url) else { return vec!["nobody: this is no address".to_owned()] };
        let mut asks = web::asks("POST", &api(&url, "query"), around);
        asks.extend(self.queries.iter().map(|query| {
            let over = query.range.map(|range| format!(" over {}", range.range)).unwrap_or_default();
            format!("{}{over}: {}", query.name, crate::source::escape(query.query.trim()))
        }));
        asks.extend(self.include.iter().map(|list| format!("{}: GET {}", name(*list), path(*list))));
        asks
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        let url = Url::parse(&self.url).map_err(|error| Failed(format!("the address cannot be read: {error}")))?;
        let server = Server { client: Client::new(&task.around, task.deadline), url, deadline: task.deadline };
        let here = (task.around.clock)();
        let now = server.now()?;
        let mut gathered = Gathered { basis: Some(Basis::Sample), ..Gathered::new(Json::Null) };
        let skew = now.as_second() - here.as_second();
        if skew.unsigned_abs() > SKEW {
            let (by, way) = (Age::from_seconds(skew.unsigned_abs()), if skew > 0 { "ahead" } else { "behind" });
            gathered.omitted.push(format!("the server's clock is {by} {way}"));
        }
        // Of two clocks the one that makes facts older is believed.
        let observed = now.min(here);
        let retention = if self.queries.iter().any(|query| query.range.is_some()) { server.retention() } else { None };
        gathered.omitted.extend(retention.map(|kept| format!("the server keeps {kept}")));

        let mut questions: Vec<Question<'_>> = self.queries.iter().map(Question::Query).collect();
        questions.extend(self.include.iter().map(|list| Question::List(*list)));
        let asking = Asking { server: &server, now, retention, aliases: &task.around.aliases };
        let total = questions.len();
        let answers = parallel::each(&questions, |question| {
            task.note(format!("{} of {total}", question.name()));
            asking.answer(question)
        });

        let mut document = Map::new();
        for (question, found) in questions.iter().zip(answers) {
            let name = question.name();
            let from = match question {
                Question::Query(Query { range: Some(QueryRange { range, .. }), .. }) => {
                    let back = retention.map_or(*range, |kept| kept.min(*range));
                    let from = observed.as_second().saturating_sub_unsigned(back.seconds());
                    Timestamp::from_second(from).unwrap_or(Timestamp::UNIX_EPOCH)
                }
                _ => observed,
            };
            let (status, error) = match &found {
                Err(Failed(error)) => (Status::Failed, Some(error.clone())),
                Ok(found) if found.partial.is_empty() => (Status::Ok, None),
                Ok(found) => (Status::Partial, Some(found.partial.join("; "))),
            };
            let part = Part { status, error, observed_from: Some(from), observed_to: Some(observed) };
            gathered.parts.insert(name.to_owned(), part);
            let Ok(found) = found else { continue };
            gathered.omitted.extend(found.omitted.iter().map(|text| format!("{name}: {text}")));
            gathered.nonfinite.extend(found.nonfinite.iter().map(|path| format!("{name}{path}")));
            gathered.unaliased.extend(found.unaliased);
            if let Some(value) = found.value {
                document.insert(name.to_owned(), value);
            }
        }
        gathered.document = Json::Object(document);
        gathered.observed_from = gathered.parts.values().filter_map(|part| part.observed_from).min().or(Some(observed));
        gathered.observed_to = Some(observed);
        Shape::Prometheus.check(&gathered.document)?;
        Ok(gathered)
    }

    /// What a query is called is its author's choice and no secret, however it sounds.
    fn withhold(&self, document: &mut Json, redact: &[String]) -> Vec<String> {
        let Json::Object(parts) = document else { return Vec::new() };
        let of_part = |(name, value): (&String, &mut Json)| -> Vec<String> {
            let root = below(&[Segment::Key(name.clone())]);
            withhold(value, redact).into_iter().map(|path| format!("{root}{path}")).collect()
        };
        parts.iter_mut().flat_map(of_part).collect()
    }
}

fn name(list: PrometheusList) -> &'static str {
    match list {
        PrometheusList::Alerts => "alerts",
        PrometheusList::Rules => "rules",
        PrometheusList::Targets => "targets",
    }
}

/// Where a list is, with what is asked of it.
fn path(list: PrometheusList) -> &'static str {
    match list {
        PrometheusList::Targets => "targets?state=active",
        other => name(other),
    }
}

/// The address of a part of the API; the server may live below a path.
fn api(url: &Url, path: &str) -> Url {
    let mut api = url.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    api.set_path(&format!("{}/api/v1/{path}", url.path().trim_end_matches('/')));
    api.set_query(query);
    api.set_fragment(None);
    api
}

enum Question<'q> {
    Query(&'q Query),
    List(PrometheusList),
}

impl Question<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Query(query) => &query.name,
            Self::List(list) => name(*list),
        }
    }
}

struct Server<'a> {
    client: Client<'a>,
    url: Url,
    deadline: Deadline,
}

impl Server<'_> {
    fn post(&self, path: &str, parameters: &[(&str, String)]) -> Result<answer::Answer, Failed> {
        let left = format!("{}s", self.deadline.left()?.as_secs().max(1));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("timeout", &left)
            .finish();
        self.ask(path, Some(("application/x-www-form-urlencoded", body)))
    }

    fn ask(&self, path: &str, body: Option<(&'static str, String)>) -> Result<answer::Answer, Failed> {
        answer::read(&self.client, self.client.ask(&Request { url: api(&self.url, path), body })?)
    }

    /// What time it is there, which also tells whether anybody is.
    fn now(&self) -> Result<Timestamp, Failed> {
        let answer = self.post("query", &[("query", "time()".to_owned())])?;
        let series = answer.series()?;
        let at = series.first().and_then(|series| series.samples.first()).map(|(at, _)| *at);
        let seconds = at.filter(|at| at.is_finite()).ok_or_else(|| {
            Failed(format!("{}: it does not answer what time it is", web::shown(&api(&self.url, "query"))))
        })?;
        answer::time(seconds)
    }

    /// How far back it remembers; not every server says so.
    fn retention(&self) -> Option<Age> {
        let answer = self.ask("status/runtimeinfo", None).ok()?;
        retention(answer.data.get("storageRetention")?.as_str()?)
    }
}

/// `15d`, `1y2w` or `15d or 10GiB`: the time in it.
fn retention(text: &str) -> Option<Age> {
    const UNITS: [(&str, u64); 6] =
        [("y", 31_536_000), ("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = text.split(" or ").next()?.trim();
    let mut seconds: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..end])?;
        seconds = seconds.checked_add(count.checked_mul(*unit)?)?;
        rest = &rest[end..];
    }
    (seconds > 0).then(|| Age::from_seconds(seconds))
}

/// What is asked, and from where.
struct Asking<'a> {
    server: &'a Server<'a>,
    now: Timestamp,
    retention: Option<Age>,
    aliases: &'a Aliases,
}

/// What a part gave.
#[derive(Default)]
struct Found {
    /// Nothing where an empty answer means that nobody knows.
    value: Option<Json>,
    /// Why it is not complete.
    partial: Vec<String>,
    omitted: Vec<String>,
    /// Paths from the part on.
    nonfinite: Vec<String>,
    unaliased: BTreeSet<String>,
}

impl Asking<'_> {
    fn answer(&self, question: &Question<'_>) -> Result<Found, Failed> {
        match question {
            Question::Query(query) => self.query(query),
            Question::List(list) => {
                let answer = self.server.ask(path(*list), None)?;
                Ok(Found { value: Some(lists::read(*list, answer.data)?), ..Found::default() })
            }
        }
    }

    fn query(&self, query: &Query) -> Result<Found, Failed> {
        let mut found = Found::default();
        let seconds = self.now.as_second();
        let text = ("query", query.query.clone());
        let answer = match query.range {
            None => self.server.post("query", &[text, ("time", seconds.to_string())])?,
            Some(QueryRange { range, step }) => {
                let (step, raised) = spaced(range, step);
                found.omitted.extend(raised);
                if let Some(kept) = self.retention.filter(|kept| *kept < range) {
                    found.partial.push(format!("asked for the last {range}, and the server keeps {kept}"));
                }
                let start = seconds.saturating_sub_unsigned(range.seconds()).max(0);
                let parameters =
                    [text, ("start", start.to_string()), ("end", seconds.to_string()), ("step", step.to_string())];
                self.server.post("query_range", &parameters)?
            }
        };
        found.partial.extend(answer.partial.clone());
        found.omitted.extend(answer.infos.clone());
        let series = answer.series()?;
        if query.range.is_none() && answer.is_matrix() {
            let advice = "take the brackets off, wrap it in a function, or give the query a `range`";
            return Err(Failed(format!("the query gives a series of samples at each time: {advice}")));
        }
        if series.is_empty() {
            return match query.on_empty {
                OnEmpty::Unknown => {
                    found.omitted.push("the query gives nothing".to_owned());
                    Ok(found)
                }
                OnEmpty::Error => Err(Failed("the query gives nothing".to_owned())),
                OnEmpty::Zero => Ok(Found { value: Some(zero(query.range.is_some())), ..found }),
            };
        }
        if let Some(QueryRange { range, .. }) = query.range.filter(|_| found.partial.is_empty()) {
            found.partial.extend(self.too_young(range, &series)?);
        }
        let mut elements = Vec::new();
        for one in &series {
            let mut element = Map::new();
            if let Some(component) = self.component(one, &mut found.unaliased)? {
                element.insert("component".to_owned(), component.into());
            }
            let lost = if query.range.is_some() {
                summary::of_range(one, &mut element, &mut found.omitted)
            } else {
                summary::at_once(one, &mut element)
            };
            element.insert("labels".to_owned(), one.labels.clone().into_iter().collect());
            elements.push((&one.labels, element, lost));
        }
        elements.sort_by_key(|(labels, ..)| *labels);
        for (at, (_, _, lost)) in elements.iter().enumerate() {
            found.nonfinite.extend(lost.iter().map(|key| format!("[{at}].{key}")));
        }
        found.value = Some(elements.into_iter().map(|(_, element, _)| Json::Object(element)).collect());
        Ok(found)
    }

    /// That the server remembers less than was asked for, though it would keep more: it is new, or lost what it had.
    ///
    /// Where every answer begins late, `up` tells a young server from a young thing: it is there as long as the server
    /// is. Whoever scrapes nothing has no `up`, and cannot be asked.
    fn too_young(&self, range: Age, series: &[answer::Series]) -> Result<Option<String>, Failed> {
        let length = range.seconds();
        let seconds = self.now.as_second();
        let begins_late = |series: &[answer::Series]| {
            let first = series.iter().filter_map(|one| one.samples.first()).map(|(at, _)| *at).reduce(f64::min)?;
            let behind = u64::try_from(seconds - answer::time(first).ok()?.as_second()).unwrap_or_default();
            // A twentieth is missing at every edge, and where the points are far apart.
            (behind < length - length / 20).then_some(behind)
        };
        if begins_late(series).is_none() {
            return Ok(None);
        }
        let step = length.div_ceil(100).max(1);
        let parameters = [
            ("query", "count(up)".to_owned()),
            ("start", seconds.saturating_sub_unsigned(length).max(0).to_string()),
            ("end", seconds.to_string()),
            ("step", step.to_string()),
        ];
        let remembered = self.server.post("query_range", &parameters)?.series()?;
        Ok(begins_late(&remembered).map(|behind| {
            let remembered = Age::from_seconds(behind + step);
            format!("asked for the last {range}, and the server remembers less than {remembered}")
        }))
    }

    /// The one component that a series is about.
    fn component(&self, series: &answer::Series, unaliased: &mut BTreeSet<String>) -> Result<Option<String>, Failed> {
        if self.aliases.is_empty() {
            return Ok(None);
        }
        let mut components = BTreeSet::new();
        for (label, value) in &series.labels {
            match self.aliases.component(value).map_err(|error| Failed(error.to_string()))? {
                Some(component) => {
                    components.insert(component.to_owned());
                }
                None if SERVICES.contains(&label.as_str()) => {
                    unaliased.insert(value.clone());
                }
                None => {}
            }
        }
        // A call is about two, and which one is meant depends on the question.
        Ok(if components.len() == 1 { components.pop_first() } else { None })
    }
}

/// Labels that name services, as those who measure them write them.
const SERVICES: [&str; 18] = [
    "app",
    "app_kubernetes_io_name",
    "callee",
    "caller",
    "client",
    "client_name",
    "component",
    "daemonset",
    "deployment",
    "destination_workload",
    "server",
    "server_name",
    "service",
    "service_name",
    "source_workload",
    "statefulset",
    "upstream",
    "workload",
];

/// The seconds from one point to the next, and what to say where they are not those asked for.
fn spaced(range: Age, step: Option<Age>) -> (u64, Option<String>) {
    let least = range.seconds().div_ceil(POINTS - 1).max(1);
    match step.map(Age::seconds) {
        None => (range.seconds().div_ceil(POINTS_WANTED).max(STEP), None),
        Some(step) if step >= least => (step, None),
        Some(_) => {
            let said =
                format!("one point in {}, since a server answers with no more than 11,000", Age::from_seconds(least));
            (least, Some(said))
        }
    }
}

/// What no answer is where it means zero.
fn zero(is_range: bool) -> Json {
    if is_range {
        json!([{"labels": {}, "last": 0, "min": 0, "max": 0, "mean": 0, "p50": 0, "p95": 0, "samples": 0}])
    } else {
        json!([{"labels": {}, "value": 0}])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_never_too_many() {
        let age = Age::from_seconds;
        assert_eq!(spaced(age(30 * 86_400), None), (300, None));
        assert_eq!(spaced(age(60), None), (15, None));
        assert_eq!(spaced(age(86_400), Some(age(60))), (60, None));
        let (step, said) = spaced(age(30 * 86_400), Some(age(60)));
        assert!(30 * 86_400 / step < POINTS && 30 * 86_400 / (step - 1) >= POINTS, "{step}");
        assert_eq!(said.unwrap(), "one point in 3 min 56 s, since a server answers with no more than 11,000");
        assert_eq!(spaced(age(0), Some(age(1))), (1, None));
    }

    #[test]
    fn what_a_server_keeps_is_read_from_what_it_says() {
        for (text, days) in [("15d", 15), ("15d or 10GiB", 15), ("1y2w", 379), ("48h", 2), ("1w", 7)] {
            assert_eq!(retention(text), Some(Age::from_seconds(days * 86_400)), "{text}");
        }
        for text in ["", "10GiB", "0s", "d", "15", "15x", "99999999999999999999y"] {
            assert_eq!(retention(text), None, "{text}");
        }
    }

    #[test]
    fn a_server_may_live_below_a_path() {
        let at = |url: &str| api(&Url::parse(url).unwrap(), "targets?state=active").to_string();
        assert_eq!(at("http://a.test:9090"), "http://a.test:9090/api/v1/targets?state=active");
        assert_eq!(at("https://a.test/prometheus/?x=1#y"), "https://a.test/prometheus/api/v1/targets?state=active");
    }
}
