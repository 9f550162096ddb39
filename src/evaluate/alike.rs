//! Whether what stands there looks like what a policy asks for: a key or a constant that was misspelt or renamed.
//!
//! All comparisons are symmetric. Nothing looks like itself: it is the same. What is compared may be many thousand
//! names, of which nearly all are told apart without taking them to pieces.

use std::collections::{BTreeSet, HashMap};

use crate::spelling::distance;

/// Words of fewer letters are told apart by every letter: `cpu` and `gpu`, `min` and `max`.
const SHORTEST_WORD: usize = 4;
/// Words of so many letters may have two slips.
const TWO_SLIPS: usize = 8;
/// Keys as a whole, without regard to their words, are compared from so many letters on.
const SHORTEST_JOINED: usize = 7;
/// Constants of fewer letters are abbreviations, in which every letter counts.
const SHORTEST_CONSTANT: usize = 3;
/// Names of so many letters may be those of a service, with an ending or without.
const SHORTEST_SERVICE: usize = 4;
/// Constants of so many letters may be apart by more than a plural, a transposition or the ending of a service.
const LONG_CONSTANT: usize = 5;
/// Beyond so many characters nothing is a name any more, and comparing costs their product.
const LONGEST: usize = 200;

/// Endings that names of services have in one place and not in another, or not the same.
const SERVICE: [&str; 2] = ["service", "svc"];

/// Protocols whose form over TLS has an `s` at the end: they are two, and which of them it is matters.
const OVER_TLS_WITH_S: &[&str] = &[
    "amqp", "coap", "dav", "ftp", "grpc", "http", "icap", "imap", "ipp", "irc", "ldap", "lmtp", "mqtt", "msrp", "nntp",
    "pop", "pop3", "redis", "rtmp", "rtsp", "sip", "smtp", "stomp", "stun", "tcp", "telnet", "turn", "ws", "xmpp",
];

/// The key that was most likely meant by `wanted`, which is missing, among the `siblings` that stand in its parents.
///
/// A key that is `read` too is itself meant. Two keys that some element has side by side are two keys: whether one has
/// `wanted` beside a key is asked of the few keys that look like it.
///
/// The answer does not depend on the order of the siblings.
pub(super) fn key_meant<'a>(
    wanted: &str,
    siblings: impl IntoIterator<Item = &'a str>,
    read: &BTreeSet<&str>,
    is_beside: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let wanted = Key::new(wanted);
    let is_meant = |there: &&str| wanted.looks_like(&Key::new(there)) && !read.contains(there) && !is_beside(there);
    closest(wanted.text, siblings.into_iter().filter(is_meant))
}

/// The distinct texts that stood at one place, held so that those that look like a constant are found without a look
/// at all of them.
pub(super) struct Values<'a> {
    /// By their first letter.
    by_letter: HashMap<char, Vec<Constant<'a>>>,
}

impl<'a> Values<'a> {
    /// Of what stood there. Texts without letters look like nothing.
    pub(super) fn new(there: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_letter: HashMap<char, Vec<Constant<'a>>> = HashMap::new();
        for text in there {
            let value = Constant::new(text);
            if let Some(letter) = first_letter(&value.bare) {
                by_letter.entry(letter).or_default().push(value);
            }
        }
        Self { by_letter }
    }

    /// The value that was most likely meant by `constant`; none where `constant` itself stood there.
    ///
    /// One that is also among the `constants` of the assumption is itself meant. The answer does not depend on the
    /// order of the values.
    pub(super) fn meant(&self, constant: &str, constants: &BTreeSet<&str>) -> Option<&'a str> {
        let constant = Constant::new(constant);
        // Only a transposition changes the first letter, and then to the second.
        let mut letters = constant.bare.chars().filter(|c| c.is_alphabetic());
        let first = letters.next()?;
        let second = letters.next().filter(|second| *second != first);
        let there = || [Some(first), second].into_iter().flatten().filter_map(|c| self.by_letter.get(&c)).flatten();
        if there().any(|value| value.text == constant.text) {
            return None;
        }
        let alike = there().filter(|value| constant.looks_like(value)).map(|value| value.text);
        closest(constant.text, alike.filter(|value| !constants.contains(value)))
    }
}

/// The nearest by letters, then by spelling; the name decides between equals.
fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| {
        // What is so long is only here because its letters are the same.
        let far = if is_long(word) || is_long(candidate) {
            (0, usize::MAX)
        } else {
            let letters = distance(&plain(word).collect::<String>(), &plain(candidate).collect::<String>());
            (letters, distance(word, candidate))
        };
        (far, *candidate)
    })
}

/// A key, and what tells it from most others at once.
struct Key<'t> {
    text: &'t str,
    /// How many characters it has without punctuation.
    length: usize,
    /// A bit for each letter that it has; a few letters share one.
    letters: u64,
}

impl<'t> Key<'t> {
    fn new(text: &'t str) -> Self {
        let (length, letters) = plain(text).fold((0, 0), |(length, letters), c| {
            (length + 1, if c.is_numeric() { letters } else { letters | 1 << (u32::from(c) % u64::BITS) })
        });
        Self { text, length, letters }
    }

