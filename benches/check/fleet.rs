//! A fleet of services to check: the same bytes in every run and on every machine.

use serde_json::{Value, json};

use crate::lcg::Lcg;

/// What the rules find in a fleet.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum State {
    /// Most assumptions are violated, by some services each.
    Mixed,
    /// None is violated, and each looked at something.
    Clean,
    /// Every one is violated.
    Decayed,
}

/// The document of so many services, about 2 kB each.
pub(crate) fn document(services: u32, state: State) -> String {
    let mut chance = Lcg::new(7);
    let services: Vec<_> = (0..services)
        .map(|at| {
            let mut service = service(&mut chance, at);
            match state {
                State::Mixed => {}
                State::Clean => mend(&mut service, at),
                State::Decayed => spoil(&mut service, at),
            }
            service
        })
        .collect();
    json!({"environment": "production", "generated": "2026-11-20", "services": services}).to_string()
}

fn service(chance: &mut Lcg, at: u32) -> Value {
    json!({
        "name": name(at),
        "team": chance.one_of(&["core", "data", "edge", "ml"]),
        "tier": chance.one_of(&["critical", "low", "standard"]),
        "environment": chance.one_of(&["development", "production", "staging"]),
        "region": chance.one_of(&["ap-south-1", "eu-west-1", "us-east-1"]),
        "replicas": 1 + chance.below(9),
        "zones": zones(chance),
        "image": {
            "repository": format!("registry.example.com/team/{at}"),
            "tag": format!("v{}.{}.{}", 1 + chance.below(9), chance.below(30), chance.below(30)),
            "digest": format!("sha256:{}", chance.hex(64)),
        },
        "resources": {
            "requests": {"cpu": 50 + chance.below(1_950), "memory": 64 + chance.below(8_128)},
            "limits": {"cpu": 100 + chance.below(3_900), "memory": 128 + chance.below(16_256)},
        },
        "ports": ports(chance),
        "labels": (0..8)
            .map(|key| (format!("label-{key}"), format!("value-{}", chance.below(100)).into()))
            .collect::<serde_json::Map<_, Value>>(),
        "variables": (0..12)
            .map(|key| json!({"name": format!("VARIABLE_{key}"), "value": chance.hex(16)}))
            .collect::<Vec<_>>(),
        "calls": (0..chance.below(7)).map(|_| name(chance.below(1_000))).collect::<Vec<_>>(),
        "metrics": {
            "latency": {"p50_ms": chance.measured(50), "p95_ms": chance.measured(200), "p99_ms": chance.measured(500)},
            "errors": {"ratio": chance.measured(50) / 1_000.0},
            "cpu": {"p95_ratio": chance.measured(1)},
            "memory": {"p95_ratio": chance.measured(1)},
        },
        "tls": {"enabled": chance.happens(90), "minimum": chance.one_of(&["1.0", "1.2", "1.3"])},
        "backup": {"enabled": chance.happens(50), "days": 1 + chance.below(40)},
        "owner": {"email": format!("owner-{}@example.com", at % 50), "on_call": chance.happens(70)},
        "events": (0..6)
            .map(|_| {
                json!({
                    "at": format!("2026-11-{:02}T00:00:00Z", 1 + chance.below(28)),
                    "kind": chance.one_of(&["deploy", "restart", "scale"]),
                    "by": format!("user-{}", chance.below(100)),
                    "note": "the deployment was rolled back by hand",
                })
            })
            .collect::<Vec<_>>(),
    })
}

/// Changes what any assumption would find, and leaves something for each to look at.
fn mend(service: &mut Value, at: u32) {
    let is_critical = at.is_multiple_of(3);
    service["tier"] = json!(if is_critical { "critical" } else { "standard" });
    service["replicas"] = json!(3 + at % 7);
    service["zones"] = json!(["a", "b", "c"][..2 + at as usize % 2]);
    service["metrics"]["latency"]["p99_ms"] = json!(at % 450);
    service["metrics"]["errors"]["ratio"] = json!(f64::from(at % 45) / 1_000.0);
    service["tls"] = json!({"enabled": true, "minimum": if at.is_multiple_of(2) { "1.2" } else { "1.3" }});
    service["backup"]["enabled"] = json!(true);
    service["resources"]["limits"] = service["resources"]["requests"].clone();
    service["owner"]["on_call"] = json!(true);
    service["calls"] = json!((0..at % 7).map(|callee| name((at / 3 + callee) % 300 * 3)).collect::<Vec<_>>());
    for port in service["ports"].as_array_mut().expect("a list") {
        port["public"] = json!(port["port"] != 22 && port["public"] == true);
    }
    for label in service["labels"].as_object_mut().expect("an object").values_mut() {
        // With two digits exchanged it would look like what is meant.
        if label == "value-13" || label == "value-31" {
            *label = json!("value-14");
        }
    }
    for variable in service["variables"].as_array_mut().expect("a list") {
        let value = variable["value"].as_str().expect("text").replacen("ff", "fe", 1);
        variable["value"] = json!(value);
    }
    let events = service["events"].as_array_mut().expect("a list");
    events[0]["kind"] = json!("deploy");
    events[1]["kind"] = json!("scale");
}

/// Violates what no service violates by chance.
fn spoil(service: &mut Value, at: u32) {
    if at.is_multiple_of(3) {
        service["team"] = json!("core");
    }
    if !at.is_multiple_of(100) {
        return;
    }
    service["image"]["repository"] = json!("elsewhere.example.com/team");
    service["image"]["digest"] = json!("latest");
    service["region"] = json!("mars-north-1");
    service["ports"] = json!(["http", "admin"].map(|name| json!({"name": name, "port": 80, "public": false})));
    service["resources"]["requests"]["cpu"] = json!(10_000_000);
    service["owner"]["email"] = json!("nobody");
    service["events"].as_array_mut().expect("a list").pop();
}

fn zones(chance: &mut Lcg) -> &'static [&'static str] {
    &["a", "b", "c"][..=chance.below(3) as usize]
}

fn ports(chance: &mut Lcg) -> Vec<Value> {
    ["http", "metrics", "admin"][..=chance.below(3) as usize]
        .iter()
        .map(|name| {
            let port = chance.one_of(&[22, 80, 443, 8_080, 9_090]);
            json!({"name": name, "port": port, "protocol": "TCP", "public": chance.happens(20)})
        })
        .collect()
}

fn name(at: u32) -> String {
    format!("service-{at:05}")
}
