//! Stills cameras through the LGPL rawloader crate, behind a guard.
