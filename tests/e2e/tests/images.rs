//! Two images at one address. Neither receives a key share for what the other one sealed, and neither opens it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet::values::Base64;
use capelet_e2e::{Local, Person};
use common::{ECHO, Place, wait_until};
use enclave_core::attestation::TrustMode;
use enclave_core::objects::Statement;
use serde_json::{Value, json};
use std::fs;

/// The two images. One runs at a time, in the same folder: address, root and store stay the same.
struct Images {
    /// The owner, who has pinned both images, and the folder. `place.local` runs first.
    place: Place,
    /// The program of the other image.
    core: String,
}

impl Images {
    fn new() -> Self {
        let place = Place::new(&[]);
        let core = place.other_core();
        Self { place, core }
    }

    fn owner(&self) -> &Person {
        &self.place.owner
    }

    /// Stops the image that runs, and starts the first one or the other one. The owner adds it to the pins.
    fn switch(self, other: bool) -> Self {
        let Self { place: Place { local, owner, folder }, core } = self;
        let home = local.home.clone();
        local.stop();
        let local = if other { Local::start(&home, &["--core", &core]) } else { Local::start(&home, &[]) };
        owner.ok(&["pin", "--development", "--add", &local.url]);
        Self { place: Place { local, owner, folder }, core }
    }

