//! Signature Version 4: making and verifying (AWS IAM User Guide, "Create a signed AWS API request").

use super::http::Request;
use super::principal::{Principal, with_access_key};
use super::refusal::{Exception, Refusal};
use crate::date;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use std::fmt::Write as _;

/// The name of the algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The largest difference between a request's date and now, in milliseconds.
const MAX_SKEW: u64 = 5 * 60_000;

/// The region, service and time for which a signature is valid.
pub struct Scope<'a> {
    /// The region, such as `eu-central-1`.
    pub region: &'a str,
    /// The service, here `kms`.
    pub service: &'a str,
    /// The time, such as `20150830T123600Z`.
    pub amz_date: &'a str,
}

impl Scope<'_> {
    fn day(&self) -> &str {
        self.amz_date.get(..8).unwrap_or_default()
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day(), self.region, self.service)
    }
}

/// The value of the Authorization header for a request. `signed` names the signed headers, in lower case and sorted.
pub fn authorization(request: &Request, signed: &[&str], principal: &Principal, scope: &Scope<'_>) -> String {
    let (id, names, scope_text) = (principal.access_key_id, signed.join(";"), scope.text());
    let signature = signature(request, signed, principal.secret_access_key, scope);
    format!("{ALGORITHM} Credential={id}/{scope_text}, SignedHeaders={names}, Signature={signature}")
}

fn signature(request: &Request, signed: &[&str], secret: &str, scope: &Scope<'_>) -> String {
    let hash = |bytes: &[u8]| HEXLOWER.encode(digest(&SHA256, bytes).as_ref());
    let mut canonical = format!("{}\n{}\n\n", request.method, request.path);
    for name in signed {
        let values: Vec<_> = request.headers(name).map(single_spaced).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{}\n{}", signed.join(";"), hash(&request.body));
    let to_sign = format!("{ALGORITHM}\n{}\n{}\n{}", scope.amz_date, scope.text(), hash(canonical.as_bytes()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [scope.day(), scope.region, scope.service, "aws4_request", &to_sign] {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes());
        key = mac.as_ref().to_vec();
    }
    HEXLOWER.encode(&key)
}

fn single_spaced(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Verifies the signature of a request to `host` at `now` (milliseconds since 1970), and returns the signer.
///
/// # Errors
/// `MissingAuthenticationTokenException`, `IncompleteSignatureException`, `UnrecognizedClientException`,
/// `InvalidSignatureException`.
pub fn verify(request: &Request, host: &str, region: &str, now: u64) -> Result<&'static Principal, Refusal> {
    let incomplete = |text: &str| Refusal::new(Exception::IncompleteSignature, text);
    let invalid = |text: String| Refusal::new(Exception::InvalidSignature, text);
    let header = request.header("authorization");
    let header =
        header.ok_or_else(|| Refusal::new(Exception::MissingAuthenticationToken, "Missing Authentication Token"))?;
    let fields = header.strip_prefix(ALGORITHM).ok_or_else(|| incomplete("unknown algorithm"))?;
    let field = |name: &str| {
        let found = fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| incomplete(name))
    };
    let (credential, names, given) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let (id, given_scope) = credential.split_once('/').ok_or_else(|| incomplete("Credential"))?;
    let unknown =
        || Refusal::new(Exception::UnrecognizedClient, "The security token included in the request is invalid.");
    let principal = with_access_key(id).ok_or_else(unknown)?;
    if request.header("x-amz-security-token").is_some() {
        // No development credentials have a session token.
        return Err(unknown());
    }
    let amz_date = request.header("x-amz-date").ok_or_else(|| incomplete("X-Amz-Date"))?;
    let date = date::parse_amz_date(amz_date).ok_or_else(|| incomplete("X-Amz-Date"))?;
    let clock_text = date::amz_date(now);
    if date + MAX_SKEW < now {
        return Err(invalid(format!("Signature expired: {amz_date} is now earlier than {clock_text} - 5 min.")));
    }
    if date > now + MAX_SKEW {
        return Err(invalid(format!(
            "Signature not yet current: {amz_date} is still later than {clock_text} + 5 min."
        )));
    }
    let scope = Scope { region, service: "kms", amz_date };
    if given_scope != scope.text() {
        return Err(invalid(format!("Credential should be scoped to '{}'.", scope.text())));
    }
    let names: Vec<_> = names.split(';').collect();
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    let unsigned = request.headers.iter().any(|(name, _)| must_be_signed(name) && !names.contains(&name.as_str()));
    if !names.is_sorted() || unsigned || request.header("host") != Some(host) {
        return Err(invalid("host and all x-amz-* headers must be signed, in order".to_string()));
    }
    let computed = signature(request, &names, principal.secret_access_key, &scope);
    verify_slices_are_equal(computed.as_bytes(), given.as_bytes()).map_err(|_| {
        invalid("The request signature we calculated does not match the signature you provided.".to_string())
    })?;
    Ok(principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases are `get-vanilla`, `post-vanilla`, `get-header-value-trim` and `post-x-www-form-urlencoded` of AWS's
    /// test suite for Signature Version 4.
    #[test]
    fn signs_the_requests_of_aws_test_suite() {
        let principal = Principal {
            arn: "",
            account: "",
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        };
        let scope = Scope { region: "us-east-1", service: "service", amz_date: "20150830T123600Z" };
        let base = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let mut form = base.to_vec();
        form.insert(0, ("content-type", "application/x-www-form-urlencoded"));
        let mut trim = base.to_vec();
        trim.splice(1..1, [("my-header1", " value1"), ("my-header2", " \"a   b   c\"")]);
        for (method, headers, body, expected) in [
            ("GET", base.to_vec(), "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", base.to_vec(), "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("GET", trim, "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
            ("POST", form, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let signed: Vec<_> = headers.iter().map(|(name, _)| name.clone()).collect();
            let signed: Vec<_> = signed.iter().map(String::as_str).collect();
            let (path, body) = ("/".to_string(), body.as_bytes().to_vec());
            let request = Request { method: method.to_string(), path, headers, body };
            let header = authorization(&request, &signed, &principal, &scope);
            assert!(header.ends_with(&format!("Signature={expected}")), "{header}");
        }
    }
}
