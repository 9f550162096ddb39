//! Whether what stands there looks like what a policy asks for: a key or a constant that was misspelt or renamed.
//!
//! Both comparisons are symmetric. Nothing looks like itself: it is the same.

/// Words of fewer letters are told apart by every letter: `cpu` and `gpu`, `min` and `max`.
const SHORTEST_WORD: usize = 4;
/// Words of so many letters may have two slips.
const TWO_SLIPS: usize = 8;
/// Keys as a whole, without regard to their words, are compared from so many letters on.
const SHORTEST_JOINED: usize = 7;
/// Constants of fewer letters are abbreviations, in which every letter counts.
const SHORTEST_CONSTANT: usize = 3;
/// Constants of so many letters may be apart by more than a plural or a transposition.
const LONG_CONSTANT: usize = 5;
/// Beyond so many characters nothing is a name any more, and comparing costs their product.
const LONGEST: usize = 200;

/// Protocols whose form over TLS has an `s` at the end: they are two, and which of them it is matters.
const OVER_TLS_WITH_S: &[&str] = &[
    "amqp", "coap", "dav", "ftp", "grpc", "http", "icap", "imap", "ipp", "irc", "ldap", "lmtp", "mqtt", "msrp", "nntp",
    "pop", "pop3", "redis", "rtmp", "rtsp", "sip", "smtp", "stomp", "stun", "tcp", "telnet", "turn", "ws", "xmpp",
];

/// The key among `siblings` that was most likely meant by `read`. A key that is also read is itself meant.
///
/// The answer does not depend on the order of the siblings.
pub(crate) fn look_alike<'a>(
    read: &str,
    siblings: impl Iterator<Item = &'a str>,
    also_read: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    nearest(read, siblings.filter(|there| keys_look_alike(read, there) && !also_read(there)))
}

/// The value among those `there` that was most likely meant by `constant`. One that is also a constant of the
/// assumption is itself meant.
///
/// The answer does not depend on the order of the values.
pub(crate) fn look_alike_constant<'a>(
    constant: &str,
    there: impl Iterator<Item = &'a str>,
    also_constant: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    nearest(constant, there.filter(|value| constants_look_alike(constant, value) && !also_constant(value)))
}

/// Whether one key may be a misspelt or renamed form of the other.
pub(crate) fn keys_look_alike(read: &str, there: &str) -> bool {
    if read == there {
        return false;
    }
    if plain(read).eq(plain(there)) {
        // Keys of punctuation alone have nothing in common but that.
        return plain(read).next().is_some();
    }
    !is_long(read) && !is_long(there) && (one_word_differs(read, there) || joined_differ(read, there))
}

/// Whether one constant may be a misspelt or renamed form of the other.
pub(crate) fn constants_look_alike(constant: &str, there: &str) -> bool {
    if constant == there || letters(constant) == 0 || letters(there) == 0 {
        return false;
    }
    let (a, b) = (bare(constant), bare(there));
    if a == b {
        return true;
    }
    if is_long(constant) || is_long(there) || differ_in_tls(constant, there) {
        return false;
    }
    let shorter = letters(&a).min(letters(&b));
    (shorter >= SHORTEST_CONSTANT && (ending_apart(constant, there, has_plural_s) || transposed(&a, &b)))
        || (shorter >= LONG_CONSTANT && (ending_apart(constant, there, has_usual_ending) || one_edit(&a, &b)))
}

/// The nearest by letters, then by spelling; the name decides between equals.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| {
        // What is so long is only here because its letters are the same.
        let far = if is_long(word) || is_long(candidate) {
            (0, usize::MAX)
        } else {
            let letters = strsim::osa_distance(&plain(word).collect::<String>(), &plain(candidate).collect::<String>());
            (letters, strsim::osa_distance(word, candidate))
        };
        (far, *candidate)
    })
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
        SHORTEST_WORD..TWO_SLIPS => 1,
        TWO_SLIPS.. => 2,
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

/// One edit within a constant. What begins differently or goes on after the end is another name: `web` and `webhook`.
fn one_edit(a: &str, b: &str) -> bool {
    first_letter(a) == first_letter(b)
        && !a.starts_with(b)
        && !b.starts_with(a)
        && distance_outside_numbers(a, b) == Some(1)
}

/// One pair of neighbours in the other order.
fn transposed(a: &str, b: &str) -> bool {
    let mut different = a.chars().zip(b.chars()).enumerate().filter(|(_, (a, b))| a != b);
    let (Some((i, first)), Some((j, second)), None) = (different.next(), different.next(), different.next()) else {
        return false;
    };
    j == i + 1 && first == (second.1, second.0) && a.chars().count() == b.chars().count()
}

/// Whether either of the two is the other with an ending.
fn ending_apart(a: &str, b: &str, has_ending: impl Fn(&str, &str) -> bool) -> bool {
    has_ending(a, b) || has_ending(b, a)
}

/// Whether `longer` is `shorter` with an `s`.
fn has_plural_s(longer: &str, shorter: &str) -> bool {
    let longer = lower(longer);
    longer.strip_suffix('s').is_some_and(|stem| bare(stem) == bare(shorter))
}

/// Whether `longer` is `shorter` with one of the endings that names of services and lists have in one place and not in
/// another. A separator belongs to the ending, so `payments-es`, which is another deployment, is no plural.
fn has_usual_ending(longer: &str, shorter: &str) -> bool {
    let (longer, shorter) = (lower(longer), bare(shorter));
    let separated = |ending| longer.strip_suffix(ending)?.strip_suffix(is_separator);
    let stems = [longer.strip_suffix("es"), separated("svc"), separated("service"), longer.strip_suffix("service")];
    stems.into_iter().flatten().any(|stem| bare(stem) == shorter)
}

