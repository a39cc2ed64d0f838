//! `chat` of prompts: each is a user's message in the model's own chat template.

use super::text_or::schema_of;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether prompts are messages of a chat, and what else is in it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "WrittenChat")]
pub struct Chat(pub Option<ChatSettings>);

/// As a spec writes it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "true, false, or what else is in the chat: { system = \"…\" }")]
enum WrittenChat {
    Flag(bool),
    Settings(ChatSettings),
}

impl From<WrittenChat> for Chat {
    fn from(written: WrittenChat) -> Self {
        match written {
            WrittenChat::Flag(is_chat) => Self(is_chat.then(ChatSettings::default)),
            WrittenChat::Settings(settings) => Self(Some(settings)),
        }
    }
}

impl Serialize for Chat {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_bool(false),
            Some(settings) if *settings == ChatSettings::default() => serializer.serialize_bool(true),
            Some(settings) => settings.serialize(serializer),
        }
    }
}

impl Chat {
    /// Whether prompts are texts as they are.
    pub(crate) fn is_off(&self) -> bool {
        self.0.is_none()
    }
}

schema_of!(Chat, |generator| {
    "description": "Whether prompts are messages of a chat, or what else is in it: `{ system = \"…\" }`.",
    "anyOf": [{ "type": "boolean" }, generator.subschema_for::<ChatSettings>()],
});

/// What is in a chat beside the prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChatSettings {
    /// The system's message. Left out: none, or the one that the template writes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What the model's reply begins with: it is to go on after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<String>,
    /// The day that a template writes as today: `"2024-07-26"`. Without it a template that asks for the day is refused, as prompts would
    /// be others every day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Further variables of the template: `{ enable_thinking = false }`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub variables: IndexMap<String, ChatValue>,
}

/// The value of a variable of a chat template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "true, false, an integer or a text")]
pub enum ChatValue {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

schema_of!(ChatValue, |_| {
    "description": "True, false, an integer or a text.",
    "anyOf": [{ "type": "boolean" }, { "type": "integer" }, { "type": "string" }],
});
