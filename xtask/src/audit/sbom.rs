//! The software bill of materials, as CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! It has no time and no serial number, so that the same inputs give the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::audit::crate_tree::{CrateId, CrateTree};
use crate::audit::locks::{DebianPackage, Locks, Sha256};
use crate::audit::programs::IMAGE_WRITER;
use crate::audit::purl;

/// What the bill is written from.
pub struct Materials<'a> {
    /// The version of our own packages.
    pub version: &'a str,
    pub image: Sha256,
    pub kernel: Sha256,
    /// The SHA-256 of each program in the image, by package.
    pub programs: BTreeMap<&'static str, Sha256>,
    /// The names of our own packages.
    pub own: BTreeSet<&'a str>,
    /// What is compiled into the programs.
    pub inside: Vec<&'a CrateTree>,
    /// That, and what runs while they are built.
    pub build: Vec<&'a CrateTree>,
    pub locks: &'a Locks,
}

/// The component that stands for the whole image.
const IMAGE: &str = "capelet.eif";

/// The bill as JSON.
///
/// # Errors
/// A sentence about each crate that Cargo.lock has no hash for.
pub fn document(materials: &Materials<'_>) -> Result<String, Vec<String>> {
    let mut components: BTreeMap<String, Value> = BTreeMap::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut faults = Vec::new();

    let inside: BTreeSet<&CrateId> = materials.inside.iter().flat_map(|tree| &tree.crates).collect();
    let all = materials.build.iter().flat_map(|tree| &tree.crates).chain(inside.iter().copied());
    for id in all.collect::<BTreeSet<_>>() {
        let scope = if inside.contains(id) { "required" } else { "excluded" };
        let component = if materials.own.contains(id.name.as_str()) {
            Some(own_component(materials, id, scope))
        } else {
            crate_component(materials.locks, id, scope)
        };
        match component {
            Some(component) => drop(components.insert(reference(materials, id), component)),
            None => faults.push(format!("Cargo.lock has no checksum for {id}: run `cargo update --workspace`")),
        }
    }
    let trees = materials.inside.iter().chain(&materials.build);
    for (from, to) in trees.flat_map(|tree| &tree.edges) {
        dependencies.entry(reference(materials, from)).or_default().insert(reference(materials, to));
    }

    for package in &materials.locks.build_root {
        let component = debian_component(package, "excluded");
        components.insert(purl::debian(&package.name, &package.version), component);
    }
    let source = &materials.locks.kernel_source;
    let source_reference = purl::debian(&source.name, &source.version);
    components.insert(source_reference.clone(), debian_component(source, "required"));
    let (kernel_reference, kernel) = kernel_component(materials);
    components.insert(kernel_reference.clone(), kernel);
    dependencies.entry(kernel_reference.clone()).or_default().insert(source_reference);
    let (rust_reference, rust) = rust_component(materials.locks);
    components.insert(rust_reference, rust);

    let image = dependencies.entry(IMAGE.into()).or_default();
    image.insert(kernel_reference);
    image.extend(
        inside.iter().filter(|id| materials.programs.contains_key(id.name.as_str())).map(|id| reference(materials, id)),
    );
    for reference in components.keys() {
        dependencies.entry(reference.clone()).or_default();
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let value = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": IMAGE,
                "name": IMAGE,
                "version": materials.version,
                "hashes": hashes(&materials.image),
            },
            "tools": {"components": [{"type": "application", "name": "xtask", "version": materials.version}]},
        },
        "components": components.values().collect::<Vec<_>>(),
        "dependencies": dependencies
            .iter()
            .map(|(reference, needed)| json!({"ref": reference, "dependsOn": needed}))
            .collect::<Vec<_>>(),
    });
    Ok(format!("{value:#}\n"))
}

/// The name of a crate inside the bill. Our own packages are in no registry, so they have no package URL.
fn reference(materials: &Materials<'_>, id: &CrateId) -> String {
    if materials.own.contains(id.name.as_str()) {
        format!("{}@{}", id.name, id.version)
    } else {
        purl::cargo(&id.name, &id.version)
    }
}

fn own_component(materials: &Materials<'_>, id: &CrateId, scope: &str) -> Value {
    let program = materials.programs.get(id.name.as_str());
    let is_program = program.is_some() || id.name == IMAGE_WRITER;
    let mut component = json!({
        "type": if is_program { "application" } else { "library" },
        "bom-ref": reference(materials, id),
        "name": id.name,
        "version": id.version,
        "scope": scope,
    });
    if let Some(sha256) = program {
        component["hashes"] = hashes(sha256);
    }
    component
}

