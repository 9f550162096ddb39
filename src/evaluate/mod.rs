//! Policies × facts → verdicts: a pure function, run for all assumptions in parallel.
//!
//! Every assumption is evaluated plainly, and where that does not settle it once more by rules that tell what each
//! statement saw. The steps of a verdict stand in `judge.rs` in the order of the contract; each kind of gap has a file of
//! its own.

mod alike;
mod builtins;
mod engine;
pub(crate) mod explain;
mod findings;
mod inputs;
mod judge;
mod missing;
mod outcome;
mod place;
mod presence;
mod program;
pub(crate) mod query;
mod sampled;
mod selection;
mod settled;
mod sources;
pub(crate) mod testing;
mod told;
mod trace;
mod vacuous;
mod violations;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rayon::prelude::*;
use regorus::Value;

pub use self::watch::Watch;
use self::{
    engine::{Engine, Failure, Rows},
    inputs::Inputs,
    judge::judge,
    program::Program,
    settled::Look,
    told::{Told, tell},
};
pub(crate) use self::{judge::Judgement, sources::ahead};

use crate::{
    model::{Gate, MaxAge, Snapshot, Vacuous},
    policy::{Group, GroupRule, InputBinding, Module, Policies, PolicyError},
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
    /// How old a reference's facts may be.
    pub reference_max_age: BTreeMap<String, MaxAge>,
    /// The margin under which an assumption erodes, as a ratio.
    pub eroding_under: f64,
    /// What an empty population means where the assumption does not say.
    pub vacuous: Vacuous,
    /// Further names of keys whose values are never shown.
    pub redact: Vec<String>,
    /// What fails the check.
    pub gate: Gate,
    /// Evaluates every assumption once more to see what it needs, also where the facts alone show that it has all. It
    /// gives the same, later.
    pub explain_all: bool,
    /// Who watches the evaluation.
    pub watch: Watch,
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
    /// The provenance of the references, by name.
    pub references: &'a BTreeMap<String, Snapshot>,
}

/// Judges assumptions. The result has them in the order given, each exactly once.
///
/// # Errors
/// What the engine finds wrong with the policies while it prepares them, module by module.
pub(crate) fn evaluate(
    policies: &Policies,
    groups: &[&Group],
    world: World<'_>,
    settings: &Settings,
) -> Result<Vec<Judgement>, Vec<At<PolicyError>>> {
    // Deeply nested rules need room already while they are loaded.
    in_pool(|| evaluate_here(policies, groups, world, settings))
}

