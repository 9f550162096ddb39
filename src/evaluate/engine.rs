//! The only file that names the engine's evaluator: rules in, values out, and whatever goes wrong as a [`Failure`].

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    num::NonZeroU32,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Once, OnceLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use regorus::{
    Engine as Regorus, LimitError, PolicyLengthConfig, QueryResults, Value, utils::limits::ExecutionTimerConfig,
};

use super::{
    place::Index,
    program::{self, AT, MADE, Plain, Program, SEEN},
    trace::{Recorder, Trace, TraceWorld},
};
use crate::{
    policy::{DataPath, Module, PolicyError, Rules, syntax},
    source::{Advice, At},
};

/// What the engine calls the text of a query.
const QUERY: &str = "<query.rego>";

/// The evaluator with all policies, facts and data loaded. Cloning what it holds costs next to nothing, so every
/// evaluation runs on a clone of its own.
pub(super) struct Engine<'a> {
    world: World<'a>,
    /// The modules as they are loaded, and what asks them for conditions that are reached.
    plain: Plain,
    rules: &'a Rules,
    strict: Regorus,
    /// Only loaded once the strict one has failed.
    lenient: OnceLock<Result<Regorus, Box<At<PolicyError>>>>,
    /// Only loaded once something is to be explained: strict, and as OPA does.
    told: [OnceLock<Option<Regorus>>; 2],
    program: OnceLock<Arc<Program>>,
    /// Where the values of the documents stand; shared by all that is explained.
    index: Arc<OnceLock<Index>>,
    timeout: Duration,
}

/// What is loaded beside the modules.
#[derive(Clone, Copy)]
struct World<'a> {
    input: &'a Value,
    data: &'a Value,
    now: Timestamp,
}

/// Why there is no value.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The evaluator stopped with an error; in the strict engine this may be a built-in's.
    Error(Box<At<PolicyError>>),
    /// It took too long.
    Timeout(Duration),
    /// It went out of its other limits.
    Limit(String),
    /// The evaluator itself broke.
    Panic(String),
}

impl Failure {
    /// What went wrong, and what to do about it.
    pub(super) fn said(&self) -> (String, String) {
        match self {
            Self::Error(error) => {
                let help = error.kind.help().unwrap_or_else(|| {
                    "the facts are of another type than the rule supposes: see `stillholds facts`".to_owned()
                });
                (format!("evaluation failed: {}", error.kind), help)
            }
            Self::Timeout(limit) => (
                format!("evaluation took longer than {} s", limit.as_secs_f64()),
                "make the rule look at less, or allow more time with `--timeout`".to_owned(),
            ),
            Self::Limit(message) => (format!("evaluation stopped: {message}"), "make the rule look at less".to_owned()),
            Self::Panic(message) => (
                format!("the evaluator broke: {message}"),
                "this is a defect of the engine: please report it with the rule that caused it".to_owned(),
            ),
        }
    }
}

impl<'a> Engine<'a> {
    /// Loads everything once.
    ///
    /// # Errors
    /// What the engine finds wrong while it prepares the rules.
    pub(super) fn new(
        rules: &'a Rules,
        input: &'a Value,
        data: &'a Value,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Self, Box<At<PolicyError>>> {
        let world = World { input, data, now };
        let plain = program::plain(rules);
        let strict = world.load(&plain.modules, true)?;
        let told = [const { OnceLock::new() }; 2];
        Ok(Self {
            world,
            plain,
            rules,
            strict,
            lenient: OnceLock::new(),
            told,
            program: OnceLock::new(),
            index: Arc::default(),
            timeout,
        })
    }

