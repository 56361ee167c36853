//! The read-only files of a run, in memory. There are files and directories, and no links.

use std::collections::BTreeMap;

use super::numbers::Errno;

/// Files and directories. The first node is the root directory.
#[derive(Debug)]
pub struct Tree(Vec<Node>);

/// A node of a tree. A tree never removes a node, so an identifier from the same tree is always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(usize);

/// The root directory.
pub const ROOT: NodeId = NodeId(0);

/// One file or directory.
#[derive(Debug)]
pub enum Node {
    /// A file, with its bytes.
    File(Vec<u8>),
    /// A directory.
    Directory {
        /// Its parent. The root is its own parent.
        parent: NodeId,
        /// Its content, by name.
        children: BTreeMap<Vec<u8>, NodeId>,
    },
}

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Node::Directory { parent: ROOT, children: BTreeMap::new() }])
    }
}

impl NodeId {
    /// The node's inode number. It is unique in the tree and not 0.
    pub fn inode(self) -> u64 {
        u64::try_from(self.0).map_or(u64::MAX, |n| n.saturating_add(1))
    }
}

impl Tree {
    /// The node with this identifier.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.0[id.0]
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`] if the node is a directory.
    pub fn contents(&self, id: NodeId) -> Result<&[u8], Errno> {
        match self.node(id) {
            Node::File(bytes) => Ok(bytes),
            Node::Directory { .. } => Err(Errno::Isdir),
        }
    }

    /// Adds a file and its directories, and returns the file. Returns `None` if the path is invalid (see
    /// [`capelet_abi::JobHeader`]), already exists, or leads through a file.
    pub fn insert(&mut self, path: &[u8], contents: Vec<u8>) -> Option<NodeId> {
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

    /// Adds a file without a name. No path leads to it.
    pub fn insert_unnamed(&mut self, contents: Vec<u8>) -> NodeId {
        let id = NodeId(self.0.len());
        self.0.push(Node::File(contents));
        id
    }

    fn add(&mut self, directory: NodeId, name: &[u8], node: Node) -> NodeId {
        let id = NodeId(self.0.len());
        self.0.push(node);
        if let Some(Node::Directory { children, .. }) = self.0.get_mut(directory.0) {
            children.insert(name.to_vec(), id);
        }
        id
    }

    /// Follows a path from a directory, and never above that directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`] if the path is empty or not found, [`Errno::Notcapable`] if it is absolute or leads above the
    /// directory, [`Errno::Notdir`] if it leads through a file.
    pub fn walk(&self, from: NodeId, path: &[u8]) -> Result<NodeId, Errno> {
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

    #[test]
    fn walk_finds_a_file_by_each_of_its_paths() {
        let tree = tree();
        for path in ["a/b/c", "./a/b/c", "a//b/./c", "a/b/../b/c", "a/../a/b/c"] {
            let id = tree.walk(ROOT, path.as_bytes()).unwrap();
            assert_eq!(tree.contents(id), Ok(&b"deep"[..]), "{path}");
        }
        let a = tree.walk(ROOT, b"a/").unwrap();
        assert_eq!(tree.contents(tree.walk(a, b"d").unwrap()), Ok(&b"flat"[..]));
        assert_eq!(tree.walk(ROOT, b"a/b/..").unwrap(), a);
    }

    #[test]
    fn rejects_paths_that_lead_out_or_through_a_file() {
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
    fn does_not_insert_invalid_or_existing_paths() {
        for path in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a\0", "top", "top/x", "a", "a/b"] {
            assert_eq!(tree().insert(path.as_bytes(), Vec::new()), None, "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn walk_finds_every_inserted_file(paths in proptest::collection::vec("[a-c]{1,2}(/[a-c]{1,2}){0,3}", 1..20)) {
            let mut tree = Tree::default();
            for path in &paths {
                if tree.insert(path.as_bytes(), path.as_bytes().to_vec()).is_some() {
                    let id = tree.walk(ROOT, path.as_bytes()).unwrap();
                    prop_assert_eq!(tree.contents(id), Ok(path.as_bytes()));
                }
            }
        }

        #[test]
        fn no_path_leads_out_of_its_directory(path in "(\\.\\.|\\.|a|b|)(/(\\.\\.|\\.|a|b|)){0,6}") {
            let tree = tree();
            let a = tree.walk(ROOT, b"a").unwrap();
            if let Ok(id) = tree.walk(a, path.as_bytes()) {
                let b = tree.walk(a, b"b").unwrap();
                prop_assert!(id == a || id == b);
            }
        }
    }
}
