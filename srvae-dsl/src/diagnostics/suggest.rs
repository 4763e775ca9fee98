//! Suggestions for misspelled names.

/// The candidate closest to a word, if one is close enough.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Computing distances costs the product of the lengths; names are shorter than this in practice.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    let scored = candidates.into_iter().filter(|candidate| *candidate != word).map(|candidate| {
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        (distance, candidate)
    });
    let allowed = (word.chars().count() / 3).max(1);
    scored
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min()
        .map(|(_, best)| best)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_what_was_meant_and_nothing_far() {
        let blocks = ["decoder", "encoder", "elu"];
        assert_eq!(closest("decodr", blocks), Some("decoder"));
        assert_eq!(closest("ELU", blocks), Some("elu"));
        assert_eq!(closest("transformer", blocks), None);
        assert_eq!(closest("x", ["y"]), None);
    }
}
