//! Numbers of several measures, of which no mean is made.

use ablate::spec::Table;
use ablate::table;
use polars::prelude::*;

fn rows() -> DataFrame {
    df!(
        "layer" => [0i64, 0, 1, 1],
        "measure" => ["kl", "logit-difference", "kl", "logit-difference"],
        "n" => [10i64, 10, 10, 10],
        "mean" => [0.5, 2.0, 0.25, 1.0],
    )
    .unwrap()
}

fn built(body: &str) -> Result<DataFrame, String> {
    let spec: Table = toml::from_str(&format!("name = 't'\nfrom = 'rows'\n{body}")).unwrap();
    table::build(&spec, &rows(), None).map(|built| built.frame).map_err(|error| error.to_string())
}

#[test]
fn an_aggregate_is_of_one_measure() {
    let error = built("group_by = ['layer']\naggregate = { x = 'mean(mean)' }").unwrap_err();
    assert_eq!(
        error,
        "table 't', aggregate.x: 2 measures (kl, logit-difference) would be averaged into one number; write \
         where = { measure = \"kl\" }, or 'measure' into group_by"
    );
    for function in ["std", "min", "max", "sum", "median", "sem", "ci_low", "ci_high"] {
        assert!(
            built(&format!("group_by = ['layer']\naggregate = {{ x = '{function}(mean)' }}")).is_err(),
            "{function}"
        );
    }
    for fine in [
        "group_by = ['layer', 'measure']\naggregate = { x = 'mean(mean)' }",
        "where = { measure = 'kl' }\ngroup_by = ['layer']\naggregate = { x = 'mean(mean)' }",
        "group_by = ['layer']\naggregate = { n = 'count', values = 'count(mean)' }",
        // Not what is measured, and the same for all measures.
        "group_by = ['layer']\naggregate = { x = 'max(n)', y = 'min(layer)' }",
    ] {
        built(fine).unwrap_or_else(|error| panic!("{fine}: {error}"));
    }
}
