//! Structs of renders and queues.

use serde_json::Value;

use super::enums::{DecodeQuality, ErrorBehaviour, FrameNumbering, LogType, OpStatus};
use super::scene::Struct;
use super::value::{Short, Wire, value_types};

value_types! {
    /// A value that a codec's parameter may have.
    RenderCodecParameterValue {
        /// The value that calls take.
        key: String = "Key",
        /// The name for people.
        text: String = "Text",
    }

    /// A parameter of a codec.
    RenderCodecParameterInfo {
        /// Its key.
        key: String = "Key",
        /// The name for people.
        text: String = "Text",
        /// Its type.
        kind: String = "Type",
        /// What it may be.
        choices: Vec<RenderCodecParameterValue> = "Choices",
    }

    /// A codec, or an audio codec.
    RenderCodecInfo {
        /// The key that [`RenderDeliverable::movie_codec`] takes.
        key: String = "Key",
        /// The name for people.
        text: String = "Text",
        /// What can be asked of it.
        params: Vec<RenderCodecParameterInfo> = "Params",
    }

    /// A type of image files or of movies.
    RenderFileTypeInfo {
        /// The key that [`RenderDeliverable::file_type`] takes.
        key: String = "Key",
        /// The name for people.
        text: String = "Text",
        /// Its extensions.
        extensions: Vec<String> = "Extensions",
        /// What can be asked of it.
        params: Vec<RenderCodecParameterInfo> = "Params",
    }

    /// What a submission to a queue gave.
    RenderOpInfo {
        /// The operation's number.
        id: i64 = "ID",
        /// What is not as it should be.
        warning: Option<String> = "Warning",
    }

    /// An operation of a queue.
    QueueOp {
        /// Its number.
        id: i64 = "ID",
        /// What it is.
        description: String = "Description",
        /// Who submitted it.
        submit_user: String = "SubmitUser",
        /// From where.
        submit_host: String = "SubmitHost",
    }
}

macro_rules! statuses {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fd:meta])* $field:ident : $type:ty = $key:literal, )* } )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $name { $( $(#[$fd])* pub $field: $type, )* }

            impl Wire for $name {
                fn to_wire(&self) -> Value {
                    let mut map = serde_json::Map::new();
                    map.insert("_type".to_owned(), stringify!($name).into());
                    $( map.insert($key.to_owned(), self.$field.to_wire()); )*
                    Value::Object(map)
                }
                fn from_wire(value: &Value) -> Result<Self, String> {
                    let map = super::value::fields(stringify!($name), value)?;
                    Ok(Self { $( $field: super::value::field(stringify!($name), map, $key)?, )* })
                }
            }
        )*
    };
}

