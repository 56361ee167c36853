//! Where the credentials for KMS come from. Credentials alone decrypt nothing: KMS also requires an attestation
//! document.

use crate::{Error, Links, parse_json, read_private};
use capelet_cli::private_file::READ_BY_OTHERS;
use enclave_core::parent::Credentials;
use serde_json::Value;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest credentials file, in bytes.
const MAX_FILE: usize = 16_384;

/// A source of credentials. It is read again at each use, because the credentials of a role last only for hours.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// No credentials. The parent answers the enclave's request with a failure.
    None,
    /// A file with the JSON that the AWS CLI reads from a `credential_process`: `AccessKeyId`, `SecretAccessKey` and,
    /// for a role, `SessionToken`.
    File(PathBuf),
}

impl CredentialSource {
    /// The current credentials. `None` if the source is [`CredentialSource::None`].
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::FileTooLarge`] if the file cannot be read, [`Error::NotPrivate`] if it belongs to
    /// another user or others can read it, [`Error::Credentials`] if it is not JSON with the required members.
    pub fn get(&self) -> Result<Option<Credentials>, Error> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => {
                let bytes = Zeroizing::new(read_private(path, MAX_FILE, Links::Follow, READ_BY_OTHERS)?);
                parse(&bytes, path).map(Some)
            }
        }
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Credentials, Error> {
    let wrong = || Error::Credentials(path.to_owned());
    let json = parse_json(bytes).ok_or_else(wrong)?;
    // These limits are the enclave's, which rejects longer values (`enclave_core::parent::Credentials`).
    let text = |name: &str, most: usize| json[name].as_str().filter(|text| text.len() <= most);
    let access_key_id = text("AccessKeyId", 128).filter(|text| !text.is_empty()).ok_or_else(wrong)?;
    let secret = text("SecretAccessKey", 128).filter(|text| !text.is_empty()).ok_or_else(wrong)?;
    let session_token = match &json["SessionToken"] {
        Value::Null => "",
        _ => text("SessionToken", 4096).ok_or_else(wrong)?,
    };
    Ok(Credentials {
        access_key_id: access_key_id.into(),
        secret_access_key: Zeroizing::new(secret.into()),
        session_token: session_token.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Credentials, Error> {
        parse(text.as_bytes(), Path::new("f"))
    }

    #[test]
    fn reads_the_output_of_a_credential_process() {
        let found = parsed(
            r#"{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"s","SessionToken":"t","Expiration":"2030-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!((found.access_key_id.as_str(), found.secret_access_key.as_str()), ("ASIA", "s"));
        assert_eq!(found.session_token, "t");
        assert_eq!(parsed(r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#).unwrap().session_token, "");
    }

    #[test]
    fn rejects_missing_mistyped_and_long_members() {
        let long = "x".repeat(129);
        for text in [
            "",
            "[]",
            "null",
            r#"{"AccessKeyId":"A"}"#,
            r#"{"AccessKeyId":"","SecretAccessKey":"s"}"#,
            r#"{"AccessKeyId":"A","SecretAccessKey":"s","SecretAccessKey":"t"}"#,
            r#"{"AccessKeyId":1,"SecretAccessKey":"s"}"#,
            r#"{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":7}"#,
            &format!(r#"{{"AccessKeyId":"{long}","SecretAccessKey":"s"}}"#),
        ] {
            assert!(matches!(parsed(text), Err(Error::Credentials(_))), "{text}");
        }
        assert!(matches!(CredentialSource::File("/nonexistent".into()).get(), Err(Error::File { .. })));
        assert!(CredentialSource::None.get().unwrap().is_none());
    }

    #[test]
    fn checks_at_each_use_that_others_cannot_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let source = CredentialSource::File(path.clone());
        std::fs::write(&path, r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#).unwrap();
        for (mode, private) in [(0o600, true), (0o640, false), (0o604, false), (0o400, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let got = source.get();
            assert_eq!(got.is_ok(), private, "{mode:o}");
            if let Err(error) = got {
                let text = error.to_string();
                assert!(text.contains(&format!("{mode:04o}")) && text.contains("chmod 600"), "{text}");
            }
        }
    }
}