/// Whether all that differs is a protocol, alone or as a word, and its form over TLS.
fn differ_in_tls(a: &str, b: &str) -> bool {
    let over_tls = |tls: &str, plain: &str| tls.strip_suffix('s') == Some(plain) && OVER_TLS_WITH_S.contains(&plain);
    let words = |text| words(text, |c| !c.is_alphanumeric());
    let (a, b) = (words(a), words(b));
    a != b && a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || over_tls(a, b) || over_tls(b, a))
}

/// How many edits and transpositions apart, if every number stays what it is and where it is among the letters.
fn distance_outside_numbers(a: &str, b: &str) -> Option<usize> {
    let numbers = |text| str::split(text, |c: char| !c.is_numeric()).filter(|number| !number.is_empty());
    // With the same numbers, both have as many pieces, and the pieces at one place stand between the same digits.
    let pieces = || a.split(char::is_numeric).zip(b.split(char::is_numeric));
    numbers(a).eq(numbers(b)).then(|| pieces().map(|(a, b)| strsim::osa_distance(a, b)).sum())
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
    text.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric())
}

/// A constant without case, and without separators between letters. Beside a digit they tell numbers apart, and at
/// either end they are part of the value.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut separators = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if is_separator(c) {
            separators.push(c);
            continue;
        }
        if !(c.is_alphabetic() && bare.ends_with(char::is_alphabetic)) {
            bare.push_str(&separators);
        }
        separators.clear();
        bare.push(c);
    }
    bare + &separators
}

fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
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
    use std::collections::BTreeSet;

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
        // Two slips are enough for a prefix that says the opposite.
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
        // For constants these are two; keys have no such list.
        ("http", "https"),
        ("ldap.url", "ldaps.url"),
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
    ];

    /// Constants that are alike by what is agreed, although they are names of different things.
    const ALIKE_CONSTANTS_OF_DIFFERENT_THINGS: &[(&str, &str)] = &[
        // A letter can be all of a name's last part.
        ("team-a", "team-b"),
        ("us-east-1a", "us-east-1b"),
        ("shard-x", "shard-y"),
        ("aws_ecs_cluster", "aws_eks_cluster"),
        ("aws_ebs_volume", "aws_efs_volume"),
        // Machine types.
        ("m5.large", "m5.xlarge"),
        ("m5.large", "m5a.large"),
        ("db.t3.large", "db.r3.large"),
        ("Standard_D2_v3", "Standard_D2s_v3"),
        ("Standard_D2s_v3", "Standard_E2s_v3"),
        // Products and words one letter apart.
        ("mysql", "mssql"),
        ("authn", "authz"),
        ("SETUID", "SETGID"),
        ("nat", "nats"),
        ("passed", "paused"),
        ("created", "creates"),
        ("consumer", "consumed"),
        ("ClusterRole", "ClusterRule"),
        // Transpositions are also agreed for digits and first letters.
        ("node-12", "node-21"),
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
        // Too short for the endings of services.
        ("cart", "cartservice"),
        ("cart", "cart-svc"),
        ("box", "boxes"),
        // Not agreed: both with an ending, an ending and a slip, `svc` without a separator.
        ("checkoutservice", "checkout-svc"),
        ("chekcout", "checkoutservice"),
        ("checkout", "checkoutsvc"),
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
    fn names_the_nearest_key_that_is_not_read_itself() {
        let there = ["readyReplica", "readyreplicas", "ready_replicas", "redyReplicas", "replicas"];
        let nearest = |read: &[&str]| look_alike("readyReplicas", there.into_iter(), |key| read.contains(&key));
        assert_eq!(nearest(&[]), Some("readyreplicas"));
        assert_eq!(nearest(&["readyreplicas"]), Some("ready_replicas"));
        assert_eq!(nearest(&["readyreplicas", "ready_replicas"]), Some("readyReplica"), "by name among equals");
        assert_eq!(nearest(&there), None);
        assert_eq!(look_alike("readyReplicas", ["readyReplicas"].into_iter(), |_| false), None);
    }

    #[test]
    fn names_the_nearest_value_that_is_no_constant_itself() {
        let there = ["checkoutservice", "checkout-svc", "chekcout", "payments"];
        let nearest =
            |constants: &[&str]| look_alike_constant("checkout", there.into_iter(), |value| constants.contains(&value));
        assert_eq!(nearest(&[]), Some("chekcout"));
        assert_eq!(nearest(&["chekcout"]), Some("checkout-svc"));
        assert_eq!(nearest(&["chekcout", "checkout-svc"]), Some("checkoutservice"));
        assert_eq!(nearest(&there), None);
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
        assert_eq!(look_alike(&long, [other.as_str(), &spaced].into_iter(), |_| false), Some(spaced.as_str()));

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
            let (ahead, back) = (|| others.iter().copied(), || others.iter().rev().copied());
            let key = look_alike(&word, ahead(), |_| false);
            prop_assert_eq!(key, look_alike(&word, back(), |_| false));
            prop_assert_eq!(key.is_some(), ahead().any(|other| keys_look_alike(&word, other)));
            let value = look_alike_constant(&word, ahead(), |_| false);
            prop_assert_eq!(value, look_alike_constant(&word, back(), |_| false));
            prop_assert_eq!(value.is_some(), ahead().any(|other| constants_look_alike(&word, other)));
        }
    }
}
