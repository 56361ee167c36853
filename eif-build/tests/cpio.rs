//! cpio archives: a set of entries has one encoding, and the reader refuses every other one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_hostile_bytes::{bit_flips, truncations};
use common::{archive, entries};
use eif_build::cpio::{Entry, Node, read, write};

fn file(path: &str) -> Entry<'_> {
    Entry { path, mode: 0o644, uid: 0, gid: 0, node: Node::File(b"x") }
}

fn code(entries: &[Entry<'_>]) -> &'static str {
    write(entries).expect_err("refused").code()
}

#[test]
fn writes_entries_sorted_and_reads_them_back() {
    let archive = archive();
    let mut sorted = entries();
    sorted.sort_by_key(|entry| entry.path);
    assert_eq!(read(&archive).unwrap(), sorted);
    let mut other_order = entries();
    other_order.reverse();
    assert_eq!(write(&other_order).unwrap(), archive);
}

/// The expected fields come from the kernel's buffer-format.rst.
#[test]
fn encodes_each_field_as_the_kernel_documents() {
    let device = Entry { path: "null", mode: 0o666, uid: 0, gid: 7, node: Node::CharDevice { major: 1, minor: 3 } };
    let archive = write(&[device]).unwrap();
    let expected = concat!(
        "070701", "00000001", "000021B6", "00000000", "00000007", "00000001", "00000000", "00000000", "00000000",
        "00000000", "00000001", "00000003", "00000005", "00000000", "null\0", "\0"
    );
    assert_eq!(&archive[..expected.len()], expected.as_bytes());
    let trailer = &archive[expected.len()..];
    assert!(trailer.starts_with(b"07070100000000"));
    assert!(trailer.ends_with(b"TRAILER!!!\0\0\0\0"));
    assert_eq!(archive.len() % 4, 0);
}

#[test]
fn refuses_invalid_paths_modes_owners_targets_and_devices() {
    let folder = Entry { path: "a", mode: 0o755, uid: 0, gid: 0, node: Node::Directory };
    for path in
        ["", "/a", "a/", "a//b", "./a", "a/..", "..", "a b", "a\n", "\u{e9}", "TRAILER!!!", "b/c", &"x".repeat(256)]
    {
        assert_eq!(code(&[folder, file(path)]), "cpio-path", "{path:?}");
    }
    assert_eq!(code(&[file("a"), file("a/b")]), "cpio-path");
    assert_eq!(code(&[folder, file("a")]), "cpio-duplicate");
    assert_eq!(code(&[Entry { mode: 0o4755, ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { mode: 0o2755, ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { uid: 65_536, ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { gid: 65_536, ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { node: Node::Symlink(""), ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { node: Node::Symlink("a b"), ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { node: Node::Symlink("a\u{1b}[2K"), ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { node: Node::CharDevice { major: 4096, minor: 0 }, ..file("a") }]), "cpio-entry");
    assert_eq!(code(&[Entry { node: Node::CharDevice { major: 0, minor: 1 << 20 }, ..file("a") }]), "cpio-entry");
    let names: Vec<_> = (0..4097).map(|n| format!("f{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| file(name)).collect();
    assert_eq!(code(&many), "cpio-entries");
    assert!(write(&many[1..]).is_ok());
}

#[test]
fn reads_an_archive_without_entries_but_not_an_empty_file() {
    let archive = write(&[]).unwrap();
    assert_eq!(read(&archive).unwrap(), []);
    assert_eq!(read(&[]).unwrap_err().code(), "cpio-not-canonical");
}

/// A changed archive is refused, or it is the canonical encoding of other entries.
#[test]
fn refuses_every_flip_and_truncation_that_is_not_canonical() {
    let good = archive();
    for truncated in truncations(&good) {
        assert!(read(truncated).is_err(), "{} bytes", truncated.len());
    }
    for flip in bit_flips(&good) {
        if let Ok(entries) = read(&flip.bytes) {
            assert_eq!(write(&entries).unwrap(), flip.bytes, "{flip}");
        }
    }
    assert!(read(&[good.clone(), vec![0; 4]].concat()).is_err());
    assert!(read(&[good.clone(), good].concat()).is_err());
}

/// The kernel accepts lower-case digits, other inodes, times and any order. This reader does not.
#[test]
fn refuses_the_forms_of_other_writers() {
    let text = |archive: &[u8]| archive.to_vec();
    let good = write(&[file("a"), file("b")]).unwrap();
    let change = |at: usize, with: &[u8]| {
        let mut archive = text(&good);
        archive[at..at + with.len()].copy_from_slice(with);
        read(&archive).expect_err("refused").code()
    };
    assert_eq!(change(5, b"2"), "cpio-not-canonical"); // the format with checksums
    assert_eq!(change(6, b"00000002"), "cpio-not-canonical"); // another inode
    assert_eq!(change(14, b"000081a4"), "cpio-not-canonical"); // lower-case digits
    assert_eq!(change(14, b"000061A4"), "cpio-not-canonical"); // a block device
    assert_eq!(change(38, b"00000002"), "cpio-not-canonical"); // a hard link
    assert_eq!(change(46, b"00000001"), "cpio-not-canonical"); // a time
    assert_eq!(change(54, b"FFFFFFFF"), "cpio-not-canonical"); // a size beyond the end
    assert_eq!(change(94, b"FFFFFFFF"), "cpio-not-canonical"); // a path beyond the end
    assert_eq!(change(94, b"00000000"), "cpio-not-canonical"); // a path of size 0
    assert_eq!(change(110, b"b"), "cpio-duplicate");
    assert_eq!(change(110, b"c"), "cpio-path");
}
