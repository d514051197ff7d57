//! Scenes, shots and formats.

use serde_json::{Value, json};

use super::{Object as _, SequenceDescriptor, classes};
use crate::types::{
    ColourSpaceInfo, DecodeParameterDefinition, InsertPosition, KeySet, NewSceneOptions, OpenSceneStatus, ScenePath,
    SceneSettingDefinition, Struct, Wire as _,
};
use crate::{Connection, Result};

classes! {
    /// A scene. Every edit stands between [`Scene::start_delta`] and [`Scene::end_delta`].
    Scene;

    /// The settings of a scene.
    SceneSettings;

    /// A shot of a scene.
    Shot;

    /// Formats and colour spaces by their names.
    FormatSet;
}

impl Scene {
    /// A scene in memory, which needs no job database.
    pub async fn temporary(flapi: &Connection, options: &NewSceneOptions) -> Result<Self> {
        let params = json!({ "options": options.to_wire() });
        Ok(Self::of(flapi, flapi.object("Scene.temporary_scene", None, params).await?))
    }

    /// A new scene in a job database.
    pub async fn new_scene(flapi: &Connection, path: &ScenePath, options: &NewSceneOptions) -> Result<Self> {
        let params = json!({ "scenepath": path.to_wire(), "options": options.to_wire() });
        Ok(Self::of(flapi, flapi.object("Scene.new_scene", None, params).await?))
    }

    /// A scene of a job database. `flags`: `readonly`, `discard`, `recover` and others.
    pub async fn open_scene(flapi: &Connection, path: &ScenePath, flags: &KeySet) -> Result<Self> {
        let params = json!({ "scenepath": path.to_wire(), "flags": flags.to_wire() });
        Ok(Self::of(flapi, flapi.object("Scene.open_scene", None, params).await?))
    }

    /// The path that `host:job:folder:scene` means.
    pub async fn parse_path(flapi: &Connection, text: &str) -> Result<ScenePath> {
        flapi.get("Scene.parse_path", None, json!({ "str": text })).await
    }

    /// How the opening goes, for a scene that was opened without waiting.
    pub async fn open_status(&self) -> Result<OpenSceneStatus> {
        self.ask("Scene.get_open_status", json!({})).await
    }

    /// Writes the scene to its database.
    pub async fn save(&self) -> Result<()> {
        self.ask("Scene.save_scene", json!({})).await
    }

    /// Closes the scene; true when it was.
    pub async fn close(&self) -> Result<bool> {
        self.ask("Scene.close_scene", json!({})).await
    }

    /// Begins an edit called `name`.
    pub async fn start_delta(&self, name: &str) -> Result<()> {
        self.ask("Scene.start_delta", json!({ "name": name })).await
    }

    /// Ends the edit.
    pub async fn end_delta(&self) -> Result<()> {
        self.ask("Scene.end_delta", json!({})).await
    }

    /// Takes the edit back.
    pub async fn cancel_delta(&self) -> Result<()> {
        self.ask("Scene.cancel_delta", json!({})).await
    }

    /// The settings.
    pub async fn settings(&self) -> Result<SceneSettings> {
        Ok(SceneSettings::of(&self.connection, self.ask_object("Scene.get_scene_settings", json!({})).await?))
    }

    /// The formats.
    pub async fn formats(&self) -> Result<FormatSet> {
        Ok(FormatSet::of(&self.connection, self.ask_object("Scene.get_formats", json!({})).await?))
    }

    /// Puts a clip into the scene, at its start or end, or at `relative_to`.
    pub async fn insert_sequence(
        &self,
        sequence: &SequenceDescriptor,
        position: InsertPosition,
        relative_to: Option<&Shot>,
    ) -> Result<Shot> {
        let params = json!({
            "sequence": sequence.handle().reference(), "where": position.to_wire(),
            "relativeTo": relative_to.map(|s| s.handle.reference()), "colourSpace": null, "format": null
        });
        Ok(Shot::of(&self.connection, self.ask_object("Scene.insert_sequence", params).await?))
    }

    /// The first frame.
    pub async fn start_frame(&self) -> Result<i64> {
        self.ask("Scene.get_start_frame", json!({})).await
    }

    /// The end: see the server's documentation for whether it is included.
    pub async fn end_frame(&self) -> Result<i64> {
        self.ask("Scene.get_end_frame", json!({})).await
    }

    /// Shots.
    pub async fn num_shots(&self) -> Result<i64> {
        self.ask("Scene.get_num_shots", json!({})).await
    }
}

impl SceneSettings {
    /// The keys there are.
    pub async fn keys(&self) -> Result<Vec<String>> {
        self.ask("SceneSettings.get_setting_keys", json!({})).await
    }

    /// What `key` may be.
    pub async fn definition(&self, key: &str) -> Result<SceneSettingDefinition> {
        self.ask("SceneSettings.get_setting_definition", json!({ "key": key })).await
    }

