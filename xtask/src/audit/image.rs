//! What is in an image, as `eif-build describe` shows it.

use serde_json::Value;

/// The contents of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageContents {
    pub sha256: String,
    /// The size of the file.
    pub size: u64,
    /// The name and the size of each section, in the order of the pages.
    pub sections: Vec<(String, u64)>,
    /// Everything in the ramdisk, in its order.
    pub entries: Vec<Entry>,
}

/// A file, folder, link or device of the ramdisk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path, beginning with `/`.
    pub path: String,
    pub kind: Kind,
    /// The permissions, in octal digits.
    pub mode: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File { size: u64, sha256: String },
    Link,
    Device,
}

impl Kind {
    /// The letter that `ls -l` shows.
    pub fn letter(&self) -> char {
        match self {
            Self::Folder => 'd',
            Self::File { .. } => '-',
            Self::Link => 'l',
            Self::Device => 'c',
        }
    }
}

impl ImageContents {
    /// Reads the JSON of `eif-build describe -o json`. On error, says which part is missing or unknown.
    pub fn parse(json: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let mut sections = Vec::new();
        for (name, section) in value["sections"].as_object().ok_or("`sections` is not an object")? {
            sections.push((name.clone(), number(section, "size")?));
        }
        let order = ["kernel", "cmdline", "metadata", "ramdisk"];
        sections.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(order.len()));
        let entries = value["entries"].as_array().ok_or("`entries` is not a list")?;
        Ok(Self {
            sha256: text(&value["file"], "sha256")?,
            size: number(&value["file"], "size")?,
            sections,
            entries: entries.iter().map(entry).collect::<Result<_, _>>()?,
        })
    }

    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

fn entry(value: &Value) -> Result<Entry, String> {
    let path = format!("/{}", text(value, "path")?);
    let kind = match text(value, "type")?.as_str() {
        "directory" => Kind::Folder,
        "symlink" => Kind::Link,
        "character-device" => Kind::Device,
        "file" => {
            let content = &value["content"];
            Kind::File { size: number(content, "size")?, sha256: text(content, "sha256")? }
        }
        other => return Err(format!("{path} has the unknown type `{other}`")),
    };
    Ok(Entry { path, kind, mode: text(value, "mode")? })
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    value[name].as_str().map(Into::into).ok_or_else(|| format!("`{name}` is missing or is not text in {value}"))
}

fn number(value: &Value, name: &str) -> Result<u64, String> {
    value[name].as_u64().ok_or_else(|| format!("`{name}` is missing or is not a number in {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sections_and_entries() {
        let image = ImageContents::parse(
            r#"{"file": {"size": 90, "sha256": "aa"},
                "sections": {"cmdline": {"size": 8}, "kernel": {"size": 50}, "ramdisk": {"size": 30}},
                "entries": [
                    {"path": "init", "mode": "0555", "type": "file", "content": {"size": 20, "sha256": "bb"}},
                    {"path": "dev", "mode": "0755", "type": "directory"}]}"#,
        )
        .unwrap();
        assert_eq!(image.sections, [("kernel".into(), 50), ("cmdline".into(), 8), ("ramdisk".into(), 30)]);
        assert_eq!(image.entry("/init").unwrap().kind, Kind::File { size: 20, sha256: "bb".into() });
        assert_eq!(image.entry("/dev").unwrap().kind.letter(), 'd');
    }

    #[test]
    fn names_what_is_missing() {
        assert_eq!(ImageContents::parse("{}").unwrap_err(), "`sections` is not an object");
        let json = r#"{"file": {"size": 1, "sha256": ""}, "sections": {}, "entries": [{"path": "x", "type": "fifo"}]}"#;
        assert_eq!(ImageContents::parse(json).unwrap_err(), "/x has the unknown type `fifo`");
    }
}
