//! Figures and times in words.

use jiff::Timestamp;

use crate::execute::Counts;

/// `1 conflict`, `2 conflicts`.
pub(super) fn counted(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1 created, 2 deleted`; empty for nothing.
pub(super) fn written(counts: Counts) -> String {
    let parts = [(counts.created, "created"), (counts.updated, "updated"), (counts.deleted, "deleted")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, verb)| format!("{count} {verb}")).collect();
    parts.join(", ")
}

/// What is written to both sides; `nothing to do` for nothing.
pub(super) fn writes(google: Counts, dafater: Counts) -> Vec<String> {
    [("google", google), ("dafater", dafater)]
        .iter()
        .filter(|(_, counts)| *counts != Counts::default())
        .map(|(side, counts)| format!("{side}: {}", written(*counts)))
        .collect()
}

/// `3 min ago`, `in 2 min`, `now`.
pub(super) fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.duration_since(now).as_secs();
    match seconds {
        -1..=1 => "now".to_owned(),
        ..-1 => format!("{} ago", span(-seconds)),
        2.. => format!("in {}", span(seconds)),
    }
}

/// `40 s`, `3 min`, `5 h`, `2 d`.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        ..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// A dash for what is not there.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// A value of a contact as a person reads it: quoted if it is empty.
pub(super) fn value(text: &str) -> &str {
    if text.is_empty() { "(nothing)" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let at = |seconds: i64| relative(Timestamp::from_second(now.as_second() + seconds).unwrap(), now);
        assert_eq!(
            [at(0), at(-40), at(180), at(-7_200), at(3 * 86_400)],
            ["now", "40 s ago", "in 3 min", "2 h ago", "in 3 d"]
        );
    }

    #[test]
    fn only_what_was_written_is_counted() {
        let counts = Counts { created: 1, updated: 0, deleted: 2 };
        assert_eq!(written(counts), "1 created, 2 deleted");
        assert_eq!(writes(counts, Counts::default()), ["google: 1 created, 2 deleted"]);
    }
}
