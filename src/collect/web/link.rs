//! Link headers, RFC 8288: where the next page is.

/// The targets that a header calls `next`.
pub(super) fn next(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else { break };
        let parameters = parameters(after);
        let is_next = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("rel") && value.split_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
        };
        if parameters.0.iter().any(is_next) {
            found.push(target.trim().to_owned());
        }
        rest = parameters.1;
    }
    found
}

/// The parameters of a link, and what follows it. Quoted text may hold what would separate otherwise.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut parameters = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    let mut end = text.len();
    let mut push = |part: &str| {
        if let Some((name, value)) = part.split_once('=') {
            parameters.push((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()));
        }
    };
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                push(&text[start..at]);
                start = at + 1;
            }
            ',' if !is_quoted => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    push(&text[start..end]);
    (parameters, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (header, expected) in [
            (
                "<https://a.test/?page=2>; rel=\"next\", <https://a.test/?page=9>; rel=\"last\"",
                "https://a.test/?page=2",
            ),
            ("</x,y;z>; title=\"a, b; <c>\"; rel=\"prev next\"", "/x,y;z"),
            ("<a>; rel=prev,<b>;REL=Next", "b"),
            ("<a>; rel=nextish", ""),
            ("<a; rel=next", ""),
            ("", ""),
        ] {
            assert_eq!(next(header).first().map_or("", String::as_str), expected, "{header}");
        }
    }
}
