//! What is settled once per boot: the configuration, the deployers, the key of the receipts.

use crate::attestation::TrustMode;
use crate::configuration::{Configuration, Deployers, Limits};
use crate::encoding::SigningKey;
use crate::parent::{Answer, Operation};
use crate::platform::Platform;
use crate::state::Account;
use crate::types::{OwnerKey, Pcr};
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// What is settled once per boot.
pub struct Boot {
    /// The configuration's bytes: PCR16 measures them, and claims repeat them.
    pub configuration: Vec<u8>,
    /// The configuration; `None` only under a development root.
    pub parsed: Option<Configuration>,
    /// The owners who may deploy; `None` if anyone may.
    pub deployers: Option<Deployers>,
    /// The limits in force.
    pub limits: Limits,
    /// The key that signs this boot's receipts.
    pub receipt_key: SigningKey,
    /// Which root signs this enclave's documents.
    pub mode: TrustMode,
    /// PCR0: the image that runs. It opens only what it sealed itself.
    pub image: Pcr,
}

impl Boot {
    /// Fetches the configuration. Before it serves, the platform must measure the configuration into PCR16 and lock it.
    ///
    /// # Errors
    /// [`Error::DevelopmentOnly`] without a configuration under Amazon's root; [`Error::Mismatch`] of
    /// [`MessageKind::Configuration`]; those of [`Configuration::parse`], [`Deployers::parse`] and the platform.
    pub fn fetch<P: Platform>(platform: &P, mode: TrustMode) -> Result<Self, Error> {
        let Answer::Boot(configuration, list) = platform.parent(Operation::Boot)? else {
            return Err(Error::Malformed(MessageKind::Parent));
        };
        let parsed = match (configuration.is_empty(), mode) {
            (true, TrustMode::Production) => return Err(Error::DevelopmentOnly),
            (true, TrustMode::Development) => None,
            (false, _) => Some(Configuration::parse(&configuration)?),
        };
        let deployers = match &parsed {
            Some(parsed) => Deployers::parse(parsed, list.as_deref())?,
            None if list.is_none() => None,
            // A list restricts who may deploy. Without a configuration it would have no effect.
            None => return Err(Error::Mismatch(MessageKind::Configuration)),
        };
        let limits = parsed.as_ref().map_or(Limits::MAXIMA, |parsed| parsed.limits.effective());
        let mut seed = Zeroizing::new([0; 32]);
        platform.random(seed.as_mut_slice())?;
        let (receipt_key, image) = (SigningKey::from_seed(&seed), platform.image()?);
        Ok(Self { configuration, parsed, deployers, limits, receipt_key, mode, image })
    }

    /// Whose share of memory and places a caller uses.
    pub fn account(&self, caller: &OwnerKey) -> Account {
        match &self.deployers {
            None => Account::ANYONE,
            Some(list) => Account::new(Some(*caller).filter(|caller| list.allowed(caller)), list.count()),
        }
    }
}
