//! AWS Signature Version 4 (AWS Identity and Access Management User Guide, "Create a signed AWS API request"), for
//! the one kind of request that the enclave makes: POST to `/`, without a query, with a known body.

use crate::crypto::sha256;
use crate::encoding::hex;
use crate::parent::Credentials;
use crate::time::UnixMillis;
use alloc::format;
use alloc::string::String;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The value of `x-amz-date` at `time`: `YYYYMMDDTHHMMSSZ`.
pub fn date(time: UnixMillis) -> String {
    let [year, month, day, hour, minute, second] = time.date_time();
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The value of `authorization`. `headers` include `x-amz-date` with the value `date`; their names are in lower case
/// and ascending, their values trimmed.
pub fn authorization(
    credentials: &Credentials,
    date: &str,
    region: &str,
    service: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut signed = String::new();
    for (name, _) in headers {
        if !signed.is_empty() {
            signed.push(';');
        }
        signed.push_str(name);
    }
    let request = format!("POST\n/\n\n{canonical}\n{signed}\n{}", hex(&sha256(&[body])));

    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&sha256(&[request.as_bytes()])));

    let secret = Zeroizing::new(format!("AWS4{}", *credentials.secret_access_key));
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(Zeroizing::new(secret.as_bytes().to_vec()), |key, part| Zeroizing::new(hmac(&key, part).to_vec()));
    let signature = hex(&hmac(&key, &to_sign));
    let id = &credentials.access_key_id;
    format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}")
}

fn hmac(key: &[u8], message: &str) -> [u8; 32] {
    // HMAC accepts a key of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const TIME: UnixMillis = UnixMillis::new(1_440_938_160_000);

    /// The POSTs to `/` of AWS's signing test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4).
    #[test]
    fn signs_as_the_aws_test_suite() {
        const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP\
            fIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9\
            HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i\
            SIlTJabIQwj2ICCR/oLxBA==";
        const CONTENT: (&str, &str) =
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e");
        let date = ("x-amz-date", "20150830T123600Z");
        let host = ("host", "example.amazonaws.com");
        let length = ("content-length", "13");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let form_utf8 = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 6] = [
            ("post-vanilla", &[host, date], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "post-header-key-sort",
                &[host, ("my-header1", "value1"), date],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            (
                "post-header-value-case",
                &[host, ("my-header1", "VALUE1"), date],
                "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            (
                "post-sts-header-before",
                &[host, date, ("x-amz-security-token", TOKEN)],
                "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
            (
                "post-x-www-form-urlencoded",
                &[length, form, host, CONTENT, date],
                "Param1=value1",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
            (
                "post-x-www-form-urlencoded-parameters",
                &[length, form_utf8, host, CONTENT, date],
                "Param1=value1",
                "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
            ),
        ];
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_string(),
            secret_access_key: Zeroizing::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_string()),
            session_token: String::new(),
        };
        for (name, headers, body, signature) in cases {
            let names = headers.iter().map(|header| header.0).collect::<alloc::vec::Vec<_>>().join(";");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={names}, Signature={signature}"
            );
            let made = authorization(&credentials, date.1, "us-east-1", "service", headers, body.as_bytes());
            assert_eq!(made, expected, "{name}");
        }
    }

    #[test]
    fn formats_dates_across_leap_days() {
        let cases = [
            (0, "19700101T000000Z"),
            (TIME.get(), "20150830T123600Z"),
            (951_782_399_999, "20000228T235959Z"),
            (951_782_400_000, "20000229T000000Z"),
            (1_709_251_200_000, "20240301T000000Z"),
            (1_735_689_599_000, "20241231T235959Z"),
            (4_107_542_400_000, "21000301T000000Z"),
        ];
        for (time, text) in cases {
            assert_eq!(date(UnixMillis::new(time)), text);
        }
    }
}
