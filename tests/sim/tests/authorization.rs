//! One negative test, through a whole session, for each check of the core's `identity/authorization.rs`.
//!
//! Some of its checks cannot fail in a session, because the handlers ask only for what the request names: the verb of an
//! [`OwnerOperation`](enclave_core::identity::OwnerOperation), the header of
//! [`AuthorisedRun::vault_key`](enclave_core::identity::AuthorisedRun::vault_key), and
//! [`AuthorisedRun::check_start`](enclave_core::identity::AuthorisedRun::check_start). `rights.rs` compares all
//! combinations with the predicate, and `swapped.rs` has the checks of an object against the authorised one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Plan};
use capelet_sim::request::{ReceivedResponse, RequestSpec};
use capelet_sim::vault::{self, VerifiedOffer};
use capelet_sim::verbs::{self, Function, Input};
use common::{Fixture, code, scenario};
use enclave_core::attestation::VaultClaims;
use enclave_core::encoding::Writer;
use enclave_core::messages::{
    DeleteParams, ListParams, Params as _, PolicyParams, RunResult, StatementParams, VaultAttestParams,
    VaultConfirmParams, VaultCreateParams, Verb, empty_map,
};
use enclave_core::parent::StoreKind;
use enclave_core::{Checksum, Deployers, Error, Nonce, ObjectId};

/// Every verb.
const VERBS: [Verb; 9] = [
    Verb::Deploy,
    Verb::Run,
    Verb::List,
    Verb::Delete,
    Verb::Statement,
    Verb::VaultCreate,
    Verb::VaultConfirm,
    Verb::VaultAttest,
    Verb::Policy,
];

/// The calls that a refused request must not cause: loads, changes of the store, keys, workers.
const GUARDED: [Call; 8] = [
    Call::GetObject,
    Call::GetStatement,
    Call::List,
    Call::Put,
    Call::Replace,
    Call::Delete,
    Call::Decrypt,
    Call::Work,
];

/// Checks that the response is only `refused`: no result, no receipt, no body.
fn assert_refused(received: ReceivedResponse, name: &str) {
    assert!(received.response.receipt.is_none() && received.body.is_empty(), "{name}");
    assert_eq!(*received.response.result, empty_map(), "{name}");
    assert_eq!(code(received), "refused", "{name}");
}

/// The calls among [`GUARDED`] since the plan was set.
fn guarded_calls(fixture: &Fixture) -> Vec<Call> {
    GUARDED.into_iter().filter(|call| fixture.calls(*call) > 0).collect()
}

/// `FunctionCaller`: the caller must be the function's owner. The check comes before the load, so the answer does not
/// depend on whether the function exists.
#[test]
fn rejects_a_run_of_another_owners_function_before_anything_is_loaded() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let absent = fixture.function(2, b"module");
        let mut session = fixture.others_session();
        fixture.run.faults.follow(Plan::default());
        for (function, name) in [(&function, "a stored function"), (&absent, "an absent function")] {
            let inputs = [Input::Plain(b"input".to_vec())];
            let received =
                verbs::run_function(&fixture.run, &mut session, &mut fixture.other, function, &inputs).unwrap();
            assert_refused(received, name);
        }
        assert_eq!(guarded_calls(&fixture), []);
    });
}

/// Both people's vault keys, and the owner's deployed function.
fn two_vaults(fixture: &mut Fixture) -> (Session, Function, VaultClaims, VaultClaims) {
    let mut session = fixture.session();
    let function = fixture.function(1, b"module");
    fixture.deploy(&mut session, &function);
    let own = fixture.make_key(&mut session, 1);
    let mut others_session = fixture.others_session();
    let others = vault::make(&fixture.run, &mut others_session, &mut fixture.other, 1).unwrap();
    // A new boot, because an enclave remembers data keys.
    fixture.enclave = Enclave::boot(&fixture.run, &fixture.store).unwrap();
    (fixture.session(), function, own, others)
}

/// Runs the owner's function on a file to this vault, and checks that it is refused before KMS or a worker is asked.
fn rejects_file(
    fixture: &mut Fixture,
    session: &mut Session,
    function: &Function,
    vault: &VaultClaims,
    checksums: Option<Vec<Checksum>>,
) {
    let file = vault::encrypt(&mut fixture.owner.prng, vault, checksums, b"secret").unwrap();
    fixture.run.faults.follow(Plan::default());
    let received = fixture.run(session, function, &[Input::Encrypted(file, 1)]);
    assert_refused(received, "a file");
    // The function's record is needed to decide. The vault key is not loaded.
    assert_eq!(guarded_calls(fixture), [Call::GetObject]);
    assert_eq!(fixture.calls(Call::GetObject), 1);
}