/// `None` if Cargo.lock has no hash.
fn crate_component(locks: &Locks, id: &CrateId, scope: &str) -> Option<Value> {
    let sha256 = locks.crates.get(id)?.as_ref()?;
    let purl = purl::cargo(&id.name, &id.version);
    Some(json!({
        "type": "library",
        "bom-ref": purl,
        "name": id.name,
        "version": id.version,
        "scope": scope,
        "hashes": hashes(sha256),
        "purl": purl,
    }))
}

fn debian_component(package: &DebianPackage, scope: &str) -> Value {
    let purl = purl::debian(&package.name, &package.version);
    json!({
        "type": if package.name.starts_with("lib") { "library" } else { "application" },
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "scope": scope,
        "hashes": hashes(&package.sha256),
        "purl": purl,
    })
}

/// The kernel that was built: its version is the upstream part of the source package's version.
fn kernel_component(materials: &Materials<'_>) -> (String, Value) {
    let version = materials.locks.kernel_source.version.split('-').next().unwrap_or_default();
    let purl = purl::generic("linux", version);
    let component = json!({
        "type": "operating-system",
        "bom-ref": purl,
        "name": "linux",
        "version": version,
        "scope": "required",
        "hashes": hashes(&materials.kernel),
        "purl": purl,
    });
    (purl, component)
}

/// The toolchain, whose standard library is linked into every program.
fn rust_component(locks: &Locks) -> (String, Value) {
    let purl = purl::generic("rust", &locks.rust_version);
    let component = json!({
        "type": "application",
        "bom-ref": purl,
        "name": "rust",
        "version": locks.rust_version,
        "scope": "required",
        "purl": purl,
        // The toolchain is many files. This is the hash of the list of their hashes.
        "properties": [{"name": "capelet:sha256:reproducible/rust.lock", "value": locks.rust_lock.as_str()}],
    });
    (purl, component)
}

