//! Whole sessions: a client with proper keys says what the fuzzer wants. No signature and no tag is in the way of the
//! verbs' parameters and bodies; what comes back has to be what the protocol promises.
//!
//! A script is requests, each: verb, flags, u16be length ‖ parameters, u16be length ‖ body. A fuzzer finds no digest
//! and signs nothing: marks in parameters stand for these (`fill`).

mod beginning;

use super::part;
use crate::world::{self, NOW, Says, World};
use beginning::{BEGINNING, HALF, STORED, encrypted, function_record, vault_record};
use enclave_core::boot::Boot;
use enclave_core::bundle;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::claims::{Regime, SessionClaims};
use enclave_core::digest::sha384;
use enclave_core::error::Down;
use enclave_core::hello::{Hello, Secrets, parse_evidence};
use enclave_core::identity::Identity;
use enclave_core::message::{Described, Request, Response, Verb, split_head};
use enclave_core::platform::{Channel, Connection};
use enclave_core::receipt::ReceiptBundle;
use enclave_core::stream::{FrameReader, Secret};
use enclave_core::vault::{self, VaultClaims};
use enclave_core::{Error, Part, frame, session as sessions, status};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The id under which a function is deployed.
const DEPLOYED: [u8; 16] = [7; 16];
const EXPORTER: [u8; 32] = [8; 32];

/// The client, who acts when the enclave wants to read and there is nothing.
struct Client<'a> {
    script: &'a [u8],
    caller: &'static Identity,
    hello: Vec<u8>,
    session: Option<(Secrets, SessionClaims, Vec<u8>)>,
    asked: Option<(Asked, Secret)>,
    /// The vault key that was offered last: document, claims.
    offered: (Vec<u8>, Vec<u8>),
    /// To the enclave, and from it.
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// The script is at its end, and everything was answered.
    done: bool,
}

/// A request that waits for its response.
struct Asked {
    request: Request,
    digest: [u8; 48],
    body: Vec<u8>,
}

pub fn session(data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let caller = if first & 1 == 0 { world::owner() } else { world::stranger() };
    let world = World::new(Says::Truth, BEGINNING.store.clone());
    let boot = Boot::fetch(&world, Regime::Development).expect("booted");
    let hello = Hello { nonce: [0; 32], suites: vec![1] }.encode();
    let mut client = Client {
        script,
        caller,
        hello,
        session: None,
        asked: None,
        offered: Default::default(),
        inbox: Vec::new(),
        outbox: Vec::new(),
        done: false,
    };
    let ended = sessions::serve(&world, &boot, &mut client);
    assert!(!client.done || ended == Err(Error::Down(Down::Closed)), "{ended:?}");
    assert!(ended.is_err());
    if caller.owner() != world::owner().owner() {
        let store = world.store.lock().expect("one thread");
        assert!(BEGINNING.store.iter().all(|(key, bytes)| store.get(key) == Some(bytes)), "a stranger changes nothing");
    }
}

