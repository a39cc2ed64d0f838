use ablate::spec::Table;
use ablate::table::{self, TableError, markdown};
use polars::prelude::*;

fn build(spec: &Table, rows: &DataFrame) -> Result<DataFrame, TableError> {
    table::build(spec, rows, None).map(|built| built.frame)
}

fn check(spec: &Table, rows: &DataFrame) -> Result<Option<DataFrame>, TableError> {
    table::check(spec, rows, None)
}

fn spec(body: &str) -> Table {
    toml::from_str(&format!("name = 'rates'\nfrom = 'accuracy'\n{body}")).unwrap()
}

/// Two layers, four operators in an order that is not theirs, one null effect.
fn rows() -> DataFrame {
    df!(
        "operator" => ["*", "+", "/", "-", "*", "+", "/", "-"],
        "layer" => [0i64, 0, 0, 0, 1, 1, 1, 1],
        "correct" => [true, true, false, true, false, true, false, true],
        "effect" => [Some(1.0), Some(2.0), Some(3.0), None, Some(5.0), Some(8.0), Some(-1.0), Some(0.5)],
        "answer" => ["6", "5", "1", "1", "8", "6", "2", "0"],
    )
    .unwrap()
}

fn texts(frame: &DataFrame, name: &str) -> Vec<String> {
    frame.column(name).unwrap().str().unwrap().iter().map(|text| text.unwrap_or("null").to_string()).collect()
}

fn floats(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    frame.column(name).unwrap().cast(&DataType::Float64).unwrap().f64().unwrap().iter().collect()
}

#[track_caller]
fn close(found: Vec<Option<f64>>, expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} is not {expected}");
    }
}

/// A table without rows says which of its keys left none, and what there is instead.
#[test]
fn what_left_no_rows_is_said() {
    let why = |keys: &str, rows: &DataFrame, with: Option<&DataFrame>| {
        let built = table::build(&spec(keys), rows, with).unwrap();
        assert_eq!(built.why_empty.is_some(), built.frame.height() == 0);
        built.why_empty.unwrap_or_default()
    };
    assert_eq!(why("where = { operator = '+' }", &rows(), None), "");
    let never = "'operator' is never ^; its values are *, +, /, -";
    assert_eq!(why("where = { operator = '^', layer = 1 }", &rows(), None), never);
    assert_eq!(
        why("where = { operator = ['+', '*'], layer = '>= 0', effect = '> 8' }", &rows(), None),
        "'effect' is never > 8 where 'operator' is + or * and 'layer' is >= 0; its values there are 1, 2, 5, 8"
    );
    let many = df!("k" => (0..30i64).collect::<Vec<_>>()).unwrap();
    let others = "'k' is never 77; its values are 0, 1, 2, 3, 4, 5, 6, 7 and 22 others";
    assert_eq!(why("where = { k = 77 }", &many, None), others);
    assert_eq!(why("head = 3", &rows().clear(), None), "'accuracy' has none");
    let join = "join = { with = 'others', on = ['layer'] }";
    let others = df!("layer" => [7i64], "rate" => [0.5]).unwrap();
    assert_eq!(why(join, &rows(), Some(&others)), "none has the layer of a row of 'others'");
}

