//! What outlives a session: functions and vault keys as they are stored, encrypted files, vault statements, receipts.

mod bundle;
mod ciphertext;
mod object;
mod receipt;
mod statement;
mod with_head;

pub use bundle::{Bundle, BundleForm, HANDLER, MAX_PATHS, MAX_TEXT, Manifest};
pub use ciphertext::{Ciphertext, CiphertextHeader, MAX_CHECKSUMS};
#[cfg(feature = "outside")]
pub use ciphertext::{Encryption, begin_encryption};
pub use object::{ObjectAd, ObjectContent, ObjectKind, Record, StoredObject, kms_context, seal_object};
pub use receipt::{InputCommitments, MAX_INPUTS, Receipt, ReceiptFunction};
#[cfg(feature = "outside")]
pub use receipt::{MAX_RECEIPT_AGE, ReceiptBundle};
#[cfg(feature = "outside")]
pub use statement::{MAX_STATEMENT, Statement};
pub use statement::{encode_statement, statement_record};
