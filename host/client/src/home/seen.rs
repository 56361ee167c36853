//! The highest epoch seen of each owner. The client rejects lower epochs, and a second key for the same epoch.

use super::State;
use crate::error::Error;
use crate::values::{Hex, Owner};
use serde::{Deserialize, Serialize};

/// The highest epoch of one owner under one root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Highest {
    owner: Owner,
    root: Hex<32>,
    epoch: u64,
    /// The ids of the keys seen. More than one is an equivocation, and all are kept as evidence.
    kids: Vec<Hex<32>>,
}

/// The highest epochs of all owners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    owners: Vec<Highest>,
}

impl State for Seen {
    const FILE: &'static str = "seen.json";
}

impl Seen {
    /// Compares an epoch and its key with those seen before, and remembers them.
    ///
    /// The caller must write the state even if the result is an error, because the state contains the evidence.
    ///
    /// # Errors
    ///
    /// [`Error::RolledBack`] for a lower epoch; [`Error::Equivocation`] for a second key of one epoch.
    pub fn observe(&mut self, owner: Owner, root: Hex<32>, epoch: u64, kid: Hex<32>) -> Result<(), Error> {
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
        let (owner, root) = (Owner([1; 32]), Hex([2; 32]));
        let mut seen = Seen::default();
        seen.observe(owner, root, 3, Hex([3; 32])).unwrap();
        seen.observe(owner, root, 3, Hex([3; 32])).unwrap();
        assert_eq!(seen.observe(owner, root, 2, Hex([2; 32])), Err(Error::RolledBack { seen: 3, found: 2 }));
        assert_eq!(seen.observe(owner, root, 3, Hex([4; 32])), Err(Error::Equivocation(3)));
        // From now on both keys are rejected, the first one too.
        assert_eq!(seen.observe(owner, root, 3, Hex([3; 32])), Err(Error::Equivocation(3)));
        assert_eq!(seen.owners[0].kids, [Hex([3; 32]), Hex([4; 32])]);
        seen.observe(owner, root, 4, Hex([5; 32])).unwrap();
        // Another owner and another root have epochs of their own.
        seen.observe(Owner([9; 32]), root, 1, Hex([1; 32])).unwrap();
        seen.observe(owner, Hex([9; 32]), 1, Hex([1; 32])).unwrap();
    }
}
