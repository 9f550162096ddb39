//! The only file that names the engine's evaluator: rules in, values out, and whatever goes wrong as a [`Failure`].

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use regorus::{Engine as Regorus, LimitError, PolicyLengthConfig, Value, utils::limits::ExecutionTimerConfig};

use super::{
    Watch,
    builtins::BUILTINS,
    inputs::Inputs,
    place::Index,
    program::{self, AT, EACH, MADE, Plain, Program, SEEN, SELECT},
    selection::Selections,
    trace::{Recorder, Trace, TraceWorld},
};
use crate::{
    policy::{self, DataPath, Module, PolicyError, Rules, syntax},
    quiet::quietly,
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
    /// Whoever wants to know what is being evaluated.
    watch: Option<&'a Watch>,
}

/// The values of rules, `None` where one is undefined: a row for each input.
pub(super) type Rows = Vec<Vec<Option<Value>>>;

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
    /// It ended the process that evaluated it, or had to be ended with it.
    Stopped(String),
}

impl Failure {
    /// What went wrong, and what to do about it.
    pub(super) fn said(&self) -> (String, String) {
        match self {
            Self::Error(error) => {
                let help = error.kind.help().unwrap_or_else(|| {
                    "the facts are of another type than the rule supposes: see `stillholds facts`".to_owned()
                });
                // What is more than a value may have anything in it.
                let message = error.kind.to_string();
                let message = match message.split_once(", and got `") {
                    Some((short, quoted)) if quoted.starts_with(['{', '[']) => short,
                    _ => &message,
                };
                (format!("evaluation failed: {message}"), help)
            }
            Self::Timeout(limit) => (
                format!("evaluation took longer than {} s", limit.as_secs_f64()),
                "make the rule look at less, or allow more time with `--timeout`".to_owned(),
            ),
            Self::Limit(message) => (format!("evaluation stopped: {message}"), "make the rule look at less".to_owned()),
            Self::Stopped(what) => (
                format!("evaluation {what}"),
                "make the rule look at less: what it asks for has no end, or does not fit into memory".to_owned(),
            ),
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
            watch: None,
        })
    }

    /// The same, watched.
    pub(super) fn watched(self, watch: &'a Watch) -> Self {
        Self { watch: Some(watch), ..self }
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

    /// The same values of an assumption's rules once more, with all that the rules tell on the way; `None` where the
    /// rewritten rules cannot be evaluated. `helpers` are the rules that others look into; of every statement so many
    /// bindings are kept as `samples`.
    #[expect(clippy::too_many_arguments, reason = "what to ask, of what, and how closely")]
    pub(super) fn traced(
        &self,
        id: &str,
        rules: &[String],
        helpers: &[(DataPath, String)],
        inputs: Option<&Arc<Inputs>>,
        program: &Arc<Program>,
        samples: usize,
        strict: bool,
    ) -> Option<(Rows, Trace)> {
        // Where there is no input, nothing could be handed over with it.
        let nothing = Value::new_object();
        let input = if *self.world.input == Value::Undefined { &nothing } else { self.world.input };
        let world = World { input, ..self.world };
        let told =
            self.told[usize::from(strict)].get_or_init(|| world.load(&self.program().modules, strict).ok()).clone();
        let mut engine = told?;
        let rows = if helpers.is_empty() {
            Vec::new()
        } else {
            let references: Vec<_> = helpers.iter().map(|(_, reference)| reference.clone()).collect();
            self.values(id, &references, inputs, strict).unwrap_or_default()
        };
        let known = |row: Vec<Option<Value>>| -> BTreeMap<DataPath, Value> {
            let values = helpers.iter().map(|(path, _)| path.clone()).zip(row);
            values.filter_map(|(path, value)| Some((path, value?))).collect()
        };
        let world = TraceWorld {
            input: world.input.clone(),
            data: world.data.clone(),
            inputs: inputs.cloned(),
            rules: Arc::new(rows.into_iter().map(known).collect()),
            index: Arc::clone(&self.index),
        };
        let recorder = Arc::new(Recorder::new(Arc::clone(program), world, samples));
        let (at, made, seen) = (Arc::clone(&recorder), Arc::clone(&recorder), Arc::clone(&recorder));
        engine.add_extension(AT.to_owned(), 3, Box::new(move |args| Ok(at.at(&args)))).ok()?;
        engine.add_extension(MADE.to_owned(), 3, Box::new(move |args| Ok(made.made(args)))).ok()?;
        engine.add_extension(SEEN.to_owned(), 3, Box::new(move |args| Ok(seen.seen(args)))).ok()?;
        let values = self.ask(id, engine, rules, inputs.map(AsRef::as_ref), &self.program().modules).ok()?;
        Some((values, recorder.finish()))
    }

    /// The values of these rules of an assumption (references below `data`), in one evaluation; `None` where one is
    /// undefined. There is a row for each of the inputs, or just one where all facts are the input.
    ///
    /// # Errors
    /// The first thing that went wrong in any of them.
    pub(super) fn values(
        &self,
        id: &str,
        rules: &[String],
        inputs: Option<&Arc<Inputs>>,
        strict: bool,
    ) -> Result<Rows, Failure> {
        self.ask(id, self.loaded(strict)?, rules, inputs.map(AsRef::as_ref), &self.plain.modules)
    }

    fn loaded(&self, strict: bool) -> Result<Regorus, Failure> {
        if strict {
            return Ok(self.strict.clone());
        }
        let lenient = self.lenient.get_or_init(|| self.world.load(&self.plain.modules, false));
        lenient.clone().map_err(Failure::Error)
    }

    fn ask(
        &self,
        id: &str,
        engine: Regorus,
        rules: &[String],
        inputs: Option<&Inputs>,
        modules: &[Module],
    ) -> Result<Rows, Failure> {
        // Without an input there is nothing to ask.
        if inputs.is_some_and(|inputs| inputs.len() == 0) {
            return Ok(Vec::new());
        }
        let asked = |with: &str| {
            let values: Vec<_> = rules.iter().map(|rule| format!("[v | v := {rule}{with}]")).collect();
            format!("[{}]", values.join(", "))
        };
        let query = inputs.map_or_else(|| asked(""), |inputs| inputs.query(asked));
        let run = || self.run(engine, query, |label| of_label(modules, label));
        let (value, _) = match self.watch {
            Some(watch) => watch.over(id, run),
            None => run(),
        }?;
        Ok(match inputs {
            None => vec![unpack(&value, rules.len())],
            Some(inputs) => {
                let answer = |row: &Value| {
                    let row = row.as_array().ok()?;
                    Some((row.first()?.clone(), unpack(row.get(1)?, rules.len())))
                };
                let answers = value.as_array().into_iter().flat_map(|rows| rows.iter().filter_map(answer));
                inputs.rows(answers.collect(), rules.len())
            }
        })
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
        let (value, printed) = self.run(engine, query.text.clone(), of_label)?;
        Ok((Some(value).filter(|value| *value != Value::Undefined), printed))
    }

    /// The value of one rule, as OPA evaluates it; `None` where it is undefined. And what was printed on the way.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub(super) fn value(&self, rule: &str) -> Result<(Option<Value>, Vec<String>), Failure> {
        let modules = &self.plain.modules;
        let (value, printed) =
            self.run(self.loaded(false)?, format!("[[v | v := {rule}]]"), |label| of_label(modules, label))?;
        Ok((unpack(&value, 1).pop().flatten(), printed))
    }

    /// The value of a query of one expression, undefined where it has none, and what was printed on the way.
    fn run<'m>(
        &self,
        mut engine: Regorus,
        query: String,
        of_label: impl Fn(&str) -> Option<&'m Module>,
    ) -> Result<(Value, Vec<String>), Failure> {
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
                let value = results.result.into_iter().next().and_then(|result| result.expressions.into_iter().next());
                let value = value.map_or(Value::Undefined, |expression| expression.value);
                Ok((value, engine.take_prints().unwrap_or_default().into_iter().map(said).collect()))
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
        quietly(|| self.load_loudly(modules, strict)).unwrap_or_else(|message| {
            let message = format!("the evaluator broke: {message}");
            Err(Box::new(At::nowhere(PolicyError::Syntax { message, help: None })))
        })
    }

    fn load_loudly(self, modules: &[Module], strict: bool) -> Result<Regorus, Box<At<PolicyError>>> {
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
        // What is asked of the rules is Rego v1 whatever they are.
        engine.set_rego_v0(false);
        engine.set_input(self.input.clone());
        engine.add_data(self.data.clone()).map_err(|error| failed(&error))?;
        let now = Value::from(i64::try_from(self.now.as_nanosecond()).unwrap_or(i64::MAX));
        engine
            .add_extension("time.now_ns".to_owned(), 0, Box::new(move |_| Ok(now.clone())))
            .map_err(|error| failed(&error))?;
        engine
            .add_extension("regex.match".to_owned(), 2, Box::new(move |args| regex_match(&args, strict)))
            .map_err(|error| failed(&error))?;
        engine
            .add_extension(EACH.to_owned(), 1, Box::new(|mut args| each(args.swap_remove(0))))
            .map_err(|error| failed(&error))?;
        let selections = Arc::new(Selections::default());
        let select = move |mut args: Vec<Value>| {
            let list = each(args.swap_remove(0))?;
            // What was last is first now.
            Ok(selections.select(list, &args[1], &args[0]))
        };
        engine.add_extension(SELECT.to_owned(), 3, Box::new(select)).map_err(|error| failed(&error))?;
        for (name, function) in BUILTINS {
            let arity = policy::arity_of_builtin(name).and_then(|arity| u8::try_from(arity).ok()).unwrap_or_default();
            let answer = move |args: Vec<Value>| match function(&args) {
                Err(error) if strict => Err(error),
                answer => Ok(answer.unwrap_or(Value::Undefined)),
            };
            engine.add_extension(name.to_owned(), arity, Box::new(answer)).map_err(|error| failed(&error))?;
        }
        for (name, arity) in SILENT.into_iter().filter(|_| strict) {
            let answer = move |args: Vec<Value>| answer_or_error(name, args);
            engine.add_extension(name.to_owned(), arity, Box::new(answer)).map_err(|error| failed(&error))?;
        }
        // Any query makes the engine analyse its rules; the clones share the result.
        engine.eval_query("true".to_owned(), false).map_err(|error| failed(&error))?;
        Ok(engine)
    }
}

