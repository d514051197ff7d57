//! From a card to clips.
//!
//! 1. [`walk`]: the files below the root, with bounds and without loops;
//! 2. [`sniff`]: what each of them is;
//! 3. [`frames`]: numbered files become sequences (`number`);
//! 4. [`spans`]: parts of a take become one clip;
//! 5. [`sidecar`]: files that belong to a clip;
//! 6. [`naming`]: one name for each clip.

mod build;
mod frames;
mod naming;
mod number;
mod remote;
mod sidecar;
mod sniff;
mod spans;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use build::understand;
