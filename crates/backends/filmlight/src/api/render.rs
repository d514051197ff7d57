//! Renders.

use serde_json::{Value, json};

use super::{Object as _, QueueManager, Scene, classes};
use crate::types::{
    FrameRange, RenderCodecInfo, RenderDeliverable, RenderFileTypeInfo, RenderOpInfo, RenderProcessorLogItem,
    RenderStatus, Wire as _,
};
use crate::{Connection, Result};

classes! {
    /// What is rendered, and how.
    RenderSetup;

    /// The render inside the server's own process; a server has one. FilmLight's people do one render in a private
    /// server and then take another: see [`crate::Pool`].
    RenderProcessor;
}

impl RenderSetup {
    /// The types of image files that can be written.
    pub async fn image_types(flapi: &Connection) -> Result<Vec<RenderFileTypeInfo>> {
        flapi.get("RenderSetup.get_image_types", None, json!({})).await
    }

    /// The types of movies that can be written. Fails without the licence for it.
    pub async fn movie_types(flapi: &Connection) -> Result<Vec<RenderFileTypeInfo>> {
        flapi.get("RenderSetup.get_movie_types", None, json!({})).await
    }

    /// The codecs of a type of movies.
    pub async fn movie_codecs(flapi: &Connection, movie_type: &str) -> Result<Vec<RenderCodecInfo>> {
        flapi.get("RenderSetup.get_movie_codecs", None, json!({ "movieType": movie_type })).await
    }

    /// The audio codecs of a type of movies.
    pub async fn movie_audio_codecs(flapi: &Connection, movie_type: &str) -> Result<Vec<RenderCodecInfo>> {
        flapi.get("RenderSetup.get_movie_audio_codecs", None, json!({ "movieType": movie_type })).await
    }

    /// A setup without a scene or deliverables.
    pub async fn create(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("RenderSetup.create", None, json!({})).await?))
    }

    /// A setup with what a scene has of deliverables.
    pub async fn create_from_scene(scene: &Scene) -> Result<Self> {
        let flapi = scene.connection();
        let params = json!({ "scene": scene.handle().reference() });
        Ok(Self::of(flapi, flapi.object("RenderSetup.create_from_scene", None, params).await?))
    }

    /// Renders `scene`.
    pub async fn set_scene(&self, scene: &Scene) -> Result<()> {
        self.ask("RenderSetup.set_scene", json!({ "scene": scene.handle().reference() })).await
    }

    /// Adds an output.
    pub async fn add_deliverable(&self, deliverable: &RenderDeliverable) -> Result<()> {
        self.ask("RenderSetup.add_deliverable", json!({ "deliverable": deliverable.to_wire() })).await
    }

    /// Takes all outputs away.
    pub async fn delete_all_deliverables(&self) -> Result<()> {
        self.ask("RenderSetup.delete_all_deliverables", json!({})).await
    }

    /// The folder that outputs are below.
    pub async fn set_container(&self, container: &str) -> Result<()> {
        self.ask("RenderSetup.set_container", json!({ "container": container })).await
    }

    /// Where output `index` puts `frame` of the scene. Builds before 17457 do not have it.
    pub async fn output_filename(&self, index: usize, frame: i64) -> Result<String> {
        let params = json!({ "index": index, "leave_container": 0, "frame": frame });
        self.ask("RenderSetup.get_output_filename_for_deliverable", params).await
    }

    /// Renders these frames of the scene. See [`RangeEnd`](crate::types::RangeEnd) for what their ends mean.
    pub async fn set_frames(&self, frames: &[FrameRange]) -> Result<()> {
        let frames: Vec<Value> = frames.iter().map(|f| f.to_wire()).collect();
        self.ask("RenderSetup.set_frames", json!({ "frames": frames })).await
    }

    /// Renders the whole scene.
    pub async fn select_all(&self) -> Result<()> {
        self.ask("RenderSetup.select_all", json!({})).await
    }

    /// Gives the render to a queue. Scene and setup may be let go then.
    pub async fn submit_to_queue(&self, queue: &QueueManager, name: &str) -> Result<RenderOpInfo> {
        let params = json!({ "queue": queue.handle().reference(), "opname": name });
        self.ask("RenderSetup.submit_to_queue", params).await
    }
}

impl RenderProcessor {
    /// The server's.
    pub async fn get(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("RenderProcessor.get", None, json!({})).await?))
    }

    /// Begins to render.
    pub async fn start(&self, setup: &RenderSetup) -> Result<()> {
        self.ask("RenderProcessor.start", json!({ "renderSetup": setup.handle().reference() })).await
    }

    /// How it goes.
    pub async fn progress(&self) -> Result<RenderStatus> {
        self.ask("RenderProcessor.get_progress", json!({})).await
    }

    /// The whole log so far.
    pub async fn log(&self) -> Result<Vec<RenderProcessorLogItem>> {
        self.ask("RenderProcessor.get_log", json!({})).await
    }

    /// Ends the render, finished or not.
    pub async fn shutdown(&self) -> Result<()> {
        self.ask("RenderProcessor.shutdown", json!({})).await
    }
}
