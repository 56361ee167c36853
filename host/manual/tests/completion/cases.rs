//! Lines that are completed, and what is offered for each. All shells agree about them.

/// A line that is completed at its end.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The line.
    pub line: &'a str,
    /// What stands before the value in the last word. Not every shell repeats it in what it offers.
    pub before: &'a str,
    /// What is offered.
    pub offered: &'a [&'a str],
}

const fn case(line: &'static str, offered: &'static [&'static str]) -> Case<'static> {
    Case { line, before: "", offered }
}

const fn value(line: &'static str, before: &'static str, offered: &'static [&'static str]) -> Case<'static> {
    Case { line, before, offered }
}

const NOTHING: &[&str] = &[];
const FILES: &[&str] = &["a.txt", "b c.txt", "key", "sub"];
const FOLDERS: &[&str] = &["key", "sub"];
const KEY: &[&str] = &["create", "renew", "show"];
const FORMATS: &[&str] = &["plain", "json"];

/// A value that looks like an option. zsh does not take it for a value: its function `_arguments` has rules of its own.
pub const VALUES_LIKE_OPTIONS: [Case<'static>; 2] =
    [case("capelet run -f -- --pl", &["--plain"]), case("capelet run -f --file key --pl", &["--plain"])];

/// A redirection in two words. fish 3.6 tells its completions the second one as an argument.
pub const DIVIDED_REDIRECTION: [Case<'static>; 1] = [case("capelet deploy 2> /dev/null ", FILES)];

/// The folder in which the lines are completed has the files `a.txt` and `b c.txt`, and the folders `key` and `sub`.
pub const CASES: [Case<'static>; 43] = [
    // Commands.
    case("capelet k", &["key"]),
    case("capelet key ", KEY),
    case("capelet key cr", &["create"]),
    case("capelet -v -o json key ", KEY),
    case("capelet --output=json key cr", &["create"]),
    case("capelet -ojson key cr", &["create"]),
    case("capelet -u unix:/x key ", KEY),
    case("capelet --url=unix:/x key ", KEY),
    case("capelet -u key key ", KEY),
    case("capelet key -u create ", KEY),
    case("capelet key -- ", KEY),
    case("capelet nonsense ", NOTHING),
    case("capelet nonsense key ", NOTHING),
    case("capelet-parent enclave te", &["terminate"]),
    // Data that equals the name of a command.
    case("capelet run key ", NOTHING),
    case("capelet run key create", NOTHING),
    case("capelet encrypt key --a", &["--accept", "--any-function-of-owner"]),
    case("capelet encrypt --to key run --a", &["--accept", "--any-function-of-owner"]),
    case("capelet run key -f key --receipt key --pl", &["--plain"]),
    case("capelet run -fkey key create --pl", &["--plain"]),
    case("eif-build sign verify --ce", &["--certificate"]),
    // After `--` nothing is an option.
    case("capelet run -- -", NOTHING),
    case("capelet run f -- --p", NOTHING),
    case("eif-build describe -- ", FILES),
    // Values.
    case("capelet -o ", FORMATS),
    case("capelet -vo ", FORMATS),
    value("capelet -vopl", "-vo", &["plain"]),
    value("capelet run f -oj", "-o", &["json"]),
    value("capelet --output=", "--output=", FORMATS),
    value("capelet key create --output=pl", "--output=", &["plain"]),
    case("capelet-parent serve --log j", &["json"]),
    case("capelet run f --function-version ", NOTHING),
    case("capelet run f --function-version=", NOTHING),
    // Files and folders.
    case("capelet run f -f ", FILES),
    case("capelet run f -vf ", FILES),
    value("capelet run f -fa", "-f", &["a.txt"]),
    value("capelet run f --file=", "--file=", FILES),
    value("capelet run f --file=b", "--file=", &["b c.txt"]),
    case("capelet deploy s", &["sub"]),
    case("capelet receipt verify ", FILES),
    case("capelet-local --home ", FOLDERS),
    value("capelet-local --home=k", "--home=", &["key"]),
    // A redirection is not an argument.
    case("capelet run f 2>/dev/null --pl", &["--plain"]),
];
