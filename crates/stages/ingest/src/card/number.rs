//! Frame numbers in file names.

/// A name as prefix, digits and suffix; the digits are the last before the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered<'a> {
    pub(super) prefix: &'a str,
    pub(super) digits: &'a str,
    /// The extension with its dot.
    pub(super) suffix: &'a str,
}

/// Splits `A001_000012.dng` into `A001_`, `000012`, `.dng`; `None` when no digit stands before
/// the extension, or more than 18.
pub(super) fn split(name: &str) -> Option<Numbered<'_>> {
    let dot = name.rfind('.').unwrap_or(name.len());
    let (stem, suffix) = name.split_at(dot);
    let count = stem.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (prefix, digits) = stem.split_at(stem.len() - count);
    (1..=18).contains(&count).then_some(Numbered { prefix, digits, suffix })
}

/// Sorts numbers that differ only in their digits into runs of one padding: `(padding, indices)`.
///
/// A leading zero fixes the padding; numbers without one join the widest padding they are not
/// shorter than, so `9999` and `10000` lie in one run, and `0001` and `001` in two.
pub(super) fn runs(digits: &[&str]) -> Vec<(usize, Vec<usize>)> {
    let padded = |d: &str| d.len() > 1 && d.starts_with('0');
    let mut widths: Vec<usize> = digits.iter().filter(|d| padded(d)).map(|d| d.len()).collect();
    widths.sort_unstable();
    widths.dedup();
    let shortest = digits.iter().filter(|d| !padded(d)).map(|d| d.len()).min().unwrap_or(1);
    let mut out: Vec<(usize, Vec<usize>)> = Vec::new();
    for (i, d) in digits.iter().enumerate() {
        let padding =
            if padded(d) { d.len() } else { widths.iter().rev().find(|&&w| w <= d.len()).copied().unwrap_or(shortest) };
        match out.iter_mut().find(|(p, _)| *p == padding) {
            Some((_, run)) => run.push(i),
            None => out.push((padding, vec![i])),
        }
    }
    out.sort_by_key(|(p, _)| *p);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_digits_before_the_extension_are_the_number() {
        let n = |s| split(s).map(|n| (n.prefix, n.digits, n.suffix));
        assert_eq!(n("A001_C001_000012.dng"), Some(("A001_C001_", "000012", ".dng")));
        assert_eq!(n("E012_log.0001.dpx"), Some(("E012_log.", "0001", ".dpx")));
        assert_eq!(n("000001.dpx"), Some(("", "000001", ".dpx")));
        assert_eq!(n("7"), Some(("", "7", "")));
        assert_eq!(n("01_u16_strip_II.dng"), None);
        assert_eq!(n("1234567890123456789.dng"), None);
    }

    #[test]
    fn paddings_are_told_apart() {
        assert_eq!(runs(&["9998", "9999", "10000"]), [(4, vec![0, 1, 2])]);
        assert_eq!(runs(&["8", "9", "10"]), [(1, vec![0, 1, 2])]);
        assert_eq!(runs(&["0001", "0002", "001", "1000"]), [(3, vec![2]), (4, vec![0, 1, 3])]);
    }

    proptest! {
        #[test]
        fn every_name_can_be_made_again(numbers in proptest::collection::vec((0u64..20_000, 0usize..7), 1..40)) {
            let names: Vec<String> = numbers.iter().map(|&(n, p)| format!("{n:0p$}")).collect();
            let digits: Vec<&str> = names.iter().map(String::as_str).collect();
            let runs = runs(&digits);
            prop_assert_eq!(runs.iter().map(|r| r.1.len()).sum::<usize>(), digits.len());
            for (padding, run) in runs {
                for i in run {
                    let n: u64 = digits[i].parse().unwrap();
                    prop_assert_eq!(&format!("{n:0padding$}"), &names[i]);
                }
            }
        }
    }
}
