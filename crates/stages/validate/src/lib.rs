//! Validate: is the clip complete, whole and consistent.