#[test]
fn conditions_keep_rows_in_order() {
    let kept = |condition: &str| {
        let table =
            build(&spec(&format!("where = {{ {condition} }}\nselect = ['layer', 'operator']")), &rows()).unwrap();
        let layers = floats(&table, "layer");
        texts(&table, "operator").iter().zip(layers).map(|(o, l)| format!("{o}{}", l.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(kept("operator = '+'"), ["+0", "+1"]);
    assert_eq!(kept("operator = ['-', '*']"), ["*0", "-0", "*1", "-1"]);
    assert_eq!(kept("operator = '!= +', layer = 1"), ["*1", "/1", "-1"]);
    assert_eq!(kept("correct = true, layer = 0"), ["*0", "+0", "-0"]);
    assert_eq!(kept("correct = false"), ["/0", "*1", "/1"]);
    // The null effect of -0 meets no condition.
    assert_eq!(kept("effect = '>= 2'"), ["+0", "/0", "*1", "+1"]);
    assert_eq!(kept("effect = '< 2'"), ["*0", "/1", "-1"]);
    assert_eq!(kept("effect = '!= 2'"), ["*0", "/0", "*1", "+1", "/1", "-1"]);
    assert_eq!(kept("effect = 0.5"), ["-1"]);
    // Answers are text; a spec may write them as numbers.
    assert_eq!(kept("answer = 6"), ["*0", "+1"]);
}

/// A bound is not cast to the column's type: -1 is no unsigned number and 2.5 no integer.
#[test]
fn conditions_compare_numbers_as_numbers() {
    let rows = df!("n" => [0u64, 1, 2], "layer" => [-1i64, 2, 3], "big" => [u64::MAX, 3, 4]).unwrap();
    let kept = |condition: &str| {
        let table = build(&spec(&format!("where = {{ {condition} }}\nselect = ['layer']")), &rows).unwrap();
        floats(&table, "layer").into_iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(kept("n = '> -1'"), [-1.0, 2.0, 3.0]);
    assert_eq!(kept("n = '< -1'"), [0.0; 0]);
    assert_eq!(kept("n = -1"), [0.0; 0]);
    assert_eq!(kept("n = '!= -1'"), [-1.0, 2.0, 3.0]);
    assert_eq!(kept("n = [-1, 2]"), [3.0]);
    assert_eq!(kept("big = '> 100'"), [-1.0]);
    assert_eq!(kept("layer = '< 2.5'"), [-1.0, 2.0]);
    assert_eq!(kept("layer = '>= 2.5'"), [3.0]);
    assert_eq!(kept("layer = 2.5"), [0.0; 0]);
    assert_eq!(kept("layer = 2.0"), [2.0]);
}

/// Expected values from numpy: mean, std(ddof=1), percentile(…, method="linear").
#[test]
fn aggregates_are_those_of_numpy_and_leave_nulls_out() {
    let aggregates = "group_by = ['operator']
        [aggregate]
        mean = 'mean(effect)'
        std = 'std(effect)'
        sem = 'sem(effect)'
        low = 'ci_low(effect)'
        high = 'ci_high(effect)'
        min = 'min(effect)'
        max = 'max(effect)'
        sum = 'sum(effect)'
        median = 'median(effect)'
        q = 'quantile(effect, 0.25)'
        values = 'count(effect)'
        rows = 'count'
        rate = 'mean(correct)'
        right = 'sum(correct)'";
    let table = build(&spec(aggregates), &rows()).unwrap();
    assert_eq!(texts(&table, "operator"), ["+", "-", "*", "/"]);
    close(floats(&table, "mean"), &[5.0, 0.5, 3.0, 1.0]);
    close(floats(&table, "min"), &[2.0, 0.5, 1.0, -1.0]);
    close(floats(&table, "max"), &[8.0, 0.5, 5.0, 3.0]);
    close(floats(&table, "sum"), &[10.0, 0.5, 6.0, 2.0]);
    close(floats(&table, "median"), &[5.0, 0.5, 3.0, 1.0]);
    close(floats(&table, "q"), &[3.5, 0.5, 2.0, 0.0]);
    close(floats(&table, "values"), &[2.0, 1.0, 2.0, 2.0]);
    close(floats(&table, "rows"), &[2.0, 2.0, 2.0, 2.0]);
    close(floats(&table, "rate"), &[1.0, 1.0, 0.5, 0.0]);
    close(floats(&table, "right"), &[2.0, 2.0, 1.0, 0.0]);
    // One value has a mean but no spread.
    let (std, sem) = (floats(&table, "std"), floats(&table, "sem"));
    assert_eq!((std[1], sem[1], floats(&table, "low")[1]), (None, None, None));
    for (row, (std_expected, mean)) in [(18f64.sqrt(), 5.0), (8f64.sqrt(), 3.0), (8f64.sqrt(), 1.0)].iter().enumerate()
    {
        let row = if row == 0 { 0 } else { row + 1 };
        let half = 1.959_963_984_540_054 * std_expected / 2f64.sqrt();
        assert!((std[row].unwrap() - std_expected).abs() < 1e-12);
        assert!((sem[row].unwrap() - std_expected / 2f64.sqrt()).abs() < 1e-12);
        assert!((floats(&table, "low")[row].unwrap() - (mean - half)).abs() < 1e-12);
        assert!((floats(&table, "high")[row].unwrap() - (mean + half)).abs() < 1e-12);
    }
}

#[test]
fn without_group_by_there_is_one_group() {
    let table = build(&spec("aggregate = { n = 'count', best = 'max(effect)' }"), &rows()).unwrap();
    assert_eq!(table.shape(), (1, 2));
    close(floats(&table, "n"), &[8.0]);
    close(floats(&table, "best"), &[8.0]);
}

#[test]
fn groups_keep_the_order_of_their_first_rows() {
    let rows = df!("model" => ["b", "a", "b", "c", "a"], "x" => [1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    let table = build(&spec("group_by = ['model']\naggregate = { m = 'mean(x)' }"), &rows).unwrap();
    assert_eq!(texts(&table, "model"), ["b", "a", "c"]);
    close(floats(&table, "m"), &[2.0, 3.5, 4.0]);
}

#[test]
fn pivots_have_the_operators_as_columns_and_null_where_no_row_is() {
    let pivot = "where = { effect = '> -5' }
        pivot = { index = ['layer'], on = 'operator', values = 'effect' }";
    let table = build(&spec(pivot), &rows()).unwrap();
    let names: Vec<_> = table.get_column_names().iter().map(|name| name.to_string()).collect();
    assert_eq!(names, ["layer", "+", "-", "*", "/"]);
    assert_eq!(floats(&table, "-"), [None, Some(0.5)]);
    assert_eq!(floats(&table, "*"), [Some(1.0), Some(5.0)]);
    let text = markdown(&table, 2);
    assert_eq!(
        text,
        "| layer | + | − | × | ÷ |\n| ---: | ---: | ---: | ---: | ---: |\n\
         | 0 | 2.00 | – | 1.00 | 3.00 |\n| 1 | 8.00 | 0.50 | 5.00 | −1.00 |\n"
    );
}

#[test]
fn sorting_is_stable_and_knows_the_operators() {
    let sorted = |sort: &str| {
        let table = build(&spec(&format!("sort = {sort}\nselect = ['operator', 'layer']")), &rows()).unwrap();
        texts(&table, "operator").concat()
    };
    assert_eq!(sorted("['operator']"), "++--**//");
    assert_eq!(sorted("['-operator']"), "//**--++");
    assert_eq!(sorted("['layer', 'operator']"), "+-*/+-*/");
    assert_eq!(sorted("['-layer']"), "*+/-*+/-");
    // The null is last in both directions.
    assert_eq!(sorted("['effect']"), "/-*+/*+-");
    assert_eq!(sorted("['-effect']"), "+*/+*-/-");
}

#[test]
fn head_comes_after_sort() {
    let table = build(&spec("sort = ['-effect']\nselect = ['answer']\nhead = 2"), &rows()).unwrap();
    assert_eq!(texts(&table, "answer"), ["6", "8"]);
}

#[test]
fn errors_name_the_table_the_key_and_the_column() {
    let message = |body: &str| build(&spec(body), &rows()).unwrap_err().to_string();
    let all = "there are: operator, layer, correct, effect, answer";
    assert_eq!(
        message("group_by = ['operater']"),
        format!("table 'rates', group_by.0: no column 'operater'; write 'operator'; {all}")
    );
    assert!(message("where = { lyaer = 3 }").starts_with("table 'rates', where.lyaer: no column 'lyaer'"));
    assert!(message("sort = ['-efect']").starts_with("table 'rates', sort.0: no column 'efect'; write 'effect'"));
    assert!(message("select = ['x']").starts_with("table 'rates', select.0: no column 'x'; there are:"));
    let aggregate = message("group_by = ['layer']\naggregate = { a = 'mean(answer)' }");
    assert_eq!(aggregate, "table 'rates', aggregate.a: column 'answer' holds text; mean needs numbers");
    let twice = message("group_by = ['layer']\naggregate = { layer = 'count' }");
    assert!(twice.contains("the table would have two columns 'layer'"), "{twice}");
    let text = message("where = { layer = 'third' }");
    assert_eq!(text, "table 'rates', where.layer: column 'layer' holds numbers; 'third' is not a number");
    let quoted = message("where = { layer = '3' }");
    assert_eq!(quoted, "table 'rates', where.layer: column 'layer' holds numbers; write 3, without quotes");
    let compared = message("where = { operator = '> 3' }");
    assert!(compared.contains("column 'operator' holds text"), "{compared}");
    let several = message("pivot = { index = ['layer'], on = 'correct', values = 'effect' }");
    assert!(several.contains("3 rows have layer = 0, correct = true"), "{several}");
    let on = message("pivot = { index = ['layer'], on = 'nothing', values = 'effect' }");
    assert!(on.starts_with("table 'rates', pivot.on: no column 'nothing'"), "{on}");
}

#[test]
fn a_table_of_no_rows_is_a_table() {
    let body = "where = { layer = 7 }\ngroup_by = ['operator']\naggregate = { n = 'count', low = 'ci_low(effect)' }";
    let table = build(&spec(body), &rows()).unwrap();
    assert_eq!(table.shape(), (0, 3));
    let pivot = "where = { layer = 7 }\npivot = { index = ['layer'], on = 'operator', values = 'effect' }";
    assert_eq!(build(&spec(pivot), &rows()).unwrap().shape(), (0, 1));
}

#[test]
fn markdown_shows_text_as_it_is() {
    let frame = df!(
        "a|b" => ["x|y", "*bold*", "two\nlines"],
        "small" => [1e-9, -0.0001, 1234567890.5],
        "n" => [Some(1i64), None, Some(-3)],
    )
    .unwrap();
    let expected = "| a\\|b | small | n |\n| --- | ---: | ---: |\n| x\\|y | 1.00e-9 | 1 |\n\
        | \\*bold\\* | -1.00e-4 | – |\n| two↵lines | 1.23e9 | -3 |\n";
    assert_eq!(markdown(&frame, 2), expected);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let body = "where = { lyaer = 3, operator = '> 1' }
        group_by = ['operator', 'lyer']
        sort = ['-nothing']";
    let error = build(&spec(body), &rows()).unwrap_err();
    let keys: Vec<String> = error.faults.iter().map(|(key, _)| key.join(".")).collect();
    assert_eq!(keys, ["where.lyaer", "where.operator", "group_by.1"], "what follows has no columns to be wrong about");
    let body = "group_by = ['layer']\naggregate = { a = 'mean(x)', b = 'mean(answer)' }";
    assert_eq!(build(&spec(body), &rows()).unwrap_err().faults.len(), 2);
    let error = build(&spec("sort = ['x', 'layer', 'y']\nselect = ['layer', 'z']"), &rows()).unwrap_err().to_string();
    assert!(error.contains("sort.0: no column 'x'") && error.contains("; sort.2: no column 'y'"), "{error}");
    assert!(error.contains("; select.1: no column 'z'"), "{error}");
}

/// Rows that are none yet give the same columns, of the same types, as those that come.
#[test]
fn what_is_checked_on_no_rows_is_what_is_made_of_some() {
    let functions = ["mean", "std", "sem", "min", "max", "sum", "median", "count", "ci_low", "ci_high"];
    let of = |column: &str| {
        let names = functions.iter().filter(|name| column != "answer" || ["min", "max", "count"].contains(name));
        let aggregates = names.map(|name| format!("{name}_{column} = '{name}({column})'"));
        aggregates.collect::<Vec<_>>().join("\n")
    };
    let body = format!(
        "where = {{ layer = '>= 0', operator = ['+', '-'] }}
        group_by = ['operator', 'layer']\nsort = ['-mean_effect']\nhead = 3
        [aggregate]\nn = 'count'\nq = 'quantile(effect, 0.5)'\n{}\n{}\n{}",
        of("effect"),
        of("correct"),
        of("answer")
    );
    let spec = spec(&body);
    let columns = check(&spec, &rows()).unwrap().expect("no pivot");
    assert_eq!(columns.height(), 0);
    assert_eq!(columns.schema(), build(&spec, &rows()).unwrap().schema());
}

#[test]
fn a_pivot_is_checked_but_what_it_makes_is_not() {
    let pivot = "pivot = { index = ['layer'], on = 'operator', values = 'effect' }\nselect = ['layer', '+']";
    assert!(check(&spec(pivot), &rows()).unwrap().is_none());
    let error = check(&spec(&pivot.replace("'effect'", "'efect'")), &rows()).unwrap_err().to_string();
    assert!(error.starts_with("table 'rates', pivot.values: no column 'efect'"), "{error}");
}

/// The column that aggregates of all rows are grouped by is none that a spec could name.
#[test]
fn an_unknown_column_of_all_rows_is_told_with_those_of_the_rows_alone() {
    let spec = spec("aggregate = { m = 'mean(raet)' }");
    let error = build(&spec, &df!("rate" => [0.5, 1.0]).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("no column 'raet'; write 'rate'; there are: rate"), "{error}");
}
