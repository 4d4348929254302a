//! Exit codes, after sysexits.

use serde::{Deserialize, Serialize};

use crate::execute::{Cause, EngineError, EngineErrorKind, Outcome, RunReport};

/// How a command ended. Of several accounts the highest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// What was compared is not the same: `sandbox --once`.
    Differs = 1,
    /// The command was not understood, or names what does not exist.
    Usage = 64,
    /// Data cannot be used: a store format from a newer version, a file that is no export.
    Data = 65,
    /// A remote is unavailable.
    Unavailable = 69,
    /// A defect of this program, or of the machine under it.
    Internal = 70,
    /// The store or another file cannot be created.
    CannotCreate = 73,
    /// Try again later: an account failed for now, the store is locked by another process.
    TryAgain = 75,
    /// Not authorised.
    Unauthorized = 77,
    /// Configuration.
    Configuration = 78,
}

impl Exit {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Differs,
        Self::Usage,
        Self::Data,
        Self::Unavailable,
        Self::Internal,
        Self::CannotCreate,
        Self::TryAgain,
        Self::Unauthorized,
        Self::Configuration,
    ];

    /// The code as the shell sees it.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code that a run deserves. A held plan is no failure: it did what it was told to.
    #[must_use]
    pub fn of_run(report: &RunReport) -> Self {
        match (report.cause, report.outcome) {
            (Some(Cause::Unavailable), _) => Self::Unavailable,
            (Some(Cause::Unauthorized), _) => Self::Unauthorized,
            (Some(Cause::Configuration), _) => Self::Configuration,
            (Some(Cause::Internal), _) => Self::Internal,
            (None, Outcome::Failed) => Self::TryAgain,
            (None, Outcome::Ok | Outcome::Held | Outcome::Skipped) => Self::Ok,
        }
    }

    /// The code that an engine's refusal deserves.
    #[must_use]
    pub fn of_engine(error: &EngineError) -> Self {
        match error.kind.cause() {
            Some(Cause::Unavailable) => Self::Unavailable,
            Some(Cause::Unauthorized) => Self::Unauthorized,
            Some(Cause::Configuration) => Self::Configuration,
            Some(Cause::Internal) => Self::Internal,
            None if error.kind == EngineErrorKind::Unknown => Self::Usage,
            None => Self::TryAgain,
        }
    }
}

impl TryFrom<u8> for Exit {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|exit| exit.code() == code)
            .ok_or_else(|| format!("{code} is no exit code"))
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit.code()
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::{Counts, Requests};
    use crate::remote::Disposition;

    fn report(outcome: Outcome, cause: Option<Cause>) -> RunReport {
        RunReport {
            account: "sales".parse().unwrap(),
            outcome,
            run: "r1".to_owned(),
            google: Counts::default(),
            dafater: Counts::default(),
            labels: 0,
            photos: 0,
            linked: 0,
            conflicts: 0,
            parked: 0,
            review: 0,
            requests: Requests::default(),
            error: None,
            cause,
            retry_after_seconds: None,
        }
    }

    #[test]
    fn the_codes_are_those_of_sysexits_and_read_back() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 64, 65, 69, 70, 73, 75, 77, 78]);
        for exit in Exit::ALL {
            assert_eq!(Exit::try_from(exit.code()), Ok(exit));
        }
        assert!(Exit::try_from(2).is_err());
    }

    #[test]
    fn of_several_accounts_the_highest_code_counts() {
        let worst = [Exit::Ok, Exit::Unauthorized, Exit::TryAgain].into_iter().max();
        assert_eq!(worst, Some(Exit::Unauthorized));
    }

    #[test]
    fn a_run_exits_by_its_cause_and_else_by_its_outcome() {
        for (outcome, cause, code) in [
            (Outcome::Ok, None, 0),
            (Outcome::Held, None, 0),
            (Outcome::Skipped, None, 0),
            (Outcome::Failed, None, 75),
            (Outcome::Failed, Some(Cause::Unavailable), 69),
            (Outcome::Failed, Some(Cause::Internal), 70),
            (Outcome::Failed, Some(Cause::Unauthorized), 77),
            (Outcome::Skipped, Some(Cause::Unauthorized), 77),
            (Outcome::Failed, Some(Cause::Configuration), 78),
        ] {
            assert_eq!(Exit::of_run(&report(outcome, cause)).code(), code, "{outcome:?} {cause:?}");
        }
    }

    #[test]
    fn an_engine_refusal_exits_by_who_must_act() {
        for (kind, code) in [
            (EngineErrorKind::Unknown, 64),
            (EngineErrorKind::Store, 70),
            (EngineErrorKind::Remote(Disposition::Unavailable), 69),
            (EngineErrorKind::Remote(Disposition::Throttled { retry_after: None }), 69),
            (EngineErrorKind::Remote(Disposition::Unauthorized), 77),
            (EngineErrorKind::Remote(Disposition::Forbidden), 77),
            (EngineErrorKind::Remote(Disposition::Stale), 75),
        ] {
            let error = EngineError { message: String::new(), hint: None, kind, side: None };
            assert_eq!(Exit::of_engine(&error).code(), code, "{error:?}");
        }
    }

    #[test]
    fn a_report_without_a_cause_prints_the_line_of_the_contract() {
        let line = serde_json::to_string(&report(Outcome::Ok, None)).unwrap();
        assert_eq!(
            line,
            r#"{"account":"sales","outcome":"ok","run":"r1","google":{"created":0,"updated":0,"deleted":0},"dafater":{"created":0,"updated":0,"deleted":0},"linked":0,"conflicts":0,"parked":0,"review":0,"requests":{"google":0,"dafater":0},"error":null}"#
        );
    }
}
