//! Who may do what: one predicate, default deny.
//!
//! F owns the function, V the vault key of an input, C signs the request. A run is admitted iff
//! - code: C = F;
//! - data: for each encrypted input C = V;
//! - binding: the function's checksum is in the header's list; a header without a list needs F = V.
//!
//! The types of this file are proofs. Only this file makes them, from verified requests and verified records, and never
//! from associated data. Each names what it authorises, and each use compares: neither a key nor a worker can be had
//! for something else.

use crate::configuration::Deployers;
use crate::identity::records::FunctionRecord;
use crate::messages::{Verb, VerifiedRequest};
use crate::objects::{CiphertextHeader, ObjectAd, ObjectContent};
use crate::parent::{StoreKey, StoreKind};
use crate::types::{ObjectId, OwnerKey};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// Proof that a caller acts on their own objects, with a verb that every owner may use.
///
/// It cannot name another owner: keys and objects derived from it have the caller as their owner.
#[derive(Clone, Copy, Debug)]
pub struct OwnerOperation {
    caller: OwnerKey,
    verb: Verb,
}

impl OwnerOperation {
    /// The operation of this request.
    ///
    /// # Errors
    /// [`Error::Refused`] for a verb that is not every owner's: deploy and vault-create need a [`Deployer`], run needs
    /// an [`AuthorisedRun`].
    pub fn new(request: &VerifiedRequest) -> Result<Self, Error> {
        match request.verb {
            Verb::Deploy | Verb::VaultCreate | Verb::Run => Err(Error::Refused),
            verb => Ok(Self { caller: request.caller, verb }),
        }
    }

    /// The caller, who is the owner.
    pub fn caller(&self) -> OwnerKey {
        self.caller
    }

    /// Where an object of the caller is stored.
    pub fn key(&self, kind: StoreKind, id: ObjectId, version: u64) -> StoreKey {
        StoreKey { kind, owner: self.caller, id, version }
    }

    /// The right to one object of the caller.
    pub fn object(&self, id: ObjectId, version: u64, content: ObjectContent) -> AuthorisedObject {
        let key = self.key(content.kind().store_kind(), id, version);
        AuthorisedObject { verb: self.verb, key, content }
    }
}

/// Proof that a caller may deploy and make vault keys: they are on the configuration's list, or it has none.
#[derive(Clone, Copy, Debug)]
pub struct Deployer(OwnerOperation);

impl Deployer {
    /// The deployer who signed this request.
    ///
    /// # Errors
    /// [`Error::Refused`] if the caller is not on the list.
    pub fn new(request: &VerifiedRequest, deployers: Option<&Deployers>) -> Result<Self, Error> {
        match deployers {
            Some(list) if !list.allowed(&request.caller) => Err(Error::Refused),
            _ => Ok(Self(OwnerOperation { caller: request.caller, verb: request.verb })),
        }
    }

    /// The caller, who becomes the owner.
    pub fn caller(&self) -> OwnerKey {
        self.0.caller
    }

    /// The right to one new object of the caller.
    pub fn object(&self, id: ObjectId, version: u64, content: ObjectContent) -> AuthorisedObject {
        self.0.object(id, version, content)
    }
}

/// Proof that one stored object may be opened with one verb. It names the object's key and its content.
#[derive(Clone, Copy, Debug)]
pub struct AuthorisedObject {
    verb: Verb,
    key: StoreKey,
    content: ObjectContent,
}

impl AuthorisedObject {
    /// Where the object is stored.
    pub fn key(&self) -> StoreKey {
        self.key
    }

    /// Compares the object that is about to be opened with the authorised one.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of [`MessageKind::Object`].
    pub fn check_open(&self, ad: &ObjectAd) -> Result<(), Error> {
        let same = ad.key() == self.key && ad.content == self.content;
        if same { Ok(()) } else { Err(Error::Mismatch(MessageKind::Object)) }
    }

    /// Compares the object that is about to be sealed and stored with the authorised one.
    ///
    /// # Errors
    /// [`Error::Refused`] for a verb that stores nothing; as [`Self::check_open`].
    pub fn check_store(&self, ad: &ObjectAd) -> Result<(), Error> {
        match self.verb {
            Verb::Deploy | Verb::VaultConfirm => self.check_open(ad),
            _ => Err(Error::Refused),
        }
    }
}

