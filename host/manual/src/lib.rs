//! The man pages, the completions and `docs/cli.md`, all generated from the argument types of the programs.
//!
//! The same types parse the arguments. What is generated therefore names every command and option that exists, and no
//! other one. It depends on nothing else: not on the time, a path, the user or the machine.
//!
//! | module | holds |
//! |---|---|
//! | [`program`] | a program as its argument types describe it: commands, options, arguments |
//! | [`value`] | what an option or an argument takes, which completion needs |
//! | [`text`] | the texts of argument types, which argh stores as templates |
//! | [`page`] | the pages of a program: which section says what |
//! | [`man`], [`markdown`] | the pages, written for `man` and as `docs/cli.md` |
//! | [`bash`], [`fish`], [`zsh`] | the completions |
//! | [`share`] | where each file lies in an installation |

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod bash;
pub mod cli;
pub mod fish;
pub mod man;
pub mod markdown;
pub mod page;
pub mod program;
pub mod programs;
pub mod share;
pub mod text;
pub mod value;
pub mod zsh;
