//! The read-only files of a run, held in memory. There are files and directories, no links.

use std::collections::BTreeMap;

use super::abi::Errno;

/// Files and directories; the first node is the root.
#[derive(Debug)]
pub struct Tree(Vec<Node>);

/// A node's place in its tree: a tree makes them and never loses a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(usize);

/// The root directory.
pub const ROOT: Id = Id(0);

/// One file or directory.
#[derive(Debug)]
pub enum Node {
    /// A file's bytes.
    File(Vec<u8>),
    /// A directory.
    Directory {
        /// Its parent; the root is its own.
        parent: Id,
        /// What is in it, by name.
        children: BTreeMap<Vec<u8>, Id>,
    },
}

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Node::Directory { parent: ROOT, children: BTreeMap::new() }])
    }
}

impl Id {
    /// A number that no other node has and that is not 0.
    pub fn inode(self) -> u64 {
        u64::try_from(self.0).map_or(u64::MAX, |n| n.saturating_add(1))
    }
}

impl Tree {
    /// The node.
    pub fn node(&self, id: Id) -> &Node {
        &self.0[id.0]
    }

    /// Adds a file and its directories, and gives its place. None if the path is not of its form (see [`capelet_abi::job::Header`]), is
    /// taken, or leads through a file.
    pub fn insert(&mut self, path: &[u8], contents: Vec<u8>) -> Option<Id> {
        let mut parts = path.split(|byte| *byte == b'/').peekable();
        let mut at = ROOT;
        while let Some(part) = parts.next() {
            if matches!(part, b"" | b"." | b"..") || part.contains(&0) {
                return None;
            }
            let child = match self.node(at) {
                Node::File(_) => return None,
                Node::Directory { children, .. } => children.get(part).copied(),
            };
            at = match (child, parts.peek()) {
                (Some(child), Some(_)) => child,
                (Some(_), None) => return None,
                (None, Some(_)) => self.add(at, part, Node::Directory { parent: at, children: BTreeMap::new() }),
                (None, None) => return Some(self.add(at, part, Node::File(contents))),
            };
        }
        None
    }

    /// Adds a file that has no name.
    pub fn detached(&mut self, contents: Vec<u8>) -> Id {
        let id = Id(self.0.len());
        self.0.push(Node::File(contents));
        id
    }

    fn add(&mut self, directory: Id, name: &[u8], node: Node) -> Id {
        let id = Id(self.0.len());
        self.0.push(node);
        if let Some(Node::Directory { children, .. }) = self.0.get_mut(directory.0) {
            children.insert(name.to_vec(), id);
        }
        id
    }

    /// Follows a path from a directory, never above that directory.
    pub fn walk(&self, from: Id, path: &[u8]) -> Result<Id, Errno> {
        match path.first() {
            None => return Err(Errno::Noent),
            Some(b'/') => return Err(Errno::Notcapable),
            Some(_) => (),
        }
        let mut above = Vec::new();
        let mut at = from;
        for part in path.split(|byte| *byte == b'/') {
            let Node::Directory { children, .. } = self.node(at) else { return Err(Errno::Notdir) };
            match part {
                b"" | b"." => (),
                b".." => at = above.pop().ok_or(Errno::Notcapable)?,
                name => {
                    above.push(at);
                    at = *children.get(name).ok_or(Errno::Noent)?;
                }
            }
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.insert(b"a/b/c", b"deep".to_vec()).unwrap();
        tree.insert(b"a/d", b"flat".to_vec()).unwrap();
        tree.insert(b"top", Vec::new()).unwrap();
        tree
    }

    fn contents(tree: &Tree, id: Id) -> Option<&[u8]> {
        match tree.node(id) {
            Node::File(bytes) => Some(bytes),
            Node::Directory { .. } => None,
        }
    }

    #[test]
    fn paths_lead_to_their_file() {
        let tree = tree();
        for path in ["a/b/c", "./a/b/c", "a//b/./c", "a/b/../b/c", "a/../a/b/c"] {
            let id = tree.walk(ROOT, path.as_bytes()).unwrap();
            assert_eq!(contents(&tree, id), Some(&b"deep"[..]), "{path}");
        }
        let a = tree.walk(ROOT, b"a/").unwrap();
        assert_eq!(contents(&tree, tree.walk(a, b"d").unwrap()), Some(&b"flat"[..]));
        assert_eq!(tree.walk(ROOT, b"a/b/..").unwrap(), a);
    }

    #[test]
    fn there_is_no_way_out_and_no_way_through_a_file() {
        let tree = tree();
        let a = tree.walk(ROOT, b"a").unwrap();
        for (from, path, errno) in [
            (ROOT, "", Errno::Noent),
            (ROOT, "b", Errno::Noent),
            (ROOT, "/a", Errno::Notcapable),
            (ROOT, "..", Errno::Notcapable),
            (ROOT, "a/../..", Errno::Notcapable),
            (a, "../top", Errno::Notcapable),
            (a, "b/../../top", Errno::Notcapable),
            (ROOT, "top/", Errno::Notdir),
            (ROOT, "top/..", Errno::Notdir),
            (ROOT, "top/x", Errno::Notdir),
        ] {
            assert_eq!(tree.walk(from, path.as_bytes()), Err(errno), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_not_inserted() {
        for path in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a\0", "top", "top/x", "a", "a/b"] {
            assert_eq!(tree().insert(path.as_bytes(), Vec::new()), None, "{path:?}");
        }
    }

    proptest! {
        /// What was inserted is found, and nothing above the start ever is.
        #[test]
        fn every_file_is_found(paths in proptest::collection::vec("[a-c]{1,2}(/[a-c]{1,2}){0,3}", 1..20)) {
            let mut tree = Tree::default();
            for path in &paths {
                if tree.insert(path.as_bytes(), path.as_bytes().to_vec()).is_some() {
                    let id = tree.walk(ROOT, path.as_bytes()).unwrap();
                    prop_assert_eq!(contents(&tree, id), Some(path.as_bytes()));
                }
            }
        }

        #[test]
        fn no_path_leaves_its_directory(path in "(\\.\\.|\\.|a|b|)(/(\\.\\.|\\.|a|b|)){0,6}") {
            let tree = tree();
            let a = tree.walk(ROOT, b"a").unwrap();
            if let Ok(id) = tree.walk(a, path.as_bytes()) {
                let b = tree.walk(a, b"b").unwrap();
                prop_assert!(id == a || id == b);
            }
        }
    }
}
