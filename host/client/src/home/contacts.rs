//! The address book: the user's own names for owners' keys. No other party is asked to whom a key belongs.

use super::State;
use super::folders::Place;
use crate::error::Error;
use crate::values::OwnerText;
use enclave_core::OwnerKey;
use serde::{Deserialize, Serialize};

/// One entry of the address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The name.
    pub name: String,
    /// The owner's key.
    pub owner: OwnerText,
}

/// The address book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    contacts: Vec<Contact>,
}

impl State for Contacts {
    const PLACE: Place = Place::config("contacts.json");
}

/// Whether `name` is a valid name: 1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter. A valid name is
/// never also a key, an id or an option.
pub fn is_name(name: &str) -> bool {
    let characters = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let length = (1..=64).contains(&name.chars().count());
    let id = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    characters
        && length
        && !id
        && name.chars().next().is_some_and(char::is_alphabetic)
        && OwnerText::parse(name).is_none()
}

impl Contacts {
    /// All entries, in the order in which they were added.
    pub fn all(&self) -> &[Contact] {
        &self.contacts
    }

    /// Adds a name. Fails if the name already belongs to another key.
    ///
    /// # Errors
    /// [`Error::NameTaken`] if the name belongs to another key; [`Error::BadValue`] for an invalid name.
    pub fn add(&mut self, name: &str, owner: OwnerKey) -> Result<(), Error> {
        if !is_name(name) {
            return Err(Error::BadValue {
                name: "NAME",
                value: name.to_owned(),
                want: "1 to 64 letters, digits, - _ or . and begin with a letter",
            });
        }
        match self.contacts.iter().find(|contact| contact.name == name) {
            Some(contact) if contact.owner.0 != owner => Err(Error::NameTaken(name.to_owned())),
            Some(_) => Ok(()),
            None => {
                self.contacts.push(Contact { name: name.to_owned(), owner: OwnerText(owner) });
                Ok(())
            }
        }
    }

    /// Removes a name.
    ///
    /// # Errors
    /// [`Error::UnknownContact`].
    pub fn remove(&mut self, name: &str) -> Result<(), Error> {
        let before = self.contacts.len();
        self.contacts.retain(|contact| contact.name != name);
        if self.contacts.len() == before { Err(Error::UnknownContact(name.to_owned())) } else { Ok(()) }
    }

    /// The owner with this name or this key.
    ///
    /// # Errors
    /// [`Error::UnknownContact`].
    pub fn resolve(&self, text: &str) -> Result<OwnerKey, Error> {
        let named = self.contacts.iter().find(|contact| contact.name == text).map(|contact| contact.owner);
        let owner = named.or_else(|| OwnerText::parse(text));
        owner.map(|owner| owner.0).ok_or_else(|| Error::UnknownContact(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_second_key_for_a_name() {
        let (ann, eve) = (OwnerKey::new([1; 32]), OwnerKey::new([2; 32]));
        let mut contacts = Contacts::default();
        contacts.add("ann", ann).unwrap();
        contacts.add("ann", ann).unwrap();
        assert_eq!(contacts.add("ann", eve).unwrap_err().code(), "name-taken");
        assert_eq!(contacts.resolve("ann"), Ok(ann));
        assert_eq!(contacts.resolve(&OwnerText(eve).to_string()), Ok(eve));
        assert_eq!(contacts.resolve("Ann").unwrap_err().code(), "unknown-contact");
        contacts.remove("ann").unwrap();
        assert_eq!(contacts.remove("ann").unwrap_err().code(), "unknown-contact");
    }

    #[test]
    fn rejects_invalid_names() {
        let key = OwnerText(OwnerKey::new([1; 32])).to_string();
        for name in ["", "a b", "a/b", "-a", "1a", &"a".repeat(65), &key, "abcdefabcdefabcdefabcdefabcdefab"] {
            assert!(!is_name(name), "{name}");
        }
        for name in ["a", "ann-b.c_1", "Änne"] {
            assert!(is_name(name), "{name}");
        }
    }
}
