//! Constants. Each is its bare value on the wire; a value that is not known here is kept, not refused.

use serde_json::Value;

use super::value::Wire;

macro_rules! text_enums {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $value:literal, )* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )*
            /// Another value.
            Other(String),
        }

        impl $name {
            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $value, )*
                    Self::Other(value) => value,
                }
            }
        }

        impl Wire for $name {
            fn to_wire(&self) -> Value {
                self.as_str().into()
            }
            fn from_wire(value: &Value) -> Result<Self, String> {
                let text = String::from_wire(value)?;
                Ok(match text.as_str() {
                    $( $value => Self::$variant, )*
                    _ => Self::Other(text),
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

text_enums! {
    /// How an operation stands (OPSTATUS).
    OpStatus {
        /// It is being put together.
        Creating = "Creating",
        /// It waits.
        Queued = "Queued",
        /// It runs.
        Active = "Active",
        /// It broke.
        Crashed = "Crashed",
        /// It was stopped.
        Stopped = "Stopped",
        /// It wants a newer program.
        TooNew = "Too New",
        /// It is over: whether well is said elsewhere.
        Done = "Done",
        /// Not a value of 5.3, but foreseen by scripts of FilmLight's people.
        Failed = "Failed",
    }

    /// How bad a line of a log is (QUEUE_LOG_TYPE).
    LogType {
        /// Worth knowing.
        Info = "info",
        /// Somebody should look.
        Warn = "warn",
        /// It failed.
        Fail = "fail",
    }

    /// Where something is put into a scene (INSERT_POSITION).
    InsertPosition {
        /// At the start.
        Start = "start",
        /// At the end.
        End = "end",
        /// Before a shot.
        Before = "before",
        /// After a shot.
        After = "after",
        /// Above a shot.
        Above = "above",
        /// Below a shot.
        Below = "below",
    }

    /// The type of a decode parameter (DECODEPARAM_TYPE).
    DecodeParameterType {
        /// A whole number.
        Integer = "Integer",
        /// A number.
        Float = "Float",
        /// On or off.
        Boolean = "Boolean",
        /// One of a list.
        Choice = "Choice",
        /// A path.
        File = "File",
    }

    /// What becomes of a frame that fails (RENDER_ERROR_BEHAVIOUR).
    ErrorBehaviour {
        /// The render ends.
        Abort = "ABORT",
        /// The frame is left out.
        Skip = "SKIP",
        /// A black one is written.
        Black = "BLACK",
        /// A chequered one is written.
        Chequer = "CHEQUER",
    }

    /// What a file's frame number is (RENDER_FRAMENUM).
    FrameNumbering {
        /// The frame of the scene.
        SceneFrame = "F",
        /// The frame of the shot's source.
        ShotFrame = "G",
        /// The timecode of the scene.
        SceneTimecode = "T",
        /// The timecode of the shot's source.
        ShotTimecode = "H",
    }

    /// How well a picture is decoded (DECODEQUALITY).
    DecodeQuality {
        /// As well as can be, unless the resolution is low.
        High = "GMDQ_OPTIMISED_UNLESS_HIGH",
        /// As well as the resolution needs.
        Optimised = "GMDQ_OPTIMISED",
        /// Quickly.
        Draft = "GMDQ_DRAFT",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_of_a_later_version_is_kept() {
        assert_eq!(OpStatus::from_wire(&json!("Too New")), Ok(OpStatus::TooNew));
        let later = OpStatus::from_wire(&json!("Paused")).unwrap();
        assert_eq!((later.as_str(), later.to_wire()), ("Paused", json!("Paused")));
    }
}
