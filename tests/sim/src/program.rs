//! What the people of a run do. An owner deploys, makes a vault key, runs, renews, lists and deletes. A stranger encrypts
//! to the owner's vault, has a function of their own, and tries to run the owner's.

use crate::actor::{Actor, BAD_LIST, BAD_STATEMENT, EncryptedFile, Known, Outcome, Phase, VaultKey};
use crate::client::Session;
use crate::prng::Prng;
use crate::request::ReceivedResponse;
use crate::vault::{self, VerifiedOffer};
use crate::verbs::{self, Function, Input};
use crate::worker::output_of;
use enclave_core::messages::Status;
use enclave_core::parent::{ListEntry, StoreKind};
use enclave_core::{Error, ObjectId, OwnerKey, TransportError};

/// The last status number that says that nothing was started.
const LAST_REQUEST_PROBLEM: u64 = 11;

impl Actor {
    /// deploy: a new version of this person's function.
    pub fn deploy(&mut self) {
        let length = *self.person.prng.pick(&[1, 100, 70_000]);
        let module = vec![self.person.prng.number() as u8; length];
        let (id, version) = match self.functions.last() {
            Some((last, _)) => (last.id, last.version + 1),
            None => (ObjectId::new(self.person.prng.bytes()), 1),
        };
        let new = Function::new(self.person.owner, id, version, module);
        self.functions.push((new.clone(), Known::Uncertain));
        let done = self.step("deploy", |actor, session| verbs::deploy(&actor.run, session, &mut actor.person, &new));
        if done && let Some((function, known)) = self.functions.last_mut() {
            *known = Known::Stored;
            let function = function.clone();
            self.board(|board| board.functions.push(function));
        }
    }

    fn newest_function(&self) -> Option<Function> {
        let stored = |(_, known): &&(Function, Known)| *known == Known::Stored;
        self.functions.iter().rev().find(stored).map(|(function, _)| function.clone())
    }

    /// run on plaintext.
    pub fn run_newest(&mut self) {
        let Some(newest) = self.newest_function() else { return };
        let data: [u8; 9] = self.person.prng.bytes();
        let inputs = [Input::Plain(data.to_vec())];
        self.step("run", |actor, session| actor.run_on(session, &newest, &inputs, &[data.to_vec()]));
    }

    /// run on the encrypted file that arrived, with a function that may read it, and sometimes on plaintext too.
    pub fn run_on_file(&mut self) {
        let Some(file) = self.board(|board| board.file.take()) else { return };
        let may_read = |function: &Function| file.checksum.is_none_or(|checksum| function.checksum == checksum);
        let stored = |(function, known): &&(Function, Known)| *known == Known::Stored && may_read(function);
        let Some((function, _)) = self.functions.iter().rev().find(stored).cloned() else { return };
        let (mut inputs, mut data) = (vec![Input::Encrypted(file.file, file.epoch)], vec![file.data]);
        if self.person.prng.one_in(2) {
            inputs.push(Input::Plain(b"plain".to_vec()));
            data.push(b"plain".to_vec());
        }
        self.step("run on a file", |actor, session| actor.run_on(session, &function, &inputs, &data));
    }

    /// Runs a function, and compares response and receipt with the plaintext of the inputs.
    ///
    /// # Errors
    /// Those of [`verbs::run_function`]; the error that the response's status stands for.
    pub fn run_on(
        &mut self,
        session: &mut Session,
        function: &Function,
        inputs: &[Input],
        data: &[Vec<u8>],
    ) -> Outcome {
        let before = self.run.workers_started(session.number);
        let received = verbs::run_function(&self.run, session, &mut self.person, function, inputs)?;
        let started = self.run.workers_started(session.number) - before;
        let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        self.check_receipt_is_due(&received, started);
        let files: Vec<_> = inputs.iter().map(Input::file).collect();
        self.check_run(session, &received, function, &data, &files);
        received.ok().map(|_| ())
    }

    /// A run has a receipt if and only if a worker was started for it.
    fn check_receipt_is_due(&self, received: &ReceivedResponse, started: usize) {
        let (status, receipt) = (received.response.status, received.response.receipt.is_some());
        assert!(started <= 1, "{started} workers for one run");
        assert_eq!(receipt, started == 1, "status {status}");
        assert!(started == 1 || status != Status::DONE.number(), "done without a worker");
        assert!(started == 0 || status == Status::DONE.number() || status > LAST_REQUEST_PROBLEM, "status {status}");
    }

