//! An open device: its errors, its compiled programs and its memory.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rushes_core::error::guarded;
use rushes_core::run::Budget;
use rushes_core::{Error, ErrorKind, Result};

use crate::adapter::{self, Adapter};
use crate::buffers::{Buffers, Tables};
use crate::compiled::{Compiled, Layouts};
use crate::program::Program;

/// How much of a device is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that one binding may have, at most what the adapter allows. Frames that need more are computed in strips
    /// of rows. Smaller strips need less memory, and compute more rows twice.
    pub max_binding: u64,
    /// Bytes of buffers for all frames in flight, those in the host's memory through which they come and go included.
    /// Frames wait when it is spent. The tables of programs, a few megabytes, come on top. Drivers do not tell how
    /// much memory there is.
    pub memory: u64,
}

impl Default for Settings {
    /// Bindings of 128 MiB, the least that any GPU has; 2 GiB in all.
    fn default() -> Self {
        Self { max_binding: 128 << 20, memory: 2 << 30 }
    }
}

/// An open device. Cheap to clone; what is compiled and allocated is shared.
#[derive(Debug, Clone)]
pub struct Device(pub(crate) Arc<Opened>);

pub(crate) struct Opened {
    pub(crate) gpu: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) limits: wgpu::Limits,
    pub(crate) settings: Settings,
    pub(crate) layouts: Layouts,
    pub(crate) memory: Budget,
    /// Buffers that no frame is using.
    pub(crate) idle: Mutex<Vec<Buffers>>,
    /// Told when buffers come back.
    pub(crate) returned: Condvar,
    pub(crate) tables: Mutex<Vec<std::sync::Weak<Tables>>>,
    adapter: Adapter,
    compiled: Mutex<HashMap<Program, Arc<Compiled>>>,
    trouble: Arc<Trouble>,
}

/// What the driver told outside of a call.
#[derive(Debug, Default)]
struct Trouble {
    /// Why the device is lost.
    lost: Mutex<Option<String>>,
    /// An error that belongs to no call.
    other: Mutex<Option<wgpu::Error>>,
}

impl Device {
    /// Opens the adapter that `which` names: `best`, its place among [`crate::adapters`], or a part of its name.
    ///
    /// # Errors
    /// When there is no such adapter, or its driver does not give it.
    pub fn open(which: &str, settings: Settings) -> Result<Self> {
        guarded("the GPU's driver", || Self::opened(which, settings)).map_err(|e| e.doing("opening a GPU"))
    }

    fn opened(which: &str, mut settings: Settings) -> Result<Self> {
        let (adapter, found) = adapter::choose(&adapter::instance(), which)?;
        let limits = found.limits();
        let asked = wgpu::DeviceDescriptor {
            label: Some("rushes"),
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..wgpu::DeviceDescriptor::default()
        };
        let (gpu, queue) = pollster::block_on(found.request_device(&asked)).map_err(|e| {
            Error::new(ErrorKind::Io, format!("{adapter} does not open: {e}"))
                .advice("another program may have all of it: try again, or use the CPU")
                .retryable()
        })?;
        let trouble = Arc::new(Trouble::default());
        let told = Arc::clone(&trouble);
        gpu.on_uncaptured_error(Arc::new(move |e| {
            tracing::warn!("the GPU told: {e}");
            lock(&told.other).get_or_insert(e);
        }));
        let told = Arc::clone(&trouble);
        gpu.set_device_lost_callback(move |reason, why| {
            let why = if why.is_empty() { format!("{reason:?}") } else { why };
            lock(&told.lost).get_or_insert(why);
        });
        // Shaders count samples in 32 bits.
        let largest = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(4 << 30);
        settings.max_binding = settings.max_binding.min(largest);
        let layouts = Layouts::new(&gpu);
        Ok(Self(Arc::new(Opened {
            gpu,
            queue,
            limits,
            settings,
            layouts,
            memory: Budget::new(settings.memory),
            idle: Mutex::default(),
            returned: Condvar::new(),
            tables: Mutex::default(),
            adapter,
            compiled: Mutex::default(),
            trouble,
        })))
    }

