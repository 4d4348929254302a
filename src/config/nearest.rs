//! The known word that a misspelt one was meant to be.

/// The candidate that comes closest to `word`, if any comes close enough to be worth a question.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let farthest = (word.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= farthest)
        .min()
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_has_a_neighbour_and_another_word_has_none() {
        let keys = ["max_deletes_percent", "conflict", "label", "schedule"];
        assert_eq!(nearest("max_deletes_procent", keys), Some("max_deletes_percent"));
        assert_eq!(nearest("max-deletes-percent", keys), Some("max_deletes_percent"));
        assert_eq!(nearest("Lable", keys), Some("label"));
        assert_eq!(nearest("interval", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
