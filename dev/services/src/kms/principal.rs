//! The principals that may sign requests. Their credentials are constants without value: DEVELOPMENT.

/// A caller that this KMS knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Principal {
    /// The ARN that policies name.
    pub arn: &'static str,
    /// The account: twelve digits.
    pub account: &'static str,
    /// The access key id.
    pub access_key_id: &'static str,
    /// The secret access key.
    pub secret_access_key: &'static str,
}

impl Principal {
    /// The credentials in the form of a `credential_process`, which `capelet-parent` reads.
    pub fn credentials(&self) -> String {
        let (id, secret) = (self.access_key_id, self.secret_access_key);
        serde_json::json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret }).to_string()
    }
}

/// The role of the parent instance. The enclave receives its credentials, which have no session token.
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

/// A user of another account.
pub const STRANGER: Principal = Principal {
    arn: "arn:aws:iam::444455556666:user/stranger-DEVELOPMENT",
    account: "444455556666",
    access_key_id: "AKIADEVELOPMENTSTRAN",
    secret_access_key: "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",
};

/// The principal with this access key id; `None` if the id is unknown.
pub fn with_access_key(access_key_id: &str) -> Option<&'static Principal> {
    [&PARENT, &ADMINISTRATOR, &STRANGER].into_iter().find(|known| known.access_key_id == access_key_id)
}
