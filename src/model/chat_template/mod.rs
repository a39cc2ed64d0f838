//! Chat templates: how a model was trained to be written to, as Jinja that its tokenizer brings along. They are rendered as
//! `apply_chat_template` of transformers does: blocks trimmed, Python's methods of texts and tables, `raise_exception`, `strftime_now`,
//! `tojson` without HTML's escapes, and the names of the tokenizer's own tokens as variables.

mod date;
mod error;
mod frame;
mod json;
mod loops;
mod python;

use crate::spec::{ChatSettings, ChatValue};
use indexmap::IndexMap;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, StringInput, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use regex::Regex;
use serde_json::json;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub use date::ChatDate;
pub use error::ChatError;
pub use frame::ChatFrame;

/// Steps that a template may take: a chat of two messages takes some hundreds.
const FUEL: u64 = 1 << 20;

/// The tag that tells what a model is trained to write: it changes nothing of the text.
static GENERATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}").ok());

/// A chat template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTemplate {
    source: String,
    /// Texts of the tokenizer's own tokens, by their roles: `bos_token`.
    tokens: IndexMap<String, String>,
}

/// What a template did that an error of the engine does not say.
#[derive(Default)]
struct Signals {
    raised: Option<String>,
    asked_for_date: bool,
}

impl ChatTemplate {
    /// A template as Jinja, and the texts of the tokenizer's own tokens by their roles.
    pub fn new(source: String, tokens: IndexMap<String, String>) -> Self {
        Self { source, tokens }
    }

    /// The chat of a user's message, up to where the model's reply begins.
    ///
    /// # Errors
    /// A template that is wrong, that refuses the chat, or that writes the day where none is said.
    pub fn render(&self, message: &str, settings: &ChatSettings) -> Result<String, ChatError> {
        let signals = Arc::new(Mutex::new(Signals::default()));
        let environment = environment(&signals, settings);
        let source = self.readable();
        let rendered = environment
            .template_from_named_str("chat template", &source)
            .and_then(|template| template.render(self.context(message, settings)));
        rendered.map_err(|error| {
            let signals = signals.lock().unwrap_or_else(PoisonError::into_inner);
            match &signals.raised {
                Some(message) => ChatError::Refused { message: message.clone(), has_system: settings.system.is_some() },
                None if signals.asked_for_date => ChatError::NoDate,
                None => ChatError::Malformed { problem: error.to_string() },
            }
        })
    }

    /// The source without tags that the engine does not know and that change nothing, and with loops that know how long they are.
    fn readable(&self) -> String {
        let Some(generation) = GENERATION.as_ref() else { return loops::over_lists(&self.source) };
        let tag = |found: &regex::Captures| {
            let word = if found.get(2).is_some() { "endif" } else { "if true" };
            format!("{{%{} {word} {}%}}", &found[1], &found[3])
        };
        loops::over_lists(&generation.replace_all(&self.source, tag))
    }

    fn context(&self, message: &str, settings: &ChatSettings) -> Value {
        let message_of = |role: &str, content: &str| json!({ "role": role, "content": content });
        let system = settings.system.iter().map(|text| message_of("system", text));
        let messages: Vec<serde_json::Value> = system.chain([message_of("user", message)]).collect();
        let mut all = serde_json::Map::new();
        all.extend(self.tokens.iter().map(|(role, text)| (role.clone(), text.as_str().into())));
        all.insert("messages".into(), messages.into());
        all.insert("tools".into(), serde_json::Value::Null);
        all.insert("documents".into(), serde_json::Value::Null);
        all.insert("add_generation_prompt".into(), true.into());
        all.extend(settings.variables.iter().map(|(name, value)| {
            let value = match value {
                ChatValue::Flag(flag) => serde_json::Value::from(*flag),
                ChatValue::Number(number) => (*number).into(),
                ChatValue::Text(text) => text.as_str().into(),
            };
            (name.clone(), value)
        }));
        Serde(all).into()
    }
}

/// Items with a text between them, each as Python writes it.
fn join(
    state: &mut State,
    value: &Value,
    joiner: Option<StringInput>,
    attribute: Option<&str>,
    options: Kwargs,
) -> Result<Value, Error> {
    let written: Option<Value> = match attribute.is_none() && !options.has("attribute") {
        true => {
            value.try_iter().ok().map(|items| items.map(|item| python::text(&item).map_or(item, Value::from)).collect())
        }
        false => None,
    };
    minijinja::filters::join(state, written.as_ref().unwrap_or(value), joiner, attribute, options)
}

/// Jinja as transformers sets it up.
fn environment(signals: &Arc<Mutex<Signals>>, settings: &ChatSettings) -> Environment<'static> {
    let mut environment = Environment::new();
    // With the usual delimiters nothing of it can be wrong.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(|state, value, method, arguments| match (value.as_str(), method) {
        (Some(text), "title") if value.kind() == ValueKind::String && arguments.is_empty() => {
            Ok(Value::from(python::title(text)))
        }
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments),
    });
    environment.set_formatter(|out, state, value| match python::text(value) {
        Some(text) => out.write_str(&text).map_err(Error::from),
        None => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("string", |value: Value| match python::text(&value) {
        Some(text) => Value::from(text),
        None if value.kind() == ValueKind::String => value,
        None => Value::from(value.to_string()),
    });
    environment.add_filter("join", join);
    environment.add_filter(loops::LETTERS, loops::letters);
    environment.add_filter("tojson", |value: Value, options: Kwargs| -> Result<String, Error> {
        let indent = options.get::<Option<usize>>("indent")?;
        let value =
            serde_json::to_value(&value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
        Ok(json::dumps(&value, indent))
    });
    let raised = signals.clone();
    environment.add_function("raise_exception", move |message: String| -> Result<Value, Error> {
        raised.lock().unwrap_or_else(PoisonError::into_inner).raised = Some(message.clone());
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    let (asked, date) = (signals.clone(), settings.date.as_deref().and_then(ChatDate::parse));
    environment.add_function("strftime_now", move |format: String| -> Result<String, Error> {
        let Some(date) = date else {
            asked.lock().unwrap_or_else(PoisonError::into_inner).asked_for_date = true;
            return Err(Error::new(ErrorKind::InvalidOperation, "no date is given"));
        };
        date.format(&format).map_err(|problem| Error::new(ErrorKind::InvalidOperation, problem))
    });
    environment
}
