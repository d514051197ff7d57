//! Container facts, on files made here and on the industry samples with other tools' answers.

mod footage;
mod made;
pub(crate) mod write;
