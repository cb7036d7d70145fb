//! docs/CASES.md names a test for each case: all of them are there.

use std::fs;
use std::path::Path;

/// The file that a name in the document stands for, and the line that begins its test there.
fn place(file: &str, test: &str) -> (String, String) {
    match file.strip_prefix("storage-") {
        Some(scenario) => (
            format!("tests/lab/scenarios/storage/{}.py", scenario.replace('-', "_")),
            format!("def {test}(lab):"),
        ),
        None if file.contains('/') => (format!("{file}.rs"), format!("fn {test}(")),
        None => (format!("tests/backup/{file}.rs"), format!("fn {test}(")),
    }
}

#[test]
fn every_case_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/CASES.md")).unwrap();
    let named: Vec<_> =
        text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::")).collect();
    assert!(named.len() > 50, "{named:?}");
    for (file, test) in named {
        let (path, line) = place(file, test);
        let source = fs::read_to_string(root.join(&path)).unwrap_or_default();
        assert!(source.contains(&line), "docs/CASES.md: there is no {test} in {path}");
    }
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case")) {
        assert!(row.contains("::"), "docs/CASES.md: no test is named: {row}");
    }
}
