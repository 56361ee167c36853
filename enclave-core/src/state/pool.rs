//! What one boot has a fixed amount of: memory, places for sessions and workers, remembered request ids. The platform
//! keeps the places.

use crate::Error;
use crate::types::OwnerKey;
use alloc::collections::BTreeMap;

/// Whose share of a pool a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    deployer: Option<OwnerKey>,
    accounts: u64,
}

impl Account {
    /// The one account of all callers, where anyone may deploy. Identities are free there, so no caller has a share.
    pub const ANYONE: Self = Self { deployer: None, accounts: 1 };

    /// The account of one of `deployers` owners on a list; `None` for that of all other callers together.
    pub fn new(deployer: Option<OwnerKey>, deployers: usize) -> Self {
        Self { deployer, accounts: deployers as u64 + 1 }
    }
}

/// A fixed amount of something.
///
/// Half of it is divided among the accounts: each can always take its part, whatever the others do. The other half goes
/// to those who ask first, but no account takes more than three quarters of all. If there are more accounts than parts,
/// what cannot be divided goes to those who ask first too.
pub struct Pool {
    total: u64,
    free: u64,
    taken: BTreeMap<Account, u64>,
}

impl Pool {
    /// A pool of `total`.
    pub fn new(total: u64) -> Self {
        Self { total, free: total, taken: BTreeMap::new() }
    }

    /// All that there is, taken or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Takes `amount`.
    ///
    /// # Errors
    /// [`Error::Busy`] if too little is left, or what is left belongs to others.
    pub fn take(&mut self, account: Account, amount: u64) -> Result<(), Error> {
        let free = self.free.checked_sub(amount).ok_or(Error::BUSY)?;
        let taken = self.taken.get(&account).copied().unwrap_or(0).saturating_add(amount);
        if account.accounts > 1 {
            let part = self.total / 2 / account.accounts;
            let others = self.taken.iter().filter(|(other, _)| **other != account);
            let used: u64 = others.map(|(_, taken)| part.min(*taken)).sum();
            let owed = (part * (account.accounts - 1)).saturating_sub(used);
            if free < owed || taken > self.total - self.total / 4 {
                return Err(Error::BUSY);
            }
        }
        self.free = free;
        self.taken.insert(account, taken);
        Ok(())
    }

    /// Gives back `amount` of what the account took.
    pub fn give_back(&mut self, account: Account, amount: u64) {
        self.free = self.free.saturating_add(amount);
        if let Some(taken) = self.taken.get_mut(&account) {
            *taken = taken.saturating_sub(amount);
            if *taken == 0 {
                self.taken.remove(&account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployer(byte: u8, deployers: usize) -> Account {
        Account::new(Some(OwnerKey::new([byte; 32])), deployers)
    }

    /// How many times an account can take 1.
    fn greedy(pool: &mut Pool, account: Account) -> u64 {
        (0..).find(|_| pool.take(account, 1).is_err()).unwrap()
    }

    #[test]
    fn every_account_can_take_its_part_whatever_the_others_do() {
        for deployers in [1, 2, 7, 31] {
            let part = 32 / (deployers as u64 + 1);
            let mut pool = Pool::new(64);
            let first = greedy(&mut pool, deployer(0, deployers));
            assert!((32..=48).contains(&first), "{deployers}: {first}");
            let others = (1..deployers).map(|n| deployer(n as u8, deployers));
            for account in others.chain([Account::new(None, deployers)]) {
                assert!(greedy(&mut pool, account) >= part, "{deployers}: {account:?}");
            }
            pool.give_back(deployer(0, deployers), first);
            assert!(greedy(&mut pool, deployer(0, deployers)) > 0);
        }
    }

    #[test]
    fn no_account_takes_more_than_three_quarters() {
        let mut pool = Pool::new(8);
        assert_eq!(greedy(&mut pool, deployer(1, 100)), 6);
        assert_eq!(greedy(&mut pool, Account::new(None, 100)), 2);
    }

    #[test]
    fn without_a_list_one_caller_may_take_everything() {
        let mut pool = Pool::new(8);
        assert_eq!(greedy(&mut pool, Account::ANYONE), 8);
        pool.give_back(Account::ANYONE, 8);
        assert!(pool.taken.is_empty());
        assert_eq!(pool.take(Account::ANYONE, 9), Err(Error::BUSY));
        assert_eq!(pool.take(Account::ANYONE, 8), Ok(()));
    }
}
