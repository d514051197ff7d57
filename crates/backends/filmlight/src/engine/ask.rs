//! Names, compared as people compare them.

/// Letters and digits alone, small: `Apple ProRes 422 (Proxy)` and `prores_422_proxy` have much in common then.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The first of `all` one of whose names has one of `words` in it: names that are equal to it first.
pub(crate) fn find<'a, T>(all: &'a [T], words: &[&str], names: impl Fn(&T) -> Vec<String>) -> Option<&'a T> {
    let plain_names = |t: &T| names(t).iter().map(|n| plain(n)).collect::<Vec<_>>();
    let equal = all.iter().find(|t| plain_names(t).iter().any(|n| words.iter().any(|w| n == w)));
    equal.or_else(|| all.iter().find(|t| plain_names(t).iter().any(|n| words.iter().any(|w| n.contains(w)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_stands_between_their_letters() {
        let all = ["h264hw", "Apple ProRes 422 (Proxy)", "Avid DNxHR LB"];
        let names = |s: &&str| vec![(*s).to_owned()];
        assert_eq!(find(&all, &["prores422proxy"], names), Some(&all[1]));
        assert_eq!(find(&all, &["dnxhrlb"], names), Some(&all[2]));
        assert_eq!(find(&all, &["hevc"], names), None);
        assert_eq!(find(&["zips", "zip"], &["zip"], names), Some(&"zip"), "equal goes before contained");
    }
}
