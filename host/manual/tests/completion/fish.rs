//! fish, which tells what it offers: `complete -C`.

use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = r#"
set -l prefix $argv[1]
set -e argv[1]
for file in $prefix/share/fish/vendor_completions.d/*.fish
    fish --no-config --no-execute $file; or exit 4
    source $file
end
for line in $argv
    complete -C $line
    echo end-of-line
end
"#;

/// What fish offers. `None` if it is missing.
pub fn offered(work: &Path, prefix: &Path, lines: &[String]) -> Option<Vec<Vec<String>>> {
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", SCRIPT]).arg(prefix).args(lines).current_dir(work).env("HOME", work);
    fish.stdin(Stdio::null());
    let ended = match fish.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        ended => ended.unwrap(),
    };
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    let words = String::from_utf8(ended.stdout).unwrap();
    // Behind a tab stands the description.
    let words = words.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
    let mut offered = vec![Vec::new()];
    for word in words {
        if word == "end-of-line" { offered.push(Vec::new()) } else { offered.last_mut().unwrap().push(word) }
    }
    offered.pop();
    Some(offered)
}