    /// The rules as a table of statements.
    pub(super) fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| Arc::new(Program::of(self.rules)))
    }

    /// What to evaluate to know whether the last condition of a body is reached; `None` where it cannot be asked.
    pub(super) fn asks_reached(&self, body: usize) -> Option<&str> {
        self.plain.reached.get(&body).map(String::as_str)
    }

    /// What to evaluate to know the keys of all cases that the body of a test tries; `None` where it has none.
    pub(super) fn asks_cases(&self, body: usize) -> Option<&str> {
        self.plain.cases.get(&body).map(String::as_str)
    }

    /// The same values once more, with all that the rules tell on the way; `None` where the rewritten rules cannot be
    /// evaluated. `helpers` are the rules that others look into; of every statement so many bindings are kept as `samples`.
    pub(super) fn traced(
        &self,
        rules: &[String],
        helpers: &[(DataPath, String)],
        samples: usize,
        strict: bool,
    ) -> Option<(Vec<Option<Value>>, Trace)> {
        let program = self.program();
        // Where there is no input, nothing could be handed over with it.
        let nothing = Value::new_object();
        let input = if *self.world.input == Value::Undefined { &nothing } else { self.world.input };
        let world = World { input, ..self.world };
        let told = self.told[usize::from(strict)].get_or_init(|| world.load(&program.modules, strict).ok()).clone();
        let mut engine = told?;
        let values = if helpers.is_empty() {
            Vec::new()
        } else {
            let references: Vec<_> = helpers.iter().map(|(_, reference)| reference.clone()).collect();
            self.values(&references, strict).unwrap_or_default()
        };
        let values = helpers.iter().map(|(path, _)| path.clone()).zip(values);
        let world = TraceWorld {
            input: world.input.clone(),
            data: world.data.clone(),
            rules: values.filter_map(|(path, value)| Some((path, value?))).collect(),
            index: Arc::clone(&self.index),
        };
        let recorder = Arc::new(Recorder::new(Arc::clone(program), world, samples));
        let (at, made, seen) = (Arc::clone(&recorder), Arc::clone(&recorder), Arc::clone(&recorder));
        engine.add_extension(AT.to_owned(), 3, Box::new(move |args| Ok(at.at(&args)))).ok()?;
        engine.add_extension(MADE.to_owned(), 3, Box::new(move |args| Ok(made.made(args)))).ok()?;
        engine.add_extension(SEEN.to_owned(), 3, Box::new(move |args| Ok(seen.seen(args)))).ok()?;
        let values = self.ask(engine, rules, &program.modules).ok()?;
        Some((values, recorder.finish()))
    }

    /// The values of these rules (references below `data`), in one evaluation; `None` where one is undefined.
    ///
    /// # Errors
    /// The first thing that went wrong in any of them.
    pub(super) fn values(&self, rules: &[String], strict: bool) -> Result<Vec<Option<Value>>, Failure> {
        self.ask(self.loaded(strict)?, rules, &self.plain.modules)
    }

    fn loaded(&self, strict: bool) -> Result<Regorus, Failure> {
        if strict {
            return Ok(self.strict.clone());
        }
        let lenient = self.lenient.get_or_init(|| self.world.load(&self.plain.modules, false));
        lenient.clone().map_err(Failure::Error)
    }

    fn ask(&self, engine: Regorus, rules: &[String], modules: &[Module]) -> Result<Vec<Option<Value>>, Failure> {
        let values: Vec<_> = rules.iter().map(|rule| format!("[v | v := {rule}]")).collect();
        let query = format!("[{}]", values.join(", "));
        let (results, _) = self.run(engine, query, |label| of_label(modules, label))?;
        Ok(unpack(&results, rules.len()))
    }

    /// The value of a module's text, which is one expression; `None` where it is undefined. And what it printed.
    ///
    /// # Errors
    /// The first thing that went wrong, in the text or in the rules.
    pub(super) fn query(&self, query: &Module, strict: bool) -> Result<(Option<Value>, Vec<String>), Failure> {
        let mut engine = self.loaded(strict)?;
        engine.set_rego_v0(query.v0);
        let modules = &self.plain.modules;
        let of_label = |label: &str| if label == QUERY { Some(query) } else { of_label(modules, label) };
        let (results, printed) = self.run(engine, query.text.clone(), of_label)?;
        let value = results.result.into_iter().next().and_then(|result| result.expressions.into_iter().next());
        Ok((value.map(|expression| expression.value).filter(|value| *value != Value::Undefined), printed))
    }

    /// The value of one rule, as OPA evaluates it; `None` where it is undefined. And what was printed on the way.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub(super) fn value(&self, rule: &str) -> Result<(Option<Value>, Vec<String>), Failure> {
        let modules = &self.plain.modules;
        let (results, printed) =
            self.run(self.loaded(false)?, format!("[[v | v := {rule}]]"), |label| of_label(modules, label))?;
        Ok((unpack(&results, 1).pop().flatten(), printed))
    }

    fn run<'m>(
        &self,
        mut engine: Regorus,
        query: String,
        of_label: impl Fn(&str) -> Option<&'m Module>,
    ) -> Result<(QueryResults, Vec<String>), Failure> {
        // The clock is asked at every thousandth step only: often enough for a limit in seconds.
        let check_interval = NonZeroU32::new(1_000).unwrap_or(NonZeroU32::MIN);
        engine.set_execution_timer_config(ExecutionTimerConfig { limit: self.timeout, check_interval });
        let start = Instant::now();
        match quietly(|| engine.eval_query(query, false)) {
            // The engine does not look at the clock inside a built-in.
            Ok(Ok(_)) if start.elapsed() > self.timeout => Err(Failure::Timeout(self.timeout)),
            Ok(Ok(results)) => {
                // Each begins with where that was, in text that has been rewritten.
                let said =
                    |line: String| line.splitn(3, ':').nth(2).map_or(line.clone(), |said| said.trim_start().to_owned());
                Ok((results, engine.take_prints().unwrap_or_default().into_iter().map(said).collect()))
            }
            Ok(Err(error)) => Err(match error.downcast_ref::<LimitError>() {
                Some(LimitError::TimeLimitExceeded { .. }) => Failure::Timeout(self.timeout),
                Some(other) => Failure::Limit(other.to_string()),
                None => Failure::Error(Box::new(syntax::engine_error(&format!("{error:#}"), of_label))),
            }),
            Err(message) => Err(Failure::Panic(message)),
        }
    }
}