fn hashes(sha256: &Sha256) -> Value {
    json!([{"alg": "SHA-256", "content": sha256.as_str()}])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> CrateId {
        CrateId { name: name.into(), version: version.into() }
    }

    fn tree(edges: &[(&CrateId, &CrateId)]) -> CrateTree {
        let edges: BTreeSet<_> = edges.iter().map(|(from, to)| ((*from).clone(), (*to).clone())).collect();
        let crates = edges.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
        CrateTree { text: String::new(), crates, edges }
    }

    fn locks() -> Locks {
        let hash = |text: &str| Sha256::of(text.as_bytes());
        let package = |name: &str, version: &str| DebianPackage {
            name: name.into(),
            version: version.into(),
            sha256: hash(name),
        };
        Locks {
            crates: [
                (id("capelet-core", "0.1.0"), None),
                (id("zeroize", "1.9.2"), Some(hash("zeroize"))),
                (id("zeroize_derive", "1.5.0+x"), Some(hash("zeroize_derive"))),
            ]
            .into(),
            build_root: vec![package("libstdc++6", "12.2.0-14"), package("bc", "1.07.1-3+b1")],
            kernel_source: package("linux-source-6.12", "6.12.117-1~deb12u1"),
            rust_version: "1.95.0".into(),
            rust_lock: hash("rust"),
        }
    }

    /// A bill over a core that contains zeroize, which is built with zeroize_derive.
    fn bill(locks: &Locks) -> Result<String, Vec<String>> {
        let (core, zeroize) = (id("capelet-core", "0.1.0"), id("zeroize", "1.9.2"));
        let derive = id("zeroize_derive", "1.5.0+x");
        let inside = tree(&[(&core, &zeroize)]);
        let build = tree(&[(&core, &zeroize), (&zeroize, &derive)]);
        document(&Materials {
            version: "0.1.0",
            image: Sha256::of(b"image"),
            kernel: Sha256::of(b"kernel"),
            programs: [("capelet-core", Sha256::of(b"core"))].into(),
            own: ["capelet-core"].into(),
            inside: vec![&inside],
            build: vec![&build],
            locks,
        })
    }

    /// Checks what CycloneDX 1.6 requires of the parts that this file writes.
    fn assert_shape(bill: &Value) {
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["specVersion"], "1.6");
        assert_eq!(bill["version"], 1);
        let known = ["$schema", "bomFormat", "specVersion", "version", "metadata", "components", "dependencies"];
        assert!(bill.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
        assert!(bill["metadata"].get("timestamp").is_none() && bill.get("serialNumber").is_none());
        let components = bill["components"].as_array().unwrap();
        let mut references = vec![bill["metadata"]["component"]["bom-ref"].as_str().unwrap()];
        for component in components.iter().chain([&bill["metadata"]["component"]]) {
            let known = ["type", "bom-ref", "name", "version", "scope", "hashes", "purl", "properties"];
            assert!(component.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{component}");
            let kind = component["type"].as_str().unwrap();
            assert!(["application", "library", "operating-system"].contains(&kind));
            assert!(!component["name"].as_str().unwrap().is_empty());
            assert!(!component["version"].as_str().unwrap().is_empty());
            if let Some(scope) = component.get("scope") {
                assert!(["required", "excluded"].contains(&scope.as_str().unwrap()));
            }
            for hash in component.get("hashes").map(|hashes| hashes.as_array().unwrap()).unwrap_or(&Vec::new()) {
                assert_eq!(hash["alg"], "SHA-256");
                assert!(Sha256::parse(hash["content"].as_str().unwrap()).is_some());
            }
            if let Some(purl) = component.get("purl") {
                assert!(purl.as_str().unwrap().starts_with("pkg:"));
                assert_eq!(purl, &component["bom-ref"]);
            }
        }
        references.extend(components.iter().map(|component| component["bom-ref"].as_str().unwrap()));
        let unique: BTreeSet<&str> = references.iter().copied().collect();
        assert_eq!(unique.len(), references.len(), "a bom-ref is repeated");
        assert!(references[1..].is_sorted());
        let dependencies = bill["dependencies"].as_array().unwrap();
        let from: Vec<&str> = dependencies.iter().map(|entry| entry["ref"].as_str().unwrap()).collect();
        assert!(from.is_sorted());
        assert_eq!(from.iter().copied().collect::<BTreeSet<_>>(), unique);
        for needed in dependencies.iter().flat_map(|entry| entry["dependsOn"].as_array().unwrap()) {
            assert!(unique.contains(needed.as_str().unwrap()), "{needed} is no component");
        }
    }

    fn component<'a>(bill: &'a Value, name: &str) -> &'a Value {
        bill["components"].as_array().unwrap().iter().find(|component| component["name"] == name).unwrap()
    }

    #[test]
    fn has_the_shape_of_cyclonedx() {
        assert_shape(&serde_json::from_str(&bill(&locks()).unwrap()).unwrap());
    }

    #[test]
    fn lists_crates_packages_kernel_toolchain_and_programs() {
        let bill: Value = serde_json::from_str(&bill(&locks()).unwrap()).unwrap();
        assert_eq!(bill["components"].as_array().unwrap().len(), 8);
        assert_eq!(component(&bill, "zeroize")["purl"], "pkg:cargo/zeroize@1.9.2");
        assert_eq!(component(&bill, "zeroize")["scope"], "required");
        assert_eq!(component(&bill, "zeroize_derive")["scope"], "excluded");
        assert_eq!(component(&bill, "zeroize_derive")["purl"], "pkg:cargo/zeroize_derive@1.5.0%2Bx");
        assert_eq!(component(&bill, "libstdc++6")["purl"], "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14");
        assert_eq!(component(&bill, "linux")["version"], "6.12.117");
        assert_eq!(component(&bill, "rust")["version"], "1.95.0");
        assert_eq!(component(&bill, "capelet-core")["hashes"][0]["content"], Sha256::of(b"core").as_str());
        let image = bill["dependencies"].as_array().unwrap().iter().find(|entry| entry["ref"] == IMAGE).unwrap();
        assert_eq!(image["dependsOn"], json!(["capelet-core@0.1.0", "pkg:generic/linux@6.12.117"]));
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes() {
        let mut other = locks();
        other.build_root.reverse();
        assert_eq!(bill(&locks()), bill(&other));
    }

    #[test]
    fn a_crate_without_a_hash_is_an_error() {
        let mut locks = locks();
        locks.crates.remove(&id("zeroize", "1.9.2"));
        assert!(bill(&locks).unwrap_err()[0].starts_with("Cargo.lock has no checksum for zeroize-1.9.2"));
    }
}
