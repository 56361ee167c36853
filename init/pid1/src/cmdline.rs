//! The kernel's command line. PCRs cover the bytes of kernel and command line, but not the boundary between them: an
//! image with a moved boundary has the same PCRs. Therefore PID 1 compares the line with this image's, byte for byte.

use crate::Error;

/// The part that is compiled into the kernel (`CONFIG_CMDLINE` in `reproducible/kernel.config`), then the image's part
/// (`reproducible/command-line`).
const EXPECTED: &str = "console=ttyS0 quiet reboot=t random.trust_cpu=off random.trust_bootloader=off \
    page_alloc.shuffle=1 sysctl.kernel.yama.ptrace_scope=3 no_timer_check panic=-1";

/// The hypervisor adds one of these for each virtio device. It states where the device's registers are. The hypervisor
/// controls the devices anyway, so the argument gives it no further power.
const DEVICE: &[u8] = b"virtio_mmio.device=";

/// Checks that `line`, read from `/proc/cmdline`, is [`EXPECTED`] followed by devices only.
///
/// # Errors
///
/// [`Error::Unexpected`] with the line if it is not.
pub fn check(line: &[u8]) -> Result<(), Error> {
    let refusal = || Error::Unexpected("kernel command line", String::from_utf8_lossy(line).into_owned());
    let mut rest = line.strip_prefix(EXPECTED.as_bytes()).ok_or_else(refusal)?;
    while !matches!(rest, b"" | b"\n") {
        rest = device(rest).ok_or_else(refusal)?;
    }
    Ok(())
}

/// Strips ` virtio_mmio.device=SIZE@0xADDRESS:IRQ` from the front. QEMU puts two spaces between the image's part and
/// its own.
fn device(line: &[u8]) -> Option<&[u8]> {
    let rest = strip_run(line, 2, |byte| *byte == b' ')?.strip_prefix(DEVICE)?;
    let rest = strip_run(rest, 4, u8::is_ascii_digit)?;
    let rest = rest.strip_prefix(b"K").unwrap_or(rest).strip_prefix(b"@0x")?;
    let rest = strip_run(rest, 16, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))?;
    strip_run(rest.strip_prefix(b":")?, 3, u8::is_ascii_digit)
}

/// Strips all bytes that match from the front. Returns `None` if they are none, or more than `most`.
fn strip_run(bytes: &[u8], most: usize, kind: impl Fn(&u8) -> bool) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| kind(byte)).count();
    bytes.get(count..).filter(|_| (1..=most).contains(&count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_hostile_bytes::{byte_flips, truncations};
    use std::fs;
    use std::path::Path;

    const DEVICES: &str = " virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=512@0xfeb00e00:12";

    fn accepts(line: impl AsRef<[u8]>) -> bool {
        check(line.as_ref()).is_ok()
    }

    #[test]
    fn expects_the_line_of_the_kernel_config_and_the_image() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reproducible");
        let config = fs::read_to_string(folder.join("kernel.config")).unwrap();
        let compiled_in = config.lines().find_map(|line| line.strip_prefix("CONFIG_CMDLINE=\"")?.strip_suffix('"'));
        let image = fs::read_to_string(folder.join("command-line")).unwrap();
        assert_eq!(format!("{} {}", compiled_in.unwrap(), image.trim_end()), EXPECTED);
    }

    #[test]
    fn accepts_the_expected_line_with_devices() {
        assert!(accepts(EXPECTED));
        assert!(accepts(format!("{EXPECTED}\n")));
        assert!(accepts(format!("{EXPECTED}{DEVICES}\n")));
        // QEMU's two spaces.
        assert!(accepts(format!("{EXPECTED} {DEVICES}\n")));
    }

    /// A boundary can be moved in four ways. Bytes of the image's part become the kernel's, or the ramdisk's: they are
    /// missing. Bytes of the kernel become the line's: they come before the image's part. Bytes of the ramdisk become
    /// the line's: they come after it.
    #[test]
    fn rejects_a_moved_boundary() {
        let (compiled_in, image) = EXPECTED.rsplit_once(' ').unwrap();
        for n in 1..=image.len() {
            assert!(!accepts(format!("{compiled_in} {}{DEVICES}", &image[n..])), "{n} bytes to the kernel");
            assert!(
                !accepts(format!("{compiled_in} {}{DEVICES}", &image[..image.len() - n])),
                "{n} bytes to the ramdisk"
            );
        }
        for byte in 0..=255 {
            let front = [compiled_in.as_bytes(), b" ", &[byte], image.as_bytes(), DEVICES.as_bytes()].concat();
            assert!(!accepts(front), "byte {byte} of the kernel");
            let back = [EXPECTED.as_bytes(), &[byte], DEVICES.as_bytes()].concat();
            assert_eq!(accepts(back), byte == b' ', "byte {byte} of the ramdisk");
        }
        assert!(!accepts(format!("{EXPECTED}070701{DEVICES}")));
    }

    #[test]
    fn rejects_every_change_and_truncation() {
        for truncated in truncations(EXPECTED.as_bytes()) {
            assert!(!accepts(truncated), "{} bytes", truncated.len());
        }
        for flip in byte_flips(EXPECTED.as_bytes(), 1) {
            assert!(!accepts(&flip.bytes), "{flip}");
        }
    }

    #[test]
    fn rejects_malformed_devices_and_other_arguments() {
        for tail in [
            " ",
            " init=/core",
            " virtio_mmio.device=4K@0xd0000000:5 ",
            "   virtio_mmio.device=4K@0xd0000000:5",
            "virtio_mmio.device=4K@0xd0000000:5",
            " virtio_mmio.device=4K@0xd0000000:5virtio_mmio.device=4K@0xd0000000:6",
            " virtio_mmio.device=4K@0xd0000000:5\nvirtio_mmio.device=4K@0xd0000000:6",
            " virtio_mmio.device=4K@0xd0000000:5:1",
            " virtio_mmio.device=4K@0xd0000000:5,init=/core",
            " virtio_mmio.device=4K@0xd0000000:",
            " virtio_mmio.device=4K@0xd0000000:1234",
            " virtio_mmio.device=4M@0xd0000000:5",
            " virtio_mmio.device=K@0xd0000000:5",
            " virtio_mmio.device=@0xd0000000:5",
            " virtio_mmio.device=12345@0xd0000000:5",
            " virtio_mmio.device=4K@d0000000:5",
            " virtio_mmio.device=4K@0xD0000000:5",
            " virtio_mmio.device=4K@0x:5",
            " virtio_mmio.device=4K@0x10000000000000000:5",
            " virtio-mmio.device=4K@0xd0000000:5",
            " virtio_mmio.device=\"4K@0xd0000000:5\"",
            "\tvirtio_mmio.device=4K@0xd0000000:5",
            " virtio_mmio.device=4K@0xd0000000:5 -- sh",
            "\n\n",
            "\0",
        ] {
            assert!(!accepts(format!("{EXPECTED}{tail}")), "{tail:?}");
        }
    }
}
