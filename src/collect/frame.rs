//! The frame: sources side by side, each with its deadline, and what they give written into one snapshot.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use ureq::tls::Certificate;

use super::{
    Aliases, CollectError, Credentials, Deadline, Failed, Gathered, Keep, command, credentials, file, http, kubernetes,
    manifest::Manifest,
    prometheus,
    secrets::{Scrub, withhold},
    store::{Partial, Store},
    web,
};
use crate::{
    facts,
    model::{Json, Source, Status},
    project::{CollectEntry, CollectKind, Project},
    source::{At, Problem, escape},
    spelling::nearest,
};

/// What a collection is asked for beyond the project.
#[derive(Debug, Clone)]
pub struct Options {
    /// Another store than the project's.
    pub facts: Option<String>,
    /// Only these sources; all where it is empty.
    pub only: Vec<String>,
    /// Which snapshots stay; all where it is not said.
    pub keep: Option<Keep>,
    /// How long all of it may take.
    pub timeout: Duration,
    /// Programs may be run.
    pub allow_commands: bool,
    /// The file of credentials.
    pub credentials: Option<PathBuf>,
    /// Certificates of the authorities that servers are trusted by, in PEM; those of browsers where there is none.
    pub ca_file: Option<PathBuf>,
    /// What the place is called that facts are collected from.
    pub environment: Option<String>,
    /// How much is taken from anybody.
    pub limits: Limits,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// How much is taken from anybody, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of what comes over the network.
    pub wire: u64,
    /// Of what that unpacks to, with all pages, or what a program prints.
    pub decoded: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wire: 64 << 20, decoded: 128 << 20 }
    }
}

/// What all collectors of a run share.
pub struct Surroundings {
    /// The project.
    pub project: Project,
    /// The names of its components.
    pub aliases: Aliases,
    /// By origin.
    pub credentials: Credentials,
    /// As [`Options::ca_file`], read.
    pub(super) authorities: Option<Arc<Vec<Certificate<'static>>>>,
    /// As [`Options::allow_commands`].
    pub allow_commands: bool,
    /// As [`Options::limits`].
    pub limits: Limits,
    /// As [`Options::clock`].
    pub clock: fn() -> Timestamp,
}

/// One source that is to be collected.
pub struct Task {
    /// The source.
    pub source: String,
    /// Whether it is the list of any number of documents.
    pub many: bool,
    /// Until when.
    pub deadline: Deadline,
    /// What all share.
    pub around: Arc<Surroundings>,
    notes: Sender<(usize, Message)>,
    at: usize,
}

impl Task {
    /// Says how far it is.
    pub fn note(&self, text: impl Into<String>) {
        // Nobody listens any more where nobody waits.
        let _ = self.notes.send((self.at, Message::Note(text.into())));
    }
}

enum Message {
    Note(String),
    Done(Box<Result<Gathered, Failed>>),
}

/// Gathers one kind of source.
pub trait Collector: Send + Sync {
    /// What it is called in the project file and in the manifest.
    fn kind(&self) -> &'static str;

    /// Whom it asks for what, a line each, without asking.
    fn asks(&self, around: &Surroundings) -> Vec<String>;

    /// Asks.
    ///
    /// # Errors
    /// Why nothing of it can be relied on. What is complete but for something is no error.
    fn collect(&self, task: &Task) -> Result<Gathered, Failed>;

    /// Takes secrets out of the document, and gives their paths.
    fn withhold(&self, document: &mut Json, redact: &[String]) -> Vec<String> {
        withhold(document, redact)
    }
}

