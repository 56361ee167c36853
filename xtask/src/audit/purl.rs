//! Package URLs (<https://github.com/package-url/purl-spec>), the names of packages in an SBOM.

use std::fmt::Write as _;

/// `pkg:cargo/NAME@VERSION`.
pub fn cargo(name: &str, version: &str) -> String {
    format!("pkg:cargo/{}@{}", escaped(name), escaped(version))
}

/// `pkg:deb/debian/NAME@VERSION`.
pub fn debian(name: &str, version: &str) -> String {
    format!("pkg:deb/debian/{}@{}", escaped(name), escaped(version))
}

/// `pkg:generic/NAME@VERSION`, for what no package registry has.
pub fn generic(name: &str, version: &str) -> String {
    format!("pkg:generic/{}@{}", escaped(name), escaped(version))
}

/// Percent-encodes everything but letters, digits, `.`, `-`, `_`, `~` and `:`.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_version_of_debian_or_cargo_may_contain() {
        assert_eq!(debian("bison", "2:3.8.2+dfsg-1+b1"), "pkg:deb/debian/bison@2:3.8.2%2Bdfsg-1%2Bb1");
        assert_eq!(debian("libstdc++6", "12.2.0-14+deb12u1"), "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1");
        assert_eq!(
            debian("linux-source-6.12", "6.12.117-1~deb12u1"),
            "pkg:deb/debian/linux-source-6.12@6.12.117-1~deb12u1"
        );
        assert_eq!(cargo("toml_edit", "0.25.18+spec-1.1.0"), "pkg:cargo/toml_edit@0.25.18%2Bspec-1.1.0");
    }
}