fn evaluate_here(
    policies: &Policies,
    groups: &[&Group],
    world: World<'_>,
    settings: &Settings,
) -> Result<Vec<Judgement>, Vec<At<PolicyError>>> {
    let engine = Engine::new(&policies.rules, world.input, world.data, settings.now, settings.timeout)
        .map_err(|first| all_errors(&policies.modules, *first, settings))?;
    let engine = engine.watched(&settings.watch);
    let bindings: BTreeSet<&InputBinding> = groups.iter().filter_map(|group| group.input.as_ref()).collect();
    let bound: BTreeMap<&InputBinding, Bound> =
        bindings.into_iter().map(|binding| (binding, Bound::of(&engine, binding, world))).collect();
    let bound = |group: &Group| group.input.as_ref().and_then(|binding| bound.get(binding));
    let static_look = Look::new(engine.program(), groups, world);
    let watch = &settings.watch;
    let is_suspect = |group: &Group| watch.suspects.contains(&group.assumption.id);
    let run = |group: &Group| run(&engine, group, bound(group), watch);
    let first: Vec<_> = groups.iter().map(|group| is_suspect(group).then(|| run(group))).collect();
    let run = || groups.par_iter().zip(first).map(|(group, first)| first.unwrap_or_else(|| run(group)));
    let (presences, runs) = rayon::join(|| static_look.presences(), || run().collect::<Vec<_>>());
    let judge = |group: &Group, mut run: Run| {
        let bound = bound(group);
        run.is_settled = !settings.explain_all && static_look.settles(group, &run, &presences);
        let told = if run.is_settled { None } else { tell(&engine, group, bound, &run, &settings.redact) };
        judge(group, run, told, bound.map(|bound| bound.inputs.as_ref()), &presences, world, settings)
    };
    // Again the suspects first, one by one.
    let of_suspect = |(group, run): (&&Group, Run)| {
        if is_suspect(group) { Ok(judge(group, run)) } else { Err(run) }
    };
    let judged: Vec<_> = groups.iter().zip(runs).map(of_suspect).collect();
    let judge = |(group, judged): (&&Group, Result<Judgement, Run>)| judged.unwrap_or_else(|run| judge(group, run));
    Ok(groups.par_iter().zip(judged).map(judge).collect())
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
        match engine::prepare(&rest, &nothing, settings.now) {
            Ok(()) => break,
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

/// What policies of others see as their `input`, and the rules by the paths they then read.
struct Bound {
    inputs: Arc<Inputs>,
    program: Arc<Program>,
}

impl Bound {
    fn of(engine: &Engine<'_>, binding: &InputBinding, world: World<'_>) -> Self {
        let inputs = Inputs::of(binding, world.input);
        let program = engine.program().with_input(inputs.base());
        Self { inputs: Arc::new(inputs), program: Arc::new(program) }
    }
}

/// The values of a group's rules, and whether a built-in failed on the way.
struct Run {
    values: Result<Rows, Failure>,
    builtin: Option<Failure>,
    /// The rules whose values are those without the built-in that failed.
    shaky: BTreeSet<Location>,
    /// The bodies of which a binding reaches the last condition, as far as that was asked.
    reached: BTreeSet<usize>,
    /// Whether a second look could find nothing.
    is_settled: bool,
}

/// Strictly first; only where that fails on a built-in, again as OPA does.
fn run(engine: &Engine<'_>, group: &Group, bound: Option<&Bound>, watch: &Watch) -> Run {
    let id = group.assumption.id.as_str();
    if let Some(what) = watch.stopped.get(id) {
        let values = Err(Failure::Stopped(what.clone()));
        return Run { values, builtin: None, shaky: BTreeSet::new(), reached: BTreeSet::new(), is_settled: false };
    }
    let rules: Vec<String> = group.rules.iter().map(GroupRule::reference).collect();
    let inputs = bound.map(|bound| &bound.inputs);
    let rules_asked = group.rules.iter().filter(|_| inputs.is_none());
    let bodies = rules_asked.flat_map(|rule| engine.program().bodies_of(&rule.path));
    let (asked, calls): (Vec<usize>, Vec<String>) =
        bodies.filter_map(|body| Some((*body, engine.asks_reached(*body)?.to_owned()))).unzip();
    let (values, reached) = match engine.values(id, &[rules.as_slice(), &calls].concat(), inputs, true) {
        Ok(mut values) => {
            let answers: Vec<_> = values.iter_mut().flat_map(|row| row.split_off(rules.len())).collect();
            let is_reached =
                |(body, answer): (usize, Option<Value>)| (answer == Some(Value::from(true))).then_some(body);
            (Ok(values), asked.into_iter().zip(answers).filter_map(is_reached).collect())
        }
        // The rules alone count; what was asked beside them may be what failed.
        Err(failure) if calls.is_empty() => (Err(failure), BTreeSet::new()),
        Err(_) => (engine.values(id, &rules, inputs, true), BTreeSet::new()),
    };
    match values {
        Err(failure @ Failure::Error(_)) => {
            let alone = group.rules.iter().zip(&rules);
            let shaky = alone.filter(|(_, rule)| engine.values(id, std::slice::from_ref(rule), inputs, true).is_err());
            let shaky = shaky.map(|(rule, _)| rule.location.clone()).collect();
            Run {
                values: engine.values(id, &rules, inputs, false),
                builtin: Some(failure),
                shaky,
                reached: BTreeSet::new(),
                is_settled: false,
            }
        }
        values => Run { values, builtin: None, shaky: BTreeSet::new(), reached, is_settled: false },
    }
}
