//! One boot of the image, and the sessions that it serves.

use crate::parent::Parent;
use crate::pipe::{self, End};
use crate::platform::SimPlatform;
use crate::run::Run;
use crate::store::Store;
use capelet_dev::Clock;
use capelet_dev::nsm::{Measured, Nsm};
use enclave_core::attestation::TrustMode;
use enclave_core::crypto::{sha256, sha384};
use enclave_core::session::serve;
use enclave_core::{Boot, Configuration, Error};
use std::sync::{Arc, Mutex};

/// See the module.
pub struct Enclave {
    /// Its platform.
    pub platform: SimPlatform,
    /// What was settled at boot.
    pub boot: Boot,
}

impl Enclave {
    /// Boots over `store` with the world's default configuration.
    ///
    /// # Errors
    /// Those of [`Boot::fetch`].
    pub fn boot(run: &Arc<Run>, store: &Arc<Mutex<Store>>) -> Result<Arc<Self>, Error> {
        Self::boot_with(run, store, run.world.configuration().encode(), None)
    }

    /// Boots with the configuration and the list of deployers that the parent gives.
    ///
    /// # Errors
    /// Those of [`Boot::fetch`].
    pub fn boot_with(
        run: &Arc<Run>,
        store: &Arc<Mutex<Store>>,
        configuration: Vec<u8>,
        deployers: Option<Vec<u8>>,
    ) -> Result<Arc<Self>, Error> {
        Self::boot_image(run, store, configuration, deployers, &run.world.measured)
    }

    /// Boots another image: one with these measurements.
    ///
    /// # Errors
    /// Those of [`Boot::fetch`].
    pub fn boot_image(
        run: &Arc<Run>,
        store: &Arc<Mutex<Store>>,
        configuration: Vec<u8>,
        deployers: Option<Vec<u8>>,
        measured: &Measured,
    ) -> Result<Arc<Self>, Error> {
        let world = &run.world;
        let clock = Clock::Told(world.time.clone());
        let nsm = Nsm::with_clock(world.root.clone(), measured, clock).expect("a valid root");
        let prng = run.prng.fork(1000 + run.next_enclave() as u64);
        let platform = SimPlatform::new(run, nsm, Parent::new(run, store, configuration, deployers), prng);
        let boot = Boot::fetch(&platform, TrustMode::Development)?;
        platform.measure(sha384(&[&boot.configuration]));
        Ok(Arc::new(Self { platform, boot }))
    }

    /// Boots with the default configuration and an encoded list of deployers.
    ///
    /// # Errors
    /// Those of [`Boot::fetch`].
    pub fn boot_for(run: &Arc<Run>, store: &Arc<Mutex<Store>>, list: Vec<u8>) -> Result<Arc<Self>, Error> {
        let deployers = Some(sha256(&[&list]));
        let configuration = Configuration { deployers, ..run.world.configuration() };
        Self::boot_with(run, store, configuration.encode(), Some(list))
    }

    /// Begins a session and gives the client's end. A thread of its own serves it.
    pub fn connect(self: &Arc<Self>) -> End {
        let run = self.platform.run.clone();
        let number = run.next_session();
        let exporter = run.prng.fork(1_000_000 + number as u64).bytes();
        let (client, mut server) = pipe::connection(&run, number, exporter);
        let (enclave, within) = (self.clone(), run.clone());
        run.spawn_session(number, move || {
            let ended = serve(&enclave.platform, &enclave.boot, &mut server);
            within.scheduler.note(&format!("ended {}", ended.map_or_else(Error::code, |()| "done")));
        });
        client
    }
}
