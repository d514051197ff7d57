//! The classes of the API that a camera pipeline needs, method by method, under FilmLight's names without `get_`.
//!
//! Objects are clones of one [`Handle`]; when the last is dropped, the server is told to forget it.

mod media;
mod queue;
mod render;
mod scene;
mod server;

pub use media::{ImageSearcher, SequenceDescriptor, raw_metadata};
pub use queue::QueueManager;
pub use render::{RenderProcessor, RenderSetup};
pub use scene::{FormatSet, Scene, SceneSettings, Shot};
pub use server::{licences, sdk_versions};

use crate::{Connection, Handle};

/// Declares a class: a handle and the connection it lives on.
macro_rules! classes {
    ($( $(#[$doc:meta])* $name:ident; )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            connection: $crate::Connection,
            handle: $crate::Handle,
        }

        impl $name {
            /// The object of `handle`, which must be one of this class, on its connection.
            pub fn of(connection: &$crate::Connection, handle: $crate::Handle) -> Self {
                Self { connection: connection.clone(), handle }
            }

            /// The object, for calls by name.
            pub fn handle(&self) -> &$crate::Handle {
                &self.handle
            }

            /// The connection it lives on.
            pub fn connection(&self) -> &$crate::Connection {
                &self.connection
            }
        }

        impl $crate::api::Object for $name {
            fn parts(&self) -> (&$crate::Connection, &$crate::Handle) {
                (&self.connection, &self.handle)
            }
        }
    )*};
}
use classes;

/// What the methods of a class need.
trait Object {
    fn parts(&self) -> (&Connection, &Handle);

    /// Calls `method` of the object.
    async fn ask<T: crate::types::Wire>(&self, method: &str, params: serde_json::Value) -> crate::Result<T> {
        let (connection, handle) = self.parts();
        connection.get(method, Some(handle), params).await
    }

    /// As [`Object::ask`], for another object.
    async fn ask_object(&self, method: &str, params: serde_json::Value) -> crate::Result<Handle> {
        let (connection, handle) = self.parts();
        connection.object(method, Some(handle), params).await
    }
}