/// Proof that a caller may name a function of this owner. Today only the owner may.
///
/// It comes before the function is loaded, so that other callers do not learn whether it exists.
#[derive(Clone, Copy, Debug)]
pub struct FunctionCaller {
    caller: OwnerKey,
    owner: OwnerKey,
}

impl FunctionCaller {
    /// The caller of a run of a function of `owner`.
    ///
    /// # Errors
    /// [`Error::Refused`] for another verb, or if the caller is not the owner.
    pub fn new(request: &VerifiedRequest, owner: &OwnerKey) -> Result<Self, Error> {
        if request.verb == Verb::Run && request.caller == *owner {
            return Ok(Self { caller: request.caller, owner: *owner });
        }
        Err(Error::Refused)
    }
}

/// Proof that a caller may run one function on inputs with these headers.
#[derive(Clone, Debug)]
pub struct AuthorisedRun {
    caller: OwnerKey,
    function: AuthorisedObject,
    headers: Vec<CiphertextHeader>,
}

impl AuthorisedRun {
    /// Applies the predicate. `function` is a verified record; `headers` are those of all encrypted inputs.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn new(
        caller: &FunctionCaller,
        function: &FunctionRecord,
        headers: Vec<CiphertextHeader>,
    ) -> Result<Self, Error> {
        let FunctionCaller { caller, owner } = *caller;
        let code = caller == function.owner && owner == function.owner;
        let data = headers.iter().all(|header| caller == header.owner);
        let binding = headers.iter().all(|header| match &header.checksums {
            Some(checksums) => checksums.contains(&function.checksum),
            None => header.owner == function.owner,
        });
        if !(code && data && binding) {
            return Err(Error::Refused);
        }
        let content = ObjectContent::Function(function.checksum);
        let key = StoreKey { kind: StoreKind::Function, owner, id: function.id, version: function.version };
        Ok(Self { caller, function: AuthorisedObject { verb: Verb::Run, key, content }, headers })
    }

    /// The caller.
    pub fn caller(&self) -> OwnerKey {
        self.caller
    }

    /// The right to the function's object.
    pub fn function(&self) -> &AuthorisedObject {
        &self.function
    }

    /// The right to the vault key of an input with this header.
    ///
    /// # Errors
    /// [`Error::Refused`] if the run was not authorised for this header.
    pub fn vault_key(&self, header: &CiphertextHeader, epoch: u64) -> Result<AuthorisedObject, Error> {
        if !self.headers.contains(header) {
            return Err(Error::Refused);
        }
        let (owner, id) = (header.owner, header.kid.object_id());
        let key = StoreKey { kind: StoreKind::VaultKey, owner, id, version: epoch };
        Ok(AuthorisedObject { verb: Verb::Run, key, content: ObjectContent::VaultKey(header.kid) })
    }

    /// Compares the function that is about to start with the authorised one.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn check_start(&self, opened: &ObjectContent) -> Result<(), Error> {
        if *opened == self.function.content { Ok(()) } else { Err(Error::Refused) }
    }

    /// Whether the caller may see what the function writes to stderr: the caller owns it, and no input is encrypted.
    pub fn shows_stderr(&self) -> bool {
        self.headers.is_empty()
    }
}