/// The collector of an entry of `collect`.
fn collector(entry: &CollectEntry) -> Box<dyn Collector> {
    match &entry.kind {
        CollectKind::File { path, age } => Box::new(file::File { pattern: path.clone(), age: age.clone() }),
        CollectKind::Http { url, select, body } => {
            Box::new(http::Http { url: url.clone(), select: select.clone(), body: body.clone() })
        }
        CollectKind::Command { run, format, env } => {
            Box::new(command::Command { run: run.clone(), format: *format, env: env.clone() })
        }
        CollectKind::Prometheus { url, queries, include } => {
            Box::new(prometheus::Prometheus { url: url.clone(), queries: queries.clone(), include: include.clone() })
        }
        CollectKind::Kubernetes { kinds, namespaces } => {
            Box::new(kubernetes::Kubernetes { kinds: kinds.clone(), namespaces: namespaces.clone() })
        }
        CollectKind::KubernetesFiles { files } => Box::new(kubernetes::KubernetesFiles { files: files.clone() }),
        CollectKind::TraceFiles { .. } | CollectKind::TraceServer { .. } => Box::new(NotYet("traces")),
    }
}

/// A kind that this version cannot collect.
struct NotYet(&'static str);

impl Collector for NotYet {
    fn kind(&self) -> &'static str {
        self.0
    }

    fn asks(&self, _: &Surroundings) -> Vec<String> {
        vec!["nobody: this version does not collect it yet".to_owned()]
    }

    fn collect(&self, _: &Task) -> Result<Gathered, Failed> {
        Err(Failed(format!("this version does not collect `{}` yet", self.0)))
    }
}

/// What happens during a collection.
#[derive(Debug)]
pub enum Event<'a> {
    /// All sources begin.
    Begin {
        /// Their names, in the order of the project file.
        sources: &'a [String],
    },
    /// One says how far it is.
    Note {
        /// The source.
        source: &'a str,
        /// What it does.
        text: &'a str,
    },
    /// One is done.
    Done {
        /// What became of it.
        source: &'a Collected,
        /// How long it took.
        took: Duration,
    },
}

/// What became of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Its name.
    pub source: String,
    /// How it went.
    pub status: Status,
    /// Why it is not `ok`.
    pub error: Option<String>,
    /// What was left out, and what else a reader should know.
    pub omitted: Vec<String>,
    /// The time of the snapshot that it was taken over from, where it was not asked.
    pub taken_over: Option<String>,
}

/// What became of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The snapshot, as messages show it.
    pub snapshot: String,
    /// Its sources, sorted by name.
    pub sources: Vec<Collected>,
    /// Older snapshots that were removed.
    pub removed: Vec<String>,
}

impl Outcome {
    /// Whether everything that was asked for is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.sources.iter().all(|source| source.status == Status::Ok || source.taken_over.is_some())
    }
}

/// What would be asked of whom for a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The source.
    pub source: String,
    /// How it is gathered.
    pub kind: &'static str,
    /// Whom it asks for what, a line each.
    pub asks: Vec<String>,
}

/// What a collection would do, without asking anybody and without writing anything.
///
/// # Errors
/// What keeps the collection as a whole from being made.
pub fn plan(project: &Project, options: &Options) -> Result<Vec<Plan>, Vec<Problem>> {
    let entries = entries(project, &options.only).map_err(boxed_all)?;
    let around = surroundings(project, options).map_err(boxed_all)?;
    let (folder, shown) = store_folder(project, options).map_err(|error| boxed_all(vec![error]))?;
    Store::look(folder, shown).map_err(|error| boxed_all(vec![error]))?;
    let plan = |entry: &CollectEntry| {
        let collector = collector(entry);
        Plan { source: entry.source.clone(), kind: collector.kind(), asks: collector.asks(&around) }
    };
    Ok(entries.into_iter().map(plan).collect())
}

