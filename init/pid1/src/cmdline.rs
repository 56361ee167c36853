//! The kernel's command line. PCRs cover its bytes, but not where the kernel ends and it begins: an image whose
//! boundary was moved has the same PCRs. So it has to be what this image says, word for word, from the first byte on.

use crate::Error;

/// What is compiled into the kernel (`CONFIG_CMDLINE` in `reproducible/kernel.config`), and behind it what the image
/// says (`reproducible/command-line`).
pub const EXPECTED: &str = "console=ttyS0 quiet reboot=t random.trust_cpu=off random.trust_bootloader=off \
    page_alloc.shuffle=1 sysctl.kernel.yama.ptrace_scope=3 no_timer_check panic=-1";

/// Each of the hypervisor's devices: where a virtio device's registers are, nothing that the kernel would believe more
/// of than of the hypervisor anyway.
const DEVICE: &[u8] = b"virtio_mmio.device=";

/// Whether `line`, as `/proc/cmdline` has it, is the expected one, followed only by devices.
pub fn check(line: &[u8]) -> Result<(), Error> {
    let refusal = || Error::CommandLine(String::from_utf8_lossy(line).into_owned());
    let mut rest = line.strip_prefix(EXPECTED.as_bytes()).ok_or_else(refusal)?;
    while !matches!(rest, b"" | b"\n") {
        rest = device(rest).ok_or_else(refusal)?;
    }
    Ok(())
}

/// Takes ` virtio_mmio.device=SIZE@0xADDRESS:IRQ` off the front. (QEMU puts two spaces between the image's line and its
/// own.)
fn device(line: &[u8]) -> Option<&[u8]> {
    let rest = some(line, 2, |byte| *byte == b' ')?.strip_prefix(DEVICE)?;
    let rest = some(rest, 4, u8::is_ascii_digit)?;
    let rest = rest.strip_prefix(b"K").unwrap_or(rest).strip_prefix(b"@0x")?;
    let rest = some(rest, 16, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))?;
    some(rest.strip_prefix(b":")?, 3, u8::is_ascii_digit)
}

/// Takes one to `most` bytes of a kind off the front.
fn some(bytes: &[u8], most: usize, kind: impl Fn(&u8) -> bool) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| kind(byte)).count();
    bytes.get(count..).filter(|_| (1..=most).contains(&count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    const DEVICES: &str = " virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=512@0xfeb00e00:12";

    fn passes(line: impl AsRef<[u8]>) -> bool {
        check(line.as_ref()).is_ok()
    }

    /// The line is the kernel's own and the image's: neither may change without the other side of this comparison.
    #[test]
    fn expected_is_what_kernel_and_image_say() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reproducible");
        let config = fs::read_to_string(folder.join("kernel.config")).unwrap();
        let compiled_in = config.lines().find_map(|line| line.strip_prefix("CONFIG_CMDLINE=\"")?.strip_suffix('"'));
        let image = fs::read_to_string(folder.join("command-line")).unwrap();
        assert_eq!(format!("{} {}", compiled_in.unwrap(), image.trim_end()), EXPECTED);
    }

    #[test]
    fn the_line_and_devices_pass() {
        assert!(passes(EXPECTED));
        assert!(passes(format!("{EXPECTED}\n")));
        assert!(passes(format!("{EXPECTED}{DEVICES}\n")));
        // As QEMU's machine has it.
        assert!(passes(format!("{EXPECTED} {DEVICES}\n")));
    }

    /// Where the boundary can be moved to: bytes of the image's line into the kernel (they are missing), the kernel's
    /// last bytes into the line (they stand in front), the ramdisk's first into the line, the line's last into the
    /// ramdisk.
    #[test]
    fn a_moved_boundary_is_refused() {
        let (compiled_in, image) = EXPECTED.rsplit_once(' ').unwrap();
        for n in 1..=image.len() {
            assert!(!passes(format!("{compiled_in} {}{DEVICES}", &image[n..])), "{n} bytes to the kernel");
            assert!(!passes(format!("{compiled_in} {}{DEVICES}", &image[..image.len() - n])), "{n} to the ramdisk");
        }
        for byte in 0..=255 {
            let front = [compiled_in.as_bytes(), b" ", &[byte], image.as_bytes(), DEVICES.as_bytes()].concat();
            assert!(!passes(front), "{byte} of the kernel's");
            let back = [EXPECTED.as_bytes(), &[byte], DEVICES.as_bytes()].concat();
            assert_eq!(passes(back), byte == b' ', "{byte} of the ramdisk's");
        }
        assert!(!passes(format!("{EXPECTED}070701{DEVICES}")));
    }

    #[test]
    fn every_change_and_truncation_is_refused() {
        for at in 0..EXPECTED.len() {
            assert!(!passes(&EXPECTED[..at]), "cut at {at}");
            let mut changed = EXPECTED.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(!passes(changed), "byte {at}");
        }
    }

    #[test]
    fn only_devices_of_strict_form() {
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
            assert!(!passes(format!("{EXPECTED}{tail}")), "{tail:?}");
        }
    }
}
