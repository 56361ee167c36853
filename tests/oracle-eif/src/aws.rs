//! AWS's library, used as AWS's own tools use it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use aws_nitro_enclaves_image_format::defs::{EifBuildInfo, EifIdentityInfo};
use aws_nitro_enclaves_image_format::utils::eif_reader::EifReader;
use aws_nitro_enclaves_image_format::utils::{EifBuilder, EifSigner, PcrSignatureChecker, SignKeyData};
use serde_json::Value;
use sha2::{Digest, Sha384};

pub type Pcrs = BTreeMap<String, String>;

/// The paths of a key and of its certificate, both PEM files.
pub struct Signer<'a> {
    pub key: &'a str,
    pub certificate: &'a str,
}

impl Signer<'_> {
    fn load(&self) -> SignKeyData {
        SignKeyData::new(self.key, Path::new(self.certificate)).expect("key and certificate")
    }
}

/// The metadata of every image that `eif-build` writes, in AWS's types.
pub fn metadata() -> EifIdentityInfo {
    EifIdentityInfo {
        img_name: "capelet".into(),
        img_version: "1".into(),
        build_info: EifBuildInfo {
            build_time: "1970-01-01T00:00:00+00:00".into(),
            build_tool: "eif-build".into(),
            build_tool_version: "1".into(),
            img_os: "Linux".into(),
            img_kernel: "Unknown".into(),
        },
        docker_info: Value::Null,
        custom_info: Value::Null,
    }
}

/// Writes an image, and returns its PCRs.
pub fn build(line: &str, ramdisks: &[&str], metadata: EifIdentityInfo, signer: Option<&Signer>, to: &str) -> Pcrs {
    let key = signer.map(Signer::load);
    let mut builder = EifBuilder::new(Path::new("kernel"), line.into(), key, Sha384::new(), 0, metadata);
    for ramdisk in ramdisks {
        builder.add_ramdisk(Path::new(ramdisk));
    }
    pcrs(builder.write_to(&mut File::create(to).expect("output")))
}

/// Signs an image in place.
pub fn sign(path: &str, signer: &Signer) {
    EifSigner::new(Some(signer.load())).expect("signer").sign_image(path).expect("signed");
}

/// Reads an image, and returns its PCRs. The CRC is checked. A signature is verified.
pub fn read(path: &str) -> Pcrs {
    let mut reader = EifReader::from_eif(path.into()).expect("AWS's reader accepts the image");
    assert!(reader.check_crc(), "{path}: CRC");
    let metadata = reader.get_metadata().expect("metadata");
    assert!(!metadata.img_name.is_empty(), "{path}: metadata");
    let measured = reader.get_measurements().expect("measurements");
    if reader.signature_section.is_some() {
        PcrSignatureChecker::from_eif(path).and_then(|mut checker| checker.verify()).expect("signature");
        reader.get_certificate_info(measured.clone()).expect("certificate");
        assert_eq!(reader.sign_check, Some(true), "{path}: the signature is over its PCR0");
    }
    pcrs(measured)
}

/// Removes the name of the hash function, which AWS lists among the measurements.
fn pcrs(mut measured: Pcrs) -> Pcrs {
    measured.remove("HashAlgorithm");
    measured
}
