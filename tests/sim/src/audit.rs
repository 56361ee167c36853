//! The audit after the clients have ended and the faults have stopped: what was acknowledged is stored, and stored once.

use crate::actor::{Actor, Known, Phase};
use crate::vault;
use crate::verbs::Input;
use enclave_core::Error;
use enclave_core::objects::{ObjectContent, StoredObject};
use enclave_core::parent::StoreKind;
use std::collections::BTreeMap;

impl Actor {
    /// Checks everything that this person owns. `falsely_done` says whether the parent only pretended a deletion or a
    /// publication.
    pub fn audit(&mut self, falsely_done: bool) {
        for (function, known) in self.functions.clone() {
            let input = [Input::Plain(b"audit".to_vec())];
            let data = [b"audit".to_vec()];
            let mut outcome = None;
            self.step("audit function", |actor, session| {
                outcome = Some(actor.run_on(session, &function, &input, &data));
                Ok(())
            });
            match (known, outcome.expect("the step ran")) {
                (Known::Stored, outcome) => assert_eq!(outcome, Ok(()), "an acknowledged function must run"),
                // It is complete, or absent, or sealed with an unusable data key.
                (Known::Uncertain, outcome) => {
                    assert!(matches!(outcome, Ok(()) | Err(Error::NotFound | Error::CannotOpen)), "{outcome:?}");
                }
                (Known::Deleted, _) => {}
            }
        }
        self.settle();
        for key in self.vault.clone() {
            let mut opened = None;
            self.step("audit key", |actor, session| {
                opened = Some(vault::attest(&actor.run, session, &mut actor.person, key.kid, key.epoch));
                Ok(())
            });
            match (key.phase, opened.expect("the step ran")) {
                (Phase::Confirmed, opened) => assert_eq!(opened.expect("a confirmed key opens").claims.kid, key.kid),
                (Phase::Signed, _) => panic!("without faults no key is uncertain"),
                // The parent may have hidden the key. Its statement was then never published, so nobody used it.
                (Phase::Abandoned, _) => {}
            }
        }
        self.audit_statement(falsely_done);
        self.audit_store();
    }

    fn audit_statement(&mut self, falsely_done: bool) {
        let Some(newest) = self.vault.iter().rev().find(|key| key.published).copied() else { return };
        let owner = self.person.owner;
        let mut verified = None;
        self.step("audit statement", |actor, session| {
            let known = Some((newest.epoch, newest.kid));
            let bytes = vault::statement(session, &mut actor.person, owner, Some(newest.kid));
            verified = Some(bytes.and_then(|bytes| vault::verify_statement(&actor.run, &bytes, owner, known)));
            Ok(())
        });
        match verified.expect("the step ran") {
            Ok(claims) => assert_eq!(claims.kid, newest.kid),
            Err(error) => assert!(falsely_done, "a published statement must verify: {error:?}"),
        }
    }

    /// The store has at most one vault key of each epoch, and its owner knows every object.
    fn audit_store(&self) {
        let store = self.enclaves[0].platform.parent.store();
        let mut contents = BTreeMap::new();
        for key in store.keys(StoreKind::VaultKey, &self.person.owner) {
            let object = StoredObject::parse(&store.objects[&key]).expect("a stored object is valid");
            let before = contents.insert(key.version, object.ad.content);
            assert_eq!(before, None, "two keys of one epoch");
            let signed =
                |known: &ObjectContent| self.vault.iter().any(|key| *known == ObjectContent::VaultKey(key.kid));
            assert!(signed(&object.ad.content), "the owner signed no record of this key");
        }
        for key in store.keys(StoreKind::Function, &self.person.owner) {
            let known = self.functions.iter().any(|(known, _)| (known.id, known.version) == (key.id, key.version));
            assert!(known, "the owner did not deploy this function");
        }
    }
}
