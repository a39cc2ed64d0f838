use ablate::system::atomic::write_atomic;
use ablate::table::write;
use polars::prelude::*;
use proptest::prelude::*;
use std::io;

fn files(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #[test]
    fn csv_reads_back_to_the_same_floats(values in proptest::collection::vec(any::<f64>(), 1..50)) {
        let folder = tempfile::tempdir().unwrap();
        let frame = df!("x" => &values).unwrap();
        let files = write(&frame, folder.path(), "t").unwrap();
        let text = std::fs::read_to_string(files.csv).unwrap();
        let read: Vec<f64> = text.lines().skip(1).map(|line| line.parse().unwrap()).collect();
        prop_assert_eq!(values.len(), read.len());
        for (value, read) in values.iter().zip(read) {
            prop_assert!(value.to_bits() == read.to_bits() || (value.is_nan() && read.is_nan()), "{} {}", value, read);
        }
    }
}

#[test]
fn parquet_keeps_types_and_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let frame = df!(
        "operator" => ["+", "*"], "n" => [Some(3i64), None], "right" => [true, false], "rate" => [0.1, f64::NAN],
    )
    .unwrap();
    let files = write(&frame, folder.path(), "t").unwrap();
    let read = ParquetReader::new(std::fs::File::open(files.parquet).unwrap()).finish().unwrap();
    assert!(read.equals_missing(&frame), "{read}");
    assert_eq!(read.schema(), frame.schema());
}

/// What readers of Arrow's declaration see: views, which pyarrow 14 cannot open and later ones not compare, are of polars alone.
/// `tests/fixtures/parquet_readers.py` reads the files with the readers themselves.
#[test]
fn parquet_declares_texts_as_large_strings() {
    let frame =
        df!("operator" => ["+", "*"], "n" => [Some(3i64), None], "rate" => [0.1, 0.2], "text" => ["", "a"]).unwrap();
    let declared = |bytes: Vec<u8>| {
        let mut reader = ParquetReader::new(std::io::Cursor::new(bytes));
        let metadata = reader.get_metadata().unwrap().key_value_metadata().clone().unwrap();
        let schema =
            metadata.into_iter().find(|entry| entry.key == "ARROW:schema").and_then(|entry| entry.value).unwrap();
        data_encoding::BASE64.decode(schema.as_bytes()).unwrap()
    };
    let ours = declared(ablate::table::to_parquet(&frame).unwrap());
    let mut polars = Vec::new();
    ParquetWriter::new(&mut polars).finish(&mut frame.clone()).unwrap();
    let polars = declared(polars);
    // The numbers of types in Arrow's `Schema.fbs`: 20 is LargeUtf8, 24 Utf8View.
    let changed: Vec<(u8, u8)> = polars.iter().zip(&ours).filter(|(a, b)| a != b).map(|(a, b)| (*a, *b)).collect();
    assert_eq!((changed, ours.len()), (vec![(24, 20); 2], polars.len()), "both texts, and nothing else");
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let frame = df!("a" => [1.5, 2.5, 3.5], "b" => ["x", "y", "z"]).unwrap();
    let parts = frame.head(Some(1)).vstack(&frame.slice(1, 2)).unwrap();
    let (one, two) = (write(&frame, folder.path(), "one").unwrap(), write(&parts, folder.path(), "two").unwrap());
    let read = |path: &std::path::Path| std::fs::read(path).unwrap();
    assert_eq!(read(&one.csv), read(&two.csv));
    assert_eq!(read(&one.parquet), read(&two.parquet));
}

#[test]
fn an_error_on_the_way_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.csv");
    write_atomic(&path, |out| out.write_all(b"old")).unwrap();
    let full = |out: &mut dyn io::Write| {
        out.write_all(&[b'x'; 200_000])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    };
    let error = write_atomic(&path, full).unwrap_err();
    assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
    assert_eq!(error.to_string(), format!("cannot write {}: no storage space", path.display()));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let other = folder.path().join("new.csv");
    write_atomic(&other, full).unwrap_err();
    assert_eq!(files(folder.path()), ["results.csv"]);
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "").unwrap();
    let error = write(&df!("a" => [1]).unwrap(), &file, "t").unwrap_err().to_string();
    assert!(error.contains(&file.join("t.csv").display().to_string()), "{error}");
}

#[cfg(unix)]
#[test]
fn others_may_read_results_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write_atomic(&ours, |out| out.write_all(b"x")).unwrap();
    std::fs::write(&plain, "x").unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}
