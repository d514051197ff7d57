//! What becomes of a file that stands under an output's name.

/// What is done where a file has the name of an output already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the output is refused.
    Refuse,
    /// The output replaces it.
    Replace,
    /// Others may be making the very same output, or have made it: a file of equal bytes stands as if it had been made
    /// here.
    Shared {
        /// Whether one of other bytes is replaced; else the output is refused.
        replace: bool,
    },
}

impl Existing {
    /// Whether one may stand when the output is begun.
    pub fn may_stand(self) -> bool {
        self != Self::Refuse
    }

    /// Whether one of other bytes gives way.
    pub fn may_replace(self) -> bool {
        matches!(self, Self::Replace | Self::Shared { replace: true })
    }

    pub(super) fn is_shared(self) -> bool {
        matches!(self, Self::Shared { .. })
    }
}

/// Whether it may be overwritten.
impl From<bool> for Existing {
    fn from(overwrite: bool) -> Self {
        if overwrite { Self::Replace } else { Self::Refuse }
    }
}
