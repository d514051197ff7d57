//! Queues of renders and exports.

use serde_json::json;

use super::{Object as _, classes};
use crate::types::{QueueLogItem, QueueOp, QueueOpStatus};
use crate::{Connection, Result};

classes! {
    /// A queue of operations. Signals: `QueueOpsChanged`, `QueueOpStatusChanged`, `QueueOpLogChanged`, once
    /// [`QueueManager::enable_updates`] was called.
    QueueManager;
}

impl QueueManager {
    /// The queue of this machine, which services render.
    pub async fn create_local(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("QueueManager.create_local", None, json!({})).await?))
    }

    /// The queue of a zone.
    pub async fn create(flapi: &Connection, zone: &str) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("QueueManager.create", None, json!({ "zone": zone })).await?))
    }

    /// A queue in memory, inside a private server only.
    pub async fn create_no_database(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("QueueManager.create_no_database", None, json!({})).await?))
    }

    /// The numbers of its operations.
    pub async fn operation_ids(&self) -> Result<Vec<i64>> {
        self.ask("QueueManager.get_operation_ids", json!({})).await
    }

    /// What an operation is.
    pub async fn operation(&self, id: i64) -> Result<QueueOp> {
        self.ask("QueueManager.get_operation", json!({ "id": id })).await
    }

    /// How it goes.
    pub async fn operation_status(&self, id: i64) -> Result<QueueOpStatus> {
        self.ask("QueueManager.get_operation_status", json!({ "id": id })).await
    }

    /// Its whole log so far.
    pub async fn operation_log(&self, id: i64) -> Result<Vec<QueueLogItem>> {
        self.ask("QueueManager.get_operation_log", json!({ "id": id })).await
    }

    /// Stops it, for a while or for ever.
    pub async fn pause_operation(&self, id: i64) -> Result<()> {
        self.ask("QueueManager.pause_operation", json!({ "id": id })).await
    }

    /// Goes on with it.
    pub async fn resume_operation(&self, id: i64) -> Result<()> {
        self.ask("QueueManager.resume_operation", json!({ "id": id })).await
    }

    /// Takes it out of the queue.
    pub async fn delete_operation(&self, id: i64) -> Result<()> {
        self.ask("QueueManager.delete_operation", json!({ "id": id })).await
    }

    /// Puts it aside, when it is over.
    pub async fn archive_operation(&self, id: i64) -> Result<()> {
        self.ask("QueueManager.archive_operation", json!({ "id": id })).await
    }

    /// Lets signals come.
    pub async fn enable_updates(&self) -> Result<()> {
        self.ask("QueueManager.enable_updates", json!({})).await
    }

    /// Lets none come.
    pub async fn disable_updates(&self) -> Result<()> {
        self.ask("QueueManager.disable_updates", json!({})).await
    }
}
