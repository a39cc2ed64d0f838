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

    /// `<NAME>text</NAME>`
    pub fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw("<").raw(name).raw(">").text(text).close(name)
    }

    /// A list of texts.
    pub fn list(&mut self, texts: &[String]) {
        self.open("ul");
        for text in texts {
            self.element("li", text);
        }
        self.close("ul");
    }

    /// How many of something there are, in a colour; nothing where there are none.
    pub fn badge(&mut self, class: &str, one: &str, many: &str, count: usize) {
        if count > 0 {
            let of = if count == 1 { one } else { many };
            self.raw("<span class=\"badge ").raw(class).raw("\">").text(&format!("{count} {of}")).raw("</span>\n");
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
