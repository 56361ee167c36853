//! What the people of a run do: an owner who deploys, makes a vault key, runs, renews, lists and deletes; and a
//! stranger to her who encrypts to her vault, has a function of his own, and tries hers.

use crate::actor::{Actor, BAD_LIST, BAD_STATEMENT, Done, Known, Letter, Phase, VaultKey};
use crate::client::{Answered, Session};
use crate::platform::function;
use crate::prng::Prng;
use crate::verbs::{self, Function, Input, Offered};
use enclave_core::parent::Kind;
use enclave_core::{Error, error::Down, status};

impl Actor {
    /// deploy: a new version of her function.
    pub fn deploy(&mut self) {
        let length = *self.person.prng.pick(&[1, 100, 70_000]);
        let module = vec![self.person.prng.number() as u8; length];
        let (id, version) = match self.functions.last() {
            Some((last, _)) => (last.id, last.version + 1),
            None => (self.person.prng.bytes(), 1),
        };
        let new = Function::new(self.person.owner, id, version, module);
        self.functions.push((new.clone(), Known::Doubtful));
        let done = self.step("deploy", |actor, session| verbs::deploy(&actor.run, session, &mut actor.person, &new));
        if done && let Some((function, known)) = self.functions.last_mut() {
            *known = Known::There;
            let function = function.clone();
            self.board(|board| board.functions.push(function));
        }
    }

    fn newest(&self) -> Option<Function> {
        let there = |(_, known): &&(Function, Known)| *known == Known::There;
        self.functions.iter().rev().find(there).map(|(function, _)| function.clone())
    }

    /// run on plain input.
    pub fn run_newest(&mut self) {
        let Some(newest) = self.newest() else { return };
        let data: [u8; 9] = self.person.prng.bytes();
        let inputs = [Input::Plain(data.to_vec())];
        self.step("run", |actor, session| actor.run_on(session, &newest, &inputs, &[data.to_vec()]));
    }

    /// run on the letter that came, with the function that it is for, and maybe on something plain beside it.
    pub fn run_on_letter(&mut self) {
        let Some(letter) = self.board(|board| board.letter.take()) else { return };
        let fits = |function: &Function| letter.checksum.is_none_or(|checksum| function.checksum == checksum);
        let there = |(function, known): &&(Function, Known)| *known == Known::There && fits(function);
        let Some((function, _)) = self.functions.iter().rev().find(there).cloned() else { return };
        let (mut inputs, mut data) = (vec![Input::Encrypted(letter.file, letter.epoch)], vec![letter.data]);
        if self.person.prng.one_in(2) {
            inputs.push(Input::Plain(b"plain".to_vec()));
            data.push(b"plain".to_vec());
        }
        self.step("run on a letter", |actor, session| actor.run_on(session, &function, &inputs, &data));
    }

    /// Runs, and checks answer and receipt against what is known to be in the inputs.
    pub fn run_on(&mut self, session: &mut Session, what: &Function, inputs: &[Input], data: &[Vec<u8>]) -> Done {
        let answered = verbs::run_function(&self.run, session, &mut self.person, what, inputs)?;
        let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        self.check_run(session, &answered, what, &data);
        answered.done().map(|_| ())
    }

    fn check_run(&self, session: &Session, answered: &Answered, what: &Function, data: &[&[u8]]) {
        let done = answered.response.status == status::DONE;
        if done {
            assert!(answered.body == function(&what.module, data), "a wrong output of {} bytes", answered.body.len());
        } else {
            assert!(answered.body.is_empty(), "an output of a run that failed");
        }
        if answered.response.receipt.is_none() {
            assert!(!done, "done, and no receipt");
            return;
        }
        let output = done.then_some(answered.body.as_slice());
        let receipt = session.check_receipt(answered, data, output).expect("a receipt that holds");
        let named = receipt.function;
        assert_eq!((named.owner, named.id, named.version), (what.owner, what.id, what.version));
        assert_eq!((named.checksum, receipt.caller), (what.checksum, self.person.owner));
        assert_eq!(receipt.output.is_some(), done);
    }

    /// vault-create and vault-confirm, as a client does it: in doubt it asks first, and never signs a number twice.
    pub fn make_vault(&mut self) {
        if !self.settle() {
            return;
        }
        let epoch = self.vault.last().map_or(1, |last| last.epoch + 1);
        self.step("vault", |actor, session| {
            let offered = verbs::vault_create(&actor.run, session, &mut actor.person, epoch)?;
            actor.sign(session, &offered)
        });
    }

    fn sign(&mut self, session: &mut Session, offered: &Offered) -> Done {
        let (epoch, kid) = (offered.claims.epoch, offered.claims.kid);
        match self.vault.iter().find(|key| key.epoch == epoch) {
            None => self.vault.push(VaultKey { epoch, kid, phase: Phase::Signed, published: false }),
            Some(known) => assert_eq!(known.kid, kid, "two keys of one number"),
        }
        verbs::vault_confirm(&self.run, session, &mut self.person, offered)?;
        let key = self.vault.iter_mut().find(|key| key.epoch == epoch).expect("just put there");
        (key.phase, key.published) = (Phase::Confirmed, true);
        let owner = self.person.owner;
        self.board(|board| board.kids.insert(owner, kid));
        Ok(())
    }

    /// Asks after a key that was signed: it opens, or its number is burnt. True if nothing is in doubt.
    pub fn settle(&mut self) -> bool {
        let Some(last) = self.vault.last().copied().filter(|last| last.phase == Phase::Signed) else { return true };
        let mut phase = Phase::Signed;
        self.step("settle", |actor, session| {
            let attested = verbs::vault_attest(&actor.run, session, &mut actor.person, &last.kid, last.epoch);
            phase = match attested {
                Ok(_) => Phase::Confirmed,
                Err(Error::NotFound | Error::CannotOpen) if !session.broken => Phase::Burnt,
                Err(error) => return Err(error),
            };
            Ok(())
        });
        if let Some(key) = self.vault.last_mut() {
            key.phase = phase;
        }
        phase != Phase::Signed
    }

