//! Proxy: resampling, EXR plates, stills and editorial movies.
