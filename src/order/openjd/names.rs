//! Names as the specification allows them.

use std::collections::HashSet;

/// Longest name of a step, in characters.
pub(super) const STEP: usize = 64;
/// Longest name of a job.
pub(super) const JOB: usize = 128;
/// Longest description.
pub(super) const DESCRIPTION: usize = 2048;

/// `text` without control characters and without braces, which begin a format string; at most `longest` characters.
pub(super) fn legal(text: &str, longest: usize) -> String {
    let allowed = |c: char| match c {
        '{' => '(',
        '}' => ')',
        c if c.is_control() => '_',
        c => c,
    };
    let short: String = text.chars().map(allowed).take(longest).collect();
    if short.trim().is_empty() { "_".into() } else { short }
}

/// Legal names of steps, each of which is there once; none is `taken`.
pub(super) fn steps<'a>(names: impl Iterator<Item = &'a str>, taken: &str) -> Vec<String> {
    let mut known: HashSet<String> = HashSet::from([taken.to_owned()]);
    names
        .map(|name| {
            let mut name_of_step = legal(name, STEP);
            let mut more = 2u64;
            while !known.insert(name_of_step.clone()) {
                let end = format!("~{more}");
                name_of_step = legal(name, STEP - end.len()) + &end;
                more += 1;
            }
            name_of_step
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_name_becomes_one() {
        assert_eq!(legal("A001\tC{{1}}\n", STEP), "A001_C((1))_");
        assert_eq!(legal("", STEP), "_");
        assert_eq!(legal(&"ä".repeat(100), STEP).chars().count(), STEP);
        assert_eq!(steps(["a", "a", "finish", "a~2"].into_iter(), "finish"), ["a", "a~2", "finish~2", "a~2~2"]);
    }

    proptest! {
        #[test]
        fn steps_have_legal_names_of_their_own(names in proptest::collection::vec("\\PC{0,3}|[a\\n{]{62,70}", 0..40)) {
            let steps = steps(names.iter().map(String::as_str), "finish");
            prop_assert_eq!(steps.len(), names.len());
            for name in &steps {
                prop_assert!((1..=STEP).contains(&name.chars().count()), "{:?}", name);
                prop_assert!(!name.contains("{{") && !name.chars().any(char::is_control), "{:?}", name);
            }
            let own: HashSet<_> = steps.iter().map(String::as_str).chain(["finish"]).collect();
            prop_assert_eq!(own.len(), steps.len() + 1);
        }
    }
}
