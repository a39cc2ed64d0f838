//! Files that are no specs: refused soon, with bounded output, without a panic.

use super::errors::RIGHT;
use ablate::spec::{ErrorStyle, Loaded, SpecErrors, load, parse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn read(bytes: &[u8]) -> Result<Loaded, SpecErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, bytes).unwrap();
    load(&path, &[], std::iter::empty())
}

/// What is said, and that it is said soon and is no longer than a few screens.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let start = Instant::now();
    let text = read(bytes).expect_err("accepted").render(ErrorStyle::Plain);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert!(text.len() < 40_000, "{} bytes of errors", text.len());
    text
}

#[test]
fn not_utf8() {
    let text = refused(b"title = \"a\"\nx = \"\xff\"\n");
    assert!(text.contains("is not UTF-8: byte 0xff at offset 17"), "{text}");
    assert!(text.contains("spec.toml:2:6]"), "{text}");
}

#[test]
fn empty() {
    for bytes in [b"".as_slice(), b" \n\t\r\n", b"\xef\xbb\xbf"] {
        assert!(refused(bytes).contains("spec.toml is empty"));
    }
    assert!(refused(b"# only a comment\n").contains("the spec has no 'title'"));
}

#[test]
fn a_file_without_end_or_of_ten_megabytes() {
    let text = refused(&vec![b'x'; 10 << 20]);
    assert!(text.contains("is larger than 1 MiB"), "{text}");
    #[cfg(unix)]
    assert!(load("/dev/zero".as_ref(), &[], std::iter::empty()).unwrap_err().to_string().contains("larger than 1 MiB"));
}

#[test]
fn a_megabyte_of_garbage() {
    let mut state = 1u64;
    let mut random = |letters: &[u8]| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            letters[(state >> 33) as usize % letters.len()]
        };
        (0..1_000_000).map(|_| next()).collect()
    };
    let printable: Vec<u8> = (b' '..=b'~').collect();
    assert!(refused(&random(&printable)).contains("errors"));
    assert!(refused(&random(b"[]{}=.,\"'\n a1#")).contains("errors"));
    assert!(refused(&"a = 1\n".repeat(170_000).into_bytes()).contains("duplicate key"));
    assert!(refused(&"x1 = [\n".repeat(140_000).into_bytes()).contains("not TOML"));
    let many: String = (0..60_000).map(|i| format!("k{i} = 1\n")).collect();
    assert!(refused(many.as_bytes()).contains("unknown key 'k0'"));
}

#[test]
fn deep_nesting_of_every_kind() {
    let deep = 10_000;
    let cases = [
        format!("x = {}{}", "[".repeat(deep), "]".repeat(deep)),
        "[".repeat(deep),
        format!("x = {}1{}", "{a=".repeat(deep), "}".repeat(deep)),
        format!("{} = 1", vec!["a"; deep].join(".")),
        format!("[{}]", vec!["a"; deep].join(".")),
        format!("[[{}]]", vec!["\"a\""; deep].join(" . ")),
        format!("x = {{ {} = 1 }}", vec!["a"; deep].join(".")),
        format!("x = {}1{}", "{a.a.a.a.a.a.a.a=".repeat(79), "}".repeat(79)),
        vec!["a"; 500_000].join("."),
    ];
    for text in cases {
        refused(text.as_bytes());
    }
    let sets = [format!("{}=1", vec!["a"; deep].join(".")), format!("title={}", "[".repeat(deep))];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, RIGHT).unwrap();
    assert!(load(&path, &sets[..1], std::iter::empty()).is_err());
    let read = load(&path, &sets[1..], std::iter::empty()).unwrap();
    assert_eq!(read.spec.title.len(), deep, "no TOML, so text");
}

/// What is left out takes with it what stands on it, and that what stands on that.
#[test]
fn a_long_chain_on_what_is_wrong() {
    let table = |number: usize| format!("[[table]]\nname = \"t{number}\"\nfrom = \"t{}\"\n", number.saturating_sub(1));
    let chain: String = (1..1_500).map(table).collect();
    let text = refused(format!("{RIGHT}[[table]]\nname = \"t0\"\n{chain}").as_bytes());
    assert!(text.contains("[[table]] 't0' has no 'from'") && text.matches("  x ").count() == 1, "{text}");
}

#[test]
fn null_bytes_are_refused_and_line_ends_and_marks_are_not() {
    let text = refused(format!("{RIGHT}\0").as_bytes());
    assert!(text.contains("not TOML") && text.contains("spec.toml:25:1]"), "{text}");
    let windows = format!("\u{feff}{}", RIGHT.replace('\n', "\r\n"));
    assert_eq!(read(windows.as_bytes()).unwrap().spec, read(RIGHT.as_bytes()).unwrap().spec);
    let text = refused(windows.replace("operands", "opernads").as_bytes());
    assert!(text.contains("spec.toml:7:1]"), "{text}");
}

#[test]
fn a_long_line_is_shown_in_part() {
    let text = refused(format!("title = \"{}\"\n", "é".repeat(200_000)).replace("title", "tilte").as_bytes());
    assert!(text.contains("write 'title'") && text.len() < 4000, "{text}");
    let far = format!("title = \"t\"\nx = [{} y ]\n", "1, ".repeat(100_000));
    let text = refused(far.as_bytes());
    assert!(text.contains("spec.toml:2:300007]"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(errors) = read(&bytes) {
            prop_assert!(!errors.render(ErrorStyle::Plain).is_empty());
        }
    }

    #[test]
    fn random_toml_never_panics(text in "([a-z]{1,6}|\\[|\\]|\\{|\\}|=|\"|'|\\.|,|\n|#|[0-9]|-| |é){0,120}") {
        if let Err(errors) = parse("spec.toml", &text) {
            prop_assert!(!errors.render(ErrorStyle::Terminal).is_empty());
        }
    }

    #[test]
    fn a_mutated_spec_never_panics(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..6, "\\PC{0,8}"), 1..6)
    ) {
        let mut text: Vec<char> = RIGHT.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len().max(1)).min(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        match parse("spec.toml", &text) {
            Ok(read) => prop_assert_eq!(&parse("again.toml", &read.to_toml()).unwrap().spec, &read.spec),
            Err(errors) => prop_assert!(!errors.render(ErrorStyle::Plain).is_empty()),
        }
    }

    #[test]
    fn random_flags_and_variables_never_panic(key in "([a-z_]{1,8}|\\.|[0-9]|\"|'){0,8}", value in "\\PC{0,12}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, RIGHT).unwrap();
        let _ = load(&path, &[format!("{key}={value}")], std::iter::empty());
        let _ = load(&path, &[], [(format!("ABLATE_{}", key.to_uppercase()), value)].into_iter());
    }
}
