//! What may be seen of each fault, and nothing else: the codes in which an operation may then end.

use crate::faults::{Call, Fault, Hit};

/// The code of an operation that did what it should.
pub const DONE: &str = "done";
/// The connection broke, or what came through it did not open.
pub const CONNECTION: &str = "connection";
/// What the enclave showed at the beginning of a session was refused.
pub const EVIDENCE: &str = "evidence";
/// A vault statement was refused.
pub const STATEMENT: &str = "statement";
/// What the store lists is not what its owner knows to be there.
pub const CATALOGUE: &str = "catalogue";

/// In which codes an operation in whose session `hit` was had may end, besides [`DONE`].
pub fn allowed(hit: &Hit) -> &'static [&'static str] {
    use Fault::*;
    match (hit.call, hit.fault) {
        (Call::ToEnclave | Call::ToClient, _) => &[CONNECTION, EVIDENCE],
        (Call::DocumentSession, _) => &[CONNECTION],
        // At the beginning of a session there is nobody yet whom one could tell.
        (Call::Random | Call::DocumentTime, _) => &["failed", CONNECTION],
        (Call::DocumentVault | Call::DocumentKms | Call::Recipient, _) => &["failed"],
        (Call::Work, fault) => work(fault),
        (Call::Boot, _) => &[],
        (_, Unreachable | Deadline | Closed | Unheard) => &["unreachable"],
        (Call::GetStatement, Truncated | Flipped | Another | Old) => &[STATEMENT],
        (Call::GetObject, Truncated | Flipped | Another | Old) => &["cannot-open", "disagrees"],
        (_, NotFound) => &["not-found"],
        (Call::Put, Exists) => &["exists"],
        (Call::Put, Pretended) => &["not-found"],
        (Call::Replace | Call::Delete, Pretended) => &[],
        (Call::List, Short | Invented) => &[CATALOGUE, STATEMENT, "not-found"],
        (Call::List, Unsorted) | (_, Failed | WrongKind | Exists | LineBreak) => &["parent-failed"],
        (Call::Credentials, Foreign) | (_, AccessDenied) => &["kms-denied"],
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
        Fault::Deadline => &["time-limit"],
        Fault::Died => &["worker-died"],
        Fault::TooMuch | Fault::OutputEnd => &["output-limit"],
        Fault::Trapped | Fault::BadResult => &["trapped"],
        Fault::Status => &["exit-status"],
        Fault::Memory => &["memory-limit"],
        Fault::Fuel => &["fuel-limit"],
        Fault::BadModule => &["bad-module"],
        Fault::Busy => &["busy"],
        _ => &["failed"],
    }
}

/// In which codes any later operation of anybody may end: what was read of the KMS key is shared, and so is the store.
pub fn afterwards(hit: &Hit) -> &'static [&'static str] {
    match hit.call {
        Call::Credentials | Call::Kms | Call::ReadKey => &["policy-changed"],
        // Another configuration, of its form: an enclave of that one, as its claims say.
        Call::Boot => &["kms-key-unusable", "input-limit", "output-limit"],
        // The one thing that is not read back: a statement proves itself to whoever fetches it.
        Call::Replace if hit.fault == Fault::Pretended => &["not-found"],
        _ => &[],
    }
}

/// Whether an operation may end in `code`, after `hits`, of which those of `session` are its own.
pub fn may(code: &str, session: usize, hits: &[Hit]) -> bool {
    let own = hits.iter().filter(|hit| hit.session == session).flat_map(allowed);
    let all = hits.iter().flat_map(afterwards);
    code == DONE || own.chain(all).any(|allowed| *allowed == code)
}

/// Whether an operation may be done all the same, if `hit` is the one fault that was had in it. `reading` says whether
/// a KMS key was read meanwhile: what cannot be read of it is null, and the client's to judge.
pub fn may_pass(hit: &Hit, reading: bool) -> bool {
    use Fault::*;
    match (hit.call, hit.fault) {
        // TLS keeps these out; without it they are the same bytes, or the same thing, once more.
        (_, Replayed) => true,
        // A lie about the newest statement, about what is listed, about a deletion or a publication.
        (Call::GetStatement, Old | Another) | (Call::List, Short | Invented) => true,
        (Call::Replace | Call::Delete, Pretended) => true,
        (Call::Credentials | Call::Kms | Call::ReadKey, _) => reading,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::pairs;

    #[test]
    fn most_faults_are_seen() {
        let unseen: Vec<_> = pairs()
            .filter(|(call, fault)| allowed(&Hit { session: 1, call: *call, fault: *fault }).is_empty())
            .collect();
        let pretended = |call| (call, Fault::Pretended);
        let boot = unseen.iter().filter(|(call, _)| *call == Call::Boot).count();
        assert_eq!(boot, 5);
        assert!(unseen.contains(&pretended(Call::Replace)) && unseen.contains(&pretended(Call::Delete)));
        assert_eq!(unseen.len(), boot + 2, "{unseen:?}");
    }

    /// What must not pass unnoticed has a code in which it is noticed.
    #[test]
    fn what_may_not_pass_is_seen() {
        for (call, fault) in pairs().filter(|(call, _)| *call != Call::Boot) {
            let hit = Hit { session: 1, call, fault };
            assert!(may_pass(&hit, true) || !allowed(&hit).is_empty(), "{hit}");
        }
    }

    #[test]
    fn another_sessions_faults_excuse_nothing() {
        let hit = Hit { session: 1, call: Call::Work, fault: Fault::Died };
        assert!(may("worker-died", 1, &[hit]));
        assert!(!may("worker-died", 2, &[hit]));
        assert!(!may("trapped", 1, &[hit]));
    }
}
