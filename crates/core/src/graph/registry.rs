//! From names in workflow files and units to stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::AnyStage;
use crate::error::{Error, ErrorKind, Result};
use crate::stage::{ClipStage, FrameStage, Sink, Source};

type Maker = Arc<dyn Fn(Value) -> Result<AnyStage, serde_json::Error> + Send + Sync>;

/// Knows how to make each stage from its parameters. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    makers: BTreeMap<String, Maker>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.makers.keys()).finish()
    }
}

impl Registry {
    /// A registry that knows no stage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a clip stage under `name`; its parameters are the type's serde form.
    pub fn clip<T: ClipStage + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self {
        self.with(name, |v| Ok(AnyStage::clip(serde_json::from_value::<T>(v)?)))
    }

    /// Registers a source under `name`.
    pub fn source<T: Source + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self {
        self.with(name, |v| Ok(AnyStage::source(serde_json::from_value::<T>(v)?)))
    }

    /// Registers a frame stage under `name`.
    pub fn frame<T: FrameStage + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self {
        self.with(name, |v| Ok(AnyStage::frame(serde_json::from_value::<T>(v)?)))
    }

    /// Registers a sink under `name`.
    pub fn sink<T: Sink + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self {
        self.with(name, |v| Ok(AnyStage::sink(serde_json::from_value::<T>(v)?)))
    }

    /// Registers anything that makes a stage of parameters (a JSON object). A later
    /// registration replaces an earlier one of the same name.
    pub fn with(
        &mut self,
        name: &str,
        make: impl Fn(Value) -> Result<AnyStage, serde_json::Error> + Send + Sync + 'static,
    ) -> &mut Self {
        self.makers.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// Registers everything that `other` knows; its stages replace those of the same name.
    pub fn extend(&mut self, other: Registry) -> &mut Self {
        self.makers.extend(other.makers);
        self
    }

    /// The names it knows, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.makers.keys().map(String::as_str)
    }

    /// Makes the stage called `name`.
    ///
    /// # Errors
    /// When no stage has the name (the message proposes the nearest), or a parameter does not
    /// fit (the message is serde's, which names the field).
    pub fn make(&self, name: &str, params: Value) -> Result<AnyStage> {
        let Some(maker) = self.makers.get(name) else {
            let mut e = Error::new(ErrorKind::Invalid, format!("there is no stage `{name}`"));
            e = match self.names().min_by_key(|k| distance(k, name)).filter(|k| distance(k, name) <= 3) {
                Some(near) => e.advice(format!("did you mean `{near}`?")),
                None => e.advice(format!("known stages: {}", self.names().collect::<Vec<_>>().join(", "))),
            };
            return Err(e);
        };
        let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
        maker(params).map_err(|e| Error::new(ErrorKind::Invalid, format!("parameters of `{name}`: {e}")))
    }
}

/// Levenshtein distance, for proposing the name that was meant.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("debayer", "debayer"), 0);
        assert_eq!(distance("debayr", "debayer"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let mut r = Registry::new();
        r.with("debayer", |_| unreachable!());
        let e = r.make("debayr", Value::Null).unwrap_err();
        assert_eq!(e.to_string(), "there is no stage `debayr`; did you mean `debayer`?");
        assert!(r.make("xxxxxxxx", Value::Null).unwrap_err().to_string().contains("known stages: debayer"));
    }
}