/// Each check, and what happens without what it asks for: missing means refused.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use crate::kms::Arn;
    use crate::messages::{KeyShares, Request, empty_map};
    use crate::time::UnixMillis;
    use crate::types::{Checksum, ClaimsDigest, Deadline, Kid, Pcr, RequestId};
    use capelet_hostile_bytes::byte_flips;
    use zeroize::Zeroizing;

    const IMAGE: Pcr = Pcr::new([8; 48]);
    const REFUSED: Option<Error> = Some(Error::Refused);
    const MISMATCH: Option<Error> = Some(Error::Mismatch(MessageKind::Object));

    fn identity(byte: u8) -> Identity {
        Identity::from_secret(Zeroizing::new([byte; 32]))
    }

    fn request(verb: Verb, caller: &Identity) -> VerifiedRequest {
        let request = Request {
            n: 0,
            verb,
            id: RequestId::new([1; 16]),
            not_after: Deadline::new(UnixMillis::new(1)),
            caller: caller.owner(),
            params: empty_map(),
            key_shares: KeyShares::new(),
            body: None,
        };
        let claims = ClaimsDigest::new([2; 48]);
        let (head, _) = request.sign(caller, &claims).unwrap();
        VerifiedRequest::open(&head[4..], 0, &claims).unwrap()
    }

    fn arn() -> Arn {
        Arn::parse("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000001").unwrap()
    }

    fn function(owner: OwnerKey) -> FunctionRecord {
        let (id, checksum) = (ObjectId::new([3; 16]), Checksum::new([4; 32]));
        FunctionRecord { owner, id, version: 5, checksum, issued: UnixMillis::new(6), arn: arn(), image: IMAGE }
    }

    fn header(owner: OwnerKey, checksums: Option<Vec<Checksum>>) -> CiphertextHeader {
        CiphertextHeader { owner, kid: Kid::new([7; 32]), checksums }
    }

    fn ad(authorised: &AuthorisedObject) -> ObjectAd {
        let StoreKey { owner, id, version, .. } = authorised.key;
        ObjectAd { content: authorised.content, owner, id, version, arn: arn(), salt: [0; 16], image: IMAGE }
    }

    #[test]
    fn deploy_vault_create_and_run_are_not_every_owners() {
        let alice = identity(1);
        for verb in [Verb::Deploy, Verb::VaultCreate, Verb::Run] {
            assert_eq!(OwnerOperation::new(&request(verb, &alice)).err(), REFUSED, "{verb:?}");
        }
        for verb in [Verb::List, Verb::Delete, Verb::VaultConfirm, Verb::VaultAttest] {
            let key = OwnerOperation::new(&request(verb, &alice)).unwrap();
            assert_eq!(key.key(StoreKind::Function, ObjectId::new([3; 16]), 1).owner, alice.owner(), "{verb:?}");
        }
    }

    #[test]
    fn a_caller_who_is_not_on_the_list_does_not_deploy() {
        let (alice, mallory) = (identity(1), identity(2));
        let list = Deployers::encode(&[5; 32], alloc::vec![alice.owner()]);
        let deployers = Some(crate::crypto::sha256(&[&list]));
        let configuration = crate::Configuration { arn: arn(), limits: crate::Limits::MAXIMA, deployers };
        let list = Deployers::parse(&configuration, Some(&list)).unwrap();
        assert!(Deployer::new(&request(Verb::Deploy, &alice), list.as_ref()).is_ok());
        assert_eq!(Deployer::new(&request(Verb::Deploy, &mallory), list.as_ref()).err(), REFUSED);
    }

    #[test]
    fn only_the_owner_calls_a_function_and_only_with_run() {
        let (alice, mallory) = (identity(1), identity(2));
        assert!(FunctionCaller::new(&request(Verb::Run, &alice), &alice.owner()).is_ok());
        assert_eq!(FunctionCaller::new(&request(Verb::Run, &mallory), &alice.owner()).err(), REFUSED);
        assert_eq!(FunctionCaller::new(&request(Verb::Deploy, &alice), &alice.owner()).err(), REFUSED);
    }

    #[test]
    fn a_run_needs_code_data_and_binding() {
        let (alice, mallory) = (identity(1), identity(2));
        let (owner, other) = (alice.owner(), mallory.owner());
        let caller = FunctionCaller::new(&request(Verb::Run, &alice), &owner).unwrap();
        let run = |function: &FunctionRecord, headers| AuthorisedRun::new(&caller, function, headers).err();
        let function = function(owner);
        let named = Some(alloc::vec![function.checksum]);
        assert_eq!(run(&function, Vec::new()), None);
        assert_eq!(run(&function, alloc::vec![header(owner, None), header(owner, named.clone())]), None);
        // Code: the record is another owner's.
        assert_eq!(run(&FunctionRecord { owner: other, ..function.clone() }, Vec::new()), REFUSED);
        // Data: one of two inputs is encrypted to another owner's vault.
        assert_eq!(run(&function, alloc::vec![header(owner, None), header(other, named)]), REFUSED);
        // Binding: the list names another function.
        assert_eq!(run(&function, alloc::vec![header(owner, Some(alloc::vec![Checksum::new([9; 32])]))]), REFUSED);
    }

    /// The owner and a key that differs from the owner's in one byte are two owners, whichever byte it is.
    #[test]
    fn owners_are_compared_in_every_byte() {
        let alice = identity(1);
        let owner = alice.owner();
        let run = request(Verb::Run, &alice);
        let function = function(owner);
        let named = Some(alloc::vec![function.checksum]);
        let caller = FunctionCaller::new(&run, &owner).unwrap();
        let authorised = AuthorisedRun::new(&caller, &function, alloc::vec![header(owner, None)]).unwrap();
        for flip in byte_flips(owner.as_bytes(), 1) {
            let near = OwnerKey::new(flip.bytes.as_slice().try_into().unwrap());
            assert_eq!(FunctionCaller::new(&run, &near).err(), REFUSED, "{flip}");
            // Code: the caller and the owner whom the request names must both be the record's.
            for caller in [FunctionCaller { caller: near, owner }, FunctionCaller { caller: owner, owner: near }] {
                assert_eq!(AuthorisedRun::new(&caller, &function, Vec::new()).err(), REFUSED, "{flip}");
            }
            // Data.
            let headers = alloc::vec![header(near, named.clone())];
            assert_eq!(AuthorisedRun::new(&caller, &function, headers).err(), REFUSED, "{flip}");
            assert_eq!(authorised.vault_key(&header(near, None), 1).err(), REFUSED, "{flip}");
            let others = ObjectAd { owner: near, ..ad(authorised.function()) };
            assert_eq!(authorised.function().check_open(&others).err(), MISMATCH, "{flip}");
        }
    }

    #[test]
    fn a_right_to_one_object_opens_no_other() {
        let alice = identity(1);
        let operation = OwnerOperation::new(&request(Verb::VaultConfirm, &alice)).unwrap();
        let kid = Kid::new([7; 32]);
        let right = operation.object(kid.object_id(), 1, ObjectContent::VaultKey(kid));
        let own = ad(&right);
        assert_eq!(right.check_open(&own), Ok(()));
        assert_eq!(right.check_store(&own), Ok(()));
        let others = [
            ObjectAd { owner: identity(2).owner(), ..own.clone() },
            ObjectAd { id: ObjectId::new([0; 16]), ..own.clone() },
            ObjectAd { version: 2, ..own.clone() },
            ObjectAd { content: ObjectContent::VaultKey(Kid::new([8; 32])), ..own.clone() },
            ObjectAd { content: ObjectContent::Function(Checksum::new([7; 32])), ..own.clone() },
        ];
        for other in others {
            assert_eq!(right.check_open(&other).err(), MISMATCH, "{other:?}");
            assert_eq!(right.check_store(&other).err(), MISMATCH, "{other:?}");
        }
        let attest = OwnerOperation::new(&request(Verb::VaultAttest, &alice)).unwrap();
        let right = attest.object(kid.object_id(), 1, ObjectContent::VaultKey(kid));
        assert_eq!(right.check_store(&own).err(), REFUSED, "this verb stores nothing");
    }

    #[test]
    fn a_run_opens_its_function_and_the_vault_keys_of_its_inputs() {
        let alice = identity(1);
        let owner = alice.owner();
        let caller = FunctionCaller::new(&request(Verb::Run, &alice), &owner).unwrap();
        let (function, known) = (function(owner), header(owner, None));
        let run = AuthorisedRun::new(&caller, &function, alloc::vec![known.clone()]).unwrap();
        assert!(!run.shows_stderr());
        assert!(AuthorisedRun::new(&caller, &function, Vec::new()).unwrap().shows_stderr());
        assert_eq!(run.function().check_store(&ad(run.function())).err(), REFUSED, "a run stores nothing");
        let right = run.vault_key(&known, 1).unwrap();
        assert_eq!(right.check_open(&ad(&right)), Ok(()));
        let unknown = CiphertextHeader { kid: Kid::new([8; 32]), ..known };
        assert_eq!(run.vault_key(&unknown, 1).err(), REFUSED);
        assert_eq!(run.check_start(&ObjectContent::Function(function.checksum)), Ok(()));
        assert_eq!(run.check_start(&ObjectContent::Function(Checksum::new([9; 32]))).err(), REFUSED);
    }
}