    /// How many objects the enclave has asked the store for.
    fn loads(&self) -> usize {
        self.place.local.log().matches(r#""operation":"get""#).count()
    }

    /// Asserts that the owner's client refuses with `wrong-image` before the enclave loads an object.
    #[track_caller]
    fn sends_no_share(&self, arguments: &[&str]) {
        let before = self.loads();
        let output = self.owner().run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(capelet_e2e::refusal(&output), "wrong-image", "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("nothing was sent"), "{text}");
        assert_eq!(self.loads(), before, "{arguments:?}");
    }

    /// The owner's catalogue.
    fn catalogue(&self) -> Value {
        serde_json::from_slice(&fs::read(self.owner().home.join("catalogue.json")).unwrap()).unwrap()
    }

    /// Changes the owner's catalogue.
    fn change_catalogue(&self, change: impl FnOnce(&mut Value)) {
        let mut catalogue = self.catalogue();
        change(&mut catalogue["content"]);
        fs::write(self.owner().home.join("catalogue.json"), catalogue.to_string()).unwrap();
    }

    /// Encrypts a text to the owner's own vault.
    fn encrypt(&self, text: &str) -> String {
        String::from_utf8(self.owner().ok(&["encrypt", text])).unwrap().trim().to_owned()
    }

    /// The previous key in the statement that the owner's client keeps, hexadecimal.
    fn previous(&self) -> Option<String> {
        let file = fs::read_dir(self.owner().home.join("statements")).unwrap().next().unwrap().unwrap().path();
        let kept: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let statement: Base64 = serde_json::from_value(kept["content"]["statement"].clone()).unwrap();
        let previous = Statement::parse(&statement.0, TrustMode::Development).unwrap().claims.previous;
        previous.map(|kid| capelet::values::Hex(kid).to_string())
    }
}

#[test]
fn functions_belong_to_the_image_that_sealed_them() {
    let images = Images::new();
    let (id, _) = images.place.deploy("echo", ECHO);
    let first = images.place.local.pcr0.clone();

    let images = images.switch(true);
    let other = images.place.local.pcr0.clone();
    assert_ne!(first, other);
    images.sends_no_share(&["run", "echo", "x"]);
    images.sends_no_share(&["run", &id, "x"]);
    // A client whose catalogue is wrong sends a share that opens nothing, and the enclave refuses.
    let before = images.loads();
    images.change_catalogue(|content| content["functions"][0]["image"] = json!(other));
    assert_eq!(images.owner().code(&["run", "echo", "x"]), "wrong-image");
    // The parent writes its log after it has answered.
    wait_until(|| "the enclave did not load the function".to_owned(), || (images.loads() == before + 1).then_some(()));
    images.change_catalogue(|content| content["functions"] = json!([]));
    let (_, checksum) = images.place.deploy("echo", ECHO);
    assert_eq!(images.owner().code(&["run", &id, "x", "--function-checksum", &checksum]), "wrong-image");
    images.place.local.stop();
}

#[test]
fn the_newest_version_of_a_function_decides_about_its_image() {
    let images = Images::new();
    images.place.deploy("echo", ECHO);
    let images = images.switch(true);
    images.place.deploy("echo", ECHO);
    assert_eq!(images.owner().ok(&["run", "echo", "x"]), b"x");
    images.sends_no_share(&["run", "echo", "x", "--function-version", "1"]);

    // In the first image, the first version runs only if the owner asks for it.
    let images = images.switch(false);
    images.sends_no_share(&["run", "echo", "x"]);
    assert_eq!(images.owner().ok(&["run", "echo", "x", "--function-version", "1"]), b"x");
    // Deleting needs no key share.
    images.owner().ok(&["delete", "echo", "--yes"]);
    images.place.local.stop();
}

#[test]
fn vault_keys_belong_to_the_image_that_made_them() {
    let images = Images::new();
    images.owner().ok(&["key", "create"]);
    let first = images.encrypt("one");

    let images = images.switch(true);
    images.place.deploy("echo", ECHO);
    images.sends_no_share(&["run", "echo", &first]);
    images.sends_no_share(&["key", "renew"]);
    let output = images.owner().run(&["key", "create", "-o", "json"]);
    assert_eq!(capelet_e2e::refusal(&output), "vault-key-exists");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("another image") && text.contains("--next-epoch"), "{text}");

    images.owner().ok(&["key", "create", "--next-epoch"]);
    let shown = images.owner().json(&["key", "show"]);
    let epochs = &shown["keys"];
    assert_eq!((&epochs[0]["epoch"], &epochs[1]["epoch"]), (&json!(1), &json!(2)));
    assert_ne!(epochs[0]["pcr0"], epochs[1]["pcr0"]);
    assert_eq!(epochs[1]["pcr0"], json!(images.place.local.pcr0));
    let second = images.encrypt("two");
    assert_eq!(images.owner().ok(&["run", "echo", &second]), b"two");
    // A renewed statement has the same previous key.
    assert_eq!((json!(images.previous()), &epochs[1]["previous_kid"]), (epochs[0]["kid"].clone(), &epochs[0]["kid"]));
    images.owner().ok(&["key", "renew"]);
    assert_eq!(json!(images.previous()), epochs[0]["kid"]);

    let images = images.switch(false);
    images.place.deploy("echo-here", ECHO);
    assert_eq!(images.owner().ok(&["run", "echo-here", &first]), b"one");
    images.sends_no_share(&["run", "echo-here", &second]);
    images.sends_no_share(&["key", "renew"]);
    images.place.local.stop();
}

#[test]
fn nobody_encrypts_to_a_key_that_a_revoked_image_has_held() {
    let images = Images::new();
    images.owner().ok(&["key", "create"]);
    let owner = images.owner().owner();
    let sender = images.place.person("sender");
    sender.ok(&["contact", "add", "owner", &owner]);
    sender.ok(&["contact", "fetch", "owner"]);
    let (first, url) = (images.place.local.pcr0.clone(), images.place.local.url.clone());
    let (_, checksum) = images.place.deploy("echo", ECHO);
    let encrypt = ["encrypt", "--to", "owner", "--for", &checksum, "--accept", "operator-account", "text"];
    sender.ok(&encrypt);

    let images = images.switch(true);
    sender.ok(&["pin", "--development", "--add", &url]);
    sender.ok(&encrypt);
    sender.ok(&["pin", &url, "--revoke", &first]);
    assert_eq!(sender.code(&encrypt), "revoked");
    assert_eq!(sender.code(&["contact", "fetch", "owner"]), "revoked");
    // The owner makes a key in the image that is still trusted.
    images.owner().ok(&["key", "create", "--next-epoch"]);
    sender.ok(&["contact", "fetch", "owner"]);
    sender.ok(&encrypt);
    images.place.local.stop();
}

#[test]
fn only_the_sealing_image_decides_about_an_epoch_in_doubt() {
    let images = Images::new();
    images.owner().ok(&["key", "create"]);
    let first = images.encrypt("one");
    images.change_catalogue(|content| content["vault"][0]["state"] = json!("signed"));

    // The other image would answer `not-found` or `wrong-image`. Neither says anything about the key.
    let images = images.switch(true);
    images.sends_no_share(&["key", "create"]);
    images.sends_no_share(&["key", "renew"]);
    assert_eq!(images.catalogue()["content"]["vault"][0]["state"], "signed");

    let images = images.switch(false);
    assert_eq!(images.owner().json(&["key", "create"])["epoch"], 1);
    assert_eq!(images.catalogue()["content"]["vault"][0]["state"], "confirmed");
    images.change_catalogue(|content| content["vault"][0]["state"] = json!("signed"));

    // An owner who wants a key of the other image says so. Data under the first key is not lost.
    let images = images.switch(true);
    assert_eq!(images.owner().json(&["key", "create", "--next-epoch"])["epoch"], 2);
    let states = |images: &Images| images.owner().json(&["key", "show"])["keys"].clone();
    assert_eq!((&states(&images)[0]["state"], &states(&images)[1]["state"]), (&json!("burnt"), &json!("confirmed")));
    assert_eq!(states(&images)[1]["previous_kid"], Value::Null);
    let images = images.switch(false);
    images.place.deploy("echo", ECHO);
    assert_eq!(images.owner().ok(&["run", "echo", &first]), b"one");
    images.place.local.stop();
}
