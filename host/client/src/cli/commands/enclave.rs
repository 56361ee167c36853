//! `attest` and `pcrs`: a session, and what it proved. And how other commands get one.

use crate::cli::Context;
use crate::cli::output::mark;
use crate::clock;
use crate::error::Error;
use crate::evidence;
use crate::home::trust::Trust;
use crate::session::Session;
use crate::values::Hex;
use serde_json::{Value, json};

/// A session with the enclave that is meant, verified by what is pinned for it.
pub(super) fn session(context: &Context) -> Result<Session, Error> {
    let url = context.url()?;
    let trust: Trust = context.home.load()?;
    let session = Session::connect(&url, trust.entry(&url)?)?;
    context.output.development(session.development());
    let pcr0 = session.verified().pcrs.get(&0).map(|pcr0| Hex(*pcr0).to_string()).unwrap_or_default();
    context.output.detail(&format!("{url} runs the pinned image {pcr0}"));
    Ok(session)
}

pub(super) fn attest(context: &Context) -> Result<(), Error> {
    let session = session(context)?;
    let (judged, claims) = (session.verified(), &session.evidence().claims);
    let limits = session.limits();
    let key = claims.kms.as_ref().map(|kms| kms.arn.text());
    let deployers = session.evidence().configuration.as_ref().and_then(|configuration| configuration.deployers);
    let mut fields = vec![
        ("Address", session.url().to_string()),
        ("Verified", format!("at {}", clock::date(judged.timestamp))),
        ("Enclave", judged.module_id.clone()),
        ("Root", evidence::root_name(session.root())),
    ];
    let pcrs = evidence::pcr_fields(&judged.pcrs);
    fields.extend(pcrs.iter().map(|(name, pcr)| (name.as_str(), pcr.clone())));
    fields.extend([
        ("Receipt Key", Hex(claims.receipt_key).to_string()),
        ("KMS Key", key.unwrap_or("none").to_owned()),
        ("Deployers", deployers.map_or("anybody".to_owned(), |digest| format!("list {}", Hex(digest)))),
        (
            "Limits",
            format!(
                "{} ms, memory {}, input {}, output {} bytes",
                limits.run, limits.memory, limits.input, limits.output
            ),
        ),
    ]);
    let mut object = json!({
        "url": session.url().to_string(),
        "verified": true,
        "connection": true,
        "timestamp": judged.timestamp,
        "module_id": judged.module_id,
        "root": session.root_id(),
        "pcrs": evidence::pcrs_json(&judged.pcrs),
        "receipt_key": Hex(claims.receipt_key),
        "kms_key": key,
        "key_policy_checksum": claims.kms.as_ref().and_then(|kms| kms.policy).map(|digest| Hex(digest).to_string()),
        "deployers": deployers.map(|digest| Hex(digest).to_string()),
        "limits": {"run": limits.run, "memory": limits.memory, "input": limits.input, "output": limits.output},
    });
    mark(&mut object, session.development());
    context.output.fields(&fields, &object)
}

pub(super) fn pcrs(context: &Context) -> Result<(), Error> {
    let session = session(context)?;
    let pcrs = &session.verified().pcrs;
    let lines: String = pcrs.iter().map(|(index, pcr)| format!("{index}:{}\n", Hex(*pcr))).collect();
    let mut object = json!({"pcrs": evidence::pcrs_json(pcrs)});
    mark(&mut object, session.development());
    context.output.text(&lines, &Value::clone(&object))
}
