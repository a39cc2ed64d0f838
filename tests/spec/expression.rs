use ablate::spec::arithmetic::parse_arithmetic;
use ablate::spec::expression::{
    Aggregate, Comparison, Function, Literal, Transform, parse_aggregate, parse_condition, parse_value,
};

fn aggregate(function: Function, column: Option<&str>, argument: Option<f64>) -> Aggregate {
    Aggregate { function, column: column.map(String::from), argument }
}

#[test]
fn every_function_reads_its_column() {
    for (function, name) in Function::ALL {
        if function == Function::Quantile {
            continue;
        }
        let read = parse_aggregate(&format!(" {name}( effect size ) ")).unwrap();
        assert_eq!(read, aggregate(function, Some("effect size"), None));
    }
    assert_eq!(
        parse_aggregate("quantile(effect, 0.9)").unwrap(),
        aggregate(Function::Quantile, Some("effect"), Some(0.9))
    );
    assert_eq!(parse_aggregate("count").unwrap(), aggregate(Function::Count, None, None));
    assert_eq!(parse_aggregate("count()").unwrap(), aggregate(Function::Count, None, None));
}

#[test]
fn aggregates_print_as_they_are_written() {
    for text in ["mean(correct)", "quantile(effect, 0.25)", "count", "ci_low(x)"] {
        assert_eq!(parse_aggregate(text).unwrap().to_string(), text);
    }
    for text in ["mean", "log1p(mean)", "log10(p)"] {
        assert_eq!(parse_value(text).unwrap().to_string(), text);
    }
}

#[test]
fn wrong_aggregates_say_where_and_what_to_write() {
    let cases = [
        ("maen(x)", 0..4, "no function 'maen'; write 'mean'"),
        ("mode(x)", 0..4, "no function 'mode'; write one of mean, std, sem"),
        ("accuracy", 0..8, "'accuracy' is a column without a function; write \"mean(accuracy)\""),
        ("mean(x, y)", 0..10, "mean takes one column, not 2; write \"mean(effect)\""),
        ("mean()", 0..6, "mean takes one column, not 0"),
        ("quantile(x)", 0..11, "write \"quantile(effect, 0.9)\""),
        ("quantile(x, 90)", 12..14, "'90' is not a share; write a number from 0 to 1"),
        ("quantile(x, NaN)", 12..15, "'NaN' is not a share"),
        ("mean(x", 0..6, "the closing parenthesis is missing"),
        ("mean(log1p(x))", 10..11, "functions cannot be nested"),
        ("mean(x,)", 7..8, "an argument is empty"),
        ("x)", 0..2, "no opening parenthesis"),
        ("", 0..0, "the text is empty"),
    ];
    for (text, span, message) in cases {
        let error = parse_aggregate(text).unwrap_err();
        assert!(error.message.contains(message), "{text}: {}", error.message);
        assert_eq!(error.span, span, "{text}");
    }
}

#[test]
fn values_are_a_column_or_its_logarithm() {
    let value = parse_value("log1p(mean)").unwrap();
    assert_eq!((value.transform, value.column.as_str()), (Transform::Log1p, "mean"));
    let value = parse_value("rate").unwrap();
    assert_eq!((value.transform, value.column.as_str()), (Transform::Identity, "rate"));
    let error = parse_value("log2(mean)").unwrap_err();
    assert_eq!((error.message.as_str(), error.span), ("no function 'log2'; write 'log1p'", 0..4));
}

#[test]
fn conditions_compare_equal_or_list() {
    let read = |text: &str| parse_condition(&toml::Value::String(text.into())).unwrap();
    assert_eq!(read("+"), Comparison::Equal(Literal::Text("+".into())));
    assert_eq!(read("="), Comparison::Equal(Literal::Text("=".into())));
    assert_eq!(read("== ="), Comparison::Equal(Literal::Text("=".into())));
    assert_eq!(read("!= x"), Comparison::NotEqual(Literal::Text("x".into())));
    assert_eq!(read("!= 3"), Comparison::NotEqual(Literal::Integer(3)));
    assert_eq!(read(">= 0.5"), Comparison::GreaterEqual(0.5));
    assert_eq!(read("<-1"), Comparison::Less(-1.0));
    assert_eq!(read(" <= 1e3 "), Comparison::LessEqual(1000.0));
    assert_eq!(read("> 2"), Comparison::Greater(2.0));
    assert_eq!(parse_condition(&toml::Value::Boolean(true)).unwrap(), Comparison::Equal(Literal::Boolean(true)));
    let list = toml::Value::Array(vec![3.into(), "-".into()]);
    let expected = Comparison::OneOf(vec![Literal::Integer(3), Literal::Text("-".into())]);
    assert_eq!(parse_condition(&list).unwrap(), expected);
}

#[test]
fn wrong_conditions_say_where() {
    let error = |text: &str| parse_condition(&toml::Value::String(text.into())).unwrap_err();
    assert_eq!(error(">= half").span, 3..7);
    assert!(error(">= half").message.contains("'half' is not a number"));
    assert!(error("!=").message.contains("nothing to compare with"));
    let table = toml::Value::Array(vec![toml::Value::Table(toml::Table::new())]);
    assert!(parse_condition(&table).unwrap_err().message.contains("a table cannot be compared"));
}

#[test]
fn wrong_arithmetic_says_where_and_what_to_write() {
    let cases = [
        ("", 0..0, "the text is empty; write columns and numbers with + - * /"),
        ("a +", 2..3, "nothing stands after '+'; write a column or a number"),
        ("a + * b", 4..5, "nothing stands before '*'"),
        ("a b", 2..3, "no operator before 'b'; write + - * or /"),
        ("a 2", 2..3, "no operator before '2'"),
        ("(a + b", 0..1, "this parenthesis is not closed"),
        ("a + b)", 5..6, "this parenthesis closes nothing"),
        ("()", 1..2, "nothing stands before ')'"),
        ("abs(a)", 3..4, "functions are not allowed here"),
        ("a - 1.2.3", 4..9, "'1.2.3' is not a number"),
        ("a % b", 2..3, "'%' has no meaning here"),
        ("é - ×", 5..7, "'×' has no meaning here"),
        ("a - `b", 4..6, "a backtick is not closed"),
    ];
    for (text, span, message) in cases {
        let error = parse_arithmetic(text).unwrap_err();
        assert!(error.message.contains(message), "{text}: {}", error.message);
        assert_eq!(error.span, span, "{text}");
    }
}

/// Neither a long sum nor deep parentheses need a deep stack.
#[test]
fn arithmetic_may_be_long_and_deep() {
    let deep = 200_000;
    assert!(parse_arithmetic(&format!("{}a{}", "(".repeat(deep), ")".repeat(deep))).is_ok());
    assert_eq!(parse_arithmetic(&vec!["a"; deep].join("+")).unwrap().parts.len(), 2 * deep - 1);
    assert_eq!(parse_arithmetic(&format!("{}a", "-".repeat(deep))).unwrap().parts.len(), deep + 1);
}
