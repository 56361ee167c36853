//! One caller with 64 silent sessions, 110 requests a second and results that nobody reads; and another one, who is served
//! throughout. Both are on the list of deployers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet::home::Home;
use capelet::home::trust::Trust;
use capelet::session::{RequestSpec, Session};
use capelet::transport::Tls;
use capelet::url::Url;
use capelet_e2e::{Local, Person};
use common::{ECHO, Place};
use enclave_core::attestation::{EXPORTER_LABEL, SUITE, SessionClaims, TrustMode};
use enclave_core::crypto::sha384;
use enclave_core::encoding::{MAX_FRAME, read_frame, write_frame};
use enclave_core::identity::Identity;
use enclave_core::messages::{
    BodyDigest, Hello, ListParams, Params as _, Request, RunInput, RunParams, SessionSecrets, Verb, parse_evidence,
};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::session::send_message;
use enclave_core::{Deadline, Nonce, RequestId, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// How long the one is greedy and the other is served.
const LONG: Duration = Duration::from_secs(8);
/// The length of each result that nobody reads, in bytes.
const RESULT: usize = 8 << 20;

fn identity(person: &Person) -> Identity {
    Home::at(person.home.clone()).unwrap().identity(|_| {}).unwrap()
}

fn connect(person: &Person, local: &Local) -> Result<Session, capelet::error::Error> {
    let home = Home::at(person.home.clone()).unwrap();
    let url = Url::parse(&local.url).unwrap();
    let trust: Trust = home.load().unwrap();
    Session::connect(&url, trust.entry(&url).unwrap())
}

fn list(session: &mut Session, identity: &Identity) -> bool {
    session.send_expect_ok(identity, RequestSpec::new(&ListParams { kind: StoreKind::Function })).is_ok()
}

fn now() -> UnixMillis {
    UnixMillis::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

/// Runs the function on a large input, and reads nothing of the answer. `None` if the enclave has no place.
fn unread_run(local: &Local, identity: &Identity, id: &StoreKey, checksum: [u8; 32], number: u8) -> Option<Tls> {
    let mut channel = Tls::connect(&Url::parse(&local.url).unwrap()).ok()?;
    channel.allow(Duration::from_secs(60));
    let hello = Hello { nonce: Nonce::new([number; 32]), suites: vec![SUITE] }.encode();
    channel.export(EXPORTER_LABEL, &sha384(&[&hello])).ok()?;
    write_frame(&mut channel, &hello).ok()?;
    let evidence = read_frame(&mut channel, MAX_FRAME).ok()?;
    let (_, claims) = parse_evidence(&evidence).unwrap();
    let parsed = SessionClaims::parse(claims, TrustMode::Development).unwrap();
    let (enc, mut secrets) = SessionSecrets::client(&Zeroizing::new([number; 64]), &parsed.kem_public, claims).unwrap();
    write_frame(&mut channel, &enc).ok()?;
    let pair = secrets.next_pair().unwrap();
    let body = vec![7; RESULT];
    let checksum = enclave_core::Checksum::new(checksum);
    let inputs = vec![RunInput { length: RESULT as u64, epoch: None }];
    let params = RunParams { owner: id.owner, id: id.id, version: id.version, checksum, inputs };
    let home_share = share(local, identity, id);
    let request = Request {
        n: 0,
        verb: Verb::Run,
        id: RequestId::new([number; 16]),
        not_after: Deadline::new(now().plus(60_000)),
        caller: identity.owner(),
        params: params.encode(),
        key_shares: [(*id, home_share)].into(),
        body: Some(BodyDigest::of(&body)),
    };
    let claims_digest = *secrets.claims_digest();
    let (head, _) = request.sign(identity, &claims_digest).unwrap();
    send_message::<AwsLc>(&mut channel, pair.request, claims_digest.as_bytes(), &head, &body).ok()?;
    Some(channel)
}

/// The greedy caller's key share, for the image that `capelet-local` says it is.
fn share(local: &Local, identity: &Identity, id: &StoreKey) -> enclave_core::KeyShare {
    let digits = |i: usize| u8::from_str_radix(&local.pcr0[2 * i..2 * i + 2], 16).unwrap();
    let image = enclave_core::Pcr::new(std::array::from_fn(digits));
    let root = std::fs::read(local.home.join("nsm-root.der")).unwrap();
    identity.key_share(&root, &image, id)
}

#[test]
fn one_greedy_caller_does_not_keep_another_one_out() {
    let folder = tempfile::Builder::new().prefix("fair").tempdir().unwrap();
    let people = ["greedy", "other"].map(|name| Person::new(&folder.path().join(name)));
    let owners = people.each_ref().map(Person::owner);
    let local = Local::start(&folder.path().join("e"), &["--deployer", &owners[0], "--deployer", &owners[1]]);
    people.iter().for_each(|person| drop(person.ok(&["pin", "--development", &local.url])));
    let [greedy, other] = people;
    let place = Place { local, owner: greedy, folder };
    let (_, checksum) = place.deploy("echo", ECHO);
    let function = place.function("others", ECHO);
    other.ok(&["deploy", function.to_str().unwrap(), "-n", "echo"]);
    other.ok(&["run", "echo", "x"]);

    let (identities, stop) = ([identity(&place.owner), identity(&other)], AtomicBool::new(false));
    let id = function_key(&place.owner, &identities[0]);
    let checksum: [u8; 32] = std::array::from_fn(|i| u8::from_str_radix(&checksum[2 * i..2 * i + 2], 16).unwrap());
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        // 110 requests a second, in one session.
        let requests = scope.spawn(|| {
            let mut session = connect(&place.owner, &place.local).unwrap();
            while !stop.load(Ordering::Relaxed) {
                list(&mut session, &identities[0]);
                asked.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(8));
            }
        });
        // Results that nobody reads, and silent sessions until there is no place for a further one.
        let mut unread = Vec::new();
        for number in 1..=24 {
            unread.extend(unread_run(&place.local, &identities[0], &id, checksum, number));
        }
        let mut silent = Vec::new();
        for _ in 0..64 {
            if let Ok(mut session) = connect(&place.owner, &place.local) {
                list(&mut session, &identities[0]);
                silent.push(session);
            }
        }
        let begun = Instant::now();
        let mut served = 0;
        while begun.elapsed() < LONG {
            let mut session = connect(&other, &place.local).expect("a session");
            assert!(list(&mut session, &identities[1]), "after {served}");
            drop(session);
            assert_eq!(other.ok(&["run", "echo", "hello"]), b"hello", "after {served}");
            served += 1;
        }
        stop.store(true, Ordering::Relaxed);
        requests.join().unwrap();
        println!(
            "{} silent sessions, {} unread results, {} requests; the other was served {served} times",
            silent.len(),
            unread.len(),
            asked.load(Ordering::Relaxed)
        );
        assert!(served > 3 && asked.load(Ordering::Relaxed) > 100);
    });
    place.local.stop();
}

/// Where the one function of a person is stored.
fn function_key(person: &Person, identity: &Identity) -> StoreKey {
    let home = Home::at(person.home.clone()).unwrap();
    let catalogue: capelet::home::catalogue::Catalogue = home.load().unwrap();
    let function = &catalogue.functions()[0];
    StoreKey { kind: StoreKind::Function, owner: identity.owner(), id: function.id.0, version: function.version }
}
