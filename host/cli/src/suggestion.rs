//! The name that a user probably meant.

/// The longest text that is compared with names, in characters. The comparison takes time in proportion to its length.
const LONGEST: usize = 64;

/// The name that differs least from `given`, or `None` if each name differs too much to be a mistyping of it.
///
/// Names with the same difference are taken in their order.
pub(crate) fn closest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = given.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let near = names.into_iter().filter_map(|name| {
        let allowed = name.trim_start_matches('-').chars().count().div_ceil(3);
        let edits = distance(given, name);
        (edits <= allowed).then_some((edits, name))
    });
    near.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

/// The number of edits that make `one` of `other`: a character added, removed or replaced, or two neighbours swapped
/// (Damerau-Levenshtein, each character edited once).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // The distances of every prefix of `other` from the prefixes of `one` that end one and two characters earlier.
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut before_last = last.clone();
    let mut previous = None;
    for (row, character) in one.chars().enumerate() {
        let mut now = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let at = |distances: &[usize], column: usize| distances.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, column) + usize::from(character != *against);
            let mut least = replaced.min(at(&last, column + 1) + 1).min(at(&now, column) + 1);
            let neighbour = column.checked_sub(1).and_then(|column| other.get(column));
            if previous == Some(*against) && neighbour == Some(&character) {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            now.push(least);
        }
        before_last = last;
        last = now;
        previous = Some(character);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits_and_swaps_of_neighbours() {
        for (one, other, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("build", "build", 0),
            ("biuld", "build", 1),
            ("buld", "build", 1),
            ("builld", "build", 1),
            ("guild", "build", 1),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
            ("größe", "grösse", 2),
        ] {
            assert_eq!(distance(one, other), edits, "{one} {other}");
            assert_eq!(distance(other, one), edits, "{other} {one}");
        }
    }

    #[test]
    fn names_the_closest_name_or_none() {
        let commands = ["cpio", "build", "describe", "measure", "measurements"];
        for (given, meant) in [
            ("mesure", Some("measure")),
            ("measurement", Some("measurements")),
            ("dsecribe", Some("describe")),
            ("bild", Some("build")),
            ("nonsense", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(given, commands), meant, "{given}");
        }
        assert_eq!(closest(&"x".repeat(1 << 20), commands), None);
        assert_eq!(closest("--outptu", ["--output", "--out"]), Some("--output"));
        assert_eq!(closest("--to", ["--at"]), None);
    }
}
