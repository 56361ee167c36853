//! The highest epoch seen of each owner: nothing that the parent hands out later may be lower, or another key.

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
    /// One key; more are an equivocation, and all are kept.
    kids: Vec<Hex<32>>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    owners: Vec<Highest>,
}

impl State for Seen {
    const FILE: &'static str = "seen.json";
}

impl Seen {
    /// Judges what came by what was seen, and remembers it. What is remembered must be written even if it is
    /// refused: so the verdict is a value.
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
    fn lower_is_refused_and_two_keys_are_kept() {
        let (owner, root) = (Owner([1; 32]), Hex([2; 32]));
        let mut seen = Seen::default();
        seen.observe(owner, root, 3, Hex([3; 32])).unwrap();
        seen.observe(owner, root, 3, Hex([3; 32])).unwrap();
        assert_eq!(seen.observe(owner, root, 2, Hex([2; 32])), Err(Error::RolledBack { seen: 3, found: 2 }));
        assert_eq!(seen.observe(owner, root, 3, Hex([4; 32])), Err(Error::Equivocation(3)));
        // Now neither is good, the first no more than the second.
        assert_eq!(seen.observe(owner, root, 3, Hex([3; 32])), Err(Error::Equivocation(3)));
        assert_eq!(seen.owners[0].kids, [Hex([3; 32]), Hex([4; 32])]);
        seen.observe(owner, root, 4, Hex([5; 32])).unwrap();
        // Another owner, another root: their own numbers.
        seen.observe(Owner([9; 32]), root, 1, Hex([1; 32])).unwrap();
        seen.observe(owner, Hex([9; 32]), 1, Hex([1; 32])).unwrap();
    }
}
