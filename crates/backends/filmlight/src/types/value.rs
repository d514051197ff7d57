//! Reading and writing values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A type that has a form on the wire.
pub trait Wire: Sized {
    /// As it is sent.
    fn to_wire(&self) -> Value;

    /// From what came. Null, which also stands for a field that is not there, is the default where there is one.
    ///
    /// # Errors
    /// What was expected, and what came.
    fn from_wire(value: &Value) -> Result<Self, String>;
}

fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("{what} was expected and {} came", Short(value, 80)))
}

/// The first so many characters of what a server said, for errors and logs: it may be as long as a message.
pub(crate) struct Short<T>(pub(crate) T, pub(crate) usize);

impl<T: std::fmt::Display> std::fmt::Display for Short<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        let mut cut = Cut { text: String::new(), room: self.1 };
        // The only thing that fails is the end of the room; what comes after it is not even made.
        let whole = write!(cut, "{}", self.0).is_ok();
        f.write_str(&cut.text)?;
        f.write_str(if whole { "" } else { "..." })
    }
}

struct Cut {
    text: String,
    room: usize,
}

impl std::fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        for c in more.chars() {
            self.room = self.room.checked_sub(1).ok_or(std::fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

impl Wire for Value {
    fn to_wire(&self) -> Value {
        self.clone()
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl Wire for () {
    fn to_wire(&self) -> Value {
        Value::Null
    }
    fn from_wire(_: &Value) -> Result<Self, String> {
        Ok(())
    }
}

impl Wire for String {
    fn to_wire(&self) -> Value {
        Value::String(self.clone())
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::String(s) => Ok(s.clone()),
            // A version or a name that looks like a number.
            Value::Number(n) => Ok(n.to_string()),
            other => expected("a text", other),
        }
    }
}

impl Wire for i64 {
    fn to_wire(&self) -> Value {
        (*self).into()
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        let whole = |f: f64| (f.fract() == 0.0 && f.abs() < 9e15).then_some(f as i64);
        let read = match value {
            Value::Null => Some(0),
            Value::Bool(b) => Some((*b).into()),
            Value::Number(n) => n.as_i64().or_else(|| n.as_f64().and_then(whole)),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        };
        read.map_or_else(|| expected("a whole number", value), Ok)
    }
}

impl Wire for f64 {
    fn to_wire(&self) -> Value {
        (*self).into()
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        let read = match value {
            Value::Null => Some(0.0),
            Value::Bool(b) => Some((*b).into()),
            Value::Number(n) => n.as_f64(),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        };
        read.map_or_else(|| expected("a number", value), Ok)
    }
}

/// 1 and 0 on the wire.
impl Wire for bool {
    fn to_wire(&self) -> Value {
        i64::from(*self).into()
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        match f64::from_wire(value) {
            Ok(n) => Ok(n != 0.0),
            Err(_) => expected("0 or 1", value),
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn to_wire(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_wire)
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_wire(value).map(Some) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn to_wire(&self) -> Value {
        self.iter().map(T::to_wire).collect()
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Array(all) => all.iter().map(T::from_wire).collect(),
            other => expected("a list", other),
        }
    }
}

/// A struct without a type of its own.
impl Wire for BTreeMap<String, Value> {
    fn to_wire(&self) -> Value {
        Value::Object(self.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Object(map) => Ok(map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            other => expected("a struct", other),
        }
    }
}

/// The fields of a struct, whatever its `_type` says; what is not there reads as null.
pub(crate) fn fields<'a>(name: &str, value: &'a Value) -> Result<&'a Map<String, Value>, String> {
    match value.as_object() {
        Some(map) => Ok(map),
        None => expected(name, value),
    }
}

pub(crate) fn field<T: Wire>(name: &str, map: &Map<String, Value>, key: &str) -> Result<T, String> {
    T::from_wire(map.get(key).unwrap_or(&Value::Null)).map_err(|e| format!("{name}.{key}: {e}"))
}

/// Declares structs of the wire: fields with their names there. Each is written whole, with its `_type`, and read
/// with whatever is missing as its default.
macro_rules! value_types {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty = $key:literal, )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        impl $crate::types::Wire for $name {
            fn to_wire(&self) -> ::serde_json::Value {
                let mut map = ::serde_json::Map::new();
                map.insert("_type".to_owned(), stringify!($name).into());
                $( map.insert($key.to_owned(), $crate::types::Wire::to_wire(&self.$field)); )*
                ::serde_json::Value::Object(map)
            }

            fn from_wire(value: &::serde_json::Value) -> ::std::result::Result<Self, String> {
                let map = $crate::types::fields(stringify!($name), value)?;
                Ok(Self { $( $field: $crate::types::field(stringify!($name), map, $key)?, )* })
            }
        }
    )*};
}
pub(crate) use value_types;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes public structs")]
mod tests {
    use serde_json::json;

    use super::*;

    value_types! {
        /// For the test.
        Sample {
            /// Whole.
            whole: i64 = "Whole",
            /// Perhaps.
            text: Option<String> = "Text",
            /// Switch.
            on: bool = "On",
            /// List.
            list: Vec<f64> = "List",
        }
    }

    #[test]
    fn what_peers_write_differently_reads_the_same() {
        let want = Sample { whole: 24, text: None, on: true, list: vec![1.0, 2.5] };
        for value in [
            json!({ "_type": "Sample", "Whole": 24, "Text": null, "On": 1, "List": [1, 2.5] }),
            json!({ "Whole": 24.0, "On": true, "List": [1.0, "2.5"], "More": { "_type": "Unknown" } }),
            json!({ "_type": "Other", "Whole": "24", "On": 1.0, "List": [true, 2.5] }),
        ] {
            assert_eq!(Sample::from_wire(&value).unwrap(), want, "{value}");
        }
        assert_eq!(Sample::from_wire(&json!({})).unwrap(), Sample::default());
        assert_eq!(Sample::from_wire(&want.to_wire()).unwrap(), want);
        assert_eq!(
            want.to_wire(),
            json!({ "_type": "Sample", "Whole": 24, "Text": null, "On": 1, "List": [1.0, 2.5] })
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        for (value, said) in [
            (json!({ "Whole": 1.5 }), "Sample.Whole: a whole number was expected and 1.5 came"),
            (json!({ "On": "yes" }), "Sample.On: 0 or 1 was expected and \"yes\" came"),
            (json!({ "List": {} }), "Sample.List: a list was expected and {} came"),
            (json!([]), "Sample was expected and [] came"),
        ] {
            assert_eq!(Sample::from_wire(&value).unwrap_err(), said);
        }
    }
}
