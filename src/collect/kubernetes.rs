//! `kubernetes`: objects as the API returns them, by the plural of their kind, each kind a part of the source.
//!
//! `kubectl` asks, because it has the logins, contexts and proxies of whoever runs it; or files hold what it printed.

mod object;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Map;

use super::{
    Collector, Failed, Gathered, Surroundings, Task,
    command::consent,
    file::{self, Aged, by_git},
    parallel, program,
    secrets::withhold_by,
    shape::Shape,
};
use crate::{
    facts::{Format, decode},
    model::{Basis, Json, Part, Status},
    project::Located,
    secret,
    source::escape,
};

/// Kinds of the cluster that `kubectl` speaks to.
#[derive(Debug)]
pub(super) struct Kubernetes {
    pub(super) kinds: Vec<String>,
    /// All where none is named.
    pub(super) namespaces: Vec<String>,
}

/// Objects that were written to files.
#[derive(Debug)]
pub(super) struct KubernetesFiles {
    pub(super) files: Located,
}

/// The key of a kind: `certificates.cert-manager.io` are `certificates`.
fn plural(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

impl Collector for Kubernetes {
    fn kind(&self) -> &'static str {
        "kubernetes"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        let command = |kind: &String| {
            let of_namespace = |namespace| format!("runs {}", escape(&arguments(kind, namespace).join(" ")));
            self.scopes().into_iter().map(of_namespace).collect::<Vec<_>>()
        };
        let mut asks: Vec<_> = self.kinds.iter().flat_map(command).collect();
        asks.extend(consent(around).err().map(|Failed(error)| error));
        asks
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        consent(&task.around)?;
        let mut known = BTreeSet::new();
        if let Some(twice) = self.kinds.iter().find(|kind| !known.insert(plural(kind))) {
            return Err(Failed(format!("two of `kinds` would be `{}`: collect one of them", plural(twice))));
        }
        let observed = (task.around.clock)();
        let answers = parallel::each(&self.kinds, |kind| {
            task.note(kind.clone());
            let lists: Vec<_> = self.scopes().into_iter().map(|scope| objects(kind, scope, task)).collect();
            let wrong: Vec<_> =
                lists.iter().filter_map(|list| list.as_ref().err()).map(|Failed(error)| error).collect();
            let status = match wrong.len() {
                0 => Status::Ok,
                all if all == lists.len() => Status::Failed,
                _ => Status::Partial,
            };
            let error = wrong.first().map(|error| (*error).clone());
            let objects = lists.into_iter().flatten().flatten().collect::<Vec<_>>();
            (status, error, objects)
        });
        let mut found = Found::new(&task.around);
        for (kind, (status, error, objects)) in self.kinds.iter().zip(answers) {
            let part = Part { status, error, observed_from: Some(observed), observed_to: Some(observed) };
            found.add(plural(kind), part, objects)?;
        }
        let gathered = found.gathered()?;
        Ok(Gathered { basis: Some(Basis::Census), ..gathered.observed(observed) })
    }

    fn withhold(&self, document: &mut Json, redact: &[String]) -> Vec<String> {
        without_secrets(document, redact)
    }
}

impl Kubernetes {
    /// The namespaces that are asked for one by one; `None` for all of them at once.
    fn scopes(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect()
    }
}

fn arguments(kind: &str, namespace: Option<&str>) -> Vec<String> {
    // In one word with its option, a namespace is never taken for another option.
    let scope = namespace.map_or_else(|| "--all-namespaces".to_owned(), |name| format!("--namespace={name}"));
    ["kubectl", "get", kind, "--output=json", &scope].map(str::to_owned).to_vec()
}

/// The objects of a kind.
fn objects(kind: &str, namespace: Option<&str>, task: &Task) -> Result<Vec<Json>, Failed> {
    let arguments = arguments(kind, namespace);
    let mut command = Command::new(&arguments[0]);
    let left = task.deadline.left()?.as_secs().max(1);
    command.args(&arguments[1..]).arg(format!("--request-timeout={left}s"));
    let of_namespace = |Failed(error): Failed| match namespace {
        Some(name) => Failed(format!("namespace `{name}`: {error}")),
        None => Failed(error),
    };
    let output = program::run(command, "kubectl", task.deadline, task.around.limits.decoded);
    let printed = output.and_then(|output| output.success("kubectl")).map_err(of_namespace)?;
    let list = decode(printed, Format::Json, false, "what kubectl printed").map_err(Failed)?;
    object::listed(list.value).ok_or_else(|| Failed("kubectl printed no list".to_owned()))
}

