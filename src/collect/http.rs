//! `http`: the JSON that a server answers with, page by page.

use serde_json::Value;
use url::Url;

use super::{
    Collector, Failed, Gathered, Surroundings, Task,
    file::rounded,
    web::{self, Client, Request},
};
use crate::{
    facts::{Format, decode},
    model::Json,
};

/// An address, and what counts of its answer.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) url: String,
    /// A JSON pointer.
    pub(super) select: Option<String>,
    /// What is posted; without it this is a GET.
    pub(super) body: Option<Json>,
}

/// Whoever has more pages than that is asked in a wrong way.
const PAGES: usize = 1000;

impl Collector for Http {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        Url::parse(&self.url)
            .map_or_else(|_| vec!["nobody: this is no address".to_owned()], |url| web::asks(method, &url, around))
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        let url = Url::parse(&self.url).map_err(|error| Failed(format!("the address cannot be read: {error}")))?;
        let client = Client::new(&task.around, task.deadline);
        let body = self.body.as_ref().map(|body| ("application/json", body.to_string()));
        let observed = (task.around.clock)();
        let mut request = Request { url, body };
        let mut pages = Pages { select: self.select.as_deref(), document: None, size: 0, omitted: Vec::new() };
        for page in 1.. {
            let next = match pages.read(&client, &request, task) {
                Ok(next) => next,
                // What was read before is some of it.
                Err(Failed(error)) if page > 1 => return Ok(pages.gathered(Some(error)).observed(observed)),
                Err(failed) => return Err(failed),
            };
            let Some(next) = next else { break };
            if next.origin() != request.url.origin() {
                let origin = next.origin().ascii_serialization();
                let error = format!("the next page is at another origin, `{origin}`, which is not asked");
                return Ok(pages.gathered(Some(error)).observed(observed));
            }
            if page == PAGES {
                let error = format!("there are more than {PAGES} pages");
                return Ok(pages.gathered(Some(error)).observed(observed));
            }
            if !pages.document.as_ref().is_some_and(Value::is_array) {
                let error = "there are more pages, and what `select` takes of one is no list".to_owned();
                return Ok(pages.gathered(Some(error)).observed(observed));
            }
            task.note(format!("page {}", page + 1));
            // Pages are asked for as links are followed.
            request = Request { url: next, body: None };
        }
        Ok(pages.gathered(None).observed(observed))
    }
}

/// The pages so far.
struct Pages<'a> {
    select: Option<&'a str>,
    document: Option<Json>,
    size: u64,
    omitted: Vec<String>,
}

impl Pages<'_> {
    /// Reads a page, and gives the address of the next.
    fn read(&mut self, client: &Client<'_>, request: &Request, task: &Task) -> Result<Option<Url>, Failed> {
        let answer = client.ask(request)?;
        let at = web::shown(&answer.url);
        if !answer.is_success() {
            return Err(client.refused(&answer));
        }
        answer.json()?;
        self.size += answer.body.len() as u64;
        if self.size > task.around.limits.decoded {
            return Err(Failed(format!("{at}: the pages are longer than {} MiB", task.around.limits.decoded >> 20)));
        }
        if answer.body.is_empty() {
            return Err(Failed(format!("{at}: the answer is empty")));
        }
        let mut decoded =
            decode(answer.body, Format::Json, false, "the answer").map_err(|error| Failed(format!("{at}: {error}")))?;
        self.omitted.extend(rounded("the answer", &decoded));
        if let Some(pointer) = self.select {
            decoded.value = decoded
                .value
                .pointer_mut(pointer)
                .map(Value::take)
                .ok_or_else(|| Failed(format!("{at}: there is nothing at `{pointer}` of the answer")))?;
        }
        match (&mut self.document, decoded.value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (Some(_), _) => return Err(Failed(format!("{at}: this page holds no list"))),
            (document, first) => *document = Some(first),
        }
        Ok(answer.next)
    }

    fn gathered(self, partial: Option<String>) -> Gathered {
        Gathered { partial, omitted: self.omitted, ..Gathered::new(self.document.unwrap_or_default()) }
    }
}
