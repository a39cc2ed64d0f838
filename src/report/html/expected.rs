//! Numbers that were expected beside those of this run.

use super::{Html, table};
use crate::expectation::{Compared, Verdict};

/// How many agree, differ, and are another model's.
pub fn badges(body: &mut Html, all: &[Compared]) {
    let count = |verdict| all.iter().filter(|compared| compared.verdict == verdict).count();
    body.count("good", "as expected", "as expected", count(Verdict::Agree));
    body.count("bad", "not as expected", "not as expected", count(Verdict::Differ));
    body.count("other", "expected of another model", "expected of another model", count(Verdict::OtherModel));
}

/// Every expectation, whatever is made of it.
pub fn table(body: &mut Html, all: &[Compared]) {
    let columns = [
        ("", false),
        ("source", false),
        ("expected", true),
        ("ours", true),
        ("expected of", false),
        ("ours is", false),
        ("verdict", false),
    ];
    table::sortable(body, columns, all, |body, compared| {
        let expected = &compared.expected;
        let class = match compared.verdict {
            Verdict::Agree => "good",
            Verdict::Differ => "bad",
            Verdict::OtherModel => "other",
        };
        body.inline("td", &expected.name).inline("td", expected.source.as_deref().unwrap_or_default());
        let wanted = [expected.is, expected.at_least, expected.at_most].into_iter().flatten().next();
        let full = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        table::number(body, &full(wanted), &expected.to_string());
        table::number(body, &full(compared.ours), &compared.shown());
        body.inline("td", expected.model.as_deref().unwrap_or("any model"));
        body.inline("td", compared.at_hand.as_deref().unwrap_or("no known model"));
        body.raw("<td>").badge(class, &compared.verdict.to_string()).raw("</td>");
    })
    .raw("\n");
}
