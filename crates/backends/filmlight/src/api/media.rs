//! Media on disk.

use serde_json::json;

use super::{Object as _, classes};
use crate::types::{KeyCode, Struct, TimecodeValue, Wire as _};
use crate::{Connection, Result};

classes! {
    /// A clip as the server finds it on disk.
    SequenceDescriptor;

    /// A search for clips below folders. Not in the schema of 5.3, though in all of its clients.
    ImageSearcher;
}

/// `Image.get_raw_metadata`: what the camera wrote, in the maker's own words. Needs no scene.
pub async fn raw_metadata(flapi: &Connection, filename: &str) -> Result<Struct> {
    flapi.get("Image.get_raw_metadata", None, json!({ "filename": filename })).await
}

impl SequenceDescriptor {
    /// The clip in one file.
    pub async fn get_for_file(flapi: &Connection, filepath: &str) -> Result<Self> {
        let params = json!({ "filepath": filepath });
        Ok(Self::of(flapi, flapi.object("SequenceDescriptor.get_for_file", None, params).await?))
    }

    /// The clips in files of one frame each: `/card/A001_%.7F.ari` has frame numbers of seven digits.
    pub async fn get_for_template(
        flapi: &Connection,
        template: &str,
        start: Option<i64>,
        end: Option<i64>,
    ) -> Result<Vec<Self>> {
        let params = json!({ "template": template, "start": start, "end": end });
        let all = flapi.objects("SequenceDescriptor.get_for_template", None, params).await?;
        Ok(all.into_iter().map(|h| Self::of(flapi, h)).collect())
    }

    /// The first frame.
    pub async fn start_frame(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_start_frame", json!({})).await
    }

    /// The last frame, included.
    pub async fn end_frame(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_end_frame", json!({})).await
    }

    /// The timecode of the first frame on track `index`, 0 or 1.
    pub async fn start_timecode(&self, index: u8) -> Result<Option<TimecodeValue>> {
        self.ask("SequenceDescriptor.get_start_timecode", json!({ "index": index })).await
    }

    /// The timecode of the last frame on track `index`, 0 or 1.
    pub async fn end_timecode(&self, index: u8) -> Result<Option<TimecodeValue>> {
        self.ask("SequenceDescriptor.get_end_timecode", json!({ "index": index })).await
    }

    /// The keycode of the first frame.
    pub async fn start_keycode(&self) -> Result<Option<KeyCode>> {
        self.ask("SequenceDescriptor.get_start_keycode", json!({})).await
    }

    /// Columns.
    pub async fn width(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_width", json!({})).await
    }

    /// Rows.
    pub async fn height(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_height", json!({})).await
    }

    /// Width over height of a pixel.
    pub async fn pixel_aspect_ratio(&self) -> Result<f64> {
        self.ask("SequenceDescriptor.get_pixel_aspect_ratio", json!({})).await
    }

    /// The reel on track `index`, 0 or 1.
    pub async fn tape(&self, index: u8) -> Result<Option<String>> {
        self.ask("SequenceDescriptor.get_tape", json!({ "index": index })).await
    }

    /// The folder.
    pub async fn path(&self) -> Result<String> {
        self.ask("SequenceDescriptor.get_path", json!({})).await
    }

    /// The file of `frame`, without its folder.
    pub async fn filename_for_frame(&self, frame: i64) -> Result<String> {
        self.ask("SequenceDescriptor.get_filename_for_frame", json!({ "frame": frame })).await
    }

    /// What is known of it, for people.
    pub async fn metadata(&self) -> Result<Struct> {
        self.ask("SequenceDescriptor.get_metadata", json!({})).await
    }

    /// True for one file of many frames.
    pub async fn is_movie(&self) -> Result<bool> {
        self.ask("SequenceDescriptor.is_movie", json!({})).await
    }

    /// True where there is sound.
    pub async fn has_audio(&self) -> Result<bool> {
        self.ask("SequenceDescriptor.has_audio", json!({})).await
    }

    /// Channels of sound.
    pub async fn audio_channels(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_audio_channels", json!({})).await
    }

    /// Hz.
    pub async fn audio_sample_rate(&self) -> Result<i64> {
        self.ask("SequenceDescriptor.get_audio_sample_rate", json!({})).await
    }

    /// Frames per second. Servers of 5.3 do not have it: there, timecode and metadata say.
    pub async fn movie_fps(&self) -> Result<f64> {
        self.ask("SequenceDescriptor.get_movie_fps", json!({})).await
    }
}

impl ImageSearcher {
    /// A search that looks nowhere yet.
    pub async fn create(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("ImageSearcher.create", None, json!({})).await?))
    }

    /// Looks in `dir`, whose path must be free of links, and in the folders below where `recurse` says so.
    pub async fn add_root_directory(&self, dir: &str, recurse: bool) -> Result<bool> {
        self.ask("ImageSearcher.add_root_directory", json!({ "dir": dir, "recurse": recurse.to_wire() })).await
    }

    /// Begins to look.
    pub async fn scan(&self) -> Result<bool> {
        self.ask("ImageSearcher.scan", json!({})).await
    }

    /// True while it looks.
    pub async fn is_scan_in_progress(&self) -> Result<bool> {
        self.ask("ImageSearcher.is_scan_in_progress", json!({})).await
    }

    /// Stops looking.
    pub async fn cancel(&self) -> Result<()> {
        self.ask("ImageSearcher.cancel", json!({})).await
    }

    /// At most `limit` clips, in the order of `track`: `FSMT_FRAME_NUMBER`, `FSMT_TIMECODE_1`.
    pub async fn sequences(&self, track: &str, limit: i64) -> Result<Vec<SequenceDescriptor>> {
        let params = json!({ "track": track, "limit": limit });
        let all = self.connection.objects("ImageSearcher.get_sequences", Some(&self.handle), params).await?;
        Ok(all.into_iter().map(|h| SequenceDescriptor::of(&self.connection, h)).collect())
    }
}
