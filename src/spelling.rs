//! Which word was probably meant.

/// How many edits apart two texts are: letters put in, left out, replaced, or in the other order.
///
/// The time it takes grows with the product of their lengths.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

/// The candidate that was most likely meant: at most one slip in a short word, two or three in a longer one.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let slips = match length {
        0..=2 => return None,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= slips)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_word_with_the_fewest_slips() {
        let known = ["policies", "policy", "facts", "facets", "id"];
        for (word, near) in [
            ("polices", Some("policies")),
            ("plicy", Some("policy")),
            ("fatcs", Some("facts")),
            ("facet", Some("facets")),
            ("fact", Some("facts")),
            ("fcats", Some("facts")),
            ("ids", Some("id")),
            ("io", None),
            ("fuxts", None),
            ("references", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
        assert_eq!(nearest("abcd", ["abce", "abcf"]), nearest("abcd", ["abcf", "abce"]), "in any order");
    }
}
