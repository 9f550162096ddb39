//! How long it takes to find 20,000 values in 100 MB of JSON, and their lines and columns: `cargo bench --bench locate`;
//! with `-- --quick` in a tenth of it.

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use stillholds::{
    facts::{Format, locate, locations},
    model::Segment,
};

const SIZE: usize = 100_000_000;
const QUICK_SIZE: usize = SIZE / 10;
const PATHS: usize = 20_000;

fn main() {
    let size = if std::env::args().any(|arg| arg == "--quick") { QUICK_SIZE } else { SIZE };
    for pretty in [true, false] {
        let (text, elements) = edges(size, pretty);
        println!("{} MB of JSON, {elements} elements, {} lines", text.len() / 1_000_000, text.lines().count());
        for count in [1, 1_000, PATHS] {
            measure(&text, elements, count);
        }
    }
}

/// What a collector of traces writes: a long list of small objects.
fn edges(size: usize, pretty: bool) -> (String, usize) {
    let (line, space) = if pretty { ("\n    ", " ") } else { ("", "") };
    let mut text = String::with_capacity(size + 1_000);
    text.push_str("{\"edges\": [");
    let mut elements = 0;
    while text.len() < size {
        let comma = if elements == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{comma}{line}{{{line}\"client\":{space}\"service-{}\",{line}\"server\":{space}\"größe \\\"{elements}\\\"\",\
             {line}\"p99_ms\":{space}{}.5,{line}\"labels\":{space}{{\"zone\":{space}[\"a\",{space}\"b\"]}}{line}}}",
            elements % 977,
            elements % 4_001,
        );
        elements += 1;
    }
    text.push_str("]}\n");
    (text, elements)
}

/// Finds values that lie evenly over the whole text.
fn measure(text: &str, elements: usize, count: usize) {
    let path = |nth: usize| {
        let key = |key: &str| Segment::Key(key.to_owned());
        vec![key("edges"), Segment::Index((nth + 1) * elements / count - 1), key("p99_ms")]
    };
    let paths: Vec<_> = (0..count).map(path).collect();
    let paths: Vec<_> = paths.iter().map(Vec::as_slice).collect();
    let (mut finding, mut placing) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let start = Instant::now();
        let found = locate(black_box(text.as_bytes()), Format::Json, false, &paths);
        finding = finding.min(start.elapsed());
        let ranges: Vec<_> = found.into_iter().flatten().map(|found| found.value).collect();
        assert_eq!(ranges.len(), count, "every path leads somewhere");
        let start = Instant::now();
        black_box(locations("facts/traces.json", text.as_bytes(), &ranges));
        placing = placing.min(start.elapsed());
    }
    println!(
        "  {count:>6} paths: found in {finding:>9.1?} ({:>6.0} MB/s), lines and columns in {placing:>9.1?} ({:>6.0} MB/s)",
        speed(text, finding),
        speed(text, placing),
    );
}

/// In millions of bytes a second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn speed(text: &str, time: Duration) -> f64 {
    text.len() as f64 / time.as_secs_f64() / 1e6
}
