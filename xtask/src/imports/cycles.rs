//! Cycles in the arrows between files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::arrows::Arrows;
use crate::repo_path::RepoPath;

/// Files that all depend on each other, directly or through others: a strongly connected component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knot {
    pub files: BTreeSet<RepoPath>,
    /// One of the shortest cycles: each file with the line that needs the next one. The last one needs the first one.
    pub shortest: Vec<(RepoPath, usize)>,
}

/// Every knot of more than one file.
pub fn knots(arrows: &Arrows) -> Vec<Knot> {
    components(arrows)
        .into_iter()
        .filter(|files| files.len() > 1)
        .map(|files| {
            let cycles = files.iter().filter_map(|start| shortest_cycle(arrows, &files, start));
            let shortest = cycles.min_by_key(Vec::len).unwrap_or_default();
            Knot { files, shortest }
        })
        .collect()
}

/// The strongly connected components, sorted by their first files (Tarjan's algorithm).
fn components(arrows: &Arrows) -> BTreeSet<BTreeSet<RepoPath>> {
    let mut search = Search { arrows, order: BTreeMap::new(), stack: Vec::new(), found: BTreeSet::new() };
    for file in arrows.keys() {
        if !search.order.contains_key(file) {
            search.visit(file);
        }
    }
    search.found
}

struct Search<'a> {
    arrows: &'a Arrows,
    /// When each file was first visited.
    order: BTreeMap<&'a RepoPath, usize>,
    /// Visited files whose component is not complete.
    stack: Vec<&'a RepoPath>,
    found: BTreeSet<BTreeSet<RepoPath>>,
}

impl<'a> Search<'a> {
    /// Visits what is reachable from `file`, and returns the earliest file on the stack that is reachable from there.
    fn visit(&mut self, file: &'a RepoPath) -> usize {
        let number = self.order.len();
        self.order.insert(file, number);
        let position = self.stack.len();
        self.stack.push(file);
        let mut earliest = number;
        for next in self.arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.order.get(next) {
                None => earliest = earliest.min(self.visit(next)),
                Some(seen) if self.stack.contains(&next) => earliest = earliest.min(*seen),
                Some(_) => {}
            }
        }
        if earliest == number {
            self.found.insert(self.stack.drain(position..).cloned().collect());
        }
        earliest
    }
}

/// The shortest cycle through `start` inside `files`.
fn shortest_cycle(arrows: &Arrows, files: &BTreeSet<RepoPath>, start: &RepoPath) -> Option<Vec<(RepoPath, usize)>> {
    let inside = |file: &RepoPath| arrows.get(file).into_iter().flatten().filter(|(next, _)| files.contains(*next));
    let mut before: BTreeMap<&RepoPath, (&RepoPath, usize)> = BTreeMap::new();
    let mut queue: VecDeque<RepoPath> = VecDeque::from([start.clone()]);
    while let Some(file) = queue.pop_front() {
        let (file, _) = arrows.get_key_value(&file)?;
        for (next, line) in inside(file) {
            if before.contains_key(next) {
                continue;
            }
            before.insert(next, (file, *line));
            if next == start {
                let mut cycle = Vec::new();
                let mut at = next;
                loop {
                    let (file, line) = before.get(at)?;
                    cycle.push(((*file).clone(), *line));
                    if *file == start {
                        cycle.reverse();
                        return Some(cycle);
                    }
                    at = file;
                }
            }
            queue.push_back(next.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(text: &str) -> Arrows {
        let mut arrows = Arrows::new();
        for (line, arrow) in text.split(' ').enumerate() {
            let (from, to) = arrow.split_once('>').unwrap();
            arrows.entry(RepoPath::new(from)).or_default().insert(RepoPath::new(to), line + 1);
            arrows.entry(RepoPath::new(to)).or_default();
        }
        arrows
    }

    fn shown(knots: &[Knot]) -> Vec<String> {
        let cycle = |knot: &Knot| knot.shortest.iter().map(|(file, line)| format!("{file}:{line}")).collect::<Vec<_>>();
        knots.iter().map(|knot| format!("{} of {}", cycle(knot).join(">"), knot.files.len())).collect()
    }

    #[test]
    fn finds_a_cycle_and_its_lines() {
        assert_eq!(shown(&knots(&arrows("a>b b>c c>a c>d"))), ["a:1>b:2>c:3 of 3"]);
    }

    #[test]
    fn shows_the_shortest_cycle_of_each_knot() {
        let found = knots(&arrows("a>b b>c c>a c>b d>e e>d x>a"));
        assert_eq!(shown(&found), ["b:2>c:4 of 3", "d:5>e:6 of 2"]);
    }

    #[test]
    fn a_tree_has_no_knots() {
        assert!(knots(&arrows("a>b a>c b>d c>d")).is_empty());
    }
}