    fn check_run(
        &self,
        session: &Session,
        received: &ReceivedResponse,
        function: &Function,
        data: &[&[u8]],
        files: &[Option<&[u8]>],
    ) {
        let done = received.response.status == Status::DONE.number();
        if done {
            let expected = output_of(&function.module, data);
            assert!(received.body == expected, "a wrong output of {} bytes", received.body.len());
        } else {
            assert!(received.body.is_empty(), "an output of a run that failed");
        }
        if received.response.receipt.is_none() {
            return;
        }
        let output = done.then_some(received.body.as_slice());
        let receipt = session.check_receipt(received, data, files, output).expect("the receipt verifies");
        let named = receipt.function;
        assert_eq!((named.owner, named.id, named.version), (function.owner, function.id, function.version));
        assert_eq!((named.checksum, receipt.caller), (function.checksum, self.person.owner));
        assert_eq!(receipt.output.is_some(), done);
    }

    /// vault-create and vault-confirm, as a client does them: it settles an uncertain key first, and never signs two
    /// keys of one epoch.
    pub fn make_vault_key(&mut self) {
        if !self.settle() {
            return;
        }
        let epoch = self.vault.last().map_or(1, |last| last.epoch + 1);
        self.step("vault", |actor, session| {
            let verified = vault::create(&actor.run, session, &mut actor.person, epoch)?;
            actor.confirm(session, &verified)
        });
    }

    fn confirm(&mut self, session: &mut Session, verified: &VerifiedOffer) -> Outcome {
        let (epoch, kid) = (verified.claims.epoch, verified.claims.kid);
        match self.vault.iter().find(|key| key.epoch == epoch) {
            None => self.vault.push(VaultKey { epoch, kid, phase: Phase::Signed, published: false }),
            Some(known) => assert_eq!(known.kid, kid, "two keys of one epoch"),
        }
        vault::confirm(&self.run, session, &mut self.person, verified)?;
        let key = self.vault.iter_mut().find(|key| key.epoch == epoch).expect("it was added above");
        (key.phase, key.published) = (Phase::Confirmed, true);
        let owner = self.person.owner;
        self.board(|board| board.kids.insert(owner, kid));
        Ok(())
    }

    /// Asks what became of a key whose record was signed: it opens, or its epoch is abandoned. True if no key is
    /// uncertain.
    pub fn settle(&mut self) -> bool {
        let Some(last) = self.vault.last().copied().filter(|last| last.phase == Phase::Signed) else { return true };
        let mut phase = Phase::Signed;
        self.step("settle", |actor, session| {
            let attested = vault::attest(&actor.run, session, &mut actor.person, last.kid, last.epoch);
            phase = match attested {
                Ok(_) => Phase::Confirmed,
                Err(Error::NotFound | Error::CannotOpen) if !session.broken => Phase::Abandoned,
                Err(error) => return Err(error),
            };
            Ok(())
        });
        if let Some(key) = self.vault.last_mut() {
            key.phase = phase;
        }
        phase != Phase::Signed
    }

    fn confirmed_key(&self) -> Option<VaultKey> {
        self.vault.iter().rev().find(|key| key.phase == Phase::Confirmed).copied()
    }

    /// vault-attest and vault-confirm of the newest key.
    pub fn renew(&mut self) {
        let Some(key) = self.confirmed_key() else { return };
        self.step("renew", |actor, session| {
            let verified = vault::attest(&actor.run, session, &mut actor.person, key.kid, key.epoch)?;
            actor.confirm(session, &verified)
        });
    }

    /// Fetches and verifies a statement, and encrypts a file to its owner: for their newest function, or for any.
    pub fn encrypt_to(&mut self, owner: OwnerKey) {
        let Some(kid) = self.board(|board| board.kids.get(&owner).copied()) else { return };
        let wanted = self.person.prng.one_in(3).then_some(kid);
        let data: [u8; 7] = self.person.prng.bytes();
        let newest = self.board(|board| board.functions.iter().rev().find(|known| known.owner == owner).cloned());
        self.step("encrypt", |actor, session| {
            let bytes = vault::statement(session, &mut actor.person, owner, wanted)?;
            let known = actor.confirmed_key().filter(|_| actor.person.owner == owner);
            let known = known.map(|key| (key.epoch, key.kid));
            let claims = vault::verify_statement(&actor.run, &bytes, owner, known).map_err(|_| BAD_STATEMENT)?;
            assert_eq!(claims.owner, owner);
            let checksum = newest.map(|function| function.checksum);
            let checksums = checksum.map(|checksum| vec![checksum]);
            let file = vault::encrypt(&mut actor.person.prng, &claims, checksums, &data)?;
            let file = EncryptedFile { file, epoch: claims.epoch, checksum, data: data.to_vec() };
            actor.board(|board| board.file = Some(file));
            Ok(())
        });
    }

