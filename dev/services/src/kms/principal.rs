//! Who may sign requests. Credentials are fixed and worthless: DEVELOPMENT.

/// A caller whom this KMS knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Principal {
    /// The ARN that policies name.
    pub arn: &'static str,
    /// Twelve digits.
    pub account: &'static str,
    /// Its access key id.
    pub access_key_id: &'static str,
    /// Its secret access key.
    pub secret_access_key: &'static str,
}

impl Principal {
    /// Its credentials as a `credential_process` prints them, which is what `capelet-parent` reads.
    pub fn credentials(&self) -> String {
        let (id, secret) = (self.access_key_id, self.secret_access_key);
        serde_json::json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret }).to_string()
    }
}

/// The parent instance's role: its credentials are those that an enclave is handed. There is no session token.
pub const PARENT: Principal = Principal {
    arn: "arn:aws:iam::111122223333:role/capelet-DEVELOPMENT",
    account: "111122223333",
    access_key_id: "AKIADEVELOPMENTPAREN",
    secret_access_key: "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",
};

/// An administrator of the same account.
pub const ADMINISTRATOR: Principal = Principal {
    arn: "arn:aws:iam::111122223333:user/administrator-DEVELOPMENT",
    account: "111122223333",
    access_key_id: "AKIADEVELOPMENTADMIN",
    secret_access_key: "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",
};

/// Somebody of another account.
pub const STRANGER: Principal = Principal {
    arn: "arn:aws:iam::444455556666:user/stranger-DEVELOPMENT",
    account: "444455556666",
    access_key_id: "AKIADEVELOPMENTSTRAN",
    secret_access_key: "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",
};

/// The principal of this access key id.
pub fn of(access_key_id: &str) -> Option<&'static Principal> {
    [&PARENT, &ADMINISTRATOR, &STRANGER].into_iter().find(|known| known.access_key_id == access_key_id)
}
