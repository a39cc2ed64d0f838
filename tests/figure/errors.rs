use super::spec;
use ablate::figure::{check, layout};
use polars::prelude::*;

fn message(body: &str) -> String {
    let rows = df!(
        "layer" => [0i64, 1, 2], "site" => ["hook_z", "hook_z", "mlp"], "mean" => [1.0, 2.0, f64::NAN],
        "minus" => [-1.0, 0.0, -3.0], "id" => ["a", "b", "c"],
    )
    .unwrap();
    layout(&spec(body), &rows).unwrap_err().to_string()
}

#[test]
fn name_the_figure_the_key_and_what_to_write() {
    assert_eq!(
        message("kind = 'lines'\nx = 'lyer'\ny = 'mean'"),
        "figure 'drawing', x: no column 'lyer'; write 'layer'; there are: layer, site, mean, minus, id"
    );
    assert_eq!(
        message("kind = 'lines'\nx = 'layer'\ny = 'site'"),
        "figure 'drawing', y: column 'site' holds text; height and colour need numbers"
    );
    assert_eq!(
        message("kind = 'scatter'\nx = 'site'\ny = 'mean'\nseries = 'ids'"),
        "figure 'drawing', x: column 'site' holds text; height and colour need numbers; series: no column 'ids'; \
         write 'id'; there are: layer, site, mean, minus, id"
    );
    assert_eq!(
        message("kind = 'heatmap'\nx = 'layer'\ny = 'site'"),
        "figure 'drawing', value: a figure of kind \"heatmap\" needs this key; write value = \"mean\""
    );
    assert_eq!(
        message("kind = 'heatmap-grid'\nx = 'layer'\ny = 'site'\nvalue = 'mean'"),
        "figure 'drawing', facet: a figure of kind \"heatmap-grid\" needs this key; write facet = \"operator\""
    );
    assert_eq!(
        message("kind = 'heatmap'\nx = 'layer'\ny = 'site'\nvalue = 'minus'\nvalue_range = [1, 0]"),
        "figure 'drawing', value_range: [1, 0] is not a range; write the smaller end first"
    );
    let small = message("kind = 'heatmap'\nx = 'layer'\ny = 'site'\nvalue = 'minus'\nwidth = 120\nheight = 90");
    assert_eq!(
        small,
        "figure 'drawing', width: titles and labels leave no room for 1 panel; write a larger 'width' or 'height'"
    );
}

#[test]
fn more_than_a_reader_can_tell_apart_is_refused() {
    let rows = df!("i" => (0..5000i64).map(|i| format!("p{i}")).collect::<Vec<_>>(), "v" => vec![1.0; 5000]).unwrap();
    let error = |body: &str| layout(&spec(body), &rows).unwrap_err().to_string();
    let facets = error("kind = 'lines'\nx = 'v'\ny = 'v'\nfacet = 'i'");
    assert!(facets.starts_with("figure 'drawing', facet: 'i' has 5000 different values, and a figure can show 48"));
    assert!(error("kind = 'bars'\nx = 'i'\ny = 'v'").contains("'i' has 5000 different values"));
    assert!(error("kind = 'heatmap'\nx = 'i'\ny = 'i'\nvalue = 'v'").contains("'i' has 5000 different values"));
    assert!(error("kind = 'lines'\nx = 'v'\ny = 'v'\nseries = 'i'").contains("'i' has 5000 different values"));
}

#[test]
fn what_has_nothing_to_show_is_a_panel_that_says_why() {
    let none = df!("layer" => Vec::<i64>::new(), "mean" => Vec::<f64>::new()).unwrap();
    let some = df!(
        "layer" => [0i64, 1, 2], "site" => ["hook_z", "hook_z", "mlp"], "mean" => [1.0, 2.0, f64::NAN],
        "minus" => [-1.0, 0.0, -3.0],
    )
    .unwrap();
    let cases = [
        ("kind = 'lines'\nx = 'layer'\ny = 'mean'", &none, "no rows: 'step' has none"),
        (
            "kind = 'bars'\nx = 'layer'\ny = 'mean'\nwhere = { layer = '>= 0', site = ['hook_q', 'hook_k'] }",
            &some,
            "no rows: 'site' is never hook_q or hook_k; its values are hook_z, mlp",
        ),
        (
            "kind = 'heatmap'\nx = 'layer'\ny = 'site'\nvalue = 'mean'\nwhere = { layer = 2 }",
            &some,
            "no numbers: 'mean' has none to draw",
        ),
        (
            "kind = 'lines'\nx = 'layer'\ny = 'minus'\ny_scale = 'log'",
            &some,
            "no numbers: 'minus' has none to draw above zero, where a logarithmic axis begins",
        ),
    ];
    for (body, rows, why) in cases {
        let drawn = layout(&spec(&format!("{body}\ntitle = 'Title'")), rows).unwrap();
        assert_eq!(drawn.notes, [why]);
        let texts: Vec<&str> = drawn.scene.texts().map(|text| text.text.as_str()).collect();
        assert_eq!((texts[0], texts[1..].join(" ").as_str()), ("Title", why));
    }
}

/// What the figure says of rows that are not there yet.
fn before(body: &str) -> String {
    let rows = df!("step" => [0i64], "operator" => ["+"], "rate" => [0.5], "low" => [0.4], "high" => [0.6]).unwrap();
    check(&spec(body), &rows).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn columns_are_checked_without_rows() {
    for right in [
        "kind = 'lines'\nx = 'step'\ny = 'log1p(rate)'\nseries = 'operator'\nband = ['low', 'high']\nwhere = { step = '> 3' }",
        "kind = 'bars'\nx = 'operator'\ny = 'rate'\nfacet = 'step'",
        "kind = 'heatmap-grid'\nx = 'step'\ny = 'operator'\nvalue = 'log10(rate)'\nfacet = 'operator'",
    ] {
        assert_eq!(before(right), "");
    }
    let found = before("kind = 'heatmap'\nx = 'stp'\ny = 'operator'\nvalue = 'log1p(raet)'\nwhere = { hed = 1 }");
    for fault in
        ["where.hed: no column 'hed'", "; x: no column 'stp'; write 'step'", "; value: no column 'raet'; write 'rate'"]
    {
        assert!(found.contains(fault), "{found}");
    }
    let log = before("kind = 'lines'\nx = 'step'\ny = 'rate'\ny_scale = 'log'\ny_range = [0, 1]");
    assert!(log.contains("y_range: [0, 1] is not a range") && log.contains("above zero"), "{log}");
}

#[test]
fn a_transform_is_refused_where_there_is_none() {
    let band = before("kind = 'lines'\nx = 'step'\ny = 'log1p(rate)'\nband = ['log1p(low)', 'high']");
    assert_eq!(
        band,
        "figure 'drawing', band.0: a function is not allowed here; write 'low': the band is transformed as 'y' is"
    );
    let x = before("kind = 'lines'\nx = 'log10(step)'\ny = 'rate'");
    assert_eq!(x, "figure 'drawing', x: a function is not allowed here; write 'step'");
}

#[test]
fn there_are_three_styles_of_line() {
    let rows = df!("x" => [1i64, 1, 1, 1], "y" => [0.1, 0.2, 0.3, 0.4], "d" => ["a", "b", "c", "d"]).unwrap();
    let error = layout(&spec("kind = 'lines'\nx = 'x'\ny = 'y'\ndash = 'd'"), &rows).unwrap_err().to_string();
    assert!(
        error.starts_with("figure 'drawing', dash: 'd' has 4 different values, and a figure can show 3"),
        "{error}"
    );
}
