//! For each fault, the codes in which an operation may end. Any other end is a failure of the run.

use crate::faults::{Call, Fault, Hit};

/// The operation succeeded.
pub const DONE: &str = "done";
/// The connection broke, or a message on it did not open.
pub const CONNECTION: &str = "connection";
/// The client rejected the enclave's evidence.
pub const EVIDENCE: &str = "evidence";
/// The client rejected a vault statement.
pub const STATEMENT: &str = "statement";
/// The store's list differs from what its owner knows.
pub const CATALOGUE: &str = "catalogue";

/// The codes, besides [`DONE`], in which an operation may end if `hit` happened in its session.
pub fn allowed(hit: &Hit) -> &'static [&'static str] {
    use Fault::*;
    match (hit.call, hit.fault) {
        (Call::ToEnclave | Call::ToClient, _) => &[CONNECTION, EVIDENCE],
        (Call::DocumentSession, _) => &[CONNECTION],
        // During the handshake the enclave cannot answer. It closes the connection.
        (Call::Random | Call::DocumentTime, _) => &["failed", CONNECTION],
        (Call::DocumentVault | Call::DocumentKms | Call::Recipient, _) => &["failed"],
        (Call::Work, fault) => work(fault),
        (Call::Boot, _) => &[],
        (_, Unreachable | TimedOut | Closed | AnswerLost) => &["unreachable"],
        (Call::GetStatement, Truncated | BitFlipped | OtherObject | OlderBytes) => &[STATEMENT],
        (Call::GetObject, Truncated | BitFlipped | OtherObject | OlderBytes) => &["cannot-open", "disagrees"],
        (_, NotFound) => &["not-found"],
        (Call::Put, Exists) => &["exists"],
        (Call::Put, FalseDone) => &["not-found"],
        (Call::Replace | Call::Delete, FalseDone) => &[],
        (Call::List, EntryMissing | EntryInvented) => &[CATALOGUE, STATEMENT, "not-found"],
        (Call::List, Unsorted) | (_, Failed | WrongAnswer | Exists | LineBreak) => &["parent-failed"],
        (Call::Credentials, OtherPrincipal) | (_, AccessDenied) => &["kms-denied"],
        (_, OtherKeyId | Plaintext) => &["kms-mismatch"],
        (_, Garbage | Throttling | InternalError | UnknownError) => &["kms-unavailable"],
        (_, Disabled) => &["kms-key-unusable"],
        (_, InvalidCiphertext | Replayed) => &["cannot-open"],
        (_, ExpiredToken) => &["parent-failed"],
        _ => &[],
    }
}

fn work(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::Busy => &["busy"],
        Fault::TooLate => &["request-expired"],
        Fault::TimedOut => &["time-limit"],
        Fault::WorkerDied => &["worker-died"],
        Fault::WorkerKilled => &["worker-killed"],
        Fault::OutputTooLong | Fault::OutputLimit => &["output-limit"],
        Fault::Trapped | Fault::BadResult => &["trapped"],
        Fault::ExitStatus => &["exit-status"],
        Fault::MemoryLimit => &["memory-limit"],
        Fault::FuelLimit => &["fuel-limit"],
        Fault::BadModule => &["bad-module"],
        _ => &["failed"],
    }
}

/// The codes in which any later operation of anyone may end, because sessions share the readings of the KMS key and the
/// store.
pub fn afterwards(hit: &Hit) -> &'static [&'static str] {
    match hit.call {
        Call::Credentials | Call::Kms | Call::ReadKey => &["policy-changed"],
        // A damaged configuration can be valid. The enclave then runs with that one, and its claims say so.
        Call::Boot => &["kms-key-unusable", "input-limit", "output-limit"],
        // A statement is not read back, because anyone who fetches it verifies it.
        Call::Replace if hit.fault == Fault::FalseDone => &["not-found"],
        _ => &[],
    }
}

/// Whether an operation in `session` may end in `code` after these `hits`.
pub fn may(code: &str, session: usize, hits: &[Hit]) -> bool {
    let own = hits.iter().filter(|hit| hit.session == session).flat_map(allowed);
    let all = hits.iter().flat_map(afterwards);
    code == DONE || own.chain(all).any(|allowed| *allowed == code)
}

/// Whether an operation may succeed although `hit` happened in it. `reading` says whether a KMS key was read meanwhile:
/// what cannot be read is `null` in the claims, and the client decides.
pub fn may_pass(hit: &Hit, reading: bool) -> bool {
    use Fault::*;
    match (hit.call, hit.fault) {
        // TLS would detect a replay. Without TLS, a replay repeats the same bytes or the same operation.
        (_, Replayed) => true,
        // The parent lies about the newest statement, a list, a deletion or a publication.
        (Call::GetStatement, OlderBytes | OtherObject) | (Call::List, EntryMissing | EntryInvented) => true,
        (Call::Replace | Call::Delete, FalseDone) => true,
        (Call::Credentials | Call::Kms | Call::ReadKey, _) => reading,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::pairs;

    #[test]
    fn most_faults_have_a_code() {
        let without_code: Vec<_> = pairs()
            .filter(|(call, fault)| allowed(&Hit { session: 1, call: *call, fault: *fault }).is_empty())
            .collect();
        let false_done = |call| (call, Fault::FalseDone);
        let boot = without_code.iter().filter(|(call, _)| *call == Call::Boot).count();
        assert_eq!(boot, 5);
        assert!(without_code.contains(&false_done(Call::Replace)) && without_code.contains(&false_done(Call::Delete)));
        assert_eq!(without_code.len(), boot + 2, "{without_code:?}");
    }

    #[test]
    fn a_fault_that_must_be_noticed_has_a_code() {
        for (call, fault) in pairs().filter(|(call, _)| *call != Call::Boot) {
            let hit = Hit { session: 1, call, fault };
            assert!(may_pass(&hit, true) || !allowed(&hit).is_empty(), "{hit}");
        }
    }

    #[test]
    fn a_fault_of_another_session_excuses_nothing() {
        let hit = Hit { session: 1, call: Call::Work, fault: Fault::WorkerDied };
        assert!(may("worker-died", 1, &[hit]));
        assert!(!may("worker-died", 2, &[hit]));
        assert!(!may("trapped", 1, &[hit]));
    }
}
