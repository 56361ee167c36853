//! What is settled once per boot: configuration, deployers, the key of the receipts.

use crate::claims::Regime;
use crate::config::{Configuration, Deployers, Limits};
use crate::error::{Error, Part};
use crate::identity::SigningKey;
use crate::parent::{Answer, Operation};
use crate::platform::Platform;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// See the module.
pub struct Boot {
    /// The configuration's bytes, as PCR16 measures them and claims repeat them.
    pub configuration: Vec<u8>,
    /// The configuration; none only under a development root.
    pub parsed: Option<Configuration>,
    /// Those who may deploy; none: anybody.
    pub deployers: Option<Deployers>,
    /// The limits in force: the compiled-in ones, lowered by the configuration.
    pub limits: Limits,
    /// Signs this boot's receipts.
    pub receipt_key: SigningKey,
    /// Which root signs this enclave's documents.
    pub regime: Regime,
}

impl Boot {
    /// Fetches the configuration. The driver then measures it into PCR16 and locks; only after that may it serve.
    pub fn fetch<P: Platform>(platform: &P, regime: Regime) -> Result<Self, Error> {
        let Answer::Boot(configuration, list) = platform.parent(Operation::Boot)? else {
            return Err(Error::Malformed(Part::Parent));
        };
        let parsed = match (configuration.is_empty(), regime) {
            (true, Regime::Production) => return Err(Error::DevelopmentOnly),
            (true, Regime::Development) => None,
            (false, _) => Some(Configuration::parse(&configuration)?),
        };
        let deployers = match &parsed {
            Some(parsed) => Deployers::parse(parsed, list.as_deref())?,
            None if list.is_none() => None,
            // Whoever handed a list over means that not everybody may deploy; without a configuration it would not hold.
            None => return Err(Error::Disagrees(Part::Configuration)),
        };
        let limits = parsed.as_ref().map_or(Limits::MAXIMA, |parsed| parsed.limits.effective());
        let mut seed = Zeroizing::new([0; 32]);
        platform.random(seed.as_mut_slice())?;
        Ok(Self { configuration, parsed, deployers, limits, receipt_key: SigningKey::from_seed(&seed), regime })
    }
}
