//! Function bundles.
//!
//! - A bundle that `Bundle::parse` accepts is exactly what `Bundle::build` writes for the same manifest and files.
//! - `BundleForm::parse`, which reads only the form, accepts it too.

use enclave_core::objects::{Bundle, BundleForm};

/// The input is a bundle.
pub fn check(data: &[u8]) {
    let Ok(parsed) = Bundle::parse(data) else { return };
    assert!(BundleForm::parse(data).is_ok());
    let again = Bundle::build(&parsed.manifest, parsed.files.clone()).expect("an accepted bundle can be built");
    assert!(Bundle::parse(&again).is_ok_and(|again| again == parsed));
    assert_eq!(again, data);
}
