//! The command line as argh reads it: one file for each command, with its help.

#[macro_use]
mod macros;

pub mod attest;
pub mod capelet;
pub mod checksum;
pub mod config;
pub mod contact;
pub mod delete;
pub mod deploy;
pub mod doctor;
pub mod encrypt;
pub mod environment;
pub mod globals;
pub mod identity;
pub mod key;
pub mod list;
pub mod pcrs;
pub mod pin;
pub mod receipt;
pub mod run;
pub mod verify;
pub mod version;

#[cfg(test)]
mod tests {
    use super::capelet::{Capelet, Command};
    use super::encrypt::Encrypt;
    use super::run::Run;
    use super::verify::Verify;
    use crate::cli::program::PROGRAM;
    use capelet_cli::arguments::STDIN;
    use std::ffi::OsString;

    fn capelet(line: &str) -> Capelet {
        PROGRAM.parse(line.split(' ').map(OsString::from)).unwrap().arguments
    }

    fn run(line: &str) -> Run {
        let Command::Run(run) = capelet(line).command else { panic!("{line}") };
        run
    }

    fn encrypt(line: &str) -> Encrypt {
        let Command::Encrypt(encrypt) = capelet(line).command else { panic!("{line}") };
        encrypt
    }

    #[test]
    fn splits_options_at_the_equals_sign() {
        let Command::Verify(Verify { pcr, at, .. }) = capelet("verify x --pcr=0:ab --pcr= --at=7 -p 8:a=b").command
        else {
            panic!()
        };
        assert_eq!((pcr, at), (vec!["0:ab".to_owned(), String::new(), "8:a=b".to_owned()], Some("7".to_owned())));
    }

    #[test]
    fn replaces_dash_only_as_positional_argument() {
        assert_eq!(run("run f -").input.as_deref(), Some(STDIN));
        assert_eq!(run("run f -v -").input.as_deref(), Some(STDIN));
        assert_eq!(run("run -v f - --receipt r").input.as_deref(), Some(STDIN));
        let with_file = run("run f -f -");
        assert_eq!((with_file.file, with_file.input), (vec!["-".to_owned()], None));
        assert_eq!(run("run f --receipt -").receipt.as_deref(), Some("-"));
        assert_eq!(encrypt("encrypt --any-function-of-owner -").data.as_deref(), Some(STDIN));
        assert_eq!(encrypt("encrypt -- -").data.as_deref(), Some("-"));
        assert_eq!(encrypt("encrypt a=b").data.as_deref(), Some("a=b"));
        assert_eq!(encrypt("encrypt --to --x=y d").to.as_deref(), Some("--x=y"));
    }

    #[test]
    fn the_word_help_is_data() {
        assert_eq!(run("run help help").input.as_deref(), Some("help"));
        assert_eq!(encrypt("encrypt help --to help").data.as_deref(), Some("help"));
    }

    #[test]
    fn accepts_global_options_at_any_position() {
        for line in ["-o json -u unix:/x key show", "key -o json show -u unix:/x", "key show -o json --url=unix:/x"] {
            let globals = capelet(line).all_globals();
            assert_eq!((globals.output.as_deref(), globals.url.as_deref()), (Some("json"), Some("unix:/x")), "{line}");
        }
    }
}
