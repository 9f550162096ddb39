//! Policies × facts → verdicts: a pure function, run for all assumptions in parallel.
//!
//! The steps of a verdict stand in `judge.rs` in the order of the contract; each kind of gap has a file of its own.
//! What is judged here is judged from whole sources and from paths without iteration.

#[cfg_attr(not(test), expect(dead_code, reason = "asked once each statement's arriving bindings are known"))]
mod alike;
mod engine;
mod judge;
mod missing;
mod outcome;
mod presence;
mod sources;
mod violations;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use rayon::prelude::*;
use regorus::Value;

use self::{
    engine::{Engine, Failure},
    judge::judge,
    presence::Presences,
};
use crate::{
    model::{Gate, Judged, MaxAge, Snapshot, Vacuous},
    policy::{Group, GroupRule, Module, Policies, PolicyError},
    source::{At, Location},
};

/// What the project says of judging.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time of the check.
    pub now: Timestamp,
    /// How long one assumption may take.
    pub timeout: Duration,
    /// How old facts may be where neither source nor assumption says so.
    pub max_age: Option<MaxAge>,
    /// How old a source's facts may be.
    pub source_max_age: BTreeMap<String, MaxAge>,
    /// The margin under which an assumption erodes, as a ratio.
    pub eroding_under: f64,
    /// What an empty population means where the assumption does not say.
    pub vacuous: Vacuous,
    /// Further names of keys whose values are never shown.
    pub redact: Vec<String>,
    /// What fails the check.
    pub gate: Gate,
}

/// What there is to judge by.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// `input`: the sources' documents.
    pub input: &'a Value,
    /// `data`: design, snapshot and references.
    pub data: &'a Value,
    /// The provenance of `input`.
    pub snapshot: &'a Snapshot,
}

/// Judges assumptions. The result has them in the order given, each exactly once.
///
/// # Errors
/// What the engine finds wrong with the policies while it prepares them, module by module.
pub fn evaluate(
    policies: &Policies,
    groups: &[&Group],
    world: World<'_>,
    settings: &Settings,
) -> Result<Vec<Judged>, Vec<At<PolicyError>>> {
    let engine = Engine::new(&policies.modules, world.input, world.data, settings.now, settings.timeout)
        .map_err(|first| all_errors(&policies.modules, *first, settings))?;
    let paths = groups.iter().flat_map(|group| group.reads.uses.iter().map(|one| &one.path));
    let count = || Presences::of(paths, &[("input", world.input), ("data", world.data)]);
    let run = || groups.par_iter().map(|group| run(&engine, group)).collect::<Vec<_>>();
    Ok(in_pool(|| {
        let (presences, runs) = rayon::join(count, run);
        let judge = |(group, run): (&&Group, Run)| judge(group, run, &presences, world, settings);
        groups.par_iter().zip(runs).map(judge).collect()
    }))
}

/// The engine names one error and stops. The others show once the packages of those already named are left out.
fn all_errors(modules: &[Module], first: At<PolicyError>, settings: &Settings) -> Vec<At<PolicyError>> {
    let nothing = Value::new_object();
    let mut rest = modules.to_vec();
    let mut errors = vec![first];
    while let Some(place) = errors.last().and_then(|error| error.place.clone()) {
        let bad: Vec<_> = rest.iter().filter(|module| module.file == place.file).map(Module::package).collect();
        let before = rest.len();
        rest.retain(|module| !bad.contains(&module.package()));
        if rest.len() == before {
            break;
        }
        match Engine::new(&rest, &nothing, &nothing, settings.now, settings.timeout) {
            Ok(_) => break,
            Err(error) => errors.push(*error),
        }
    }
    errors
}

/// Runs in threads with room for deeply nested rules; the memory is only reserved until it is used.
fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(work),
        // Where so much address space cannot be reserved, the default has to do.
        Err(_) => work(),
    }
}

/// The values of a group's rules, and whether a built-in failed on the way.
struct Run {
    values: Result<Vec<Option<Value>>, Failure>,
    builtin: Option<Failure>,
    /// The rules whose values are those without the built-in that failed.
    shaky: BTreeSet<Location>,
}

/// Strictly first; only where that fails on a built-in, again as OPA does.
fn run(engine: &Engine<'_>, group: &Group) -> Run {
    let rules: Vec<String> = group.rules.iter().map(GroupRule::reference).collect();
    match engine.values(&rules, true) {
        Err(failure @ Failure::Error(_)) => {
            let alone = group.rules.iter().zip(&rules);
            let shaky = alone.filter(|(_, rule)| engine.values(std::slice::from_ref(rule), true).is_err());
            let shaky = shaky.map(|(rule, _)| rule.location.clone()).collect();
            Run { values: engine.values(&rules, false), builtin: Some(failure), shaky }
        }
        values => Run { values, builtin: None, shaky: BTreeSet::new() },
    }
}
