//! Proxy: resampling, EXR plates, stills and editorial movies.

#[allow(dead_code)] // The sinks that use it follow.
mod deliver;
