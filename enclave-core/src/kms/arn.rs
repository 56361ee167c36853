//! The ARN of a KMS key, in the one accepted form: no alias and no multi-Region key. KMS's host follows from it.

use crate::encoding::Reader;
use crate::{Error, MessageKind};
use alloc::format;
use alloc::string::String;

/// The shortest ARN, in bytes.
pub const ARN_MIN: usize = 20;
/// The longest ARN, in bytes.
pub const ARN_MAX: usize = 200;

const MALFORMED: Error = Error::Malformed(MessageKind::Arn);

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/UUID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arn {
    text: String,
    /// The position of the region in the text.
    region: core::ops::Range<usize>,
}

/// Name and domain of the partition that a region belongs to (botocore, `partitions.json`). The partitions `aws-iso…` are
/// unsupported.
fn partition_of(region: &str) -> (&'static str, &'static str) {
    match region {
        region if region.starts_with("cn-") => ("aws-cn", "amazonaws.com.cn"),
        region if region.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com"),
        region if region.starts_with("eusc-") => ("aws-eusc", "amazonaws.eu"),
        _ => ("aws", "amazonaws.com"),
    }
}

impl Arn {
    /// Reads an ARN: `arn:PARTITION:kms:REGION:[0-9]{12}:key/UUID`, with the UUID in lower case. The partition must be
    /// that of the region. For a region see [`is_region`].
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Arn`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if !(ARN_MIN..=ARN_MAX).contains(&text.len()) {
            return Err(MALFORMED);
        }
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(MALFORMED);
        let (scheme, partition, service) = (part()?, part()?, part()?);
        let (region, account, resource) = (part()?, part()?, part()?);
        let end = parts.next().is_none();
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let account_holds = account.len() == 12 && digits(account);
        let resource_holds = resource.strip_prefix("key/").is_some_and(is_uuid);
        let region_holds = is_region(region) && partition_of(region).0 == partition;
        if !(end && scheme == "arn" && service == "kms" && region_holds && account_holds && resource_holds) {
            return Err(MALFORMED);
        }
        let start = scheme.len() + partition.len() + service.len() + 3;
        Ok(Self { text: text.into(), region: start..start + region.len() })
    }

    /// Reads an ARN from a message.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Arn`] or of the reader's kind.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Self::parse(reader.text(ARN_MIN, ARN_MAX)?)
    }

    /// The ARN as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The region, such as `eu-central-1`.
    pub fn region(&self) -> &str {
        self.text.get(self.region.clone()).unwrap_or_default()
    }

    /// The account id, 12 digits.
    #[cfg(feature = "outside")]
    pub fn account(&self) -> &str {
        self.text.get(self.region.end + 1..self.region.end + 13).unwrap_or_default()
    }

    /// The host of KMS in the key's region, which is also the name in its certificate.
    pub fn kms_host(&self) -> String {
        kms_host(self.region())
    }
}

/// The host of KMS in a region (AWS General Reference, "AWS Key Management Service endpoints and quotas").
pub fn kms_host(region: &str) -> String {
    format!("kms.{region}.{}", partition_of(region).1)
}

/// Whether this is the name of an AWS region, in the form that an ARN has it: `([a-z]{2}|eusc)(-[a-z]+)+-[0-9]{1,2}`.
pub fn is_region(text: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let Some((names, number)) = text.rsplit_once('-') else { return false };
    let Some((first, others)) = names.split_once('-') else { return false };
    let number_holds = matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit());
    (first.len() == 2 || first == "eusc") && letters(first) && others.split('-').all(letters) && number_holds
}

/// 8-4-4-4-12 lower-case hexadecimal digits (RFC 9562, 4).
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    const KEY: &str = "138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";

    #[test]
    fn gives_its_parts_and_the_host() {
        let cases = [
            ("aws", "eu-central-1", "kms.eu-central-1.amazonaws.com"),
            ("aws-cn", "cn-north-1", "kms.cn-north-1.amazonaws.com.cn"),
            ("aws-us-gov", "us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"),
            ("aws-eusc", "eusc-de-east-1", "kms.eusc-de-east-1.amazonaws.eu"),
        ];
        for (partition, region, host) in cases {
            let arn = Arn::parse(&format!("arn:{partition}:kms:{region}:{KEY}")).unwrap();
            assert_eq!(arn.region(), region);
            assert_eq!(arn.account(), "138395648162");
            assert_eq!(arn.kms_host(), host);
        }
    }

    #[test]
    fn rejects_other_regions_and_resources() {
        for region in ["e-central-1", "eu-1", "eu--1", "eu-central-", "eu-central-123", "eu-central1-1", "EU-central-1"]
        {
            assert_eq!(Arn::parse(&format!("arn:aws:kms:{region}:{KEY}")), Err(MALFORMED), "{region}");
        }
        for arn in ["arn:aws:kms:eu-central-1:138395648162:key/mrk-ed0f757300bb93201f0fed5af4b6b6f2".to_string()]
            .into_iter()
            .chain([":", "\n", "/x"].map(|end| format!("arn:aws:kms:eu-central-1:{KEY}{end}")))
        {
            assert_eq!(Arn::parse(&arn), Err(MALFORMED), "{arn}");
        }
    }

    /// The host would otherwise be in the domain of another partition.
    #[test]
    fn rejects_a_region_of_another_partition() {
        let regions = ["eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"];
        let partitions = ["aws", "aws-cn", "aws-us-gov", "aws-eusc"];
        for (at, region) in regions.iter().enumerate() {
            for (other, partition) in partitions.iter().enumerate() {
                let arn = Arn::parse(&format!("arn:{partition}:kms:{region}:{KEY}"));
                assert_eq!(arn.is_ok(), at == other, "{partition} {region}");
            }
            assert!(Arn::parse(&format!("arn:aws-iso:kms:{region}:{KEY}")).is_err());
        }
        assert!(!is_region("eusd-de-east-1") && !is_region("eus-de-east-1"));
    }

    proptest! {
        #[test]
        fn accepted_text_contains_its_parts(text in "arn:(aws|aws-cn|aws-us-gov|aws-eusc|aws-iso):(kms|ssm):([a-z]{1,3}|cn|us-gov|eusc)(-[a-z0-9]{0,4}){1,3}-[0-9]{0,3}:[0-9]{11,13}:key/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-g]{12}") {
            if let Ok(arn) = Arn::parse(&text) {
                let parts = format!(":kms:{}:{}:key/", arn.region(), arn.account());
                prop_assert!(text.contains(&parts));
            }
        }
    }
}
