//! Writes the tables of `docs/json.md` anew.

#![forbid(unsafe_code)]

use capelet_json_schema::tables;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let Some(path) = env::args_os().nth(1) else {
        eprintln!("name the file to write: docs/json.md");
        return ExitCode::from(2);
    };
    let replaced = |page: String| tables::replace(&page).ok_or(io::ErrorKind::InvalidData.into());
    match fs::read_to_string(&path).and_then(replaced).and_then(|page| fs::write(&path, page)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