    /// Whether one key may be a misspelt or renamed form of the other.
    fn looks_like(&self, other: &Self) -> bool {
        // Two slips, the most there may be, change the length by two and exchange two letters.
        if self.length.abs_diff(other.length) > 2 || (self.letters ^ other.letters).count_ones() > 4 {
            return false;
        }
        let (a, b) = (self.text, other.text);
        if a == b || !numbers(a).eq(numbers(b)) {
            return false;
        }
        if plain(a).eq(plain(b)) {
            // Keys of punctuation alone have nothing in common but that.
            return self.length > 0;
        }
        !is_long(a) && !is_long(b) && (one_word_differs(a, b) || joined_differ(a, b)) && !differ_in_tls(a, b)
    }
}

/// A constant or a value, and what it is compared by.
struct Constant<'t> {
    text: &'t str,
    /// Without case and separators; see [`bare`].
    bare: String,
    /// How many letters are left of it.
    letters: usize,
}

impl<'t> Constant<'t> {
    fn new(text: &'t str) -> Self {
        let bare = bare(text);
        let letters = letters(&bare);
        Self { text, bare, letters }
    }

    /// Whether one constant may be a misspelt or renamed form of the other.
    fn looks_like(&self, other: &Self) -> bool {
        if self.text == other.text || self.letters == 0 || other.letters == 0 {
            return false;
        }
        self.bare == other.bare
            || self.differs_as_names_do(other)
                && !is_long(self.text)
                && !is_long(other.text)
                && !differ_in_tls(self.text, other.text)
    }

    fn differs_as_names_do(&self, other: &Self) -> bool {
        let shorter = self.letters.min(other.letters);
        (shorter >= SHORTEST_CONSTANT && (self.is_plural(other, "s") || transposed(&self.bare, &other.bare)))
            || self.is_service(other)
            || (shorter >= LONG_CONSTANT && (self.is_plural(other, "es") || self.has_one_edit(other)))
    }

    /// Whether one of them is the other with the ending of a plural. Behind a digit it is none, but tells machine types
    /// apart, and a separator in front makes it a part of its own: `payments-es` is another deployment.
    fn is_plural(&self, other: &Self, ending: &str) -> bool {
        let (longer, shorter) = if self.bare.len() > other.bare.len() { (self, other) } else { (other, self) };
        longer.bare.strip_suffix(ending) == Some(&shorter.bare)
            && longer.text.chars().rev().take(ending.len() + 1).all(char::is_alphabetic)
    }

    /// Whether both are names of one service, with different endings or one of them without.
    fn is_service(&self, other: &Self) -> bool {
        let (a, b) = (self.service(), other.service());
        a == b && letters(a) >= SHORTEST_SERVICE
    }

    fn service(&self) -> &str {
        let stem = SERVICE.iter().find_map(|ending| self.bare.strip_suffix(ending));
        stem.map_or(&self.bare, |stem| stem.trim_end_matches(is_separator))
    }

    /// One edit within a constant. What begins differently or goes on after the end is another name, `web` and
    /// `webhook`; and so is what differs beside a digit, as zones and machine types do: `us-east-1a` and `us-east-1b`.
    fn has_one_edit(&self, other: &Self) -> bool {
        let (a, b) = (self.bare.as_str(), other.bare.as_str());
        let has_one = first_letter(a) == first_letter(b) && !a.starts_with(b) && !b.starts_with(a) && is_one_edit(a, b);
        // Tokens are those that are written, or where one of the two has no separators, those without them.
        let beside_digit = || differ_beside_digit(self.text, other.text).or_else(|| differ_beside_digit(a, b));
        has_one && beside_digit() != Some(true)
    }
}

/// The same number of words, of which exactly one has slips, as many as its length allows.
fn one_word_differs(read: &str, there: &str) -> bool {
    let (read, there) = (words(read, is_key_separator), words(there, is_key_separator));
    if read.len() != there.len() {
        return false;
    }
    let mut different = read.iter().zip(&there).filter(|(a, b)| a != b);
    let (Some((a, b)), None) = (different.next(), different.next()) else { return false };
    let allowed = match letters(a).max(letters(b)) {
        0..SHORTEST_WORD => 0,
        // Two letters in front say the opposite: `available` and `unavailable`.
        TWO_SLIPS.. if first_letter(a) == first_letter(b) => 2,
        SHORTEST_WORD.. => 1,
    };
    distance_outside_numbers(a, b).is_some_and(|slips| slips <= allowed)
}

/// One slip, wherever words begin and end: `readyreplica` for `readyReplicas`. Numbers stay apart here too, otherwise
/// `latency_p95` would look like `latency_p99` for the mere length of its name.
fn joined_differ(read: &str, there: &str) -> bool {
    let (a, b) = (plain(read).collect::<String>(), plain(there).collect::<String>());
    letters(&a).min(letters(&b)) >= SHORTEST_JOINED
        && first_letter(&a) == first_letter(&b)
        && distance_outside_numbers(&a, &b) == Some(1)
}

