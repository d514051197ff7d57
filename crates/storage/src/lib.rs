//! Objects of S3, Google Cloud Storage and Azure as files of Rushes.
//!
//! After [`register`] the paths of cards, looks and output folders may be `s3://bucket/key`, `gs://bucket/key`,
//! `az://container/key` and `abfss://container@account.dfs.core.windows.net/key`. What follows the bucket is the key,
//! letter by letter: nothing in it is an escape.
//!
//! Credentials, region and endpoint come from the environment, by the names that the clouds' own tools use:
//! `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`; `GOOGLE_APPLICATION_CREDENTIALS`;
//! `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`. Machines of a cloud that have a role of their own need
//! none (containers of Azure say where theirs is with `IDENTITY_ENDPOINT`). Profiles in files (`~/.aws/credentials`)
//! are not read.
//!
//! - An object is read in ranges, each of which says that it is still the same object.
//! - An output that may not replace is put on the condition that nothing has its name, so that of several workers one
//!   succeeds. Large ones go up in parts; on S3 their last request carries the condition. Google's and Azure's has none:
//!   there they go up as `<key>.<16 digits>.rushes-part`, a name of each attempt's own, and are copied to theirs on that
//!   condition.
//! - An upload that comes to nothing is aborted, and what lies aside removed, before its error is given. A process that
//!   is killed leaves both; rules of the bucket remove them (docs/OPERATIONS.md).
//! - Requests that fail in a way that may pass are repeated, each time later, for [`Limits::total`] at most. Conditional
//!   writes that met (S3, `ConditionalRequestConflict`) are such, and an upload in parts is then sent again.
//! - A folder in which one key cannot be a path (an empty part, `..`, a control character) cannot be listed; the error
//!   names the key.

mod bucket;
mod cloud;
mod error;
mod limits;
mod parts;
mod runtime;
mod upload;

use std::sync::Arc;

use rushes_core::storage;

pub use cloud::Cloud;
pub use limits::Limits;

/// The schemes that are known here.
pub const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl"];

/// From now on this process reads and writes the clouds' objects, with what its environment says of them.
pub fn register() {
    register_as(Cloud::from_env());
}

/// The same, with a cloud that was told otherwise.
pub fn register_as(cloud: Cloud) {
    let cloud = Arc::new(cloud);
    for scheme in SCHEMES {
        storage::register(scheme, Arc::clone(&cloud) as Arc<dyn storage::Storage>);
    }
}