statuses! {
    /// How a render in this process goes.
    RenderStatus {
        /// How it stands.
        status: OpStatus = "Status",
        /// What went wrong.
        error: Option<String> = "Error",
        /// Frames in all.
        total: i64 = "Total",
        /// Frames made.
        complete: i64 = "Complete",
        /// Frames to be made.
        remaining: i64 = "Remaining",
        /// Frames that failed.
        failed: i64 = "Failed",
        /// 0 to 1.
        progress: f64 = "Progress",
        /// What is being done.
        progress_message: Option<String> = "ProgressMessage",
    }

    /// How an operation of a queue goes.
    QueueOpStatus {
        /// Its number.
        id: i64 = "ID",
        /// How it stands.
        status: OpStatus = "Status",
        /// 0 to 1.
        progress: f64 = "Progress",
        /// What is being done.
        progress_text: Option<String> = "ProgressText",
        /// Seconds, as text.
        time_elapsed: Option<String> = "TimeElapsed",
        /// Seconds, as text.
        time_remaining: Option<String> = "TimeRemaining",
        /// Lines of the log that warn.
        warnings: i64 = "Warnings",
        /// Lines of the log that say what failed.
        errors: i64 = "Errors",
    }

    /// A line of a render's log.
    RenderProcessorLogItem {
        /// When.
        time: String = "Time",
        /// How bad it is.
        kind: LogType = "Type",
        /// What was being done.
        task: String = "Task",
        /// The frame of the scene; -1 for none.
        frame: Option<i64> = "Frame",
        /// What happened.
        message: String = "Message",
        /// More of it.
        detail: Option<String> = "Detail",
    }

    /// A line of an operation's log.
    QueueLogItem {
        /// When.
        time: String = "Time",
        /// How bad it is.
        kind: LogType = "Type",
        /// What was being done.
        task: String = "Task",
        /// The frame of the scene; -1 for none.
        frame: Option<i64> = "Frame",
        /// What happened.
        message: String = "Message",
        /// More of it.
        detail: Option<String> = "Detail",
    }

    /// One output of a render. [`RenderDeliverable::default`] has the defaults of FilmLight's clients, spelled out:
    /// a server takes null for its own.
    RenderDeliverable {
        /// Its name.
        name: String = "Name",
        /// Whether it is left out.
        disabled: bool = "Disabled",
        /// Whether it is one file, rather than one for each frame.
        is_movie: bool = "IsMovie",
        /// A key of [`RenderFileTypeInfo`].
        file_type: Option<String> = "FileType",
        /// A key of [`RenderCodecInfo`].
        movie_codec: Option<String> = "MovieCodec",
        /// A key of [`RenderCodecInfo`].
        audio_codec: Option<String> = "AudioCodec",
        /// Parameters of the type, or of the codec.
        image_options: Option<Struct> = "ImageOptions",
        /// Whether a movie's index stands before its pictures.
        fast_start: bool = "FastStart",
        /// Hz.
        audio_sample_rate: i64 = "AudioSampleRate",
        /// Channels; -1 for those of the source.
        audio_num_channels: i64 = "AudioNumChannels",
        /// The folder that the others are below.
        container: Option<String> = "Container",
        /// A folder below the container.
        output_directory: Option<String> = "OutputDirectory",
        /// What stands before the frame number.
        file_name_prefix: String = "FileNamePrefix",
        /// What stands after it.
        file_name_postfix: String = "FileNamePostfix",
        /// Its digits.
        file_name_num_digits: i64 = "FileNameNumDigits",
        /// What it is.
        file_name_number: FrameNumbering = "FileNameNumber",
        /// The extension, with its dot.
        file_name_extension: Option<String> = "FileNameExtension",
        /// How colour is tagged.
        colour_space_tag: i64 = "ColourSpaceTag",
        /// A format's name; `0` for that of the shot.
        render_format: Option<String> = "RenderFormat",
        /// `GMPR_HIGH`, `GMPR_MEDIUM` or `GMPR_LOW`.
        render_resolution: String = "RenderResolution",
        /// Frames per second.
        render_frame_rate: Option<f64> = "RenderFrameRate",
        /// `None` for progressive.
        render_field_order: String = "RenderFieldOrder",
        /// How well shots are decoded.
        render_decode_quality: DecodeQuality = "RenderDecodeQuality",
        /// A colour space's name; `Input` for that of the shot, `None` for that of the stack.
        render_colour_space: Option<String> = "RenderColourSpace",
        /// How values are scaled for video.
        render_video_lut: String = "RenderVideoLUT",
        /// -1 for all layers, -2 for none.
        render_layer: i64 = "RenderLayer",
        /// The track.
        render_track: i64 = "RenderTrack",
        /// A mask's name.
        render_mask: String = "RenderMask",
        /// What lies outside of it.
        render_mask_mode: i64 = "RenderMaskMode",
        /// A burn-in's name.
        render_burnin: Option<String> = "RenderBurnin",
        /// Whether it is shown at the first frame.
        render_flash_burnin: bool = "RenderFlashBurnin",
        /// Whether caches are left out.
        render_disable_cache: bool = "RenderDisableCache",
        /// What becomes of stacks with something missing: `GMREB_FAIL` ends the render.
        handle_incomplete_stacks: String = "HandleIncompleteStacks",
        /// What becomes of frames without a shot: `GMREB_FAIL` ends the render.
        handle_empty_frames: String = "HandleEmptyFrames",
        /// What becomes of a frame that fails.
        handle_error: ErrorBehaviour = "HandleError",
        /// Whether timecode is written.
        embed_timecode: bool = "EmbedTimecode",
        /// Whether the reel is written.
        embed_tape: bool = "EmbedTape",
        /// Whether the clip's name is written.
        embed_clip: bool = "EmbedClip",
    }
}

/// Characters that are told of a server's reason.
const TOLD: usize = 2000;

impl RenderStatus {
    /// What went wrong, if it did: a render is `Done` also when it failed.
    pub fn failure(&self) -> Option<String> {
        match (&self.status, self.error.as_deref()) {
            (_, Some(error)) if !error.is_empty() => Some(Short(error, TOLD).to_string()),
            (OpStatus::Crashed, _) => Some("the render crashed".into()),
            (OpStatus::Failed, _) => Some("the render failed".into()),
            (OpStatus::TooNew, _) => Some("the render wants a newer server".into()),
            _ if self.failed > 0 => Some(format!("{} of {} frames failed", self.failed, self.total)),
            _ => None,
        }
    }