/// Built-ins of the engine that are undefined, also where it is strict, for arguments that OPA's fail for; with the number
/// of their arguments. What rests on such a failure must not hold.
const SILENT: [(&str, u8); 4] = [("json.patch", 2), ("time.add_date", 4), ("units.parse", 1), ("units.parse_bytes", 1)];

/// What the engine's own function answers, asked in an engine apart; an error where it has no answer.
fn answer_or_error(name: &str, args: Vec<Value>) -> Result<Value, anyhow::Error> {
    let params: Vec<_> = (0..args.len()).map(|at| format!("input[{at}]")).collect();
    let mut engine = Regorus::new();
    engine.set_strict_builtin_errors(true);
    engine.set_input(Value::from(args));
    let answer = engine.eval_query(format!("{name}({})", params.join(", ")), false).map_err(|error| {
        // Its place is one in the query, which nobody wrote.
        let text = error.to_string();
        anyhow::anyhow!(text.rsplit_once("error: ").map_or(text.clone(), |(_, said)| said.to_owned()))
    })?;
    let value = answer.result.into_iter().next().and_then(|result| result.expressions.into_iter().next());
    match value.map(|expression| expression.value) {
        Some(value) if value != Value::Undefined => Ok(value),
        _ => Err(anyhow::anyhow!("`{name}` has no answer for these arguments")),
    }
}

fn unpack(value: &Value, count: usize) -> Vec<Option<Value>> {
    let lists = value.as_array().ok();
    let first = |at: usize| lists?.get(at)?.as_array().ok()?.first().cloned();
    (0..count).map(first).collect()
}

fn error_at(modules: &[Module], text: &str) -> At<PolicyError> {
    syntax::engine_error(text, |label| of_label(modules, label))
}

/// The module that the engine knows by this name.
fn of_label<'m>(modules: &'m [Module], label: &str) -> Option<&'m Module> {
    label.strip_prefix("module-")?.parse().ok().and_then(|at: usize| modules.get(at))
}

/// What is iterated over: a collection; `null` is none, as in OPA. In OPA so is text; here nobody is to take a list that
/// was delivered as something else for an empty one.
fn each(value: Value) -> Result<Value, anyhow::Error> {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Set(_) | Value::Undefined => Ok(value),
        Value::Null => Ok(Value::from(Vec::<Value>::new())),
        other => Err(anyhow::anyhow!("cannot iterate over {}, which is no list", kind(&other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Number(_) => "a number",
        _ => "true or false",
    }
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
