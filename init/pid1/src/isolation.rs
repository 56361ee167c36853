//! The isolation of a program on the processor: what it does not share with another program that runs beside it.
//!
//! It covers the threads and the branch predictors of a physical core. It does not cover caches that several cores
//! share, nor what a program leaves in the caches of its core. docs/threat-model.md states the limits.

use crate::{Error, error::cannot, sys};
use nix::errno::Errno;
use nix::libc::{PR_SPEC_DISABLE, PR_SPEC_ENABLE, PR_SPEC_FORCE_DISABLE, PR_SPEC_NOT_AFFECTED, PR_SPEC_PRCTL};
use nix::libc::{c_uint, c_ulong};

/// The kinds of speculation that a program gives up: `PR_SPEC_STORE_BYPASS` and `PR_SPEC_INDIRECT_BRANCH`.
const SPECULATION: [(c_ulong, &str); 2] = [(0, "speculative store bypass"), (1, "indirect branch speculation")];

/// Checks, at boot, that the kernel can isolate programs. `say` receives a sentence about each setting that this machine
/// does not offer.
///
/// # Errors
///
/// [`Error::Step`] if the kernel has no core scheduling, or does not answer.
pub fn check(say: impl Fn(&str)) -> Result<(), Error> {
    for (kind, name) in SPECULATION {
        let why = match state(kind)? {
            state if state & PR_SPEC_PRCTL != 0 => continue,
            PR_SPEC_NOT_AFFECTED => "this CPU is not affected",
            PR_SPEC_DISABLE => "it is disabled for all programs",
            _ => "this CPU cannot disable it",
        };
        say(&format!("no control of {name}: {why}"));
    }
    match sys::cookie(0) {
        Err(Errno::ENODEV) => say("no core scheduling: no physical core has two threads"),
        asked => drop(asked.map_err(cannot("ask for core scheduling"))?),
    }
    Ok(())
}

/// In the child, before it becomes the program: sets everything that this machine offers, and reads it back.
///
/// # Errors
///
/// [`Error::Step`] if a setting fails, [`Error::Unexpected`] if the kernel reports another value afterwards.
pub fn isolate() -> Result<(), Error> {
    // ENODEV: no sibling threads. EINVAL: a kernel without core scheduling, with which `check` ends the boot. Only the
    // native tests run there.
    if !matches!(sys::cookie(0), Err(Errno::ENODEV | Errno::EINVAL)) {
        // PID 1 has no cookie, so a cookie here is new. The kernel shows a hash of it, which needs a seeded random pool.
        let cookie = sys::create_cookie().and_then(|()| sys::cookie(0));
        if cookie.map_err(cannot("get a core scheduling cookie"))? == 0 {
            return Err(Error::Unexpected("core scheduling cookie", "0".to_owned()));
        }
    }
    for (kind, name) in SPECULATION {
        if state(kind)? & PR_SPEC_PRCTL != 0 {
            sys::disable_speculation(kind).map_err(cannot("disable speculation"))?;
            let state = state(kind)?;
            if state != PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE {
                return Err(Error::Unexpected(name, state.to_string()));
            }
        }
    }
    Ok(())
}

/// The state of a kind of speculation in this process. One that the kernel does not know has no control.
fn state(kind: c_ulong) -> Result<c_uint, Error> {
    match sys::speculation(kind) {
        Err(Errno::ENODEV) => Ok(PR_SPEC_ENABLE),
        state => state.map_err(cannot("ask for the state of speculation")),
    }
}
