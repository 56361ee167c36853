//! The highest epoch seen of each owner. The client rejects lower epochs, and a second key for the same epoch.

use super::State;
use super::folders::Place;
use crate::error::Error;
use crate::root_id::RootId;
use crate::values::{Hex, OwnerText};
use enclave_core::{Kid, OwnerKey};
use serde::{Deserialize, Serialize};

/// The highest epoch of one owner under one root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Highest {
    owner: OwnerText,
    root: Hex<RootId>,
    epoch: u64,
    /// The ids of the keys seen. More than one is an equivocation, and all are kept as evidence.
    kids: Vec<Hex<Kid>>,
}

/// The highest epochs of all owners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    owners: Vec<Highest>,
}

impl State for Seen {
    const PLACE: Place = Place::state("seen.json");
}

impl Seen {
    /// Compares an epoch and its key with those seen before, and remembers them.
    ///
    /// The caller must write the state even if the result is an error, because the state contains the evidence.
    ///
    /// # Errors
    /// [`Error::RolledBack`] for a lower epoch; [`Error::Equivocation`] for a second key of one epoch.
    pub fn observe(&mut self, owner: OwnerKey, root: RootId, epoch: u64, kid: Kid) -> Result<(), Error> {
        let (owner, root, kid) = (OwnerText(owner), Hex(root), Hex(kid));
        let Some(highest) = self.owners.iter_mut().find(|highest| highest.owner == owner && highest.root == root)
        else {
            self.owners.push(Highest { owner, root, epoch, kids: vec![kid] });
            return Ok(());
        };
        if epoch < highest.epoch {
            return Err(Error::RolledBack { seen: highest.epoch, found: epoch });
        }
        if epoch > highest.epoch {
            *highest = Highest { owner, root, epoch, kids: vec![kid] };
            return Ok(());
        }
        if !highest.kids.contains(&kid) {
            highest.kids.push(kid);
        }
        if highest.kids.len() > 1 { Err(Error::Equivocation(epoch)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_lower_epochs_and_keeps_equivocating_keys() {
        let (owner, root) = (OwnerKey::new([1; 32]), RootId::new([2; 32]));
        let kid = |byte| Kid::new([byte; 32]);
        let mut seen = Seen::default();
        seen.observe(owner, root, 3, kid(3)).unwrap();
        seen.observe(owner, root, 3, kid(3)).unwrap();
        assert_eq!(seen.observe(owner, root, 2, kid(2)), Err(Error::RolledBack { seen: 3, found: 2 }));
        assert_eq!(seen.observe(owner, root, 3, kid(4)), Err(Error::Equivocation(3)));
        // From now on both keys are rejected, the first one too.
        assert_eq!(seen.observe(owner, root, 3, kid(3)), Err(Error::Equivocation(3)));
        assert_eq!(seen.owners[0].kids, [Hex(kid(3)), Hex(kid(4))]);
        seen.observe(owner, root, 4, kid(5)).unwrap();
        // Another owner and another root have epochs of their own.
        seen.observe(OwnerKey::new([9; 32]), root, 1, kid(1)).unwrap();
        seen.observe(owner, RootId::new([9; 32]), 1, kid(1)).unwrap();
    }
}
