//! The page that people send around after a run.
//!
//! [`write()`] takes a [`Report`], which is plain data, and makes the folder `report` below the
//! output folder: `index.html` and the pictures it shows. The page needs no network and no
//! server: it opens from disk, and from a zip that somebody mailed. It says first what is wrong,
//! then what was made, how far it is proven, and how long it took.
//!
//! The same [`Report`] and the same stills give the same bytes; [`Report::when`] is the only time
//! stamp and the caller's. Text that comes from files is never markup: it is escaped, and
//! characters that would hide or turn text around are shown by their number.
//!
//! | what | where |
//! | --- | --- |
//! | what to fill in | `model.rs` |
//! | the folder: names, temporary files, order | `write.rs` |
//! | stills read and made small | `picture.rs` |
//! | waveform, parade, histogram | `scopes/` |
//! | the page | `html/` |
//! | numbers as people read them | `words.rs` |

mod html;
mod model;
mod picture;
mod scopes;
mod words;
mod write;

pub use model::{ClipSection, Level, Link, Report, Still, Verified};
pub use write::write;
