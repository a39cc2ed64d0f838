//! Text that is put into a page: nothing of it is taken for markup.

use crate::report::description;

/// A page being written.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup.
    pub fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, and what is in quotes in a tag.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escaped(text));
        self
    }

    /// `<NAME>`
    pub fn open(&mut self, name: &str) -> &mut Self {
        self.raw("<").raw(name).raw(">\n")
    }

    /// `</NAME>`
    pub fn close(&mut self, name: &str) -> &mut Self {
        self.raw("</").raw(name).raw(">\n")
    }

    /// `<TAG>text</NAME>`, the name the first word of the tag, whose attributes are markup.
    pub fn inline(&mut self, tag: &str, text: &str) -> &mut Self {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw("<").raw(tag).raw(">").text(text).raw("</").raw(name).raw(">")
    }

    /// The same, alone on its line.
    pub fn element(&mut self, tag: &str, text: &str) -> &mut Self {
        self.inline(tag, text).raw("\n")
    }

    /// `<TAG KEY="value">text</TAG>`
    pub fn with(&mut self, tag: &str, key: &str, value: &str, text: &str) -> &mut Self {
        self.inline(&format!("{tag} {key}=\"{}\"", escaped(value)), text)
    }

    /// A list of texts.
    pub fn list(&mut self, texts: &[String]) {
        self.open("ul");
        for text in texts {
            self.element("li", text);
        }
        self.close("ul");
    }

    /// A text in a colour.
    pub fn badge(&mut self, class: &str, text: &str) -> &mut Self {
        self.with("span", "class", &format!("badge {class}"), text)
    }

    /// How many of something there are, in a colour; nothing where there are none.
    pub fn count(&mut self, class: &str, one: &str, many: &str, count: usize) {
        if count > 0 {
            let of = if count == 1 { one } else { many };
            self.badge(class, &format!("{count} {of}")).raw("\n");
        }
    }

    /// What a user wrote in Markdown.
    pub fn description(&mut self, text: &str) {
        description::html(&mut self.0, text);
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text as markup that shows it.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
