//! A resolved spec, written out, reads as the same spec.

use super::errors::RIGHT;
use ablate::spec::parse;
use proptest::prelude::*;

/// The title, names and texts that are hard to write as TOML.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\"'\\\\\n\t\r{}#=\u{7f}\u{0}]{1,8}", Just("'''\"\"\"".to_string())]
        .prop_filter("not empty", |text| !text.is_empty())
}

fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_out_it_reads_the_same(
        title in text(),
        separator in text(),
        template in "[a-z \"']{0,6}",
        seeds in proptest::collection::vec(0u64..=i64::MAX as u64, 1..4),
        low in -1000i64..1000,
        length in 1i64..1000,
        list in proptest::collection::vec(any::<i64>(), 1..5),
        lr in 1e-12f64..1e12,
        range in proptest::option::of((-1e9f64..0.0, 0.1f64..1e9)),
        named in any::<bool>(),
        column in text(),
        shot in any::<bool>(),
    ) {
        let template = toml_text(&format!("{template}{{a}}{{op}}{{b}}="));
        let template = if named { format!("{{ one = {template}, \"a b\" = {template} }}") } else { template };
        let shots = if shot { "shots = [{ a = 1, op = \"+\", b = -2 }]" } else { "" };
        let y_range = range.map(|(low, high)| format!("y_range = [{low:?}, {high:?}]")).unwrap_or_default();
        let prompts = format!(
            "[prompts]\ntemplate = {template}\nseeds = {seeds:?}\nshot_separator = {}\n{shots}\n\
             operands = {{ a = \"{low}..{}\", b = {list:?} }}\n",
            toml_text(&separator), low + length
        );
        let spec = RIGHT
            .replace("\"Accuracy\"", &toml_text(&title))
            .replace("[prompts]\noperands = { a = \"0..100\", b = \"0..100\" }\n", &prompts)
            .replace("x = \"operator\"", &format!("x = {}\n{y_range}\nwhere = {{ {} = [1, 2.5, true] }}", toml_text(&column), "\"p q\""))
            + &format!(
                "[models.m]\ndtype = \"f16\"\n[prompt_sets.p]\nkeep = \"all\"\n[[step]]\nname = \"t\"\nkind = \"train\"\nnumbers = 100\nlayers = 2\n\
                 d_model = 64\nheads = 4\nd_mlp = 256\nsteps = 10\nbatch = 4\noptimizer = {{ lr = {lr:?} }}\n"
            );
        let read = match parse("spec.toml", &spec) {
            Ok(read) => read,
            Err(errors) => return Err(TestCaseError::fail(format!("{errors}\n{spec}"))),
        };
        for written in [read.to_toml(), read.to_toml_with_origins()] {
            match parse("written.toml", &written) {
                Ok(again) => prop_assert_eq!(&again.spec, &read.spec, "{}", written),
                Err(errors) => return Err(TestCaseError::fail(format!("{errors}\n{written}"))),
            }
        }
    }
}
