//! The call that waits. Files and output are always ready, so it waits only if all subscriptions are clocks.

use std::thread;
use std::time::Duration;

use super::descriptors::DescriptorKind;
use super::guest::{Guest, double_word, word};
use super::numbers::Errno;
use super::{CallResult, Wasi};

/// The most subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// Size of a `subscription`, in bytes.
const SUBSCRIPTION: u32 = 48;
/// Size of an `event`, in bytes.
const EVENT: usize = 32;

const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;

/// When a subscription's event is due.
enum Due {
    /// This event is due now.
    Now([u8; EVENT]),
    /// This event is due after so many nanoseconds.
    In(u64, [u8; EVENT]),
}

impl Wasi {
    pub(super) fn poll_oneoff(
        &mut self,
        guest: &mut Guest<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        used: u32,
    ) -> CallResult {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval.into());
        }
        let mut due = Vec::new();
        for subscription in guest.bytes(subscriptions, count * SUBSCRIPTION)?.chunks_exact(SUBSCRIPTION as usize) {
            due.push(self.due(subscription)?);
        }
        // Checked before the wait, so that a bad address fails at once.
        guest.bytes(events, count * EVENT as u32)?;
        guest.put(used, [0; 4])?;
        let wait = due.iter().map(|due| if let Due::In(wait, _) = due { *wait } else { 0 }).min().unwrap_or(0);
        if wait > 0 {
            thread::sleep(Duration::from_nanos(wait));
        }
        let happened = due.into_iter().filter_map(|due| match due {
            Due::Now(event) => Some(event),
            Due::In(after, event) => (after <= wait).then_some(event),
        });
        let (mut at, mut number) = (events, 0_u32);
        for event in happened {
            guest.put(at, event)?;
            at = at.checked_add(EVENT as u32).ok_or(Errno::Fault)?;
            number += 1;
        }
        Ok(guest.put(used, number.to_le_bytes())?)
    }

    fn due(&mut self, subscription: &[u8]) -> Result<Due, Errno> {
        let kind = subscription.get(8).copied().ok_or(Errno::Fault)?;
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&double_word(subscription, 0).to_le_bytes());
        event[10] = kind;
        let outcome = match kind {
            CLOCK => self.wait_for(subscription),
            FD_READ | FD_WRITE => self.ready(word(subscription, 16), kind).map(|bytes| {
                event[16..24].copy_from_slice(&bytes.to_le_bytes());
                0
            }),
            _ => return Err(Errno::Inval),
        };
        Ok(match outcome {
            Ok(0) => Due::Now(event),
            Ok(wait) => Due::In(wait, event),
            Err(errno) => {
                event[8..10].copy_from_slice(&(errno as u16).to_le_bytes());
                Due::Now(event)
            }
        })
    }

    /// The nanoseconds until a clock's subscription is due.
    fn wait_for(&self, subscription: &[u8]) -> Result<u64, Errno> {
        const ABSOLUTE: u32 = 1;
        let now = self.clock.nanoseconds(word(subscription, 16))?;
        let timeout = double_word(subscription, 24);
        let absolute = word(subscription, 40) & ABSOLUTE != 0;
        Ok(if absolute { timeout.saturating_sub(now) } else { timeout })
    }

    /// How many bytes can be read or written without waiting.
    fn ready(&mut self, fd: u32, kind: u8) -> Result<u64, Errno> {
        match (kind, &self.descriptors.get(fd)?.kind) {
            (FD_READ, DescriptorKind::File { node, offset }) => {
                let size = u64::try_from(self.tree.contents(*node)?.len()).map_err(|_| Errno::Overflow)?;
                Ok(size.saturating_sub(*offset))
            }
            (FD_WRITE, DescriptorKind::Output | DescriptorKind::Diagnostic) => Ok(65_536),
            _ => Err(Errno::Badf),
        }
    }
}