impl Client<'_> {
    fn act(&mut self) {
        if self.session.is_none() {
            if self.outbox.is_empty() {
                return self.send(&self.hello.clone());
            }
            let evidence = self.receive();
            let claims = parse_evidence(&evidence).expect("evidence").1.to_vec();
            let parsed = SessionClaims::parse(&claims, Regime::Development).expect("claims");
            let (enc, secrets) = Secrets::client(&Zeroizing::new([4; 64]), &parsed.kem_public, &claims).expect("a key");
            self.session = Some((secrets, parsed, claims));
            self.send(&enc);
        }
        if let Some((asked, secret)) = self.asked.take() {
            self.answered(&asked, secret);
        }
        self.ask();
    }

    fn send(&mut self, content: &[u8]) {
        self.inbox.extend_from_slice(&(content.len() as u32).to_be_bytes());
        self.inbox.extend_from_slice(content);
    }

    /// The next frame that the enclave sent.
    fn receive(&mut self) -> Vec<u8> {
        let length = u32::from_be_bytes(*self.outbox.first_chunk().expect("a frame")) as usize;
        assert!(length <= frame::MAX_FRAME);
        self.outbox.drain(..4 + length).skip(4).collect()
    }

    fn ask(&mut self) {
        let Some((&[verb, flags], mut script)) = self.script.split_first_chunk() else {
            self.done = true;
            return;
        };
        let (params, body) = (part(&mut script).unwrap_or_default(), part(&mut script).unwrap_or_default());
        self.script = script;
        let verb = VERBS[usize::from(verb) % VERBS.len()];
        let body = if flags & 1 == 0 { body.to_vec() } else { encrypted(body) };
        let params = self.fill(params, verb, &body);
        let mut halves: BTreeMap<_, _> =
            [STORED, DEPLOYED, vault::id(&BEGINNING.kid)].map(|id| (id, Zeroizing::new(HALF))).into();
        if let Ok(claims) = VaultClaims::parse(&self.offered.1, Regime::Development) {
            halves.insert(vault::id(&claims.kid), Zeroizing::new(HALF));
        }
        if flags & 2 != 0 {
            halves.clear();
        }
        let (secrets, ..) = self.session.as_mut().expect("a session");
        let pair = secrets.next_pair().expect("few messages");
        let mut described = (flags & 4 == 0).then(|| Described::of(&body));
        if let (Some(described), true) = (&mut described, flags & 8 != 0) {
            described.length ^= 1;
        }
        // A request that lies about itself may end the connection.
        self.done = false;
        let id = [pair.n as u8; 16];
        let (n, caller, body) = (pair.n, self.caller.owner(), if flags & 4 == 0 { body } else { Vec::new() });
        let request = Request { n, verb, id, not_after: NOW + 1000, caller, params, halves, body: described };
        let Ok((head, digest)) = request.sign(self.caller, secrets.claims_digest()) else { return };
        let claims_digest = *secrets.claims_digest();
        sessions::send::<AwsLc>(&mut Inbox(&mut self.inbox), pair.request, &claims_digest, &head, &body)
            .expect("written to memory");
        self.asked = Some((Asked { request, digest, body }, pair.response));
    }

    /// The parameters with every mark replaced.
    fn fill(&self, params: &[u8], verb: Verb, body: &[u8]) -> Vec<u8> {
        let record = match (verb, VaultClaims::parse(&self.offered.1, Regime::Development)) {
            (Verb::VaultConfirm, Ok(claims)) => {
                vault_record(claims.epoch, claims.kid, &self.offered.0, &self.offered.1)
            }
            _ => function_record(DEPLOYED, bundle::checksum(body)),
        };
        let offered = VaultClaims::parse(&self.offered.1, Regime::Development).map_or([0; 32], |claims| claims.kid);
        let number = |value: usize| {
            let mut writer = Writer::new();
            writer.uint(value as u64);
            writer.finish()
        };
        let marks: [(&[u8], Vec<u8>); 9] = [
            (&[0xa1; 32], world::owner().owner().to_vec()),
            (&[0xa2; 32], BEGINNING.checksum.to_vec()),
            (&[0xa3; 32], BEGINNING.kid.to_vec()),
            (&[0xa4; 48], sha384(&[b"{}"]).to_vec()),
            (&[0xa5; 48], BEGINNING.describe.to_vec()),
            (&[0xa6; 32], bundle::checksum(body).to_vec()),
            (&[0xa7; 32], offered.to_vec()),
            (b"\x66record", record),
            (b"\x66length", number(body.len())),
        ];
        let mut filled = params.to_vec();
        for (mark, value) in marks {
            if let Some(at) = filled.windows(mark.len()).position(|window| window == mark) {
                filled.splice(at..at + mark.len(), value);
            }
        }
        filled
    }

    /// Reads the response, whose every promise is checked.
    fn answered(&mut self, asked: &Asked, secret: Secret) {
        let commitment = self.receive();
        let mut reader = FrameReader::<AwsLc>::new(secret, &asked.digest, &commitment).expect("for this request");
        let mut plain = Vec::new();
        while !reader.ended() {
            plain.extend_from_slice(&reader.chunk(self.receive()).expect("a chunk"));
        }
        assert!(self.outbox.is_empty(), "one response to one request");
        let (head, body) = split_head(&plain, Part::Response).expect("a head");
        let response = Response::parse(head, asked.request.n, &asked.digest).expect("a response");
        assert_eq!(response.body, (!body.is_empty() || response.body.is_some()).then(|| Described::of(body)));
        let own = self.caller.owner() == world::owner().owner();
        let done = response.status == status::DONE;
        match asked.request.verb {
            Verb::Run => {
                assert!(own || response.status == status::of(Error::Refused).0, "run by whoever owns it");
                self.ran(asked, &response, body);
            }
            Verb::VaultCreate | Verb::VaultAttest if done => {
                let mut reader = Reader::new(&response.result, Part::Response).expect("a result");
                reader.map(2).and_then(|()| reader.key(1)).expect("two entries");
                let document = reader.bytes(1, usize::MAX).expect("a document").to_vec();
                reader.key(2).expect("two entries");
                let claims = reader.bytes(1, usize::MAX).expect("claims").to_vec();
                let parsed = VaultClaims::parse(&claims, Regime::Development).expect("claims");
                assert_eq!(parsed.owner, self.caller.owner());
                self.offered = (document, claims);
            }
            _ => assert!(response.receipt.is_none(), "receipts are of runs"),
        }
    }

    /// A run that was begun has a receipt, which speaks of it.
    fn ran(&self, asked: &Asked, response: &Response, output: &[u8]) {
        let Some(receipt) = &response.receipt else {
            assert!(response.status != status::DONE && output.is_empty());
            return;
        };
        let (secrets, claims, claims_bytes) = self.session.as_ref().expect("a session");
        let bundle = ReceiptBundle {
            document: vec![0],
            claims: claims_bytes.clone(),
            receipt: receipt.clone(),
            salts: Vec::new(),
        };
        // How many inputs there were the receipt says.
        let checked = (1..=65).find_map(|count| {
            let salt = |i| secrets.salt(asked.request.n, i);
            let salts = (0..count).map(|i| (i > 0 || response.status == status::DONE).then(|| salt(i))).collect();
            let bundle = ReceiptBundle { salts, ..bundle.clone() };
            bundle.check_signature(claims).ok().map(|receipt| (bundle, receipt))
        });
        let (bundle, receipt) = checked.expect("signed by the claims' key");
        assert_eq!((receipt.request, receipt.status), (asked.digest, response.status));
        assert_eq!((receipt.function.checksum, receipt.caller), (BEGINNING.checksum, self.caller.owner()));
        if response.status == status::DONE {
            // The function gives its first input back.
            let data = [Some(output), Some(output)];
            bundle.check_data(&receipt, &data).expect("what the receipt commits to");
            assert!(asked.body.starts_with(output) || asked.body.starts_with(b"CPLT"));
        } else {
            assert!(output.is_empty() && receipt.output.is_none());
        }
    }
}

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

/// What the client writes to.
struct Inbox<'a>(&'a mut Vec<u8>);

impl Channel for Inbox<'_> {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Down> {
        Err(Down::Failed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Channel for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        if self.inbox.is_empty() {
            self.act();
        }
        let count = buffer.len().min(self.inbox.len());
        buffer.iter_mut().zip(self.inbox.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        self.outbox.extend_from_slice(bytes);
        Ok(())
    }
}

impl Connection for Client<'_> {
    fn export(&self, _label: &str, _context: &[u8]) -> Result<[u8; 32], Down> {
        Ok(EXPORTER)
    }
}
