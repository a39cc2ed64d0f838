use std::fmt::Write;
use toml::Value;

/// A value as one text, the same for the same value: numbers as the shortest decimals that read back, keys in the order of the
/// types that the value was made from.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::String(text) => write!(out, "{text:?}"),
        Value::Integer(number) => write!(out, "{number}"),
        // `1.0`, `-0.0`, `inf`, `NaN`: apart from each other and from integers.
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Boolean(truth) => write!(out, "{truth}"),
        Value::Datetime(time) => write!(out, "{time}"),
        Value::Array(list) => {
            out.push('[');
            for item in list {
                write(item, out);
                out.push(',');
            }
            out.push(']');
            Ok(())
        }
        Value::Table(table) => {
            out.push('{');
            for (key, value) in table {
                let _ = write!(out, "{key:?}:");
                write(value, out);
                out.push(',');
            }
            out.push('}');
            Ok(())
        }
    };
}
