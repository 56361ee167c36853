//! `pin`.

use crate::cli::args::pin::Pin;
use crate::cli::confirm::confirm;
use crate::cli::context::Context;
use crate::cli::input::read_root;
use crate::error::Error;
use crate::evidence;
use crate::home::trust::{PinMode, Trust, TrustEntry, TrustedRoot};
use crate::measurements;
use crate::pins::ImagePins;
use crate::root_id::RootId;
use crate::session::Session;
use crate::url::Url;
use crate::values::{Base64, Hex, SHA384_FORM};
use enclave_core::Error as CoreError;
use enclave_core::attestation::{Document, Root, named_root};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn pin(arguments: Pin, context: &Context) -> Result<(), Error> {
    let address = match (&arguments.address, &context.url_option) {
        (Some(_), Some(_)) => {
            return Err(Error::Argument {
                name: "the address",
                want: "given either as an argument or with -u, not both",
            });
        }
        (address, option) => address.as_ref().or(option.as_ref()),
    };
    let sources = [
        arguments.measurements.is_some(),
        arguments.eif.is_some(),
        !arguments.pcr.is_empty(),
        arguments.development,
        arguments.revoke.is_some(),
    ];
    let Some(address) = address else {
        let named =
            arguments.root.is_some() || arguments.add || arguments.replace || arguments.yes || sources.contains(&true);
        if named {
            return Err(Error::Argument { name: "pin", want: "given the address for which its options are" });
        }
        return show(context);
    };
    let url = Url::parse(address)?;
    match sources.iter().filter(|source| **source).count() {
        0 => return Err(CoreError::NoPins.into()),
        1 => {}
        _ => {
            return Err(Error::Argument {
                name: "pin",
                want: "given only one of --measurements, --eif, -p, --development, --revoke",
            });
        }
    }
    if arguments.root.is_some() && (arguments.development || arguments.revoke.is_some()) {
        return Err(Error::Argument { name: "--root", want: "given with --measurements, --eif or -p" });
    }
    if arguments.add && arguments.replace {
        return Err(Error::Argument { name: "pin", want: "given either --add or --replace, not both" });
    }
    if arguments.revoke.is_some() && (arguments.add || arguments.replace) {
        return Err(Error::Argument { name: "--revoke", want: "given without --add and --replace" });
    }
    if let Some(pcr0) = &arguments.revoke {
        let invalid = || Error::BadValue { name: "--revoke", value: pcr0.clone(), want: SHA384_FORM };
        let pcr0 = Hex::parse(pcr0).ok_or_else(invalid)?;
        let entry = context.home.update(|trust: &mut Trust| {
            trust.revoke(&url, pcr0.0)?;
            trust.find(&url).cloned().ok_or_else(|| Error::NoPins(url.to_string()))
        })?;
        let root = entry.root()?;
        context.output.mark_development(root.is_development());
        let fields = [("Revoked", pcr0.to_string()), ("Address", entry.url.clone())];
        return context.output.fields(&fields, describe(&entry, &root));
    }
    if arguments.yes && !arguments.replace {
        return Err(Error::Argument { name: "--yes", want: "given with --replace" });
    }
    if arguments.replace
        && let Some(pinned) = context.home.load::<Trust>()?.find(&url)
    {
        let images = pinned.pins.len();
        confirm(
            arguments.yes,
            &format!("Remove the {images} pinned images of {url}, and the root under which they are?"),
        )?;
    }
    let named = root_option(arguments.root.as_deref())?;
    let (root, pins) = match (&arguments.measurements, &arguments.eif) {
        (Some(path), _) => (named, measurements::from_file(Path::new(path))?),
        (_, Some(path)) => (named, measurements::from_eif(Path::new(path))?),
        _ if arguments.development => context.retrying(|| first_use(&url))?,
        _ => (named, ImagePins::parse(&arguments.pcr)?),
    };
    let mode = match (arguments.replace, arguments.add) {
        (true, _) => PinMode::Replace,
        (false, true) => PinMode::Add,
        (false, false) => PinMode::Repin,
    };
    // Further images keep the development root that is already pinned for the address.
    let entry = context.home.update(|trust: &mut Trust| {
        let pinned = trust.find(&url).map(|entry| entry.root.clone());
        let root = match pinned {
            Some(pinned) if arguments.root.is_none() && root == TrustedRoot::Aws && mode != PinMode::Replace => pinned,
            _ => root.clone(),
        };
        trust.pin(&url, root, pins, mode)?;
        trust.entry(&url).cloned()
    })?;
    print(&entry, context)
}

/// The root in a file. `None` stands for Amazon's root.
fn root_option(path: Option<&str>) -> Result<TrustedRoot, Error> {
    let root = read_root(path)?;
    Ok(if root.is_development() { TrustedRoot::Development(Base64(root.der().to_vec())) } else { TrustedRoot::Aws })
}

/// Trust on first use: takes root and image from the enclave that answers now. Only a development root on this machine
/// is accepted.
fn first_use(url: &Url) -> Result<(TrustedRoot, ImagePins), Error> {
    if !url.may_be_local() {
        return Err(Error::NotLocal(url.to_string()));
    }
    let mut entry = None;
    Session::connect_to(url, |document| {
        let root = named_root(document)?.to_vec();
        let found = Document::parse(document)?.pcrs;
        let pins = ImagePins::new(found.into_iter().filter(|(index, _)| *index <= 2).collect())?;
        let root = TrustedRoot::Development(Base64(root));
        let chosen = TrustEntry { url: url.to_string(), root, pins: vec![pins], revoked: Vec::new() };
        if !chosen.root()?.is_development() {
            // Amazon's root proves too little, because the enclaves of all AWS customers are under it.
            return Err(Error::NotDevelopment(url.to_string()));
        }
        entry = Some(chosen.clone());
        Ok(chosen)
    })?;
    let TrustEntry { root, mut pins, .. } = entry.ok_or(CoreError::NoPins)?;
    Ok((root, pins.pop().ok_or(CoreError::NoPins)?))
}

fn show(context: &Context) -> Result<(), Error> {
    let trust: Trust = context.home.load()?;
    let (mut lines, mut addresses) = (Vec::new(), Vec::new());
    for entry in trust.all() {
        let root = entry.root()?;
        context.output.mark_development(root.is_development());
        addresses.push(describe(entry, &root));
        lines.extend([entry.url.clone(), format!("  root     {}", evidence::root_name(&root))]);
        lines.extend(entry.pins.iter().map(|pins| format!("  image    {pins}")));
        lines.extend(entry.revoked.iter().map(|pcr0| format!("  revoked  {pcr0}")));
    }
    context.output.lines(&lines, json!({"addresses": addresses}))
}

fn print(entry: &TrustEntry, context: &Context) -> Result<(), Error> {
    let root = entry.root()?;
    context.output.development(root.is_development());
    let mut fields = vec![("Address", entry.url.clone()), ("Root", evidence::root_name(&root))];
    for pins in &entry.pins {
        fields.push(("PCR0", Hex(*pins.pcr0()).to_string()));
    }
    context.output.fields(&fields, describe(entry, &root))
}

/// The members of an entry, whose root this is.
fn describe(entry: &TrustEntry, root: &Root) -> Value {
    let pins = entry.pins.iter().map(|pins| pins.pcrs().map(|(index, pcr)| (index, *pcr)).collect());
    let pins: Vec<_> = pins.map(|pcrs| evidence::pcrs_json(&pcrs)).collect();
    json!({
        "url": entry.url, "root": Hex(RootId::of(root)), "development": root.is_development(), "pins": pins,
        "revoked": entry.revoked,
    })
}
