//! zsh, interactive, in a pseudo-terminal of its own module zpty.

use std::path::Path;
use std::process::{Command, Stdio};

/// What zsh offers. `None` if it is missing, or if the machine has no pseudo-terminals.
pub fn offered(work: &Path, prefix: &Path, lines: &[String]) -> Option<Vec<Vec<String>>> {
    let functions = prefix.join("share/zsh/site-functions");
    for file in std::fs::read_dir(&functions).unwrap() {
        let checked = Command::new("zsh").arg("-n").arg(file.unwrap().path()).output().ok()?;
        assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");
    }
    let outside = tempfile::tempdir().unwrap();
    let mut zsh = Command::new("zsh");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/completion/capture.zsh");
    zsh.arg("-f").arg(script).arg(functions).arg(outside.path().join("output")).args(lines).current_dir(work);
    let ended = zsh.env("HOME", work).env("TERM", "dumb").stdin(Stdio::null()).output().unwrap();
    if ended.status.code() == Some(3) {
        return None;
    }
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let offered = String::from_utf8(ended.stdout).unwrap();
    let line = |line: &str| line.strip_suffix('.').unwrap().split('\t').map(str::to_owned).collect::<Vec<_>>();
    Some(offered.lines().map(line).map(|words| if words == [""] { Vec::new() } else { words }).collect())
}