/// Loads modules without any facts, to see whether the engine takes them.
///
/// # Errors
/// What the engine finds wrong first.
pub(super) fn prepare(modules: &[Module], nothing: &Value, now: Timestamp) -> Result<(), Box<At<PolicyError>>> {
    World { input: nothing, data: nothing, now }.load(modules, true).map(drop)
}

impl World<'_> {
    fn load(self, modules: &[Module], strict: bool) -> Result<Regorus, Box<At<PolicyError>>> {
        let failed = |error: &anyhow::Error| Box::new(error_at(modules, &error.to_string()));
        let mut engine = Regorus::new();
        engine.set_strict_builtin_errors(strict);
        // What policies print is data and must not reach a terminal.
        engine.set_gather_prints(true);
        engine.set_policy_length_config(PolicyLengthConfig {
            max_col: syntax::MAX_COLUMNS,
            max_file_bytes: syntax::MAX_BYTES,
            max_lines: syntax::MAX_LINES,
        });
        for (at, module) in modules.iter().enumerate() {
            engine.set_rego_v0(module.v0);
            engine.add_policy(syntax::label(at), module.text.clone()).map_err(|error| failed(&error))?;
        }
        engine.set_input(self.input.clone());
        engine.add_data(self.data.clone()).map_err(|error| failed(&error))?;
        let now = Value::from(i64::try_from(self.now.as_nanosecond()).unwrap_or(i64::MAX));
        engine
            .add_extension("time.now_ns".to_owned(), 0, Box::new(move |_| Ok(now.clone())))
            .map_err(|error| failed(&error))?;
        engine
            .add_extension("regex.match".to_owned(), 2, Box::new(move |args| regex_match(&args, strict)))
            .map_err(|error| failed(&error))?;
        // Any query makes the engine analyse its rules; the clones share the result.
        engine.eval_query("true".to_owned(), false).map_err(|error| failed(&error))?;
        Ok(engine)
    }
}

fn unpack(results: &QueryResults, count: usize) -> Vec<Option<Value>> {
    let value =
        results.result.first().and_then(|result| result.expressions.first()).map(|expression| &expression.value);
    let lists = value.and_then(|value| value.as_array().ok());
    (0..count)
        .map(|at| {
            lists
                .and_then(|lists| lists.get(at))
                .and_then(|list| list.as_array().ok())
                .and_then(|list| list.first())
                .cloned()
        })
        .collect()
}

fn error_at(modules: &[Module], text: &str) -> At<PolicyError> {
    syntax::engine_error(text, |label| of_label(modules, label))
}

/// The module that the engine knows by this name.
fn of_label<'m>(modules: &'m [Module], label: &str) -> Option<&'m Module> {
    label.strip_prefix("module-")?.parse().ok().and_then(|at: usize| modules.get(at))
}

/// `regex.match` with one compiled expression for each pattern and thread. The engine's own clones the expression at
/// every call, which costs eleven times as much.
fn regex_match(args: &[Value], strict: bool) -> Result<Value, anyhow::Error> {
    thread_local! {
        static COMPILED: RefCell<HashMap<Box<str>, Option<regex::Regex>>> = RefCell::default();
    }
    let fail = |message: &str| if strict { Err(anyhow::anyhow!(message.to_owned())) } else { Ok(Value::Undefined) };
    let (Ok(pattern), Ok(text)) = (args[0].as_string(), args[1].as_string()) else {
        return fail("`regex.match` expects text");
    };
    COMPILED.with_borrow_mut(|compiled| {
        if !compiled.contains_key(pattern.as_ref()) {
            // The engine's own limit, so that what compiles does not depend on which of the two is asked.
            let regex = regex::RegexBuilder::new(pattern).size_limit(100 * 1024).build().ok();
            if compiled.len() >= 1_000 {
                compiled.clear();
            }
            compiled.insert(pattern.as_ref().into(), regex);
        }
        match &compiled[pattern.as_ref()] {
            Some(regex) => Ok(Value::from(regex.is_match(text))),
            None => fail("invalid regex"),
        }
    })
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may panic; the panic becomes a message instead of a print.
fn quietly<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
    })
}
