//! What an option or an argument takes.

/// What an option or an argument takes, as its `arg_name` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text that completion cannot know.
    Text,
    /// The path of a file.
    File,
    /// The path of a folder.
    Folder,
    /// One of these words.
    OneOf(Vec<&'static str>),
}

impl Value {
    /// Reads an `arg_name`. Words that bars separate are all possible values. The names `file` and `path`, and those
    /// that end with `-file` or `-path`, stand for files; `folder` and `-folder` for folders.
    pub fn of(name: &'static str) -> Self {
        let words: Vec<_> = name.split('|').collect();
        if words.len() > 1 {
            return Self::OneOf(words);
        }
        match name.rsplit('-').next() {
            Some("file" | "path") => Self::File,
            Some("folder") => Self::Folder,
            _ => Self::Text,
        }
    }

    /// What the completion scripts of bash and fish read: a kind in capitals, or all words with bars between them.
    pub fn kind(&self) -> String {
        match self {
            Self::Text => "TEXT".to_owned(),
            Self::File => "FILE".to_owned(),
            Self::Folder => "FOLDER".to_owned(),
            Self::OneOf(words) => words.join("|"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_value_says_what_it_is() {
        assert_eq!(Value::of("plain|json"), Value::OneOf(vec!["plain", "json"]));
        for name in ["file", "image-file", "path"] {
            assert_eq!(Value::of(name), Value::File, "{name}");
        }
        assert_eq!(Value::of("folder"), Value::Folder);
        for name in ["address", "profile", "file-name", ""] {
            assert_eq!(Value::of(name), Value::Text, "{name}");
        }
    }
}
