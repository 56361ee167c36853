//! Platform configuration registers (PCRs), and their values at boot.

use crate::Error;
use aws_lc_rs::digest::{Context, SHA384};
use aws_nitro_enclaves_nsm_api::api::ErrorCode;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The number of registers.
pub const PCRS: u16 = 32;
/// The number of registers that are locked at boot, from PCR0 on.
const LOCKED_AT_BOOT: u16 = 16;

/// The value of a register.
type Value = [u8; 48];

/// The measurements of an enclave: the programs that run in it, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// PCR0: core and worker.
    pub pcr0: Value,
    /// PCR1: the core.
    pub pcr1: Value,
    /// PCR2: the worker.
    pub pcr2: Value,
    /// The ARN of the parent's role, for PCR3.
    pub role: String,
    /// The id of the parent instance, for PCR4. It is also part of the module's id.
    pub instance: String,
}

impl Measured {
    /// Measures the programs that will run.
    ///
    /// The formula is that of an image file, with E(x) = SHA-384(48 zero bytes ‖ x): PCR0 is E(SHA-384(core ‖ worker)),
    /// PCR1 is E(SHA-384(core)), PCR2 is E(SHA-384(worker)).
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn of(core: &Path, worker: &Path) -> Result<Self, Error> {
        let mut both = Context::new(&SHA384);
        let pcr1 = extended(&[0; 48], &digest(core, &mut both)?);
        let pcr2 = extended(&[0; 48], &digest(worker, &mut both)?);
        Ok(Self {
            pcr0: extended(&[0; 48], both.finish().as_ref()),
            pcr1,
            pcr2,
            role: "arn:aws:iam::111122223333:role/capelet-DEVELOPMENT".to_string(),
            instance: "i-0de0000000000000d".to_string(),
        })
    }
}

/// The SHA-384 of a file. The bytes of the file also go into `both`.
fn digest(path: &Path, both: &mut Context) -> Result<Value, Error> {
    let failed = |error| Error::File(path.to_path_buf(), error);
    let (mut file, mut own) = (File::open(path).map_err(failed)?, Context::new(&SHA384));
    let mut buffer = vec![0; 65_536];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(value(own.finish().as_ref())),
            read => {
                own.update(&buffer[..read]);
                both.update(&buffer[..read]);
            }
        }
    }
}

/// The value after an extension: SHA-384(before ‖ data).
fn extended(before: &Value, data: &[u8]) -> Value {
    let mut context = Context::new(&SHA384);
    context.update(before);
    context.update(data);
    value(context.finish().as_ref())
}

fn value(digest: &[u8]) -> Value {
    let mut value = [0; 48];
    value.copy_from_slice(digest);
    value
}

/// All registers of one enclave: whether each is locked, and its value.
pub struct Bank([(bool, Value); PCRS as usize]);

impl Bank {
    /// The registers after a boot.
    pub fn booted(measured: &Measured) -> Self {
        let mut bank = Self([(false, [0; 48]); PCRS as usize]);
        for (slot, value) in bank.0.iter_mut().zip([measured.pcr0, measured.pcr1, measured.pcr2]) {
            slot.1 = value;
        }
        bank.0[3].1 = extended(&[0; 48], measured.role.as_bytes());
        bank.0[4].1 = extended(&[0; 48], measured.instance.as_bytes());
        for slot in bank.0.iter_mut().take(LOCKED_AT_BOOT.into()) {
            slot.0 = true;
        }
        bank
    }

    /// Whether a register is locked, and its value.
    ///
    /// # Errors
    /// `InvalidIndex`.
    pub fn describe(&self, index: u16) -> Result<(bool, Vec<u8>), ErrorCode> {
        self.0.get(usize::from(index)).map(|(lock, value)| (*lock, value.to_vec())).ok_or(ErrorCode::InvalidIndex)
    }

    /// Extends a register, and returns the new value.
    ///
    /// # Errors
    /// `InvalidIndex`, `ReadOnlyIndex` if the register is locked.
    pub fn extend(&mut self, index: u16, data: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        let value = self.open(index)?;
        *value = extended(value, data);
        Ok(value.to_vec())
    }

    /// Locks a register.
    ///
    /// # Errors
    /// `InvalidIndex`, `ReadOnlyIndex` if the register is already locked.
    pub fn lock(&mut self, index: u16) -> Result<(), ErrorCode> {
        self.open(index)?;
        self.0[usize::from(index)].0 = true;
        Ok(())
    }

    /// Locks all registers below `range`. Some may already be locked.
    ///
    /// # Errors
    /// `InvalidIndex`.
    pub fn lock_all(&mut self, range: u16) -> Result<(), ErrorCode> {
        let slots = self.0.get_mut(..usize::from(range)).ok_or(ErrorCode::InvalidIndex)?;
        slots.iter_mut().for_each(|slot| slot.0 = true);
        Ok(())
    }

    /// The locked registers. A document has these and no others.
    pub fn locked(&self) -> impl Iterator<Item = (u16, &Value)> {
        (0..PCRS).zip(&self.0).filter(|(_, slot)| slot.0).map(|(index, slot)| (index, &slot.1))
    }

    /// The value of a register that is not locked.
    fn open(&mut self, index: u16) -> Result<&mut Value, ErrorCode> {
        match self.0.get_mut(usize::from(index)) {
            None => Err(ErrorCode::InvalidIndex),
            Some((true, _)) => Err(ErrorCode::ReadOnlyIndex),
            Some((false, value)) => Ok(value),
        }
    }
}