/// `AuthorisedRun`, data: the caller must own the vault of each input.
#[test]
fn rejects_an_input_that_is_encrypted_to_another_owners_vault() {
    scenario(|mut fixture| {
        let (mut session, function, _, others) = two_vaults(&mut fixture);
        rejects_file(&mut fixture, &mut session, &function, &others, Some(vec![function.checksum]));
    });
}

/// `AuthorisedRun`, binding: the header's list must contain the function's checksum.
#[test]
fn rejects_an_input_whose_header_lacks_the_functions_checksum() {
    scenario(|mut fixture| {
        let (mut session, function, own, _) = two_vaults(&mut fixture);
        rejects_file(&mut fixture, &mut session, &function, &own, Some(vec![Checksum::new([7; 32])]));
    });
}

/// `AuthorisedRun`, binding: a header without a list needs a function of the vault's owner.
#[test]
fn rejects_an_input_for_any_function_of_another_owner() {
    scenario(|mut fixture| {
        let (mut session, function, _, others) = two_vaults(&mut fixture);
        rejects_file(&mut fixture, &mut session, &function, &others, None);
    });
}

/// `AuthorisedRun::shows_stderr`.
#[test]
fn withholds_stderr_if_an_input_is_encrypted() {
    scenario(|mut fixture| {
        let (mut session, function, own, _) = two_vaults(&mut fixture);
        let file = vault::encrypt(&mut fixture.owner.prng, &own, None, b"secret").unwrap();
        let plain = Input::Plain(b"input".to_vec());
        for (inputs, shown) in [(vec![plain.clone()], true), (vec![plain, Input::Encrypted(file, 1)], false)] {
            let received = fixture.run(&mut session, &function, &inputs).ok().unwrap();
            assert_eq!(RunResult::parse(&received.response.result).unwrap().stderr.is_some(), shown);
        }
    });
}

/// `Deployer`: the caller of deploy and vault-create must be on the configuration's list.
#[test]
fn rejects_a_deploy_and_a_vault_create_by_a_caller_who_is_not_on_the_list() {
    scenario(|mut fixture| {
        let list = Deployers::encode(&[7; 32], vec![fixture.other.owner]);
        fixture.enclave = Enclave::boot_for(&fixture.run, &fixture.store, list).unwrap();
        let mut session = fixture.session();
        let key = verbs::accepted_key(&session).unwrap();
        let function = fixture.function(1, b"module");
        let deploy = verbs::deploy_spec(&fixture.run, &fixture.owner, &key, &function);
        assert_refused(fixture.send(&mut session, deploy), "deploy");
        let create = VaultCreateParams { epoch: 1, nonce: Nonce::new([1; 32]), previous: None, key };
        assert_refused(fixture.send(&mut session, RequestSpec::new(&create)), "vault-create");
        assert!(fixture.store_is_empty());
    });
}

/// `OwnerOperation`: list, delete, vault-attest and vault-confirm name only the caller's own objects.
#[test]
fn does_not_find_another_owners_objects() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let kid = fixture.make_key(&mut session, 1).kid;
        let run = fixture.run.clone();

        let mut others_session = fixture.others_session();
        let other = &mut fixture.other;
        assert_eq!(verbs::list(&mut others_session, other, StoreKind::Function), Ok(Vec::new()));
        assert_eq!(verbs::list(&mut others_session, other, StoreKind::VaultKey), Ok(Vec::new()));
        verbs::delete(&mut others_session, other, StoreKind::Function, function.entry()).unwrap();
        assert_eq!(vault::attest(&run, &mut others_session, other, kid, 1).unwrap_err(), Error::NotFound);
        // The owner's record in another caller's request.
        let key = verbs::accepted_key(&others_session).unwrap();
        let spec = verbs::deploy_spec(&run, &fixture.owner, &key, &Function { version: 9, ..function.clone() });
        let deployed = others_session.send(&mut fixture.other, spec).unwrap();
        assert!(matches!(deployed.ok(), Err(Error::Malformed(_))));

        let received = fixture.run(&mut session, &function, &[Input::Plain(vec![1])]);
        assert_eq!(code(received), "done");
        vault::attest(&run, &mut session, &mut fixture.owner, kid, 1).unwrap();
    });
}

