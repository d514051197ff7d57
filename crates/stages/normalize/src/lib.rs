//! Normalize: camera facts in one published schema, each with its origin.
