//! One run of one seed: its scheduler, its faults, its ledger; and the enclaves in it.

use crate::crypto::Ledger;
use crate::faults::{Call, Fault, Faults, Hit, Plan};
use crate::pipe::{self, End};
use crate::platform::SimPlatform;
use crate::prng::Prng;
use crate::scheduler::Scheduler;
use crate::store::Store;
use crate::world::World;
use capelet_dev::Clock;
use capelet_dev::nsm::Nsm;
use enclave_core::boot::Boot;
use enclave_core::claims::Regime;
use enclave_core::config::Configuration;
use enclave_core::{Error, digest, session};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    static SESSION: Cell<usize> = const { Cell::new(0) };
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// The session that this thread serves; 0 if it serves none.
pub fn session() -> usize {
    SESSION.get()
}

/// The session that this thread began last; 0 if it began none.
pub fn last_begun() -> usize {
    LAST.get()
}

/// See the module.
pub struct Run {
    /// What it shares with other seeds.
    pub world: Arc<World>,
    /// Who runs when.
    pub scheduler: Arc<Scheduler>,
    /// What goes wrong.
    pub faults: Faults,
    /// What was sealed.
    pub ledger: Arc<Ledger>,
    /// Where everybody's numbers come from.
    pub prng: Prng,
    sessions: AtomicUsize,
    enclaves: AtomicUsize,
    answers: Mutex<BTreeMap<Call, Vec<u8>>>,
}

impl Run {
    /// A run of `seed` over `world`, whose clock goes back to the beginning.
    pub fn new(world: &Arc<World>, seed: u64, plan: Plan) -> Arc<Self> {
        world.rewind();
        let prng = Prng::new(seed);
        Arc::new(Self {
            world: world.clone(),
            scheduler: Scheduler::new(prng.fork(1), world.time.clone()),
            faults: Faults::new(plan, prng.fork(2)),
            ledger: Arc::default(),
            prng,
            sessions: AtomicUsize::new(0),
            enclaves: AtomicUsize::new(0),
            answers: Mutex::default(),
        })
    }

    /// Adds somebody. He runs with [`Run::go`].
    pub fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        let ledger = self.ledger.clone();
        self.scheduler.spawn(name, move || {
            ledger.enter();
            work();
        });
    }

    /// Runs everybody to his end, and looks into the ledger.
    pub fn go(&self) -> Result<(), String> {
        self.scheduler.run()?;
        match self.ledger.counts() {
            (_, 0) => Ok(()),
            (_, twice) => Err(format!("{twice} chunks sealed under a key and nonce used before")),
        }
    }

    /// One thread, and what it comes to: for the tables.
    pub fn alone(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let run = self.clone();
        self.spawn("test", move || work(&run));
        if let Err(failure) = self.go() {
            panic!("{failure}");
        }
    }

    /// Writes a fault down.
    pub fn hit(&self, session: usize, call: Call, fault: Fault) {
        let hit = Hit { session, call, fault };
        self.faults.hit(session, call, fault);
        self.scheduler.note(&format!("FAULT {hit}"));
    }

    /// Keeps an answer of KMS for later; gives the one before it.
    pub fn remember(&self, call: Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(call, answer)
    }
}

/// One boot of the image.
pub struct Enclave {
    /// Its surroundings.
    pub platform: SimPlatform,
    /// What was settled.
    pub boot: Boot,
}

impl Enclave {
    /// Boots over `store` with the world's usual configuration.
    pub fn boot(run: &Arc<Run>, store: &Arc<Mutex<Store>>) -> Result<Arc<Self>, Error> {
        Self::boot_with(run, store, run.world.configuration().encode(), None)
    }

    /// Boots with the configuration and the list of deployers that the parent hands over.
    pub fn boot_with(
        run: &Arc<Run>,
        store: &Arc<Mutex<Store>>,
        configuration: Vec<u8>,
        deployers: Option<Vec<u8>>,
    ) -> Result<Arc<Self>, Error> {
        let world = &run.world;
        let clock = Clock::Told(world.time.clone());
        let nsm = Nsm::with_clock(world.root.clone(), &world.measured, clock).expect("an NSM");
        let number = run.enclaves.fetch_add(1, Ordering::SeqCst) as u64;
        let prng = run.prng.fork(1000 + number);
        let platform = SimPlatform::new(run, nsm, store, configuration, deployers, prng);
        let boot = Boot::fetch(&platform, Regime::Development)?;
        platform.measure(digest::sha384(&[&boot.configuration]));
        Ok(Arc::new(Self { platform, boot }))
    }

    /// Boots with a list of those who may deploy.
    pub fn boot_for(run: &Arc<Run>, store: &Arc<Mutex<Store>>, list: Vec<u8>) -> Result<Arc<Self>, Error> {
        let deployers = Some(digest::sha256(&[&list]));
        let configuration = Configuration { deployers, ..run.world.configuration() };
        Self::boot_with(run, store, configuration.encode(), Some(list))
    }

    /// A new session: its client's end. The enclave's thread comes to its turn like any other.
    pub fn connect(self: &Arc<Self>) -> End {
        let run = self.platform.run.clone();
        let number = run.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        let exporter = run.prng.fork(1_000_000 + number as u64).bytes();
        let (ours, mut theirs) = pipe::connection(&run, number, exporter);
        let enclave = self.clone();
        let within = run.clone();
        LAST.set(number);
        run.spawn(&format!("session {number}"), move || {
            SESSION.set(number);
            let ended = session::serve(&enclave.platform, &enclave.boot, &mut theirs);
            within.scheduler.note(&format!("ended {}", ended.map_or_else(Error::code, |()| "done")));
        });
        ours
    }
}