    /// True when nothing more will happen.
    pub fn is_over(&self) -> bool {
        is_over(&self.status)
    }
}

impl QueueOpStatus {
    /// What went wrong, if it did.
    pub fn failure(&self) -> Option<String> {
        let text = self.progress_text.as_deref().unwrap_or_default();
        match &self.status {
            OpStatus::Crashed => Some("the operation crashed".into()),
            OpStatus::Failed => Some("the operation failed".into()),
            OpStatus::TooNew => Some("the operation wants a newer server".into()),
            OpStatus::Done if self.errors > 0 => {
                Some(format!("it ended with {} errors: {}", self.errors, Short(text, TOLD)))
            }
            OpStatus::Done if text == "Render failure" => Some(text.into()),
            _ => None,
        }
    }

    /// True when nothing more will happen.
    pub fn is_over(&self) -> bool {
        is_over(&self.status)
    }
}

fn is_over(status: &OpStatus) -> bool {
    matches!(status, OpStatus::Done | OpStatus::Crashed | OpStatus::Stopped | OpStatus::TooNew | OpStatus::Failed)
}

impl Default for RenderDeliverable {
    fn default() -> Self {
        Self {
            name: String::new(),
            disabled: false,
            is_movie: false,
            file_type: None,
            movie_codec: None,
            audio_codec: None,
            image_options: None,
            fast_start: false,
            audio_sample_rate: 48_000,
            audio_num_channels: 0,
            container: None,
            output_directory: None,
            file_name_prefix: String::new(),
            file_name_postfix: String::new(),
            file_name_num_digits: 7,
            file_name_number: FrameNumbering::SceneFrame,
            file_name_extension: None,
            colour_space_tag: 1,
            render_format: None,
            render_resolution: "GMPR_HIGH".into(),
            render_frame_rate: None,
            render_field_order: "None".into(),
            render_decode_quality: DecodeQuality::High,
            render_colour_space: None,
            render_video_lut: "none".into(),
            render_layer: -1,
            render_track: 0,
            render_mask: "None".into(),
            render_mask_mode: 0,
            render_burnin: None,
            render_flash_burnin: false,
            render_disable_cache: false,
            handle_incomplete_stacks: "GMREB_FAIL".into(),
            handle_empty_frames: "GMREB_BLACK".into(),
            handle_error: ErrorBehaviour::Abort,
            embed_timecode: true,
            embed_tape: true,
            embed_clip: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn done_is_not_always_well() {
        let status = |v| RenderStatus::from_wire(&v).unwrap();
        let well = status(json!({ "Status": "Done", "Error": null, "Total": 24, "Complete": 24 }));
        assert!(well.is_over() && well.failure().is_none());
        for bad in [
            json!({ "Status": "Done", "Error": "disk full", "Total": 24 }),
            json!({ "Status": "Done", "Failed": 2, "Total": 24 }),
            json!({ "Status": "Crashed" }),
            json!({ "Status": "Failed" }),
        ] {
            assert!(status(bad.clone()).failure().is_some(), "{bad}");
        }
        let op = |v| QueueOpStatus::from_wire(&v).unwrap();
        assert!(op(json!({ "Status": "Done", "Errors": 1 })).failure().is_some());
        assert!(op(json!({ "Status": "Done", "ProgressText": "Render failure" })).failure().is_some());
        assert!(op(json!({ "Status": "Done" })).failure().is_none());
        assert!(op(json!({ "Status": "Stopped" })).is_over());
    }

    #[test]
    fn a_deliverable_sends_its_defaults() {
        let wire = RenderDeliverable::default().to_wire();
        for (key, value) in [
            ("_type", json!("RenderDeliverable")),
            ("AudioSampleRate", json!(48000)),
            ("FileNameNumber", json!("F")),
            ("RenderLayer", json!(-1)),
            ("HandleError", json!("ABORT")),
            ("EmbedTape", json!(1)),
            ("FileType", Value::Null),
        ] {
            assert_eq!(wire[key], value, "{key}");
        }
        // All fields of the struct, and its type.
        assert_eq!(wire.as_object().unwrap().len(), 38 + 1);
    }
}
