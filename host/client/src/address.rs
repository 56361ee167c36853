//! The enclave's address that a command uses, and who chose it.

use crate::url::Url;

/// An address, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub url: Url,
    /// Where it is from.
    pub source: AddressSource,
}

/// Where an address is from. The first source that has one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// The option `-u`.
    Option,
    /// The variable `CAPELET_URL`.
    Variable,
    /// The setting `url`.
    Setting,
    /// The only trust entry.
    OnlyPin,
}

impl AddressSource {
    /// The source in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Option => "from the option -u",
            Self::Variable => "from CAPELET_URL",
            Self::Setting => "from `capelet config url`",
            Self::OnlyPin => "because no other one is pinned",
        }
    }
}
