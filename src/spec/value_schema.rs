//! The schema of a spec, read: what a value may be, which keys a table has, and what they mean.

use super::schema::resolved;
use serde_json::Value;

/// What a value may be: a part of the schema, references followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueSchema {
    /// As it stands where it is used.
    written: &'static Value,
    /// What that refers to, or itself.
    definition: &'static Value,
}

impl ValueSchema {
    fn of(written: &'static Value) -> Self {
        let target = |name: &str| resolved().pointer(name.strip_prefix('#')?);
        let definition = written.get("$ref").and_then(Value::as_str).and_then(target).unwrap_or(written);
        Self { written, definition }
    }

    /// That of a whole spec.
    pub fn spec() -> Self {
        Self::of(resolved())
    }

    /// That of a type, such as `Step`.
    pub fn named(name: &str) -> Option<Self> {
        resolved().get("$defs")?.get(name).map(Self::of)
    }

    /// The name of the type that it is, where it refers to one.
    pub fn name(self) -> Option<&'static str> {
        self.written.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
    }

    /// What a keyword of JSON Schema, or one of [`super::schema()`], says.
    pub fn get(self, keyword: &str) -> Option<&'static Value> {
        self.definition.get(keyword).or_else(|| self.written.get(keyword))
    }

    /// The same as text.
    pub fn text(self, keyword: &str) -> Option<&'static str> {
        self.get(keyword)?.as_str()
    }

    /// The same as a number.
    pub fn number(self, keyword: &str) -> Option<f64> {
        self.get(keyword)?.as_f64()
    }

    /// What its place says of it, or else its type.
    pub fn description(self) -> Option<&'static str> {
        self.written.get("description").and_then(Value::as_str).or_else(|| self.text("description"))
    }

    fn list(self, keyword: &str) -> &'static [Value] {
        self.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Types that it may be one of.
    pub(crate) fn any_of(self) -> Vec<Self> {
        self.list("anyOf").iter().map(Self::of).collect()
    }

    /// Words or kinds of tables that it may be one of.
    pub(crate) fn one_of(self) -> Vec<Self> {
        self.list("oneOf").iter().map(Self::of).collect()
    }

    /// The words that it may be one of.
    pub fn words(self) -> Vec<(&'static str, Self)> {
        self.one_of().into_iter().filter_map(|word| Some((word.text("const")?, word))).collect()
    }

    /// The key whose constant tells kinds of tables apart, and the kinds by it; none for anything else.
    pub fn kinds(self) -> Option<(&'static str, Vec<(&'static str, Self)>)> {
        let kinds = self.one_of();
        let (tag, _) = kinds.first()?.keys().into_iter().find(|(_, key)| key.get("const").is_some())?;
        let named = |kind: Self| Some((kind.key(tag)?.text("const")?, kind));
        Some((tag, kinds.into_iter().filter_map(named).collect()))
    }

    /// The keys of a table.
    pub fn keys(self) -> Vec<(&'static str, Self)> {
        let keys = self.get("properties").and_then(Value::as_object).into_iter().flatten();
        keys.map(|(key, written)| (key.as_str(), Self::of(written))).collect()
    }

    /// A key of a table.
    pub fn key(self, name: &str) -> Option<Self> {
        self.get("properties")?.get(name).map(Self::of)
    }

    /// The keys that a table must have.
    pub fn required(self) -> impl Iterator<Item = &'static str> {
        self.list("required").iter().filter_map(Value::as_str)
    }

    /// The items of a list.
    pub fn items(self) -> Option<Self> {
        self.get("items").map(Self::of)
    }

    /// The values of a table whose keys are names.
    pub fn values(self) -> Option<Self> {
        self.get("additionalProperties").filter(|values| values.is_object()).map(Self::of)
    }

    /// The types of values that it takes, in the words of JSON Schema.
    pub fn types(self) -> Vec<&'static str> {
        match self.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            name => name.and_then(Value::as_str).into_iter().collect(),
        }
    }
}
