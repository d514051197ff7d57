//! What a facility decides once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::Limits;
use crate::types::RangeEnd;

/// What a facility decides about its FilmLight servers. Names that are not given are looked up on the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The server's name of ACES2065-1.
    pub aces2065_1: String,
    /// The server's name of ACEScg.
    pub acescg: String,
    /// The server's name of ACEScct.
    pub acescct: String,
    /// The server's name of Rec.709 with BT.1886, full range.
    pub rec709: String,
    /// The display rendering transform for ACES 2.0; without it, the one that has ACES 2.0 in its name.
    pub drt: Option<String>,
    /// The colour space that media is taken to be in; without it, the server decides.
    pub input_colour_space: Option<String>,
    /// Decode parameters by their keys. A server whose decoder does not know one refuses the unit.
    pub decode: BTreeMap<String, Value>,
    /// What the end of a frame range means.
    pub range_end: RangeEnd,
    /// Between two looks at a render.
    pub poll: Duration,
    /// How long a render may take.
    pub limits: Limits,
}

impl Default for Settings {
    /// The names that FilmLight's own examples use.
    fn default() -> Self {
        Self {
            aces2065_1: "ACES_lin".into(),
            acescg: "ACEScg".into(),
            acescct: "ACEScct".into(),
            rec709: "Video_Full".into(),
            drt: None,
            input_colour_space: None,
            decode: BTreeMap::new(),
            range_end: RangeEnd::default(),
            poll: Duration::from_millis(500),
            limits: Limits::default(),
        }
    }
}