    /// What `keys` are.
    pub async fn get(&self, keys: &[&str]) -> Result<Struct> {
        self.ask("SceneSettings.get", json!({ "keys": keys })).await
    }

    /// Changes settings. A key that is not there is an error.
    pub async fn set(&self, values: Value) -> Result<()> {
        self.ask("SceneSettings.set", json!({ "values": values })).await
    }
}

/// The eye of a picture that is not stereo.
const MONO: &str = "GMSE_MONO";

impl Shot {
    /// Its first frame in the scene.
    pub async fn start_frame(&self) -> Result<f64> {
        self.ask("Shot.get_start_frame", json!({})).await
    }

    /// Its end in the scene.
    pub async fn end_frame(&self) -> Result<f64> {
        self.ask("Shot.get_end_frame", json!({})).await
    }

    /// Its first frame in its source.
    pub async fn src_start_frame(&self) -> Result<i64> {
        self.ask("Shot.get_src_start_frame", json!({})).await
    }

    /// The codec of its media, as decoders are named.
    pub async fn codec(&self) -> Result<String> {
        self.ask("Shot.get_codec", json!({})).await
    }

    /// The type of the decode parameters of `codec`; empty where there are none.
    pub async fn decode_parameter_type(flapi: &Connection, codec: &str) -> Result<String> {
        flapi.get("Shot.get_decode_parameter_type_for_codec", None, json!({ "codec": codec })).await
    }

    /// The decode parameters of a type.
    pub async fn decode_parameter_definitions(
        flapi: &Connection,
        decode_type: &str,
    ) -> Result<Vec<DecodeParameterDefinition>> {
        let params = json!({ "decode_type": decode_type });
        flapi.get("Shot.get_decode_parameter_definitions", None, params).await
    }

    /// The decode parameters as they are.
    pub async fn decode_parameters(&self) -> Result<Struct> {
        self.ask("Shot.get_decode_parameters", json!({})).await
    }

    /// Changes those decode parameters that are named.
    pub async fn set_decode_parameters(&self, params: &Struct) -> Result<()> {
        self.ask("Shot.set_decode_parameters", json!({ "decode_params": params.to_wire() })).await
    }

    /// The colour space its media is taken to be in: a name, or `Auto`.
    pub async fn set_input_colour_space(&self, name: &str) -> Result<()> {
        self.ask("Shot.set_input_colour_space", json!({ "name": name, "eye": MONO })).await
    }

    /// The colour space that its media is taken to be in, by its name.
    pub async fn actual_input_colour_space(&self) -> Result<String> {
        self.ask("Shot.get_actual_input_colour_space", json!({ "eye": MONO })).await
    }

    /// Adds an ASC CDL: slope, offset and power of red, green and blue each, and saturation.
    pub async fn insert_cdl_layer(&self, values: [f64; 10]) -> Result<()> {
        self.ask("Shot.insert_cdl_layer", json!({ "cdl_values": values })).await
    }

    /// Adds the grade of a BLG file.
    pub async fn insert_blg_stack(&self, path: &str) -> Result<()> {
        self.ask("Shot.insert_blg_stack", json!({ "blg_path": path })).await
    }

    /// Metadata of the shot, typed.
    pub async fn metadata(&self, keys: &KeySet) -> Result<Struct> {
        self.ask("Shot.get_metadata", json!({ "md_keys": keys.to_wire() })).await
    }

    /// Metadata of the shot, as text.
    pub async fn metadata_strings(&self, keys: &KeySet) -> Result<Struct> {
        self.ask("Shot.get_metadata_strings", json!({ "md_keys": keys.to_wire() })).await
    }
}

impl FormatSet {
    /// The formats and colour spaces that come with the server.
    pub async fn factory(flapi: &Connection) -> Result<Self> {
        Ok(Self::of(flapi, flapi.object("FormatSet.factory_formats", None, json!({})).await?))
    }

    /// The name of a plain format of this size.
    pub async fn basic_format_name(&self, width: i64, height: i64, pixel_aspect_ratio: f64) -> Result<String> {
        let params = json!({ "width": width, "height": height, "pixelAspectRatio": pixel_aspect_ratio });
        self.ask("FormatSet.get_basic_format_name", params).await
    }

    /// The names of the colour spaces.
    pub async fn colour_space_names(&self) -> Result<Vec<String>> {
        self.ask("FormatSet.get_colour_space_names", json!({})).await
    }

    /// A colour space.
    pub async fn colour_space_info(&self, name: &str) -> Result<ColourSpaceInfo> {
        self.ask("FormatSet.get_colour_space_info", json!({ "name": name })).await
    }

    /// The names of the display rendering transforms.
    pub async fn drt_names(flapi: &Connection) -> Result<Vec<String>> {
        flapi.get("FormatSet.get_drt_names", None, json!({})).await
    }
}
