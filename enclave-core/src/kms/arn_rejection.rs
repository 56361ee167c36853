//! Why a text is not an ARN that Capelet uses, for the person who typed it.

use super::arn::{Arn, is_region, is_uuid};
use core::fmt;

/// The part of a text for which [`Arn::parse`] rejects it. The first one from the left is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArnRejection {
    /// It does not have six parts, or does not begin with `arn:`.
    Form,
    /// The service is not `kms`.
    Service,
    /// The region is not one, or not one of this partition. The partitions `aws-iso…` are unsupported.
    Region,
    /// The account id does not have 12 digits.
    Account,
    /// It names an alias.
    Alias,
    /// It names a multi-Region key.
    MultiRegion,
    /// The key's id is not a UUID in lower case.
    KeyId,
}

impl ArnRejection {
    /// Why the text is rejected; `None` if it is accepted.
    pub fn of(text: &str) -> Option<Self> {
        if Arn::parse(text).is_ok() {
            return None;
        }
        let mut parts = text.splitn(6, ':');
        let [Some("arn"), Some(_), Some(service), Some(region), Some(account), Some(resource)] =
            core::array::from_fn(|_| parts.next())
        else {
            return Some(Self::Form);
        };
        let account_holds = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let key = resource.strip_prefix("key/");
        Some(match key {
            _ if service != "kms" => Self::Service,
            _ if !is_region(region) => Self::Region,
            _ if !account_holds => Self::Account,
            None if resource.starts_with("alias/") => Self::Alias,
            Some(id) if id.starts_with("mrk-") => Self::MultiRegion,
            Some(id) if is_uuid(id) => Self::Region,
            _ => Self::KeyId,
        })
    }

    /// What is wrong and what to do, as the end of a sentence that begins with the ARN.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Form => "is not the ARN of a KMS key; write one like arn:aws:kms:eu-central-1:111122223333:key/UUID",
            Self::Service => "is the ARN of another service; give the ARN of a KMS key",
            Self::Region => {
                "has an unknown region, or a region of another partition; the partitions are aws, aws-cn, aws-us-gov and \
                 aws-eusc"
            }
            Self::Account => "has an invalid account id; it must have 12 digits",
            Self::Alias => "names an alias, which can be pointed at another key later; give the ARN of the key itself",
            Self::MultiRegion => {
                "names a multi-Region key; its replicas in other Regions have the same key material, and each has a key \
                 policy of its own that nobody compares; give a single-Region key"
            }
            Self::KeyId => "has an invalid key id; it must be a UUID in lower case",
        }
    }
}

impl fmt::Display for ArnRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ArnRejection::{Account, Alias, Form, KeyId, MultiRegion, Region, Service};

    #[test]
    fn names_the_part_that_is_wrong() {
        let uuid = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let key = |start: &str| alloc::format!("{start}:key/{uuid}");
        assert_eq!(ArnRejection::of(&key("arn:aws-eusc:kms:eusc-de-east-1:111122223333")), None);
        for (text, expected) in [
            ("", Form),
            ("alias/a", Form),
            (uuid, Form),
            ("arn:aws:kms:us-east-1:111122223333", Form),
            (&key("urn:aws:kms:us-east-1:111122223333"), Form),
            (&key("arn:aws:ssm:us-east-1:111122223333"), Service),
            (&key("arn:aws:kms:us-east:111122223333"), Region),
            (&key("arn:aws:kms:eusc-de-east-1:111122223333"), Region),
            (&key("arn:aws-iso:kms:us-iso-east-1:111122223333"), Region),
            (&key("arn:aws:kms:us-east-1:11112222333"), Account),
            ("arn:aws:kms:us-east-1:111122223333:alias/a", Alias),
            ("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", MultiRegion),
            ("arn:aws:kms:us-east-1:111122223333:key/1234ABCD-12ab-34cd-56ef-1234567890ab", KeyId),
            ("arn:aws:kms:us-east-1:111122223333:key", KeyId),
            (&alloc::format!("{}:x", key("arn:aws:kms:us-east-1:111122223333")), KeyId),
        ] {
            assert_eq!(ArnRejection::of(text), Some(expected), "{text}");
        }
    }
}
