//! `deploy`.

use crate::cli::args::deploy::Deploy;
use crate::cli::context::Context;
use crate::cli::input::check_sha384;
use crate::deploy;
use crate::error::Error;
use crate::folder;
use crate::home::contacts::is_name;
use crate::policy;
use enclave_core::kms::ArnRejection;
use serde_json::json;
use std::path::Path;

pub(super) fn deploy(arguments: &Deploy, context: &Context) -> Result<(), Error> {
    if let Some(arn) = &arguments.key
        && let Some(rejection) = ArnRejection::of(arn)
    {
        return Err(Error::Usage(format!("--key {arn} {rejection}")));
    }
    check_sha384("--key-policy-checksum", arguments.key_policy_checksum.as_deref())?;
    policy::check_names(arguments.accept.as_deref())?;
    arguments.name.as_deref().map_or(Ok(()), check_name)?;
    let path = Path::new(&arguments.path);
    if arguments.blind {
        folder::blind(path)?;
    }
    let function = folder::read(path)?;
    let name = arguments.name.as_deref().unwrap_or(&function.name);
    check_name(name)?;
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let options = deploy::Options {
        name,
        key: arguments.key.as_deref(),
        key_policy_checksum: arguments.key_policy_checksum.as_deref(),
        accept: arguments.accept.as_deref(),
    };
    let deployed = context.retrying(|| deploy::deploy(&context.home, &mut session, &identity, &function, &options))?;
    let mut fields = vec![
        ("Function ID", deployed.id.to_string()),
        ("Function Checksum", deployed.checksum.to_string()),
        ("Function Name", deployed.name.clone()),
    ];
    if deployed.version > 1 {
        fields.push(("Function Version", deployed.version.to_string()));
    }
    if session.development() {
        fields.push(("Root", "DEVELOPMENT".to_owned()));
    }
    let object = json!({
        "function_id": deployed.id,
        "function_checksum": deployed.checksum,
        "function_name": deployed.name,
        "function_version": deployed.version,
        "kms_key": deployed.arn,
    });
    context.output.fields(&fields, object)
}

fn check_name(name: &str) -> Result<(), Error> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::BadValue {
        name: "the function's name",
        value: name.to_owned(),
        want: "1 to 64 letters, digits, - _ or ., and begin with a letter: give another name with -n NAME",
    })
}
