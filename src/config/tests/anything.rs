//! Whatever is written, it is read or refused: nothing panics, and nothing shows a secret.

use proptest::prelude::*;

use super::*;
use crate::config::{ScheduleSpec, Span, ZoneName, check_config, show};

/// Lines that operators write, right ones and wrong ones, and lines that nobody writes.
fn line() -> impl Strategy<Value = String> {
    let table = prop::sample::select(vec![
        "[dafater]",
        "[google]",
        "[store]",
        "[log]",
        "[control]",
        "[history]",
        "[defaults]",
        "[accounts]",
        "[accounts.sales]",
        "[accounts.\"\"]",
        "[[accounts]]",
        "[accounts.sales.scope]",
        "[x]",
    ]);
    let key = prop::sample::select(vec![
        "url",
        "api_secret",
        "api_secret_file",
        "client_secret",
        "timeout",
        "path",
        "level",
        "socket",
        "system_managers",
        "keep",
        "schedule",
        "time_zone",
        "region",
        "scope",
        "email_id",
        "enable",
        "accounts",
        "dafater.api_secret",
        "scope.linked_to",
        "max_deletes_percent",
        "\"\"",
        "x",
    ]);
    let value = prop::sample::select(vec![
        "\"s3cr3t\"",
        "'s3cr3t'",
        "\"\"\"s3cr3t\"\"\"",
        "\"\"",
        "1",
        "-1",
        "1.5",
        "nan",
        "true",
        "1979-05-27",
        "[]",
        "[\"a\"]",
        "[1, {}]",
        "{}",
        "{ a = 1 }",
        "\"\\u0000\"",
        "\"https://x\"",
        "\"every 5m\"",
        "\"a@b.c\"",
    ]);
    prop_oneof![
        3 => table.prop_map(str::to_owned),
        6 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_are_read_or_refused(lines in prop::collection::vec(line(), 0..12), more in prop::collection::vec(line(), 0..4)) {
        let etc = Etc::valid();
        etc.write("conf.d/1.toml", &lines.join("\n"));
        etc.write("conf.d/2.toml", &more.join("\r\n"));
        let shown = [
            check_config(&etc.sources(), false).text,
            check_config(&etc.sources(), true).text,
            show(&etc.sources(), true, false).text,
        ];
        // Only a key that may be shown may show what stands in it.
        for line in shown.iter().flat_map(|text| text.lines()).filter(|line| line.contains("s3cr3t")) {
            prop_assert!(!line.contains("api_secret =") && !line.contains("client_secret"), "{}", line);
        }
    }

    #[test]
    fn any_variable_and_argument_is_read_or_refused(name in "[A-Z_a-z.]{0,24}", value in "\\PC{0,16}", argument in "[a-z.\"=\\[\\]{} #\\n]{0,24}") {
        let etc = Etc::valid().variable(&format!("DAFATER_CONTACTSD_{name}"), value).set(&argument);
        prop_assert!(!check_config(&etc.sources(), true).text.is_empty());
    }

    #[test]
    fn any_schedule_duration_or_zone_is_read_or_refused(
        cron in "[0-9*/,?LW#@ A-Z-]{0,24}",
        field in "([0-9]{1,3}|\\*|[0-9]{1,2}-[0-9]{1,2}|\\*/[0-9]{1,3}|[0-9]{1,2}L|L|[0-9]{1,2}W|[0-9]#[0-9]|MON|JAN)( ([0-9]{1,3}|\\*|[0-9]{1,2}-[0-9]{1,2}|\\*/[0-9]{1,3}|[0-9]{1,2}L|L|[0-9]{1,2}W|[0-9]#[0-9]|MON|JAN)){4,6}",
        span in "[0-9.:+PTdhmsy -]{0,16}",
        text in "\\PC{0,12}",
    ) {
        for text in [&cron, &field, &span, &text, &format!("every {span}")] {
            if let Ok(schedule) = text.parse::<ScheduleSpec>() {
                prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
            }
            if let Ok(span) = text.parse::<Span>() {
                let millis = std::time::Duration::from_millis(u64::try_from(span.duration().as_millis()).unwrap());
                prop_assert_eq!(span.to_string().parse::<Span>().map(Span::duration), Ok(millis));
            }
            if let Ok(zone) = text.parse::<ZoneName>() {
                prop_assert_eq!(&zone.to_string(), text);
            }
        }
    }
}
