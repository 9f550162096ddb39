//! Asking servers: credentials for their own origin alone, limits on everything, patience where it is asked for.

mod link;
mod resolver;

use std::{
    io::{self, Read as _},
    sync::Arc,
    thread,
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822};
use ureq::{
    Agent,
    http::{Response, header},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::transport::DefaultConnector,
};
use url::Url;

use super::{Deadline, Failed, Surroundings};
use crate::text::{ELLIPSIS, cut, quoted};

/// Asks servers on behalf of one source.
pub(super) struct Client<'a> {
    agent: Agent,
    around: &'a Surroundings,
    deadline: Deadline,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) url: Url,
    /// What is posted, with its type; without it this is a GET.
    pub(super) body: Option<(&'static str, String)>,
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Url,
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    /// Where the next page is.
    pub(super) next: Option<Url>,
    pub(super) body: Vec<u8>,
}

/// Redirects beyond these lead nowhere.
const REDIRECTS: usize = 5;

/// A server is asked so often, if it says that it could answer later.
const ATTEMPTS: u32 = 5;

/// The first pause between them; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

impl<'a> Client<'a> {
    pub(super) fn new(around: &'a Surroundings, deadline: Deadline) -> Self {
        let roots = match &around.authorities {
            None => RootCerts::WebPki,
            Some(authorities) => RootCerts::Specific(Arc::clone(authorities)),
        };
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_connect(Some(CONNECT))
            // Whom credentials go to is decided here, redirect by redirect.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("stillholds/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver::Resolver::default());
        Self { agent, around, deadline }
    }

    /// Asks until there is an answer that is no redirect and no request for patience, whatever it says.
    pub(super) fn ask(&self, request: &Request) -> Result<Answer, Failed> {
        let mut request = request.clone();
        for _ in 0..=REDIRECTS {
            let response = self.patiently(&request)?;
            let status = response.status().as_u16();
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let (true, Some(location)) = (matches!(status, 301 | 302 | 303 | 307 | 308), location) else {
                return self.read(&request, response);
            };
            let next = request
                .url
                .join(location)
                .map_err(|_| Failed(format!("{}: redirected to what is no address", shown(&request.url))))?;
            if next.origin() != request.url.origin() {
                let origin = next.origin();
                let other = if origin.is_tuple() { origin.ascii_serialization() } else { next.scheme().to_owned() };
                return Err(Failed(format!(
                    "{}: redirected to another origin, {}, which is not followed: write the address that is meant",
                    shown(&request.url),
                    quoted(&other, 200)
                )));
            }
            // As browsers do: what was posted is not posted anywhere else unless the server insists.
            if status <= 303 {
                request.body = None;
            }
            request.url = next;
        }
        Err(Failed(format!("{}: redirected more than {REDIRECTS} times", shown(&request.url))))
    }

