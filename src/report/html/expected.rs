//! Numbers that were expected beside those of this run.

use super::{Html, table};
use crate::expectation::{Compared, Verdict};

/// How many agree, differ, and are another model's.
pub fn badges(body: &mut Html, all: &[Compared]) {
    let count = |verdict| all.iter().filter(|compared| compared.verdict == verdict).count();
    body.badge("good", "as expected", "as expected", count(Verdict::Agree));
    body.badge("bad", "not as expected", "not as expected", count(Verdict::Differ));
    body.badge("other", "expected of another model", "expected of another model", count(Verdict::OtherModel));
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
    table::head(body, columns.into_iter());
    body.open("tbody");
    for compared in all {
        let expected = &compared.expected;
        let class = match compared.verdict {
            Verdict::Agree => "good",
            Verdict::Differ => "bad",
            Verdict::OtherModel => "other",
        };
        body.raw("<tr><td>").text(&expected.name).raw("</td><td>");
        body.text(expected.source.as_deref().unwrap_or_default()).raw("</td>");
        let wanted = [expected.is, expected.at_least, expected.at_most].into_iter().flatten().next();
        number(body, wanted, &expected.to_string());
        number(body, compared.ours, &compared.shown());
        body.raw("<td>").text(expected.model.as_deref().unwrap_or("any model")).raw("</td><td>");
        body.text(compared.at_hand.as_deref().unwrap_or("no known model")).raw("</td><td><span class=\"badge ");
        body.raw(class).raw("\">").text(&compared.verdict.to_string()).raw("</span></td></tr>\n");
    }
    body.raw("</tbody></table></div>\n");
}

fn number(body: &mut Html, value: Option<f64>, shown: &str) {
    let value = value.map(|value| value.to_string()).unwrap_or_default();
    body.raw("<td class=\"number\" data-value=\"").text(&value).raw("\">").text(shown).raw("</td>");
}