impl Collector for KubernetesFiles {
    fn kind(&self) -> &'static str {
        "kubernetes"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        file::asks(&self.files, around)
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        let paths: Vec<_> = file::find(&self.files, &task.around)?.into_iter().map(|file| file.path).collect();
        let mut by_kind: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        let mut omitted = Vec::new();
        for path in &paths {
            task.deadline.left()?;
            let decoded = file::read(path, true, &task.around)?;
            omitted.extend(file::rounded(path, &decoded));
            for document in decoded.value.as_array().cloned().unwrap_or_default() {
                // A list of a kind says that there is none even if it is empty; one of any kinds cannot.
                let kind =
                    document["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).unwrap_or_default().to_owned();
                if !kind.is_empty() {
                    by_kind.entry(object::plural(&kind)).or_default();
                }
                let objects = object::listed(document)
                    .ok_or_else(|| Failed(format!("{path}: this is no object of Kubernetes")))?;
                if objects.is_empty() && kind.is_empty() {
                    omitted.push(format!("{path}: an empty list that does not say of which kind"));
                }
                for object in objects {
                    let kind = object["kind"].as_str().unwrap_or_default();
                    by_kind.entry(object::plural(kind)).or_default().push(object);
                }
            }
        }
        let Aged { observed, notes } = by_git(&task.around.project.root, &paths, false, task.deadline)?;
        omitted.extend(notes);
        let mut found = Found::new(&task.around);
        for (kind, objects) in by_kind {
            let part = Part { status: Status::Ok, error: None, observed_from: None, observed_to: observed };
            found.add(&kind, part, objects)?;
        }
        Ok(Gathered { observed_to: observed, omitted, ..found.gathered()? })
    }

    fn withhold(&self, document: &mut Json, redact: &[String]) -> Vec<String> {
        without_secrets(document, redact)
    }
}

/// What was found so far.
struct Found<'a> {
    around: &'a Surroundings,
    document: Map<String, Json>,
    gathered: Gathered,
}

impl<'a> Found<'a> {
    fn new(around: &'a Surroundings) -> Self {
        Self { around, document: Map::new(), gathered: Gathered::new(Json::Null) }
    }

    /// Adds the objects of a kind in their normal form: each once, sorted.
    fn add(&mut self, kind: &str, part: Part, objects: Vec<Json>) -> Result<(), Failed> {
        let status = part.status;
        self.gathered.parts.insert(kind.to_owned(), part);
        if status == Status::Failed {
            return Ok(());
        }
        let mut sorted: BTreeMap<object::Identity, Json> = BTreeMap::new();
        for mut one in objects {
            object::normalise(&mut one);
            if let Some(component) = self.component(&one)? {
                one["component"] = component.into();
            }
            sorted.insert(object::identity(&one), one);
        }
        for (at, one) in sorted.values_mut().enumerate() {
            for taken in object::without_contents(one) {
                self.gathered.withheld.push(format!("{kind}[{at}].{taken}"));
            }
        }
        self.document.insert(kind.to_owned(), sorted.into_values().collect());
        Ok(())
    }

    /// The component that an object is: by its name, else by the labels that name what it belongs to.
    fn component(&mut self, object: &Json) -> Result<Option<String>, Failed> {
        if self.around.aliases.is_empty() {
            return Ok(None);
        }
        let labels = &object["metadata"]["labels"];
        let names =
            [&object["metadata"]["name"], &labels["app.kubernetes.io/name"], &labels["app"], &labels["k8s-app"]];
        for name in names.into_iter().filter_map(Json::as_str) {
            let component = self.around.aliases.component(name).map_err(|error| Failed(error.to_string()))?;
            if let Some(component) = component {
                return Ok(Some(component.to_owned()));
            }
        }
        if object::is_service_like(object) {
            self.gathered.unaliased.extend(object["metadata"]["name"].as_str().map(str::to_owned));
        }
        Ok(None)
    }

    fn gathered(mut self) -> Result<Gathered, Failed> {
        self.gathered.document = Json::Object(self.document);
        Shape::Kubernetes.check(&self.gathered.document)?;
        Ok(self.gathered)
    }
}

/// Takes out what is secret, and leaves what only names a secret: who mounts which one is what a design may care about.
fn without_secrets(document: &mut Json, redact: &[String]) -> Vec<String> {
    let mut withheld = object::without_secret_arguments(document);
    let is_secret = |key: &str, value: &Json, names_secret: bool| {
        let is_asked = redact.iter().any(|name| name.eq_ignore_ascii_case(key));
        is_asked || names_secret && key == "value" || secret::is_secret_name(key) && !object::is_reference(key, value)
    };
    let Json::Object(kinds) = document else { return withheld };
    for (kind, objects) in kinds.iter_mut() {
        // A kind is no secret, whatever it is called.
        let found = withhold_by(objects, &is_secret, redact);
        withheld.extend(found.into_iter().map(|path| format!("{kind}{path}")));
    }
    withheld
}