    /// list, compared with what this person knows.
    pub fn list(&mut self) {
        self.step("list", |actor, session| {
            let entries = verbs::list(session, &mut actor.person, StoreKind::Function)?;
            assert!(entries.is_sorted_by(|a, b| a < b), "a list that does not ascend");
            for (function, known) in &actor.functions {
                if *known == Known::Stored && !entries.contains(&function.entry()) {
                    return Err(BAD_LIST);
                }
            }
            let known = |entry: &ListEntry| actor.functions.iter().any(|(function, _)| function.entry() == *entry);
            if entries.iter().all(known) { Ok(()) } else { Err(BAD_LIST) }
        });
    }

    /// delete of this person's first function, if they have a second.
    pub fn delete_first(&mut self) {
        let stored = |(_, known): &&(Function, Known)| *known == Known::Stored;
        if self.functions.iter().filter(stored).count() < 2 {
            return;
        }
        let at = self.functions.iter().position(|(_, known)| *known == Known::Stored).expect("there are two");
        let first = self.functions[at].0.clone();
        self.functions[at].1 = Known::Deleted;
        self.board(|board| board.functions.retain(|known| *known != first));
        self.step("delete", |actor, session| {
            verbs::delete(session, &mut actor.person, StoreKind::Function, first.entry())
        });
    }

    /// Tries to run another owner's function. Every response must be `refused`, whatever else goes wrong.
    pub fn run_anothers(&mut self) {
        let owner = self.person.owner;
        let Some(anothers) = self.board(|board| board.functions.iter().find(|f| f.owner != owner).cloned()) else {
            return;
        };
        let input = [Input::Plain(b"mine".to_vec())];
        self.step("run another's", |actor, session| {
            let before = actor.run.workers_started(session.number);
            let received = verbs::run_function(&actor.run, session, &mut actor.person, &anothers, &input)?;
            assert!(received.response.receipt.is_none() && received.body.is_empty());
            assert_eq!(actor.run.workers_started(session.number), before, "another owner's function ran");
            match received.ok() {
                Err(Error::Refused) => Ok(()),
                // The clock is read before the request is accepted, and it may fail.
                Err(error @ Error::Transport(TransportError::Failed | TransportError::Unreachable)) => Err(error),
                other => panic!("a stranger got {:?}", other.map(|_| ())),
            }
        });
    }

    /// policy.
    pub fn read_policy(&mut self) {
        self.step("policy", |actor, session| verbs::policy(session, &mut actor.person));
    }

    /// Everything that an owner does. `prng` shuffles the operations whose order is free.
    pub fn act_as_owner(&mut self, mut prng: Prng) {
        self.deploy();
        self.make_vault_key();
        self.deploy();
        let owner = self.person.owner;
        let mut operations: Vec<fn(&mut Self, OwnerKey)> = vec![
            |actor, _| actor.run_newest(),
            |actor, _| actor.list(),
            |actor, _| actor.delete_first(),
            |actor, _| actor.run_anothers(),
            |actor, owner| {
                actor.renew();
                actor.encrypt_to(owner);
                actor.run_on_file();
            },
        ];
        while !operations.is_empty() {
            let operation = operations.remove(prng.below(operations.len()));
            operation(self, owner);
        }
        // Without a confirmed key, because it was abandoned or never signed, the owner makes another.
        if self.confirmed_key().is_none() {
            self.make_vault_key();
        }
    }

    /// Everything that a stranger does.
    pub fn act_as_stranger(&mut self, owner: OwnerKey, vault: bool) {
        self.deploy();
        if vault {
            self.make_vault_key();
        }
        self.read_policy();
        self.run_anothers();
        self.run_newest();
        self.encrypt_to(owner);
        self.run_anothers();
    }
}
