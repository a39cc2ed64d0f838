//! Files that are called .gguf and are something else.

use ablate::model::gguf::Gguf;

#[test]
fn what_a_file_is_and_what_to_do_with_it() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 98362432\n";
    let cases: [(&[u8], &str); 10] = [
        (pointer, "a git-lfs pointer, a few lines in place of the file itself: run `git lfs pull`"),
        (b"PK\x03\x04\0\0\x08\x08", "a file of PyTorch's under another name: call it pytorch_model.bin"),
        (b"\x80\x02}q\0.", "a file of PyTorch's"),
        (
            b"\x40\0\0\0\0\0\0\0{\"model.norm.weight\":{\"dtype\":\"F32\"}}",
            "a safetensors file under another name: call it model.safetensors",
        ),
        (b"\x40\0\0\0\0\0\0\0{}      ", "a safetensors file"),
        (b"tjgg\x03\0\0\0", "a file of llama.cpp's formats before GGUF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\x1f\x8b\x08\0", "a packed file"),
        (b"", "an empty file"),
        (b"something else", "not a GGUF file: it does not begin with 'GGUF'"),
    ];
    for (bytes, part) in cases {
        let file = tempfile::Builder::new().suffix(".gguf").tempfile().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let error = Gguf::open(file.path()).unwrap_err().to_string();
        assert!(error.contains(&format!(".gguf: {part}")), "{error}");
    }
}
