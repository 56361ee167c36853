//! What the programs share on the command line.
//!
//! 1. A failed write to standard output is an error. A failed write to standard error changes nothing.
//! 2. Text that another party chose is printed so that it cannot command a terminal or pretend to be another line.
//! 3. One function writes every output. It replaces regular files only, and completely or not at all.
//! 4. Every program reads its arguments by the rules of GNU's getopt. A value is never taken for an option or a command.
//! 5. Every JSON result has the same envelope, on one line.
//! 6. Every error is one line with its code. The exit status says whether the command line is what is wrong.
//! 7. A signal that the program's parent ignores stays ignored.
//!
//! | module | holds |
//! |---|---|
//! | [`arguments`] | from the operating system's arguments to argh's |
//! | [`ending`] | from a command's error to the exit status |
//! | [`envelope`] | the members that every JSON result has |
//! | [`format`](mod@format) | plain or JSON |
//! | [`own_options`] | the options of every command that argh does not know |
//! | [`streams`] | standard input, output and error |
//! | [`tone`] | colours on a terminal |
//! | [`printable`] | the escape of foreign text |
//! | [`output_file`] | every output |
//! | [`private_file`] | the check of who owns a file and who can change it |
//! | [`interrupt`] | SIGINT, SIGTERM, SIGHUP and a time limit, and the temporary files that they remove |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod arguments;
pub mod ending;
pub mod envelope;
pub mod format;
pub mod interrupt;
pub mod output_file;
pub mod own_options;
pub mod printable;
pub mod private_file;
mod startup;
pub mod streams;
mod suggestion;
pub mod tone;
mod words;