#[test]
fn rejects_the_confirmation_of_a_vault_key_by_another_caller_and_twice() {
    scenario(|mut fixture| {
        let run = fixture.run.clone();
        let mut session = fixture.session();
        let verified = vault::create(&run, &mut session, &mut fixture.owner, 2).unwrap();
        let claims = VaultClaims { owner: fixture.other.owner, ..verified.claims.clone() };
        let others = VerifiedOffer { claims, ..verified.clone() };
        // Another caller in the owner's session, and in a session of their own, where no key is pending.
        assert_eq!(vault::confirm(&run, &mut session, &mut fixture.other, &others), Err(Error::Refused));
        let mut others_session = fixture.others_session();
        assert_eq!(vault::confirm(&run, &mut others_session, &mut fixture.other, &others), Err(Error::Refused));
        vault::confirm(&run, &mut session, &mut fixture.owner, &verified).unwrap();
        assert_eq!(vault::confirm(&run, &mut session, &mut fixture.owner, &verified), Err(Error::Refused));
    });
}

/// Valid parameters of every verb.
fn valid_params(fixture: &Fixture, session: &Session, claims: &VaultClaims) -> Vec<(Verb, Vec<u8>)> {
    let function = fixture.function(1, b"module");
    let key = verbs::accepted_key(session).unwrap();
    let (owner, kid, nonce) = (fixture.owner.owner, claims.kid, Nonce::new([1; 32]));
    let deploy = verbs::deploy_params(&fixture.run, &fixture.owner, &key, &function);
    let record = deploy.record.clone();
    vec![
        (Verb::Deploy, deploy.encode()),
        (Verb::Run, verbs::run_params(&function, &[Input::Plain(Vec::new())]).encode()),
        (Verb::List, ListParams { kind: StoreKind::Function }.encode()),
        (Verb::Delete, DeleteParams { kind: StoreKind::Function, id: function.id, version: 1 }.encode()),
        (Verb::Statement, StatementParams { owner, kid: Some(kid) }.encode()),
        (Verb::VaultCreate, VaultCreateParams { epoch: 2, nonce, previous: None, key }.encode()),
        (Verb::VaultConfirm, VaultConfirmParams { record }.encode()),
        (Verb::VaultAttest, VaultAttestParams { kid, epoch: 1, nonce, previous: None }.encode()),
        (Verb::Policy, PolicyParams::Configured.encode()),
    ]
}

/// `VerifiedRequest::params`. Every error in the parameters is `refused`, because the caller is not yet authorised.
#[test]
fn rejects_the_parameters_of_another_verb_and_invalid_ones() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let claims = fixture.make_key(&mut session, 1);
        let mut params: Vec<_> = valid_params(&fixture, &session, &claims)
            .into_iter()
            .map(|(verb, params)| (format!("{verb:?}"), Some(verb), params))
            .collect();
        // No verb has a key 9.
        let mut unknown_key = Writer::new();
        unknown_key.map(1).uint(9).uint(9);
        params.push(("an unknown key".to_string(), None, unknown_key.finish()));
        fixture.run.faults.follow(Plan::default());
        for (name, of, params) in &params {
            for verb in VERBS.into_iter().filter(|verb| Some(*verb) != *of) {
                let spec = RequestSpec { verb, params: params.clone(), ..RequestSpec::new(&PolicyParams::Configured) };
                assert_refused(fixture.send(&mut session, spec), &format!("{verb:?} with the parameters of {name}"));
            }
        }
        assert_eq!(guarded_calls(&fixture), []);
    });
}

#[test]
fn rejects_a_body_of_a_verb_that_has_none() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let claims = fixture.make_key(&mut session, 1);
        let params = valid_params(&fixture, &session, &claims);
        fixture.run.faults.follow(Plan::default());
        for (verb, params) in params {
            if matches!(verb, Verb::Deploy | Verb::Run) {
                continue;
            }
            let spec = RequestSpec { verb, params, ..RequestSpec::new(&PolicyParams::Configured) };
            assert_refused(fixture.send(&mut session, spec.with_body(Vec::new())), &format!("{verb:?}"));
        }
        assert_eq!(guarded_calls(&fixture), []);
    });
}

/// A function whose id, version and checksum another owner's request names is that owner's own function, which is absent.
#[test]
fn a_function_is_named_by_its_owner_too() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let claimed = Function { owner: fixture.other.owner, id: ObjectId::new([1; 16]), ..function };
        let mut session = fixture.others_session();
        let inputs = [Input::Plain(b"input".to_vec())];
        let received = verbs::run_function(&fixture.run, &mut session, &mut fixture.other, &claimed, &inputs).unwrap();
        assert_eq!(code(received), "not-found");
    });
}
