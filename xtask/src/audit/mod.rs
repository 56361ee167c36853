//! `xtask audit`: what an auditor has to read and to trust, as docs/audit.md, docs/audit.html and an SBOM.

mod built;
mod code_size;
mod command;
mod compare;
mod crate_tree;
mod html;
mod image;
mod kernel;
mod locks;
mod markdown;
mod outside_crates;
mod own_code;
mod programs;
mod proof;
mod purl;
mod sbom;
mod svg;
mod treemap;
mod trust_base;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::audit::built::{Built, read};
use crate::audit::crate_tree::{CrateTree, Edges};
use crate::audit::kernel::KernelObjects;
use crate::audit::locks::{Locks, Sha256};
use crate::audit::programs::{IMAGE_WRITER, PROGRAMS};
use crate::audit::sbom::Materials;
use crate::audit::trust_base::TrustBase;
use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::workspace::Workspace;

/// Makes every check of the image in `folder`, writes the SBOM there, and compares or writes the pages.
///
/// # Errors
/// `Faults`, if a check finds some or a page is out of date; every other error, if a check could not be made.
pub fn check(workspace: &Workspace, folder: &Path, write: bool) -> Result<String, Error> {
    let root = &workspace.root;
    if !folder.join("capelet.eif").is_file() {
        let folder = folder.display();
        return Err(Error::Faults(vec![format!(
            "{folder}/capelet.eif not found: run `reproducible/build.sh {folder}`"
        )]));
    }
    let locks = Locks::read(root)?;
    let mut programs = Vec::new();
    let mut build = vec![CrateTree::of(root, IMAGE_WRITER, Edges::InsideAndBuild)?];
    for program in &PROGRAMS {
        programs.push((program, CrateTree::of(root, program.package, Edges::Inside)?));
        build.push(CrateTree::of(root, program.package, Edges::InsideAndBuild)?);
    }
    let inside: Vec<CrateTree> = programs.iter().map(|(_, tree)| tree.clone()).collect();
    let own = own_code::measure(workspace, &own_code::own_packages(workspace, &inside))?;

    let built = Built::find(root, folder)?;
    let contents = built.contents()?;
    let evidence = built.evidence()?;
    let config = read(&folder.join("parts/kernel.config"))?;
    let mut faults = built.faults(&contents, &evidence)?;
    faults.extend(proof::faults(&contents, &evidence, &String::from_utf8_lossy(&config)));
    if !faults.is_empty() {
        return Err(Error::Faults(faults));
    }

    let kernel = read(&folder.join("parts/bzImage"))?;
    let objects = read(&built.kernel.join("objects"))?;
    let crates = outside_crates::measure(workspace, &programs, &built.crates)?;
    let base = TrustBase {
        programs,
        crates,
        own,
        image: contents,
        kernel_size: kernel.len() as u64,
        kernel: KernelObjects::parse(&String::from_utf8_lossy(&objects)),
    };

    let version = workspace.packages.iter().find(|package| package.name.as_str() == PROGRAMS[0].package);
    let in_image = PROGRAMS.iter().filter_map(|program| {
        let evidence = evidence.iter().find(|evidence| evidence.path == program.path)?;
        Some((program.package, Sha256::of(&evidence.bytes)))
    });
    let bill = sbom::document(&Materials {
        version: version.map_or("", |package| package.version.as_str()),
        image: Sha256::of(&read(&folder.join("capelet.eif"))?),
        kernel: Sha256::of(&kernel),
        programs: in_image.collect(),
        own: workspace.packages.iter().map(|package| package.name.as_str()).collect::<BTreeSet<_>>(),
        inside: inside.iter().collect(),
        build: build.iter().collect(),
        locks: &locks,
    })
    .map_err(Error::Faults)?;
    let sbom = folder.join("sbom.cdx.json");
    fs::write(&sbom, bill).map_err(|source| Error::Io { doing: "write", path: sbom.clone(), source })?;

    let pages = [("docs/audit.md", markdown::page(&base)), ("docs/audit.html", html::page(&base))];
    let mut differences = Vec::new();
    for (page, text) in pages {
        let path = RepoPath::new(page);
        if write {
            let on_disk = path.on_disk(root);
            fs::write(&on_disk, text).map_err(|source| Error::Io { doing: "write", path: on_disk, source })?;
        } else {
            let command = format!("cargo run -q --locked -p xtask -- audit {} --write", folder.display());
            differences.extend(compare::difference(root, &path, &text, &command)?);
        }
    }
    if !differences.is_empty() {
        return Err(Error::Faults(differences));
    }
    Ok(summary(&base, &sbom, write))
}

fn summary(base: &TrustBase, sbom: &Path, written: bool) -> String {
    let own: usize = base.own.iter().map(own_code::OwnFolder::lines).sum();
    let unsafe_count: usize = base.own.iter().map(own_code::OwnFolder::unsafe_count).sum();
    let objects: usize = base.kernel.totals().map(|(_, objects)| objects).sum();
    format!(
        "audit: {own} lines of ours with {unsafe_count} uses of unsafe, {} crates of others, {objects} kernel objects; \
         docs/audit.md and docs/audit.html {}; {} written",
        base.crates.len(),
        if written { "written" } else { "are up to date" },
        sbom.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn a_missing_image_is_an_error_before_anything_is_built() {
        let sample = Sample::new(&[]);
        let error = check(&sample.workspace(&[]), Path::new("build/none"), false).unwrap_err().to_string();
        assert_eq!(error, "build/none/capelet.eif not found: run `reproducible/build.sh build/none`\n1 fault");
    }
}