    fn confirmed(&self) -> Option<VaultKey> {
        self.vault.iter().rev().find(|key| key.phase == Phase::Confirmed).copied()
    }

    /// vault-attest and vault-confirm of the newest key.
    pub fn renew(&mut self) {
        let Some(key) = self.confirmed() else { return };
        self.step("renew", |actor, session| {
            let offered = verbs::vault_attest(&actor.run, session, &mut actor.person, &key.kid, key.epoch)?;
            actor.sign(session, &offered)
        });
    }

    /// Fetches a statement, judges it, and writes a letter to its owner, for her newest function or for any.
    pub fn write_to(&mut self, owner: [u8; 32]) {
        let Some(kid) = self.board(|board| board.kids.get(&owner).copied()) else { return };
        let wanted = self.person.prng.one_in(3).then_some(kid);
        let data: [u8; 7] = self.person.prng.bytes();
        let of_hers = self.board(|board| board.functions.iter().rev().find(|known| known.owner == owner).cloned());
        self.step("write", |actor, session| {
            let bytes = verbs::statement(session, &mut actor.person, &owner, wanted)?;
            let known =
                actor.vault.iter().rev().find(|key| key.phase == Phase::Confirmed && actor.person.owner == owner);
            let known = known.map(|key| (key.epoch, key.kid));
            let claims = verbs::judge_statement(&actor.run, &bytes, &owner, known).map_err(|_| BAD_STATEMENT)?;
            assert_eq!(claims.owner, owner);
            let checksum = of_hers.map(|function| function.checksum);
            let checksums = checksum.map(|checksum| vec![checksum]);
            let file = verbs::encrypt(&mut actor.person.prng, &claims, checksums, &data)?;
            let letter = Letter { file, epoch: claims.epoch, checksum, data: data.to_vec() };
            actor.board(|board| board.letter = Some(letter));
            Ok(())
        });
    }

    /// list, compared with what she knows.
    pub fn list(&mut self) {
        self.step("list", |actor, session| {
            let entries = verbs::list(session, &mut actor.person, Kind::Function)?;
            assert!(entries.is_sorted_by(|a, b| a < b), "a list that does not ascend");
            for (function, known) in &actor.functions {
                let listed = entries.contains(&(function.id, function.version));
                if *known == Known::There && !listed {
                    return Err(BAD_LIST);
                }
            }
            let known = |(id, version): &([u8; 16], u64)| {
                actor.functions.iter().any(|(function, _)| (function.id, function.version) == (*id, *version))
            };
            if entries.iter().all(known) { Ok(()) } else { Err(BAD_LIST) }
        });
    }

    /// delete of her first function, if there is a second.
    pub fn delete_first(&mut self) {
        let there = |(_, known): &&(Function, Known)| *known == Known::There;
        if self.functions.iter().filter(there).count() < 2 {
            return;
        }
        let at = self.functions.iter().position(|(_, known)| *known == Known::There).expect("there are two");
        let first = self.functions[at].0.clone();
        self.functions[at].1 = Known::Gone;
        self.board(|board| board.functions.retain(|known| *known != first));
        self.step("delete", |actor, session| {
            verbs::delete(session, &mut actor.person, Kind::Function, first.id, first.version)
        });
    }

    /// Runs somebody else's function: `refused`, whatever else goes wrong, as long as there is an answer.
    pub fn try_anothers(&mut self) {
        let owner = self.person.owner;
        let Some(anothers) = self.board(|board| board.functions.iter().find(|f| f.owner != owner).cloned()) else {
            return;
        };
        let input = [Input::Plain(b"mine".to_vec())];
        self.step("try another's", |actor, session| {
            let answered = verbs::run_function(&actor.run, session, &mut actor.person, &anothers, &input)?;
            assert!(answered.response.receipt.is_none() && answered.body.is_empty());
            match answered.done() {
                Err(Error::Refused) => Ok(()),
                // Before it is known who asks, the clock may fail.
                Err(error @ Error::Down(Down::Failed | Down::Unreachable)) => Err(error),
                other => panic!("a stranger saw {:?}", other.map(|_| ())),
            }
        });
    }

    /// policy.
    pub fn read_policy(&mut self) {
        self.step("policy", |actor, session| verbs::policy(session, &mut actor.person));
    }

    /// All that an owner does; `prng` shuffles what may come in any order.
    pub fn live_as_owner(&mut self, mut prng: Prng) {
        self.deploy();
        self.make_vault();
        self.deploy();
        let owner = self.person.owner;
        let mut deeds: Vec<fn(&mut Self, [u8; 32])> = vec![
            |actor, _| actor.run_newest(),
            |actor, _| actor.list(),
            |actor, _| actor.delete_first(),
            |actor, _| actor.try_anothers(),
            |actor, owner| {
                actor.renew();
                actor.write_to(owner);
                actor.run_on_letter();
            },
        ];
        while !deeds.is_empty() {
            let deed = deeds.remove(prng.below(deeds.len()));
            deed(self, owner);
        }
        // A number that was burnt, or a key that was never confirmed, is followed by another.
        if self.confirmed().is_none() {
            self.make_vault();
        }
    }

    /// All that a stranger does.
    pub fn live_as_stranger(&mut self, owner: [u8; 32], vault: bool) {
        self.deploy();
        if vault {
            self.make_vault();
        }
        self.read_policy();
        self.try_anothers();
        self.run_newest();
        self.write_to(owner);
        self.try_anothers();
    }
}
