//! After the clients are done and the faults are over: what was acknowledged is there, and nothing is there twice.

use crate::actor::{Actor, Known, Phase};
use crate::verbs::{self, Input};
use enclave_core::Error;
use enclave_core::object::Head;
use enclave_core::parent::Kind;
use std::collections::BTreeMap;

impl Actor {
    /// Goes through everything of hers. `lost` says whether a fault hid a deletion or a publication.
    pub fn audit(&mut self, lost: bool) {
        for (function, known) in self.functions.clone() {
            let input = [Input::Plain(b"audit".to_vec())];
            let data = [b"audit".to_vec()];
            let mut ended = None;
            self.step("audit function", |actor, session| {
                ended = Some(actor.run_on(session, &function, &input, &data));
                Ok(())
            });
            match (known, ended.expect("the step ran")) {
                (Known::There, ended) => assert_eq!(ended, Ok(()), "a function that was acknowledged"),
                // Whole, or not there, or sealed under a key that was none: never anything else.
                (Known::Doubtful, ended) => {
                    assert!(matches!(ended, Ok(()) | Err(Error::NotFound | Error::CannotOpen)), "{ended:?}");
                }
                (Known::Gone, _) => {}
            }
        }
        self.settle();
        for key in self.vault.clone() {
            let mut opened = None;
            self.step("audit key", |actor, session| {
                opened = Some(verbs::vault_attest(&actor.run, session, &mut actor.person, &key.kid, key.epoch));
                Ok(())
            });
            match (key.phase, opened.expect("the step ran")) {
                (Phase::Confirmed, opened) => assert_eq!(opened.expect("a confirmed key").claims.kid, key.kid),
                (Phase::Signed, _) => panic!("without faults there is no doubt"),
                // A lie may have had it that there is none; then it was never published, and hurts nobody.
                (Phase::Burnt, _) => {}
            }
        }
        self.audit_statement(lost);
        self.audit_store();
    }

    fn audit_statement(&mut self, lost: bool) {
        let Some(newest) = self.vault.iter().rev().find(|key| key.published).copied() else { return };
        let owner = self.person.owner;
        let mut judged = None;
        self.step("audit statement", |actor, session| {
            let known = Some((newest.epoch, newest.kid));
            let bytes = verbs::statement(session, &mut actor.person, &owner, Some(newest.kid));
            judged = Some(bytes.and_then(|bytes| verbs::judge_statement(&actor.run, &bytes, &owner, known)));
            Ok(())
        });
        match judged.expect("the step ran") {
            Ok(claims) => assert_eq!(claims.kid, newest.kid),
            Err(error) => assert!(lost, "a statement that was published: {error:?}"),
        }
    }

    /// In the store there is at most one key of a number, and of each thing its owner knows.
    fn audit_store(&self) {
        let store = self.enclaves[0].platform.store();
        let mut kids = BTreeMap::new();
        for key in store.of(Kind::VaultKey, &self.person.owner) {
            let head = Head::parse(&store.objects[&key]).expect("what was stored is of its form");
            let before = kids.insert(key.version, head.ad.content);
            assert_eq!(before, None, "two keys of one number");
            assert!(self.vault.iter().any(|known| known.kid == head.ad.content), "a key that nobody signed");
        }
        for key in store.of(Kind::Function, &self.person.owner) {
            let known = self.functions.iter().any(|(known, _)| (known.id, known.version) == (key.id, key.version));
            assert!(known, "a function that nobody deployed");
        }
    }
}
