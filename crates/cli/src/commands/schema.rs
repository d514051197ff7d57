//! `schema`: what the JSON of this engine looks like.

use rushes::{Error, ErrorKind, Result};

use super::Ended;
use crate::args::{Schema, SchemaOf};

pub(crate) fn run(a: &Schema) -> Result<Ended> {
    let schema = match a.of {
        SchemaOf::Clip => rushes::stages::normalize::schema(),
        SchemaOf::Workflow => rushes::core::schema::workflow(),
        SchemaOf::Unit => rushes::core::schema::unit(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    println!("{text}");
    Ok(Ended::Done)
}