    /// The adapter it was opened from.
    pub fn adapter(&self) -> &Adapter {
        &self.0.adapter
    }

    /// How much of it is used: as asked for, within the adapter's limits.
    pub fn settings(&self) -> Settings {
        self.0.settings
    }

    /// Bytes of buffers that exist now, those that wait for the next frame included.
    pub fn bytes_in_use(&self) -> u64 {
        self.0.memory.total() - self.0.memory.free()
    }

    /// Frees the buffers that wait for the next frame.
    pub fn trim(&self) {
        lock(&self.0.idle).clear();
    }

    /// Why the device is gone, if it is.
    pub fn lost(&self) -> Option<String> {
        lock(&self.0.trouble.lost).clone()
    }

    /// Gives the device up. Frames in flight fail as they do when a driver takes it away.
    pub fn close(&self) {
        lock(&self.0.trouble.lost).get_or_insert_with(|| "it was closed".into());
        self.0.gpu.destroy();
    }
}

impl Opened {
    /// Does `work` with the driver, and gives the errors it told meanwhile.
    pub(crate) fn call<T>(&self, doing: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.go_on()?;
        let scopes = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation]
            .map(|filter| self.gpu.push_error_scope(filter));
        let done = guarded("the GPU's driver", work);
        let mut told = None;
        for scope in scopes.into_iter().rev() {
            told = told.or(pollster::block_on(scope.pop()));
        }
        let told = told.or_else(|| lock(&self.trouble.other).take());
        // What follows a loss says less than the loss.
        let result = self.go_on().and(match told {
            Some(told) => Err(self.error(&told)),
            None => done,
        });
        result.map_err(|e| e.doing(doing))
    }

    /// # Errors
    /// When the device is lost.
    pub(crate) fn go_on(&self) -> Result<()> {
        match &*lock(&self.trouble.lost) {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::Io, format!("the GPU {} was lost: {why}", self.adapter))
                .advice("try again: it is opened anew if it can be; if it happens again, look at the driver's log")
                .retryable()),
        }
    }

    /// The program, compiled. `name` is for messages.
    pub(crate) fn compiled(&self, name: &str, program: &Program) -> Result<Arc<Compiled>> {
        if let Some(there) = lock(&self.compiled).get(program) {
            return Ok(Arc::clone(there));
        }
        // Not under the lock: a driver may take seconds.
        let new =
            self.call("compiling a program for the GPU", || Compiled::new(&self.gpu, &self.layouts, name, program));
        let new = new.map_err(|e| in_program(name, e))?;
        Ok(Arc::clone(lock(&self.compiled).entry(program.clone()).or_insert(Arc::new(new))))
    }

    fn error(&self, told: &wgpu::Error) -> Error {
        match told {
            wgpu::Error::OutOfMemory { .. } => {
                Error::new(ErrorKind::Budget, format!("{} has no memory left", self.adapter))
                    .advice("close what else uses it, or allow Rushes less of it, so that fewer frames are in flight")
                    .retryable()
            }
            wgpu::Error::Validation { description, .. } => Error::new(ErrorKind::Invalid, description.trim()),
            wgpu::Error::Internal { description, .. } => {
                Error::new(ErrorKind::Io, format!("the driver of {} failed: {}", self.adapter, description.trim()))
                    .retryable()
            }
        }
    }
}

/// The error with the program's name.
fn in_program(name: &str, e: Error) -> Error {
    if e.is_retryable() {
        return e;
    }
    Error::new(e.kind(), format!("program `{name}`: {}", e.detail()))
        .doing("compiling a program for the GPU")
        .advice("this is a bug of the program: report it with the message, or leave the stage to the CPU")
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("adapter", &self.adapter)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
