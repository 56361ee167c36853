//! The limit on how many connections one source address has at once.
//!
//! It applies where addresses tell clients apart: to TCP from other machines. Behind a load balancer all connections
//! have its address, and the operator switches the limit off.

use crate::connection_limit::LimitReached;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each source address.
pub(crate) struct AddressLimit {
    most: Option<usize>,
    /// Only addresses with a connection have an entry, so there are no more entries than connections.
    counts: Mutex<BTreeMap<IpAddr, Count>>,
}

#[derive(Default)]
struct Count {
    admitted: usize,
    /// Whether a connection was refused since the address last had none. The log mentions only the first.
    refused: bool,
}

/// Holding one proves that a connection is counted, if its address is. Dropping it ends that.
pub(crate) struct AddressPermit(Option<(Arc<AddressLimit>, IpAddr)>);

impl AddressLimit {
    /// At most this many connections for each address. `None` if the number is not limited.
    pub fn new(most: Option<usize>) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a connection from this address, unless the address has as many as it may. Connections without an address
    /// and those of this machine are not counted.
    pub fn admit(self: &Arc<Self>, from: Option<IpAddr>) -> Result<AddressPermit, LimitReached> {
        let (Some(most), Some(source)) = (self.most, from.and_then(source)) else { return Ok(AddressPermit(None)) };
        let mut counts = self.counts();
        let count = counts.entry(source).or_default();
        if count.admitted >= most {
            return Err(LimitReached { first: !std::mem::replace(&mut count.refused, true) });
        }
        count.admitted += 1;
        Ok(AddressPermit(Some((Arc::clone(self), source))))
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let Some((limit, source)) = &self.0 else { return };
        let mut counts = limit.counts();
        if let Some(count) = counts.get_mut(source) {
            count.admitted -= 1;
            if count.admitted == 0 {
                counts.remove(source);
            }
        }
    }
}

/// What is counted as one source: an IPv4 address, or the first 64 bits of an IPv6 address, which a client's network
/// assigns (RFC 4291, section 2.5.4). `None` for the loopback of this machine.
fn source(address: IpAddr) -> Option<IpAddr> {
    let source = match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other => other,
    };
    (!source.is_loopback()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().ok().unwrap())
    }

    #[test]
    fn one_address_leaves_places_for_others() {
        let limit = AddressLimit::new(Some(2));
        let held = [ip("192.0.2.1"), ip("192.0.2.1"), ip("192.0.2.2")].map(|from| limit.admit(from).ok().unwrap());
        assert!(limit.admit(ip("192.0.2.1")).is_err_and(|reached| reached.first));
        // The same address, as a socket of IPv6 shows it.
        assert!(limit.admit(ip("::ffff:192.0.2.1")).is_err_and(|reached| !reached.first));
        assert!(limit.admit(ip("192.0.2.2")).is_ok());
        drop(held);
        assert!(limit.counts().is_empty());
        assert!(limit.admit(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let limit = AddressLimit::new(Some(1));
        let _held = limit.admit(ip("2001:db8:1:2::1")).ok().unwrap();
        assert!(limit.admit(ip("2001:db8:1:2:ffff::7")).is_err());
        assert!(limit.admit(ip("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn this_machine_and_unix_sockets_are_not_limited() {
        let limit = AddressLimit::new(Some(1));
        for from in [None, ip("127.0.0.1"), ip("127.8.0.1"), ip("::1"), ip("::ffff:127.0.0.1")] {
            let _held: Vec<_> = (0..3).map(|_| limit.admit(from).ok().unwrap()).collect();
        }
        assert!(limit.counts().is_empty());
        let unlimited = AddressLimit::new(None);
        let _held: Vec<_> = (0..3).map(|_| unlimited.admit(ip("192.0.2.1")).ok().unwrap()).collect();
    }
}