/// Collects the project's sources into a new snapshot of its store; `tell` learns what happens meanwhile.
///
/// A source that cannot be had is in the snapshot as failed. Where only some are asked for, the snapshot before goes on
/// telling the others, with the ages they have.
///
/// # Errors
/// What keeps the collection as a whole from being made. Every earlier snapshot is then as it was.
pub fn collect(project: &Project, options: &Options, tell: &mut dyn FnMut(Event<'_>)) -> Result<Outcome, Vec<Problem>> {
    let one = |error: At<CollectError>| boxed_all(vec![error]);
    let entries = entries(project, &options.only).map_err(boxed_all)?;
    let around = Arc::new(surroundings(project, options).map_err(boxed_all)?);
    let (folder, shown) = store_folder(project, options).map_err(one)?;
    let store = Store::open(folder, shown).map_err(one)?;
    let newest = store.snapshots().map_err(one)?.pop();
    let partial = store.begin((options.clock)()).map_err(one)?;

    let secrets =
        around.credentials.secrets().into_iter().chain(entries.iter().flat_map(|entry| command::secrets(entry)));
    let mut run = Run {
        scrub: Scrub::new(secrets.collect()),
        partial: &partial,
        written: BTreeMap::new(),
        collected: BTreeMap::new(),
    };
    run.ask(&entries, &around, options.timeout, tell).map_err(one)?;
    if let Some(newest) = newest.filter(|_| !options.only.is_empty()) {
        run.take_over(&store, &newest, project).map_err(one)?;
    }
    let Run { written, collected, .. } = run;
    let manifest = Manifest::new(options.environment.clone(), written.into_values().collect());
    let manifest = manifest.to_yaml().map_err(|error| {
        one(At::nowhere(CollectError::Unwritable { path: facts::MANIFEST.to_owned(), reason: error.to_string() }))
    })?;
    let name = partial.publish(&manifest).map_err(one)?;
    let removed = options.keep.map_or(Ok(Vec::new()), |keep| store.prune(keep, &name)).map_err(one)?;
    Ok(Outcome { snapshot: store.shown(&name), sources: collected.into_values().collect(), removed })
}

fn entries<'p>(project: &'p Project, only: &[String]) -> Result<Vec<&'p CollectEntry>, Vec<At<CollectError>>> {
    if project.collect.is_empty() {
        return Err(vec![At::nowhere(CollectError::NothingToCollect)]);
    }
    let names = || project.collect.iter().map(|entry| entry.source.as_str());
    let unknown = only.iter().filter(|name| !names().any(|known| known == name.as_str())).map(|name| {
        let near = nearest(name, names()).map(str::to_owned);
        At::nowhere(CollectError::UnknownSource { name: name.clone(), near })
    });
    let unknown: Vec<_> = unknown.collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    Ok(project.collect.iter().filter(|entry| only.is_empty() || only.contains(&entry.source)).collect())
}

/// Where the store is. The command line may name any folder; the project one of its own, whatever links there are.
fn store_folder<'o>(project: &'o Project, options: &'o Options) -> Result<(PathBuf, &'o str), At<CollectError>> {
    if let Some(given) = &options.facts {
        return Ok((project.root.join(given), given));
    }
    let shown = project.facts.as_str();
    let there = Path::new(shown).ancestors().find(|path| project.root.join(path).exists());
    let leads_out = there.and_then(Path::to_str).is_some_and(|path| project.inside(path).is_none());
    if leads_out {
        let reason = "a link leads out of the project; `--facts` may name any folder".to_owned();
        return Err(At::nowhere(CollectError::Unwritable { path: shown.to_owned(), reason }));
    }
    Ok((project.root.join(shown), shown))
}

fn surroundings(project: &Project, options: &Options) -> Result<Surroundings, Vec<At<CollectError>>> {
    let mut errors = Vec::new();
    let credentials = credentials::read(options.credentials.as_ref()).unwrap_or_else(|error| {
        errors.push(At::nowhere(error));
        Credentials::default()
    });
    let authorities = options.ca_file.as_ref().map(|path| {
        let read = fs::read(path).map_err(|error| facts::said(&error)).map(|pem| web::certificates(&pem));
        let reason = match read {
            Ok(found) if found.is_empty() => "it holds no certificate in PEM".to_owned(),
            Ok(found) => return Arc::new(found),
            Err(reason) => reason,
        };
        let (what, path) = ("the file of certificates", path.display().to_string());
        errors.push(At::nowhere(CollectError::Unreadable { what, path, reason }));
        Arc::default()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Surroundings {
        project: project.clone(),
        aliases: Aliases::new(&project.aliases),
        credentials,
        authorities,
        allow_commands: options.allow_commands,
        limits: options.limits,
        clock: options.clock,
    })
}

/// A collection under way.
struct Run<'r> {
    scrub: Scrub,
    partial: &'r Partial<'r>,
    /// What the manifest will say, with digests, by source.
    written: BTreeMap<String, (Source, Option<String>)>,
    collected: BTreeMap<String, Collected>,
}

