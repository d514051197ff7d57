//! What the server is and may do.

use serde_json::json;

use crate::types::{LicenceItem, SdkVersion};
use crate::{Connection, Result};

/// `Application.get_sdk_versions`: the libraries that decode camera files. Builds before 17457 do not have it.
pub async fn sdk_versions(flapi: &Connection) -> Result<Vec<SdkVersion>> {
    flapi.get("Application.get_sdk_versions", None, json!({})).await
}

/// `Licence.get_licence_info`: the licences of the server; those that have ended, too, where `expired` says so.
pub async fn licences(flapi: &Connection, expired: bool) -> Result<Vec<LicenceItem>> {
    flapi.get("Licence.get_licence_info", None, json!({ "include_expired": i64::from(expired) })).await
}