/// One character put in, left out or replaced, and every number as it was.
fn is_one_edit(a: &str, b: &str) -> bool {
    let (longer, shorter) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let prefix: usize =
        longer.chars().zip(shorter.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    let (mut longer, mut shorter) = (longer[prefix..].chars(), shorter[prefix..].chars());
    let (Some(edited), other) = (longer.next(), shorter.clone().next()) else { return false };
    // What is replaced may be of more or fewer bytes.
    let is_insertion = longer.as_str() == shorter.as_str();
    if !is_insertion {
        shorter.next();
    }
    let is_between_digits = || {
        let before = a[..prefix].chars().next_back();
        before.is_some_and(char::is_numeric) && other.is_some_and(char::is_numeric)
    };
    longer.as_str() == shorter.as_str()
        && !edited.is_numeric()
        && if is_insertion { !is_between_digits() } else { !other.is_some_and(char::is_numeric) }
}

/// Whether tokens differ that a digit stands in; `None` where not each token of one has its counterpart.
fn differ_beside_digit(a: &str, b: &str) -> Option<bool> {
    let tokens = |text| str::split(text, |c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty());
    let has_digit = |token: &str| token.contains(char::is_numeric);
    let differ = |(a, b): (&str, &str)| (has_digit(a) || has_digit(b)) && lower(a) != lower(b);
    (tokens(a).count() == tokens(b).count()).then(|| tokens(a).zip(tokens(b)).any(differ))
}

/// One pair of neighbours in the other order; numbers with other digits are other numbers.
fn transposed(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut different = a.chars().zip(b.chars()).enumerate().filter(|(_, (a, b))| a != b);
    let (Some((i, first)), Some((j, second)), None) = (different.next(), different.next(), different.next()) else {
        return false;
    };
    let is_number = first.0.is_numeric() || first.1.is_numeric();
    j == i + 1 && !is_number && first == (second.1, second.0) && a.chars().count() == b.chars().count()
}

/// Whether all that differs is a protocol, alone or as a word, and its form over TLS.
fn differ_in_tls(a: &str, b: &str) -> bool {
    let over_tls = |tls: &str, plain: &str| tls.strip_suffix('s') == Some(plain) && OVER_TLS_WITH_S.contains(&plain);
    let words = |text| words(text, |c| !c.is_alphanumeric());
    let (a, b) = (words(a), words(b));
    a != b && a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || over_tls(a, b) || over_tls(b, a))
}

/// The digits in their order, and nothing else.
fn numbers(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_numeric())
}

/// How many edits and transpositions apart, if every number stays what it is and where it is among the letters.
fn distance_outside_numbers(a: &str, b: &str) -> Option<usize> {
    let numbers = |text| str::split(text, |c: char| !c.is_numeric()).filter(|number| !number.is_empty());
    // With the same numbers, both have as many pieces, and the pieces at one place stand between the same digits.
    let pieces = || a.split(char::is_numeric).zip(b.split(char::is_numeric));
    numbers(a).eq(numbers(b)).then(|| pieces().map(|(a, b)| distance(a, b)).sum())
}

/// The words in lower case and without punctuation. Acronyms are words, with their plural `s`: `HTTPServer`, `podIPs`.
fn words(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if is_separator(c) || starts_word(before, c, rest.clone()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

fn starts_word(before: Option<char>, c: char, mut rest: impl Iterator<Item = char>) -> bool {
    if !c.is_uppercase() {
        return false;
    }
    let (next, next_but_one) = (rest.next(), rest.next());
    let is_lowercase = |c: Option<char>| c.is_some_and(char::is_lowercase);
    let is_plural = next == Some('s') && !is_lowercase(next_but_one);
    is_lowercase(before) || (before.is_some_and(char::is_alphanumeric) && is_lowercase(next) && !is_plural)
}

/// What is left of a key without case and punctuation.
fn plain(text: &str) -> impl Iterator<Item = char> {
    in_lower_case(text).filter(|c| c.is_alphanumeric())
}

/// A constant without case, and without separators between letters. Beside a digit they tell numbers apart, and at
/// either end they are part of the value.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_behind_letter = false;
    while !rest.is_empty() {
        let (separators, behind) = rest.split_at(rest.find(|c| !is_separator(c)).unwrap_or(rest.len()));
        let token = behind.split(is_separator).next().unwrap_or_default();
        if !(is_behind_letter && token.starts_with(char::is_alphabetic)) {
            bare.push_str(separators);
        }
        bare.extend(in_lower_case(token));
        is_behind_letter = token.ends_with(char::is_alphabetic);
        rest = &behind[token.len()..];
    }
    bare
}

/// What is seldom, letters beyond ASCII, is slow.
fn in_lower_case(text: &str) -> impl Iterator<Item = char> {
    let (ascii, other) = if text.is_ascii() { (text, "") } else { ("", text) };
    ascii.chars().map(|c| c.to_ascii_lowercase()).chain(other.chars().flat_map(char::to_lowercase))
}

fn lower(text: &str) -> String {
    in_lower_case(text).collect()
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '-' | '.' | '/' | ' ')
}

fn is_key_separator(c: char) -> bool {
    matches!(c, '_' | '-' | '.')
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

fn first_letter(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_alphabetic())
}

