//! Structs of scenes, formats, decoders and the server.

use std::collections::BTreeMap;

use serde_json::Value;

use super::enums::DecodeParameterType;
use super::value::{Wire, field, fields, value_types};

value_types! {
    /// Where a scene lies in a job database, or in a file.
    ScenePath {
        /// What kind of path it is.
        kind: Option<String> = "Type",
        /// The database's host.
        host: Option<String> = "Host",
        /// The job.
        job: Option<String> = "Job",
        /// The scene, with its folders.
        scene: Option<String> = "Scene",
        /// A version.
        tag: Option<String> = "Tag",
        /// A file, for a scene outside a database.
        filename: Option<String> = "Filename",
    }

    /// How a long opening of a scene goes.
    OpenSceneStatus {
        /// Whether it is over.
        done: bool = "Done",
        /// What went wrong.
        error: Option<String> = "Error",
        /// Per cent.
        progress: f64 = "Progress",
        /// What is being done.
        message: Option<String> = "Message",
    }

    /// What a scene's setting may be.
    SceneSettingDefinition {
        /// Its type.
        kind: Option<String> = "Type",
        /// What it is.
        desc: Option<String> = "Desc",
        /// What it may be.
        values: Vec<Value> = "Values",
    }

    /// A colour space of the server's.
    ColourSpaceInfo {
        /// The name that calls take.
        name: String = "Name",
        /// The name for people.
        display_name: String = "DisplayName",
        /// `scene`, `display` or `any`.
        kind: String = "Type",
    }

    /// A size.
    FormatInfo {
        /// Columns.
        width: i64 = "Width",
        /// Rows.
        height: i64 = "Height",
        /// Width over height of a pixel.
        pixel_aspect_ratio: f64 = "PixelAspectRatio",
    }

    /// One possible value of a decode parameter.
    DecodeParameterChoice {
        /// The value that calls take.
        value: Value = "Value",
        /// The name for people.
        label: String = "Label",
    }

    /// The library that decodes a camera's files.
    SdkVersion {
        /// Its key.
        key: String = "Key",
        /// Its name.
        name: String = "Name",
        /// What it decodes.
        description: String = "Description",
        /// Its version.
        version: String = "Version",
    }

    /// A licence.
    LicenceItem {
        /// What it is for.
        product: String = "Product",
        /// The version it is for.
        version: String = "Version",
        /// What it includes.
        options: Vec<Value> = "Options",
        /// Whether it never ends.
        permanent: bool = "Permanent",
        /// When it began.
        start: Option<String> = "Start",
        /// Days it lasts.
        duration: i64 = "Duration",
        /// Days that are left.
        days_left: i64 = "DaysLeft",
    }
}

/// How a new scene is made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSceneOptions {
    /// Its format: `HD 1920x1080`, or another name of a format set.
    pub format: String,
    /// Its working colour space, by the server's name.
    pub colourspace: String,
    /// Frames per second.
    pub frame_rate: f64,
    /// `None` for progressive, `upper` or `lower`.
    pub field_order: String,
    /// A scene to begin from.
    pub template: Option<ScenePath>,
    /// A look to begin from, as a path of a BLG file.
    pub blg_template: Option<String>,
}

impl NewSceneOptions {
    /// A progressive scene.
    pub fn new(format: impl Into<String>, colourspace: impl Into<String>, frame_rate: f64) -> Self {
        Self {
            format: format.into(),
            colourspace: colourspace.into(),
            frame_rate,
            field_order: "None".into(),
            template: None,
            blg_template: None,
        }
    }
}

impl Wire for NewSceneOptions {
    fn to_wire(&self) -> Value {
        serde_json::json!({
            "_type": "NewSceneOptions", "format": self.format, "colourspace": self.colourspace,
            "frame_rate": self.frame_rate, "field_order": self.field_order, "template": self.template.to_wire(),
            "blg_template": self.blg_template
        })
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        const NAME: &str = "NewSceneOptions";
        let map = fields(NAME, value)?;
        let field_order: Option<String> = field(NAME, map, "field_order")?;
        Ok(Self {
            format: field(NAME, map, "format")?,
            colourspace: field(NAME, map, "colourspace")?,
            frame_rate: field(NAME, map, "frame_rate")?,
            field_order: field_order.unwrap_or_else(|| "None".into()),
            template: field(NAME, map, "template")?,
            blg_template: field(NAME, map, "blg_template")?,
        })
    }
}

/// What can be asked of a camera's decoder. There is no public list of these: each server is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeParameterDefinition {
    /// The key.
    pub parameter: String,
    /// What its values are.
    pub kind: DecodeParameterType,
    /// What it is if nobody says.
    pub default: Value,
    /// The name for people.
    pub label: String,
    /// The least, for numbers.
    pub min: Option<f64>,
    /// The most, for numbers.
    pub max: Option<f64>,
    /// What it may be, for a choice.
    pub choices: Vec<DecodeParameterChoice>,
}

impl Wire for DecodeParameterDefinition {
    fn to_wire(&self) -> Value {
        serde_json::json!({
            "_type": "DecodeParameterDefinition", "Parameter": self.parameter, "Type": self.kind.as_str(),
            "Default": self.default, "Label": self.label, "Min": self.min, "Max": self.max,
            "Choices": self.choices.to_wire()
        })
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        const NAME: &str = "DecodeParameterDefinition";
        let map = fields(NAME, value)?;
        // Limits may be of any type; those that are no numbers limit nothing here.
        let limit = |key: &str| map.get(key).filter(|v| !v.is_null()).and_then(|v| f64::from_wire(v).ok());
        Ok(Self {
            parameter: field(NAME, map, "Parameter")?,
            kind: field(NAME, map, "Type")?,
            default: field(NAME, map, "Default")?,
            label: field(NAME, map, "Label")?,
            min: limit("Min"),
            max: limit("Max"),
            choices: field(NAME, map, "Choices")?,
        })
    }
}

/// A struct without fields that are known: metadata, settings, decode parameters.
pub type Struct = BTreeMap<String, Value>;
