use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every finding code that stands in the sources is in docs/FINDINGS.md, and no other.
#[test]
fn every_finding_code_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/FINDINGS.md")).unwrap();
    let explained: BTreeSet<&str> =
        table.lines().filter(|l| l.starts_with("| `")).flat_map(|l| l.split('|').nth(1)).flat_map(ticked).collect();

    let mut used = BTreeSet::new();
    for path in sources(root) {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod").next().unwrap();
        // A call may be broken over lines.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("say( ", "say(");
        for mark in [
            "Finding::info(",
            "Finding::warning(",
            "Finding::error(",
            "Finding::new(severity, ",
            "const UNSTABLE: &str = ",
            "about(",
            "code: ",
            "let code = ",
            "say(severity, ",
            "say(Severity::",
        ] {
            for after in text.split(mark).skip(1) {
                // The first string literal of the call, when there is one before the call's next argument ends.
                let Some(code) = after.split('"').nth(1).filter(|_| after.find('"').is_some_and(|i| i < 24)) else {
                    continue;
                };
                if code.contains('-') && code.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
                    used.insert(code.to_owned());
                }
            }
        }
        // Tables of codes beside what they are about.
        for code in text.split('"').filter(|t| t.starts_with("frame-") || t.starts_with("timecode-")) {
            used.insert(code.to_owned());
        }
    }
    let missing: Vec<_> = used.iter().filter(|c| !explained.contains(c.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/FINDINGS.md: {missing:?}");
    let unused: Vec<_> = explained.iter().filter(|c| !used.contains(**c)).collect();
    assert!(unused.is_empty(), "in docs/FINDINGS.md and nowhere else: {unused:?}");
}

fn ticked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![root.join("src"), root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let tests = name.starts_with("tests") || name == "examples" || name == "target" || name == "report";
            if path.is_dir() && !tests {
                folders.push(path);
            } else if name.ends_with(".rs") && !tests {
                all.push(path);
            }
        }
    }
    all
}

/// Every test that docs/RELIABILITY.md names exists.
#[test]
fn every_promise_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/RELIABILITY.md")).unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter(|l| l.starts_with("| ") && !l.contains("---"))
        .flat_map(|l| l.trim_end_matches('|').rsplit('|').next())
        .flat_map(ticked)
        .collect();
    let folders = [
        "tests",
        "crates/cli/tests",
        "crates/custody/tests",
        "crates/backends/flapid-sim/tests",
        "crates/backends/temporal/tests",
        "crates/backends/temporal/tests/engine",
    ];
    let tests: String = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .filter_map(|e| std::fs::read_to_string(e.unwrap().path()).ok())
        .collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        let there = match name.rsplit("::").next() {
            Some(path) if path.contains('/') => root.join(path).exists(),
            Some(test) => tests.contains(&format!("fn {test}(")),
            None => false,
        };
        assert!(there, "docs/RELIABILITY.md names `{name}`");
    }
}
