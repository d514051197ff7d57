//! An open device: its errors, its compiled programs and its memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rushes_core::error::guarded;
use rushes_core::run::Budget;
use rushes_core::{Error, ErrorKind, Result};

use crate::adapter::{self, Adapter};
use crate::buffers::{Buffers, Tables};
use crate::compiled::{Compiled, Layouts};
use crate::program::Program;
use crate::pulse::Pulse;

/// How much of a device is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that one binding may have, at most what the adapter allows. Frames that need more are computed in strips
    /// of rows. Smaller strips need less memory, and compute more rows twice.
    pub max_binding: u64,
    /// Bytes of buffers for all frames in flight, the tables of their programs and those in the host's memory through
    /// which they come and go included. Frames wait when it is spent. Drivers do not tell how much memory there is.
    pub memory: u64,
    /// How long the device may have work and get nothing of it done, not even one strip of one frame, before it counts
    /// as lost. Systems take devices away from their programs after a few seconds, but not all of them do.
    pub patience: Duration,
}

impl Default for Settings {
    /// Bindings of 128 MiB, the least that any GPU has; 2 GiB in all; 30 seconds of patience.
    fn default() -> Self {
        Self { max_binding: 128 << 20, memory: 2 << 30, patience: Duration::from_secs(30) }
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
    /// Why the device is lost.
    lost: Arc<Mutex<Option<String>>>,
    /// Whether that was its user's will.
    closed: AtomicBool,
    pub(crate) pulse: Arc<Pulse>,
    /// The number of the last strip.
    strips: AtomicU64,
    /// How the device misbehaves in tests.
    #[cfg(test)]
    pub(crate) fault: Mutex<Option<crate::faults::Fault>>,
}

impl Device {
    /// Opens the adapter that `which` names: `best`, its place among [`crate::adapters`], or a part of its name.
    ///
    /// # Errors
    /// When there is no such adapter, or its driver does not give it.
    pub fn open(which: &str, settings: Settings) -> Result<Self> {
        guarded("the GPU's driver", || Self::opened(adapter::choose(&adapter::instance(), which)?, settings))
            .map_err(|e| e.doing("opening a GPU"))
    }

    /// The same adapter again, with a new device.
    pub(crate) fn again(&self) -> Result<Self> {
        let settings = self.settings();
        guarded("the GPU's driver", || Self::opened(adapter::again(&adapter::instance(), self.adapter())?, settings))
    }

    fn opened((adapter, found): (Adapter, wgpu::Adapter), mut settings: Settings) -> Result<Self> {
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
        // What is told outside of a call belongs to no frame: one that suffers of it does not come back.
        gpu.on_uncaptured_error(Arc::new(|e| tracing::warn!("the GPU told: {e}")));
        let lost: Arc<Mutex<Option<String>>> = Arc::default();
        let told = Arc::clone(&lost);
        gpu.set_device_lost_callback(move |reason, why| {
            let why = if why.is_empty() { format!("{reason:?}") } else { why };
            lock(&told).get_or_insert(why);
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
            lost,
            closed: AtomicBool::new(false),
            pulse: Arc::default(),
            strips: AtomicU64::new(0),
            #[cfg(test)]
            fault: Mutex::default(),
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
        // So that those of frames that were given up are free, too. A device that is lost has none.
        let _ = self.0.poll(wgpu::PollType::Poll);
    }

    /// Why the device is gone, if it is.
    pub fn lost(&self) -> Option<String> {
        lock(&self.0.lost).clone()
    }

    /// Gives the device up. Frames in flight fail as they do when a driver takes it away.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.lose("it was closed");
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
        // They end in the order of a stack.
        let told = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop()));
        let told = worst(told);
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
        match &*lock(&self.lost) {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::Io, format!("the GPU {} was lost: {why}", self.adapter))
                .advice("try again: it is opened anew if it can be; if it happens again, look at the driver's log")
                .retryable()),
        }
    }

    /// The device counts as lost from now on.
    pub(crate) fn lose(&self, why: &str) {
        lock(&self.lost).get_or_insert_with(|| why.to_owned());
    }

    /// Lets the driver tell what is done, waiting for it if `how` says so. False when that took too long.
    ///
    /// # Errors
    /// When the device is lost.
    pub(crate) fn poll(&self, how: wgpu::PollType) -> Result<bool> {
        self.go_on()?;
        let polled = guarded("the GPU's driver", || {
            #[cfg(test)]
            if let Some(polled) = crate::faults::in_poll(self) {
                return Ok(polled);
            }
            Ok(self.gpu.poll(how))
        });
        // A driver that panics in a wait has lost the device, and may have said so.
        if let Err(e) = &polled {
            self.lose(e.detail());
        }
        self.go_on()?;
        match polled? {
            Ok(_) => Ok(true),
            Err(wgpu::PollError::Timeout) => Ok(false),
            Err(e) => Err(crate::buffers::unmapped(&e)),
        }
    }

    /// To be asked after a poll.
    ///
    /// # Errors
    /// When the device has not answered for so long that it counts as lost.
    pub(crate) fn answers(&self) -> Result<()> {
        let silent = self.pulse.silent_for();
        if silent > self.settings.patience {
            self.lose(&format!("it gave no answer for {} seconds", silent.as_secs()));
        }
        self.go_on()
    }

    /// A number for a strip that none had before.
    pub(crate) fn next_strip(&self) -> u64 {
        self.strips.fetch_add(1, Ordering::Relaxed) + 1
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

impl Drop for Opened {
    fn drop(&mut self) {
        // The driver waits without end for all work when its queue is dropped, and panics when that is not done. It is
        // let go only if it is.
        let done = || {
            let how = wgpu::PollType::Wait { submission_index: None, timeout: Some(self.settings.patience) };
            matches!(guarded("the GPU's driver", || Ok(self.gpu.poll(how))), Ok(Ok(_)))
        };
        let was_lost = lock(&self.lost).is_some() && !self.closed.load(Ordering::Acquire);
        if was_lost || !done() {
            tracing::warn!("the GPU {} was lost: what the driver holds for it is not freed", self.adapter);
            std::mem::forget((self.gpu.clone(), self.queue.clone()));
        }
    }
}

/// The one that says most of what went wrong: without memory much else is invalid.
fn worst(told: impl Iterator<Item = wgpu::Error>) -> Option<wgpu::Error> {
    told.min_by_key(|e| match e {
        wgpu::Error::OutOfMemory { .. } => 0,
        wgpu::Error::Internal { .. } => 1,
        wgpu::Error::Validation { .. } => 2,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_memory_it_matters_little_what_else_is_invalid() {
        let memory = || wgpu::Error::OutOfMemory { source: "full".into() };
        let internal = || wgpu::Error::Internal { source: "odd".into(), description: "odd".into() };
        let invalid = || wgpu::Error::Validation { source: "wrong".into(), description: "wrong".into() };
        let is_memory = |e: Option<wgpu::Error>| matches!(e, Some(wgpu::Error::OutOfMemory { .. }));
        assert!(is_memory(worst([invalid(), memory(), internal()].into_iter())));
        assert!(is_memory(worst([memory(), invalid()].into_iter())));
        assert!(matches!(worst([invalid(), internal()].into_iter()), Some(wgpu::Error::Internal { .. })));
        assert!(worst(std::iter::empty()).is_none());
    }
}