    /// Asks, and again after a pause where the server is overloaded or out of order.
    fn patiently(&self, request: &Request) -> Result<Response<ureq::Body>, Failed> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let response = self.once(request)?;
            let status = response.status().as_u16();
            if !matches!(status, 429 | 500 | 502 | 503 | 504) || attempt == ATTEMPTS {
                return Ok(response);
            }
            let asked = retry_after(&response, (self.around.clock)());
            let wait = asked.unwrap_or_else(|| pause.mul_f64(0.5 + fastrand::f64()));
            if wait >= self.deadline.left()? {
                return match asked {
                    None => Ok(response),
                    Some(wait) => Err(Failed(format!(
                        "{}: answered {} and asks to wait {} s, which is longer than there is time for",
                        shown(&request.url),
                        named(response.status()),
                        wait.as_secs()
                    ))),
                };
            }
            thread::sleep(wait);
            pause *= 2;
            attempt += 1;
        }
    }

    fn once(&self, request: &Request) -> Result<Response<ureq::Body>, Failed> {
        let url = request.url.as_str();
        // Behind a proxy nobody resolves the name here, but an address that is written out is seen.
        if resolver::written(&request.url).is_some_and(resolver::is_refused) {
            return Err(Failed(format!("{}: {}", shown(&request.url), resolver::REFUSED)));
        }
        let credential = self.around.credentials.of(&request.url).map(super::Credential::header);
        let left = Some(self.deadline.left()?);
        let answered = match &request.body {
            None => {
                let mut asking = self.agent.get(url).config().timeout_global(left).build();
                if let Some((name, value)) = credential {
                    asking = asking.header(name, value);
                }
                asking.call()
            }
            Some((content_type, body)) => {
                let mut asking = self.agent.post(url).config().timeout_global(left).build();
                if let Some((name, value)) = credential {
                    asking = asking.header(name, value);
                }
                asking.header(header::CONTENT_TYPE, *content_type).send(body.as_str())
            }
        };
        answered.map_err(|error| self.failed(request, &error))
    }

    /// Reads an answer, in as far as it keeps the limits: of what is sent, and of what that unpacks to.
    fn read(&self, request: &Request, mut response: Response<ureq::Body>) -> Result<Answer, Failed> {
        let limits = self.around.limits;
        let mut body = Vec::new();
        let unpacked = response.body_mut().with_config().limit(limits.wire).reader();
        unpacked
            .take(limits.decoded + 1)
            .read_to_end(&mut body)
            .map_err(|error| self.failed(request, &ureq::Error::from(error)))?;
        if body.len() as u64 > limits.decoded {
            let most = limits.decoded >> 20;
            return Err(Failed(format!("{}: the answer unpacks to more than {most} MiB", shown(&request.url))));
        }
        let text = |name: header::HeaderName| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let links = response.headers().get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
        let next = links.flat_map(link::next).find_map(|target| request.url.join(&target).ok());
        Ok(Answer {
            url: request.url.clone(),
            status: response.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            next,
            body,
        })
    }

    /// What went wrong, without what could be secret in an address.
    fn failed(&self, request: &Request, error: &ureq::Error) -> Failed {
        let why = match error {
            ureq::Error::Timeout(ureq::Timeout::Connect) => "no connection within 10 s".to_owned(),
            ureq::Error::Timeout(_) => return Failed(format!("{}: {}", shown(&request.url), self.deadline.missed())),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::BodyExceedsLimit(_) => {
                format!("the answer is longer than {} MiB", self.around.limits.wire >> 20)
            }
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                io::ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
                io::ErrorKind::UnexpectedEof => "the answer ends too early".to_owned(),
                _ => error.to_string(),
            },
            other => other.to_string(),
        };
        let advice = if why.contains("invalid peer certificate") {
            "; name the authority that vouches for it with `--ca-file` or STILLHOLDS_CA_FILE"
        } else {
            ""
        };
        Failed(format!("{}: {}{advice}", shown(&request.url), cut(&why, 300, ELLIPSIS)))
    }

    /// Why an answer that is no success is none.
    pub(super) fn refused(&self, answer: &Answer) -> Failed {
        let status = ureq::http::StatusCode::from_u16(answer.status).map_or_else(|_| answer.status.to_string(), named);
        let origin = answer.url.origin().ascii_serialization();
        let advice = match (answer.status, self.around.credentials.of(&answer.url)) {
            (401 | 403, None) => format!(
                ": there are no credentials for `{origin}`; add them to the file that STILLHOLDS_CREDENTIALS names"
            ),
            (401 | 403, Some(_)) => format!(": the credentials for `{origin}` do not suffice"),
            _ => String::new(),
        };
        Failed(format!("{}: answered {status}{advice}", shown(&answer.url)))
    }
}

/// The certificates of a file in PEM.
pub(super) fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it may be JSON: a page for people, as of a login, is told from it by its type.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn json(&self) -> Result<(), Failed> {
        let given = self.content_type.as_deref().unwrap_or_default();
        let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // Many a server sends files without knowing what they are.
        let may_be = matches!(kind.as_str(), "" | "text/plain" | "application/octet-stream" | "text/json")
            || kind.starts_with("application/") && kind.ends_with("json");
        if may_be {
            return Ok(());
        }
        Err(Failed(format!("{}: answered with `{}` instead of JSON", shown(&self.url), cut(&kind, 60, ELLIPSIS))))
    }
}

/// An address without what could be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let host = url.origin().ascii_serialization();
    quoted(&format!("{host}{}", url.path()), 200)
}

/// Whom a request goes to with which credentials, for people.
pub(super) fn asks(method: &str, url: &Url, around: &Surroundings) -> Vec<String> {
    let origin = url.origin().ascii_serialization();
    let with = match around.credentials.of(url) {
        Some(credential) => format!("with the credentials for {origin} ({})", credential.kind()),
        None => format!("without credentials: there are none for {origin}"),
    };
    vec![format!("{method} {}", shown(url).trim_matches('`')), with]
}

fn named(status: ureq::http::StatusCode) -> String {
    status
        .canonical_reason()
        .map_or_else(|| status.as_str().to_owned(), |reason| format!("{} {reason}", status.as_str()))
}

/// How long a server asks to wait: seconds, or a date.
fn retry_after(response: &Response<ureq::Body>, now: Timestamp) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::from_secs(u64::try_from(at.as_second() - now.as_second()).unwrap_or_default()))
}
