//! The tables of `docs/json.md`: each command with its members, and each member with its type and its meaning.

use crate::SCHEMA;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The line before the tables.
const BEGIN: &str = "<!-- tables: `make manual` writes them from json.schema.json -->\n";
/// The line after the tables.
const END: &str = "<!-- /tables -->\n";

/// The page with new tables. `None` if the marks are missing.
pub fn replace(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", tables()))
}

/// Both tables.
pub fn tables() -> String {
    let mut text = "| command | members | notes |\n|---|---|---|\n".to_owned();
    for command in commands() {
        let names: Vec<_> = command.members.keys().map(|name| mark(name, command.is_always_there(name))).collect();
        let names = if names.is_empty() { "`error` alone".to_owned() } else { names.join(", ") };
        text += &format!("| `{}` | {names} | {} |\n", command.words, command.notes);
    }
    text += "\n| member | type | meaning |\n|---|---|---|\n";
    for ((name, _), member) in all_members() {
        text += &format!("| `{name}` | {} | {} |\n", type_of(member), description(member).unwrap_or_default());
    }
    text
}

/// A command of the schema.
pub struct Command {
    /// Its words.
    pub words: String,
    /// Its own members.
    pub members: Map<String, Value>,
    notes: String,
    /// The members that are there unless the command failed. There can be several forms of a result.
    required: Vec<Vec<Value>>,
}

impl Command {
    fn is_always_there(&self, name: &str) -> bool {
        self.required.iter().all(|names| names.iter().any(|required| required == name))
    }
}

/// All commands of the schema.
pub fn commands() -> Vec<Command> {
    list(&SCHEMA["allOf"]).iter().map(|rule| command(&rule["if"], &rule["then"])).collect()
}

fn command(condition: &Value, then: &Value) -> Command {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let required = list(&then["anyOf"]).iter().map(|form| list(&form["required"]).to_vec());
    Command {
        words: text(&condition["properties"]["command"]["const"]),
        members: then["properties"].as_object().cloned().unwrap_or_default(),
        notes: text(&then["description"]),
        required: required.filter(|names| *names != ["error"]).collect(),
    }
}

/// The members of the envelope, of all commands, and of the objects in them. Each is shown once, with every meaning that
/// it has.
fn all_members() -> BTreeMap<(String, String), &'static Value> {
    let mut found = BTreeMap::new();
    let roots = [&SCHEMA["properties"]]
        .into_iter()
        .chain(list(&SCHEMA["allOf"]).iter().map(|rule| &rule["then"]["properties"]));
    for properties in roots {
        collect(properties, "", &mut found);
    }
    found
}

fn collect(properties: &'static Value, path: &str, found: &mut BTreeMap<(String, String), &'static Value>) {
    for (name, member) in properties.as_object().into_iter().flatten() {
        // A member with a definition means the same wherever it is. Another one belongs to its object.
        let is_shared = reference(member).is_some_and(|target| target.get("description").is_some());
        let member = if is_shared { resolve(member) } else { member };
        let name = if is_shared { name.clone() } else { format!("{path}{name}") };
        let key = (name.clone(), description(member).unwrap_or_default());
        if found.insert(key, member).is_none() {
            let (inner, suffix) = object_in(member);
            collect(&inner["properties"], &format!("{name}{suffix}."), found);
        }
    }
}

/// The object in a member, and what its path gets: `[]` if there is a list around it.
fn object_in(member: &'static Value) -> (&'static Value, &'static str) {
    let member = without_null(member);
    match member.get("items") {
        Some(items) => (without_null(items), "[]"),
        None => (member, ""),
    }
}

fn mark(name: &str, is_always_there: bool) -> String {
    format!("`{name}`{}", if is_always_there { "" } else { "?" })
}

fn description(schema: &Value) -> Option<String> {
    Some(schema.get("description")?.as_str()?.to_owned())
}

fn type_of(schema: &'static Value) -> String {
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        return title.to_owned();
    }
    if let Some(forms) = schema.get("anyOf").filter(|_| schema.get("properties").is_none()) {
        return list(forms).iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(target) = reference(schema) {
        return type_of(target);
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if schema.get("enum").is_some() {
        return list(&schema["enum"])
            .iter()
            .map(|value| format!("`{}`", value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let types = &schema["type"];
    let types = if types.is_array() { list(types) } else { std::slice::from_ref(types) };
    let names = types.iter().map(|name| match name.as_str() {
        Some("string") => "text".to_owned(),
        Some("integer") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("null") => "`null`".to_owned(),
        Some("array") => format!("list: {}", type_of(&schema["items"])),
        Some("object") => object_type(schema),
        _ => "any".to_owned(),
    });
    names.collect::<Vec<_>>().join(" or ")
}

fn object_type(schema: &'static Value) -> String {
    let Some(properties) = schema["properties"].as_object() else { return "object".to_owned() };
    let is_required = |name: &String| list(&schema["required"]).iter().any(|required| required == name);
    let names: Vec<_> = properties.keys().map(|name| mark(name, is_required(name))).collect();
    format!("object: {}", names.join(", "))
}

/// The schema that a reference names.
fn reference(schema: &Value) -> Option<&'static Value> {
    SCHEMA.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

fn resolve(schema: &'static Value) -> &'static Value {
    reference(schema).unwrap_or(schema)
}

/// The schema without the form `null`, and what it refers to.
fn without_null(schema: &'static Value) -> &'static Value {
    let form = list(&schema["anyOf"]).first().filter(|_| schema.get("properties").is_none());
    let schema = form.unwrap_or(schema);
    // A definition with a description is a member of its own.
    reference(schema).filter(|target| target.get("description").is_none()).unwrap_or(schema)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