fn is_long(text: &str) -> bool {
    text.chars().nth(LONGEST).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    /// Keys that are meant to look alike.
    const ALIKE_KEYS: &[(&str, &str)] = &[
        // The same without case and punctuation.
        ("readyReplicas", "ready_replicas"),
        ("readyReplicas", "ReadyReplicas"),
        ("ready-replicas", "ready.replicas"),
        ("p99_ms", "p99Ms"),
        ("resource_changes", "resourceChanges"),
        ("http.status_code", "http_status_code"),
        ("app.kubernetes.io/name", "app_kubernetes_io_name"),
        ("depends_on", "dependsOn"),
        ("@type", "type"),
        ("podIPs", "podIps"),
        ("Image", "image"),
        ("id", "ID"),
        // Plural and singular.
        ("port", "ports"),
        ("name", "names"),
        ("host", "hosts"),
        ("image", "images"),
        ("limit", "limits"),
        ("request", "requests"),
        ("source", "sources"),
        ("container", "containers"),
        ("initContainer", "initContainers"),
        ("label", "labels"),
        ("matchLabel", "matchLabels"),
        ("volumeMount", "volumeMounts"),
        ("toleration", "tolerations"),
        ("annotation", "annotations"),
        ("tag", "tags"),
        ("cpu", "cpus"),
        ("ami", "amis"),
        ("subnet", "subnets"),
        ("subnet_id", "subnet_ids"),
        ("externalIP", "externalIPs"),
        ("podCIDR", "podCIDRs"),
        ("security_group", "security_groups"),
        ("resource_change", "resource_changes"),
        ("env_file", "env_files"),
        ("network", "networks"),
        ("error_rate", "error_rates"),
        ("policy", "policys"),
        ("http.method", "http.methods"),
        // Misspelt.
        ("checkout", "chekcout"),
        ("replicas", "repilcas"),
        ("replicas", "relicas"),
        ("readyReplicas", "redyReplicas"),
        ("readyReplicas", "readyReplcas"),
        ("initialDelaySeconds", "intialDelaySeconds"),
        ("readinessProbe", "readynessProbe"),
        ("livenessProbe", "livelinessProbe"),
        ("startTime", "statTime"),
        ("securityContext", "securtyContext"),
        ("privileged", "priviledged"),
        ("privileged", "priveleged"),
        ("server.port", "sever.port"),
        ("span.kind", "span.knid"),
        ("from", "form"),
        // Renamed from one version of a convention to the next.
        ("code.filepath", "code.file.path"),
        ("k8s.container.restart.count", "k8s.container.restart_count"),
        ("db.client.connections.max", "db.client.connection.max"),
        // One slip, with the words run together or split elsewhere.
        ("readyReplicas", "readyreplica"),
        ("ready_replicas", "redyreplicas"),
        ("createdAt", "create_dat"),
        ("HTTPPort", "httpPrt"),
        ("node_selector", "nodeselectr"),
    ];

    /// Keys that are alike by what is agreed, although they are names of different things. What spares the user is that
    /// two keys that stand side by side somewhere, and keys that are read, are never taken for each other.
    const ALIKE_KEYS_OF_DIFFERENT_THINGS: &[(&str, &str)] = &[
        // Two slips.
        ("replicas", "replicaset"),
        // One letter in a short word.
        ("node", "mode"),
        ("date", "rate"),
        ("rules", "roles"),
        ("bool", "pool"),
        ("jsonPatch", "jsonPath"),
        ("host", "post"),
        ("read", "ready"),
        ("state", "stats"),
        ("user", "used"),
        ("after", "alter"),
        ("k8s.node.name", "k8s.mode.name"),
        // Words too short to have slips, in a key that is long enough as a whole.
        ("node_cpu_seconds_total", "node_gpu_seconds_total"),
        ("network_rx_bytes", "network_tx_bytes"),
        ("aws.ecs.cluster.arn", "aws.eks.cluster.arn"),
        ("app.screen.coordinate.x", "app.screen.coordinate.y"),
        ("hostPID", "hostUID"),
        ("http.url", "http.uri"),
        // Nothing but punctuation tells numbers apart.
        ("1.2", "12"),
        ("c", "c#"),
    ];

    const UNLIKE_KEYS: &[(&str, &str)] = &[
        // Another number of words.
        ("replicas", "readyReplicas"),
        ("containers", "initContainers"),
        ("generation", "observedGeneration"),
        ("serviceAccount", "serviceAccountName"),
        ("name", "namespace"),
        ("name", "full_name"),
        ("env", "envFrom"),
        ("value", "valueFrom"),
        ("labels", "matchLabels"),
        ("mem_limit", "memswap_limit"),
        // Never in a digit.
        ("p95", "p99"),
        ("p95_ms", "p99_ms"),
        ("latency_p95_ms", "latency_p99_ms"),
        ("p50_latency", "p5_latency"),
        ("requests_4xx", "requests_5xx"),
        ("ipv4Address", "ipv6Address"),
        ("sha256sum", "sha526sum"),
        ("level12", "level1"),
        ("level12", "level21"),
        ("value1b", "valueb1"),
        // Never in words under four letters.
        ("cpu", "gpu"),
        ("min", "max"),
        ("minReplicas", "maxReplicas"),
        ("min_size", "max_size"),
        ("cpuLimit", "gpuLimit"),
        ("CPULimits", "GPULimits"),
        ("cap_add", "cap_odd"),
        ("uid", "pid"),
        ("id", "ids"),
        ("ip", "ips"),
        ("tls", "tcp"),
        ("pod", "pad"),
        // Two slips in a short word.
        ("hostPort", "hostPath"),
        ("created_at", "created_by"),
        ("error_ratio", "error_rate"),
        ("state", "status"),
        ("import", "export"),
        ("ingress", "egress"),
        ("minimum", "maximum"),
        ("level", "label"),
        // Two slips, one of them in the first letter: prefixes that say the opposite.
        ("availableReplicas", "unavailableReplicas"),
        ("healthy", "unhealthy"),
        ("schedulable", "unschedulable"),
        ("encrypted", "unencrypted"),
        ("active", "inactive"),
        ("secure", "insecure"),
        ("numberAvailable", "numberUnavailable"),
        ("message.compressed_size", "message.uncompressed_size"),
        ("internalIP", "externalIP"),
        ("internalTrafficPolicy", "externalTrafficPolicy"),
        ("includes", "excludes"),
        ("imported", "exported"),
        ("increase", "decrease"),
        // A protocol and its form over TLS, as a word.
        ("ldap.url", "ldaps.url"),
        ("httpPort", "httpsPort"),
        ("HTTPPort", "HTTPSPort"),
        ("http_endpoint", "https_endpoint"),
        ("containerHttp", "containerHttps"),
        // Two words differ.
        ("readyReplicas", "redyReplcas"),
        ("readinessProbe", "readinesProb"),
        ("k8s.pod.name", "k8s.node.nam"),
        // Simply other words.
        ("requests", "limits"),
        ("livenessProbe", "readinessProbe"),
        ("successThreshold", "failureThreshold"),
        ("upstream", "downstream"),
        ("inbound", "outbound"),
        ("enabled", "disabled"),
        ("from_port", "to_port"),
        ("before", "after"),
        ("http.request.method", "http.response.method"),
        ("hostPID", "hostIPC"),
        ("command", "args"),
        ("runAsUser", "runAsGroup"),
        // Nothing that could be alike.
        ("", "a"),
        ("-", "_"),
        ("", "."),
        ("*", "+"),
    ];

    /// Constants that are meant to look alike.
    const ALIKE_CONSTANTS: &[(&str, &str)] = &[
        // The same without case, and without separators between letters.
        ("Deny", "deny"),
        ("TCP", "tcp"),
        ("Running", "running"),
        ("CrashLoopBackOff", "CrashLoopBackoff"),
        ("CrashLoopBackOff", "crash-loop-back-off"),
        ("ClusterIP", "cluster_ip"),
        ("fraud-ml", "fraud_ml"),
        ("fraud ml", "fraud.ml"),
        ("team/checkout", "team-checkout"),
        ("a - b", "ab"),
        ("us_east-1", "us-east-1"),
        ("db", "DB"),
        ("ssd", "SSD"),
        ("HTTP", "http"),
        // A final `s`.
        ("orders", "order"),
        ("pod", "pods"),
        ("prod", "prods"),
        ("Deployment", "Deployments"),
        ("error", "errors"),
        ("payment", "Payments"),
        ("30sec", "30secs"),
        // One transposition.
        ("checkout", "chekcout"),
        ("Checkout", "chekcout"),
        ("TCP", "TPC"),
        ("prod", "pord"),
        ("form", "from"),
        ("fraud-ml", "fruad-ml"),
        // What services are called in one place and not in another.
        ("checkout", "checkoutservice"),
        ("checkout", "checkout-service"),
        ("checkout", "checkout-svc"),
        ("checkout", "Checkout_Service"),
        ("check-out", "checkout.svc"),
        ("checkout", "checkoutsvc"),
        ("checkoutservice", "checkout-svc"),
        ("CheckoutService", "checkout_svc"),
        ("cart", "cartservice"),
        ("cart", "cart-svc"),
        ("cart-service", "cartsvc"),
        ("cart2", "cart2-service"),
        ("ingress", "ingresses"),
        ("batch", "batches"),
        // One edit.
        ("checkout", "chekout"),
        ("checkout", "checkkout"),
        ("checkout", "chackout"),
        ("production", "prodution"),
        ("critical", "critcal"),
        ("OOMKilled", "OOMKiled"),
        ("DaemonSet", "DemonSet"),
        ("payment-api", "payments-api"),
        ("us-east-1", "us-east1"),
        ("inventory", "invntory"),
        ("/metrics", "metrics"),
        ("ccheckout", "checkout"),
        ("registry.example/shop", "registry.exmple/shop"),
        ("registry.example/shop:v2", "registry.exmple/shop:v2"),
        ("checkout-a1", "chekout-a1"),
    ];

    /// Constants that are alike by what is agreed, although they are names of different things.
    const ALIKE_CONSTANTS_OF_DIFFERENT_THINGS: &[(&str, &str)] = &[
        // A letter can be all of a name's last part.
        ("team-a", "team-b"),
        ("shard-x", "shard-y"),
        ("aws_ecs_cluster", "aws_eks_cluster"),
        ("aws_ebs_volume", "aws_efs_volume"),
        // Sizes of machines.
        ("m5.large", "m5.xlarge"),
        // Products and words one letter apart.
        ("mysql", "mssql"),
        ("authn", "authz"),
        ("SETUID", "SETGID"),
        ("nat", "nats"),
        ("passed", "paused"),
        ("created", "creates"),
        ("consumer", "consumed"),
        ("ClusterRole", "ClusterRule"),
        // Transpositions are also agreed for first letters.
        ("get", "gte"),
        ("dns", "dsn"),
    ];

    const UNLIKE_CONSTANTS: &[(&str, &str)] = &[
        // Abbreviations.
        ("prod", "prd"),
        ("prod", "production"),
        ("staging", "stage"),
        ("db", "dbs"),
        ("on", "no"),
        ("dev", "env"),
        ("Role", "Rule"),
        ("TCP", "UDP"),
        ("GET", "SET"),
        ("arm64", "amd64"),
        ("ssd", "hdd"),
        // Digits.
        ("v1", "v2"),
        ("v1beta1", "v1beta2"),
        ("v1beta1", "v1alpha1"),
        ("gp2", "gp3"),
        ("gp2", "gp-2"),
        ("us-east-1", "us-east-2"),
        ("us-east-1", "us-east-11"),
        ("us-east-1", "us-east"),
        ("release-1.2", "release-12"),
        ("release-1.2", "release-1.3"),
        ("web", "web2"),
        ("checkout", "checkout2"),
        ("ch3ckout", "checkout"),
        ("eth0", "eth1"),
        ("m5.large", "m6.large"),
        // A letter beside a digit: zones, machine types, digests.
        ("us-east-1a", "us-east-1b"),
        // Other digits are another number, in whatever order.
        ("node-12", "node-21"),
        ("useast-1a", "us-east-1b"),
        ("europe-west1-b", "europe-west1b-c"),
        ("m5.large", "m5a.large"),
        ("m5d.large", "m5ad.large"),
        ("db.t3.large", "db.r3.large"),
        ("Standard_D2_v3", "Standard_D2s_v3"),
        ("Standard_D2", "Standard_D2s"),
        ("Standard_D2s_v3", "Standard_E2s_v3"),
        ("shop@sha256:ab3cdef", "shop@sha256:ab3cdff"),
        // Another first letter.
        ("us-west-1", "us-east-1"),
        ("eu-west-1", "us-west-1"),
        ("pending", "spending"),
        ("running", "cunning"),
        ("c5.large", "m5.large"),
        ("public", "republic"),
        // An addition at the end.
        ("enable", "enabled"),
        ("checkout", "checkoutt"),
        ("stagin", "staging"),
        ("Running", "Running "),
        ("payments", "payments-x"),
        // A part of its own is no plural.
        ("payments", "payments-es"),
        ("order", "order-s"),
        // Too short for endings.
        ("box", "boxes"),
        ("web", "webservice"),
        ("web", "web-svc"),
        ("a-service", "a-svc"),
        ("service", "svc"),
        // An ending and a slip.
        ("chekcout", "checkoutservice"),
        ("chekcout-svc", "checkout-service"),
        ("carts", "cartservice"),
        // Two slips.
        ("checkout", "chckut"),
        ("postgres", "postgresql"),
        ("active", "inactive"),
        ("internal", "external"),
        ("apps/v1", "app/v1"),
        ("batch/v1", "batch/v1beta1"),
        // Simply other values.
        ("ReadWriteOnce", "ReadWriteMany"),
        ("ReadOnlyMany", "ReadWriteMany"),
        ("NoSchedule", "NoExecute"),
        ("Deny", "Allow"),
        ("ClusterIP", "NodePort"),
        ("StatefulSet", "ReplicaSet"),
        ("checkout", "payments"),
        ("blue", "green"),
        // Without letters.
        ("", " "),
        ("80", "8080"),
        ("1.2", "1-2"),
        ("10.0.0.1", "10.0.01"),
        ("", "a"),
        ("-", "_"),
    ];

    const PROTOCOLS: &[(&str, &str)] = &[
        ("http", "https"),
        ("HTTP", "https"),
        ("ws", "wss"),
        ("ldap", "ldaps"),
        ("amqp", "amqps"),
        ("ftp", "ftps"),
        ("imap", "imaps"),
        ("pop3", "pop3s"),
        ("POP3", "POP3S"),
        ("smtp", "smtps"),
        ("mqtt", "mqtts"),
        ("redis", "rediss"),
        ("sip", "sips"),
        ("irc", "ircs"),
        ("coap", "coaps"),
        ("grpc", "grpcs"),
        ("http-web", "https-web"),
        ("web-http", "web-https"),
        ("webHttp", "webHttps"),
        ("http://registry.example", "https://registry.example"),
        ("redis://cache:6379", "rediss://cache:6379"),
    ];

    fn keys_look_alike(read: &str, there: &str) -> bool {
        Key::new(read).looks_like(&Key::new(there))
    }

    fn constants_look_alike(constant: &str, there: &str) -> bool {
        Constant::new(constant).looks_like(&Constant::new(there))
    }

    /// The pairs that are not judged as expected, in either direction.
    fn wrong<'a>(
        pairs: &[(&'a str, &'a str)],
        expected: bool,
        alike: impl Fn(&str, &str) -> bool,
    ) -> Vec<(&'a str, &'a str)> {
        let both = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
        both.filter(|(a, b)| alike(a, b) != expected).collect()
    }

    #[test]
    fn keys() {
        assert_eq!(wrong(ALIKE_KEYS, true, keys_look_alike), []);
        assert_eq!(wrong(ALIKE_KEYS_OF_DIFFERENT_THINGS, true, keys_look_alike), []);
        assert_eq!(wrong(UNLIKE_KEYS, false, keys_look_alike), []);
    }

    #[test]
    fn constants() {
        assert_eq!(wrong(ALIKE_CONSTANTS, true, constants_look_alike), []);
        assert_eq!(wrong(ALIKE_CONSTANTS_OF_DIFFERENT_THINGS, true, constants_look_alike), []);
        assert_eq!(wrong(UNLIKE_CONSTANTS, false, constants_look_alike), []);
    }

    #[test]
    fn a_protocol_and_its_form_over_tls_are_two() {
        let same_but_case = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        assert_eq!(wrong(PROTOCOLS, false, same_but_case), []);
        assert_eq!(wrong(PROTOCOLS, false, constants_look_alike), []);
        assert_eq!(wrong(PROTOCOLS, false, keys_look_alike), []);
        assert!(constants_look_alike("http://shop/orders", "http://shop/order"), "elsewhere an `s` is one");
        assert!(constants_look_alike("shop/orders-1", "shop/orders/1"), "the same words are no two protocols");
    }

    #[test]
    fn splits_words_as_people_write_them() {
        let split = |text| words(text, is_key_separator).join(" ");
        assert_eq!(split("readyReplicas"), "ready replicas");
        assert_eq!(split("HTTPServer"), "http server");
        assert_eq!(split("podIPs"), "pod ips");
        assert_eq!(split("nodeCIDRsByZone"), "node cidrs by zone");
        assert_eq!(split("p95Latency_ms"), "p95 latency ms");
        assert_eq!(split("requests2XX"), "requests2xx");
        assert_eq!(split("POP3S"), "pop3s");
        assert_eq!(split("__name__"), "name");
        assert_eq!(split("app.kubernetes.io/part-of"), "app kubernetes iopart of");
    }

    #[test]
    fn names_the_nearest_key_that_is_not_meant_itself() {
        let there = ["readyReplica", "readyreplicas", "ready_replicas", "redyReplicas", "replicas"];
        let meant = |read: &[&'static str], beside: &[&str]| {
            let read = read.iter().copied().collect();
            key_meant("readyReplicas", there, &read, |key| beside.contains(&key))
        };
        assert_eq!(meant(&[], &[]), Some("readyreplicas"));
        assert_eq!(meant(&["readyreplicas"], &[]), Some("ready_replicas"));
        assert_eq!(meant(&["readyreplicas", "ready_replicas"], &[]), Some("readyReplica"), "by name among equals");
        assert_eq!(meant(&there, &[]), None);
        assert_eq!(meant(&[], &["readyreplicas"]), Some("ready_replicas"), "side by side, two keys");
        assert_eq!(meant(&["readyReplica", "redyReplicas"], &["readyreplicas", "ready_replicas"]), None);
        assert_eq!(key_meant("readyReplicas", ["readyReplicas"], &BTreeSet::new(), |_| false), None);

        let asked = std::cell::RefCell::new(Vec::new());
        let is_beside = |key: &str| {
            asked.borrow_mut().push(key.to_owned());
            true
        };
        assert_eq!(key_meant("port", ["host", "ports", "name"], &BTreeSet::new(), is_beside), None);
        assert_eq!(asked.into_inner(), ["ports"], "it is asked of what looks alike alone");
    }

    #[test]
    fn names_the_nearest_value_that_is_no_constant_itself() {
        let there = ["checkoutservice", "checkout-svc", "chekcout", "payments", "hceckout", "", "42"];
        let values = Values::new(there);
        let meant = |constants: &[&'static str]| values.meant("checkout", &constants.iter().copied().collect());
        assert_eq!(meant(&[]), Some("chekcout"));
        assert_eq!(meant(&["chekcout"]), Some("hceckout"), "with the first two letters in the other order");
        assert_eq!(meant(&["chekcout", "hceckout"]), Some("checkout-svc"));
        assert_eq!(meant(&["chekcout", "hceckout", "checkout-svc"]), Some("checkoutservice"));
        assert_eq!(meant(&there), None);
        assert_eq!(values.meant("payments", &BTreeSet::new()), None, "it is there");
        assert_eq!(values.meant("payment", &BTreeSet::new()), Some("payments"));
        assert_eq!(values.meant("42", &BTreeSet::new()), None);
    }

    #[test]
    fn long_texts_are_only_alike_but_for_case_and_punctuation() {
        let long = "ab-".repeat(100_000);
        let spaced = "AB_".repeat(100_000);
        let other = format!("{long}x");
        assert!(keys_look_alike(&long, &spaced));
        assert!(!keys_look_alike(&long, &other));
        assert!(constants_look_alike(&long[..299_999], &spaced[..299_999]));
        assert!(!constants_look_alike(&long, &other));
        assert!(!constants_look_alike("checkout", &long));
        assert!(!constants_look_alike(&"-".repeat(100_000), &long));
        assert_eq!(key_meant(&long, [other.as_str(), &spaced], &BTreeSet::new(), |_| false), Some(spaced.as_str()));

        let (within, beyond) = ("é".repeat(LONGEST - 1), "é".repeat(LONGEST));
        assert!(keys_look_alike(&within, &beyond), "characters count, not bytes");
        assert!(!keys_look_alike(&beyond, &format!("{beyond}é")));
        assert!(constants_look_alike(&format!("{within}s"), &within));
        assert!(!constants_look_alike(&format!("{beyond}s"), &beyond));
    }

    /// Names as they occur, and any text at all.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[abcsS0-2_./ -]{0,9}",
            "[a-c]{3,12}(-svc|-service|s|es)?",
            "([A-Z]?[a-z0-9]{1,4}){1,4}",
            any::<String>()
        ]
    }

    /// Two texts that are apart by a few characters.
    fn near() -> impl Strategy<Value = (String, String)> {
        let edit =
            (any::<prop::sample::Index>(), 0..4_u8, select(&['a', 's', 'S', '1', '-', 'é', 'ß', 'İ', '\u{301}'][..]));
        (text(), prop::collection::vec(edit, 0..3)).prop_map(|(a, edits)| {
            let mut b: Vec<char> = a.chars().collect();
            for (at, kind, c) in edits {
                let at = at.index(b.len() + 1);
                match kind {
                    0 => b.insert(at, c),
                    1 if at < b.len() => b[at] = c,
                    2 if at < b.len() => drop(b.remove(at)),
                    3 if at + 1 < b.len() => b.swap(at, at + 1),
                    _ => {}
                }
            }
            (a, b.into_iter().collect())
        })
    }

    proptest! {
        #[test]
        fn both_directions_say_the_same((a, b) in prop_oneof![near(), (text(), text())]) {
            prop_assert_eq!(keys_look_alike(&a, &b), keys_look_alike(&b, &a));
            prop_assert_eq!(constants_look_alike(&a, &b), constants_look_alike(&b, &a));
        }

        #[test]
        fn nothing_looks_like_itself(a in text()) {
            prop_assert!(!keys_look_alike(&a, &a));
            prop_assert!(!constants_look_alike(&a, &a));
        }

        #[test]
        fn keys_that_look_alike_have_the_same_numbers((a, b) in near()) {
            let digits = |text: &str| text.chars().filter(|c| c.is_numeric()).collect::<String>();
            prop_assert!(!keys_look_alike(&a, &b) || digits(&a) == digits(&b));
        }

        #[test]
        fn constants_without_letters_look_like_nothing(a in "[0-9_./: -]{0,9}", b in text()) {
            prop_assert!(!constants_look_alike(&a, &b));
        }

        #[test]
        fn one_slip_in_a_long_word_is_seen(word in "[a-m]{6,20}", at in any::<prop::sample::Index>(), slip in "[n-r]") {
            // Neither at the first letter nor at the end.
            let at = 1 + at.index(word.len() - 1);
            let inserted = format!("{}{slip}{}", &word[..at], &word[at..]);
            let replaced = format!("{}{slip}{}", &word[..at], &word[at + 1..]);
            for slipped in [inserted, replaced] {
                prop_assert!(keys_look_alike(&word, &slipped));
                prop_assert!(constants_look_alike(&word, &slipped));
            }
        }

        #[test]
        fn one_transposition_is_seen(word in "[a-m]{4,20}", at in any::<prop::sample::Index>()) {
            let at = at.index(word.len() - 1);
            let mut letters: Vec<char> = word.chars().collect();
            letters.swap(at, at + 1);
            let swapped: String = letters.into_iter().collect();
            prop_assert_eq!(keys_look_alike(&word, &swapped), word != swapped);
            prop_assert_eq!(constants_look_alike(&word, &swapped), word != swapped);
        }

        #[test]
        fn the_nearest_does_not_depend_on_the_order(word in text(), others in prop::collection::vec(near(), 0..6)) {
            let others: BTreeSet<&str> = others.iter().flat_map(|(a, b)| [a.as_str(), b]).collect();
            let none = BTreeSet::new();
            let (ahead, back) = (|| others.iter().copied(), || others.iter().rev().copied());
            let key = key_meant(&word, ahead(), &none, |_| false);
            prop_assert_eq!(key, key_meant(&word, back(), &none, |_| false));
            prop_assert_eq!(key.is_some(), ahead().any(|other| keys_look_alike(&word, other)));
            let value = Values::new(ahead()).meant(&word, &none);
            prop_assert_eq!(value, Values::new(back()).meant(&word, &none));
            let is_there = ahead().any(|other| other == word);
            prop_assert_eq!(value.is_some(), !is_there && ahead().any(|other| constants_look_alike(&word, other)));
        }
    }
}
