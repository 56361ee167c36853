//! Puts the development KMS' root, if the build of an image names one, where `main.rs` includes it from.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=CAPELET_DEVELOPMENT_KMS_ROOT");
    let root = match env::var_os("CAPELET_DEVELOPMENT_KMS_ROOT") {
        Some(path) => fs::read(path)?,
        None => Vec::new(),
    };
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    fs::write(folder.join("kms-root.der"), root)
}
