//! The enclave at the address: whether it can be reached, what it proves, and how its clock differs from this machine's.

use super::{Check, Finding};
use crate::clock;
use crate::error::Error;
use crate::home::trust::TrustEntry;
use crate::session::Session;
use crate::url::Url;
use crate::wrong_image::short;
use enclave_core::{Error as CoreError, UnixMillis};

/// The greatest difference of clocks that needs nothing to be done, in seconds. Documents are refused at five minutes.
const MAX_DIFFERENCE: u64 = 60;

/// Also returns whether the enclave was verified under a development root. `pinned` is the address with its trust entry;
/// without one, nothing is sent.
pub(super) fn check(pinned: Option<(&Url, &TrustEntry)>, offline: bool) -> (Vec<Finding>, bool) {
    let skipped = |why: &str| (vec![Finding::skipped(Check::Connection, why)], false);
    if offline {
        return skipped("the enclave was not checked, because of --offline");
    }
    let Some((url, entry)) = pinned else {
        return skipped("the enclave was not checked: nothing is sent to an address without pins");
    };
    let before = clock::now();
    let session = Session::connect(url, entry);
    let after = clock::now();
    let reached = Finding::ok(Check::Connection, format!("{url} answers"));
    match session {
        Ok(session) => {
            let root = if session.development() { "a development root" } else { "Amazon's root" };
            let image = short(session.image());
            let found = vec![
                reached,
                clock(session.facts().timestamp, before, after, false),
                Finding::ok(Check::Attestation, format!("the enclave runs the pinned image {image}…, under {root}")),
                kms(&session),
            ];
            (found, session.development())
        }
        Err(Error::Local(CoreError::Expired { time, .. } | CoreError::NotYetValid { time, .. })) => {
            let attestation =
                Finding::skipped(Check::Attestation, "the clock must be right before the enclave is verified");
            (vec![reached, clock(time, before, after, true), attestation], false)
        }
        Err(error @ Error::Local(_)) => (vec![reached, Finding::error(Check::Attestation, &error)], false),
        Err(error) => (vec![Finding::error(Check::Connection, &error)], false),
    }
}

/// Compares the time of a document with this machine's time `before` and `after` it was requested. `refused` says that the
/// document was refused because of its time.
fn clock(time: UnixMillis, before: UnixMillis, after: UnixMillis, refused: bool) -> Finding {
    let (seconds, direction) = match (before.since(time) / 1000, time.since(after) / 1000) {
        (0, behind) => (behind, "behind"),
        (ahead, _) => (ahead, "ahead of"),
    };
    let text = match seconds {
        0 => "this machine's clock agrees with the enclave's".to_owned(),
        _ => format!("this machine's clock is {seconds} s {direction} the enclave's"),
    };
    let remedy = "correct this machine's clock, for example with NTP; `expired` and `not-yet-valid` errors end then";
    if refused {
        Finding::problem(Check::Clock, format!("{text}, so that no enclave can be verified"), remedy)
    } else if seconds > MAX_DIFFERENCE {
        Finding::warning(Check::Clock, format!("{text}; from five minutes on, no enclave can be verified"), remedy)
    } else {
        Finding::ok(Check::Clock, text)
    }
}

/// Which KMS key protects what is deployed.
fn kms(session: &Session) -> Finding {
    match &session.evidence().claims.kms {
        Some(kms) => Finding::ok(Check::Kms, kms.arn.text()),
        None => Finding::warning(
            Check::Kms,
            "the enclave has no KMS key of its own",
            "name one of yours: `capelet deploy --key ARN`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn the_clock_is_compared_with_the_time_in_which_the_document_was_made() {
        let judge = |time, refused| {
            let [time, before, after] = [time, 1_000_000, 1_030_000].map(UnixMillis::new);
            let finding = clock(time, before, after, refused);
            (finding.level, finding.text)
        };
        // A document that took long agrees at both ends.
        for time in [999_001, 1_000_000, 1_015_000, 1_030_999] {
            assert_eq!(judge(time, false), (Level::Ok, "this machine's clock agrees with the enclave's".to_owned()));
        }
        for (time, level, text) in [
            (940_000, Level::Ok, "60 s ahead of"),
            (939_000, Level::Warning, "61 s ahead of"),
            (1_090_000, Level::Ok, "60 s behind"),
            (1_091_000, Level::Warning, "61 s behind"),
        ] {
            let (found, sentence) = judge(time, false);
            assert!(found == level && sentence.contains(text), "{time}: {sentence}");
        }
        assert_eq!(judge(400_000, true).0, Level::Problem);
    }
}