/// How much longer than its deadline a source is waited for: collectors keep theirs, and say why they could not.
const GRACE: Duration = Duration::from_secs(2);

/// A source that is being asked.
struct Asked {
    collector: Arc<dyn Collector>,
    deadline: Deadline,
    until: Instant,
    is_done: bool,
}

impl Run<'_> {
    /// Asks all sources at once and writes what each gives when it comes.
    ///
    /// A source that is stuck in the system, as on a dead network drive, cannot be stopped; it is left alone when its
    /// time is over.
    fn ask(
        &mut self,
        entries: &[&CollectEntry],
        around: &Arc<Surroundings>,
        timeout: Duration,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), At<CollectError>> {
        let names: Vec<_> = entries.iter().map(|entry| entry.source.clone()).collect();
        tell(Event::Begin { sources: &names });
        let start = Instant::now();
        let (sender, receiver) = mpsc::channel();
        let mut asked: Vec<Asked> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let allowed = entry.timeout.map_or(timeout, |own| timeout.min(Duration::from_secs(own.seconds())));
            let collector: Arc<dyn Collector> = Arc::from(collector(entry));
            let task = Task {
                source: entry.source.clone(),
                many: around.project.sources.get(&entry.source).is_some_and(|settings| settings.documents_many),
                deadline: Deadline::after(allowed),
                around: Arc::clone(around),
                notes: sender.clone(),
                at,
            };
            asked.push(Asked {
                collector: Arc::clone(&collector),
                deadline: task.deadline,
                until: task.deadline.at() + GRACE,
                is_done: false,
            });
            thread::spawn(move || {
                let gathered = collector.collect(&task);
                let _ = task.notes.send((task.at, Message::Done(Box::new(gathered))));
            });
        }
        drop(sender);
        while let Some(next) = asked.iter().filter(|one| !one.is_done).map(|one| one.until).min() {
            let mut done = Vec::new();
            match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok((at, Message::Done(gathered))) => done.push((at, *gathered)),
                Ok((at, Message::Note(text))) => tell(Event::Note { source: &names[at], text: &text }),
                Err(error) => {
                    let now = Instant::now();
                    done.extend(asked.iter().enumerate().filter(|(_, one)| !one.is_done).filter_map(|(at, one)| {
                        match error {
                            RecvTimeoutError::Timeout => (one.until <= now).then(|| (at, Err(one.deadline.missed()))),
                            // Without anybody left to send, whoever is not done broke off.
                            RecvTimeoutError::Disconnected => {
                                Some((at, Err(Failed("the collector broke off".to_owned()))))
                            }
                        }
                    }));
                }
            }
            for (at, gathered) in done {
                // What comes after its time is over comes too late.
                if !std::mem::replace(&mut asked[at].is_done, true) {
                    let collected = self.finish(&names[at], asked[at].collector.as_ref(), gathered, around)?;
                    tell(Event::Done { source: &collected, took: start.elapsed() });
                    self.collected.insert(names[at].clone(), collected);
                }
            }
        }
        Ok(())
    }

    /// Writes what a source gave, without what is secret.
    fn finish(
        &mut self,
        name: &str,
        collector: &dyn Collector,
        gathered: Result<Gathered, Failed>,
        around: &Surroundings,
    ) -> Result<Collected, At<CollectError>> {
        let many = around.project.sources.get(name).is_some_and(|settings| settings.documents_many);
        let said = |text: &str| escape(&self.scrub.text(text)).into_owned();
        let mut source =
            Source { collector: Some(collector.kind().to_owned()), in_manifest: true, ..Source::named(name) };
        let mut sha256 = None;
        match gathered {
            Err(Failed(error)) => {
                source.status = Status::Failed;
                source.error = Some(said(&error));
            }
            Ok(mut gathered) => {
                let (status, error) = gathered.status();
                source.status = status;
                source.error = error.as_deref().map(said);
                source.omitted = gathered.omitted.iter().map(|text| said(text)).collect();
                source.parts = gathered.parts;
                for part in source.parts.values_mut() {
                    part.error = part.error.as_deref().map(said);
                }
                (source.observed_from, source.observed_to) = (gathered.observed_from, gathered.observed_to);
                source.basis = gathered.basis;
                if status != Status::Failed {
                    let mut withheld = gathered.withheld;
                    // First the credentials: the paths of what else is withheld must not have them either.
                    withheld.extend(self.scrub.document(&mut gathered.document));
                    withheld.extend(collector.withhold(&mut gathered.document, &around.project.redact));
                    withheld.sort();
                    withheld.dedup();
                    source.withheld = withheld;
                    source.nonfinite = gathered.nonfinite.iter().map(|path| self.scrub.text(path)).collect();
                    source.unaliased = gathered.unaliased.iter().map(|name| said(name)).collect();
                    let bytes = written(&gathered.document, many);
                    let file = format!("{name}.json");
                    self.partial.write(&file, &bytes)?;
                    sha256 = Some(facts::digest(&bytes));
                    source.file = Some(file);
                }
            }
        }
        let collected = Collected {
            source: name.to_owned(),
            status: source.status,
            error: source.error.clone(),
            omitted: source.omitted.clone(),
            taken_over: None,
        };
        self.written.insert(name.to_owned(), (source, sha256));
        Ok(collected)
    }

    /// Lets the snapshot before go on telling what was not asked for, file by file and with the ages it has.
    fn take_over(&mut self, store: &Store, newest: &str, project: &Project) -> Result<(), At<CollectError>> {
        let path = store.folder().join(newest);
        let many = project.sources.iter().filter(|(_, settings)| settings.documents_many);
        let settings = facts::Settings { documents_many: many.map(|(name, _)| name.clone()).collect() };
        // What cannot be read any more has nothing to tell.
        let Ok(facts) = facts::load(store.folder(), newest, &settings) else { return Ok(()) };
        for mut source in facts.snapshot.sources {
            if self.written.contains_key(&source.name) {
                continue;
            }
            let file = source.file.as_deref().and_then(|file| file.rsplit('/').next()).map(str::to_owned);
            let bytes = file
                .as_ref()
                .filter(|_| source.status != Status::Failed)
                .and_then(|file| fs::read(path.join(file)).ok());
            source.file = file.filter(|_| bytes.is_some());
            let mut sha256 = None;
            if let (Some(file), Some(bytes)) = (&source.file, &bytes) {
                self.partial.write(file, bytes)?;
                sha256 = Some(facts::digest(bytes));
            } else {
                source.status = Status::Failed;
            }
            self.collected.insert(
                source.name.clone(),
                Collected {
                    source: source.name.clone(),
                    status: source.status,
                    error: source.error.clone(),
                    omitted: Vec::new(),
                    taken_over: Some(newest.to_owned()),
                },
            );
            self.written.insert(source.name.clone(), (source, sha256));
        }
        Ok(())
    }
}

/// A document as it stands in its file, on many lines so that a fact has a line of its own.
fn written(document: &Json, many: bool) -> Vec<u8> {
    let documents = match document {
        Json::Array(documents) if many => documents.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut text = String::new();
    for document in documents {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{document:#}");
    }
    text.into_bytes()
}

fn boxed_all(errors: Vec<At<CollectError>>) -> Vec<Problem> {
    errors.into_iter().map(|error| Box::new(error) as Problem).collect()
}
