//! The buffers of a frame in flight, made once for many frames.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use rushes_core::run::{CancellationToken, Reservation};
use rushes_core::{Error, ErrorKind, Result};

use crate::compiled::{Compiled, GEOMETRY_BYTES};
use crate::device::{Opened, lock};
use crate::layout::Layout;
use crate::sizes::{Sizes, geometries};

/// Buffers for frames of one layout, and how the passes are bound to them.
pub(crate) struct Buffers {
    pub(crate) layout: Arc<Layout>,
    /// What each strip brings, the first also the words of all nodes; mapped while no frame is in flight.
    pub(crate) uploads: Vec<wgpu::Buffer>,
    /// Whether the upload of each strip is mapped.
    pub(crate) writable: Vec<Arc<AtomicBool>>,
    /// What each strip gives back.
    pub(crate) reads: Vec<Option<wgpu::Buffer>>,
    pub(crate) words: wgpu::Buffer,
    /// Where the frame's rows lie, and those of each node.
    pub(crate) source: wgpu::Buffer,
    pub(crate) outputs: Vec<wgpu::Buffer>,
    pub(crate) bound: Vec<Bound>,
    geometry: wgpu::Buffer,
    scratch: Vec<Vec<wgpu::Buffer>>,
    none: wgpu::Buffer,
    /// Its bytes, until it is dropped.
    _memory: Reservation,
}

/// A node's passes, bound to buffers.
pub(crate) struct Bound {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) groups: Vec<wgpu::BindGroup>,
    /// Where in the words buffer its own lie, in bytes.
    pub(crate) words_at: u64,
}

/// Tables on the device.
pub(crate) struct Tables {
    pub(crate) data: Vec<Arc<[f32]>>,
    buffer: wgpu::Buffer,
}

impl Opened {
    /// Buffers for `layout`, if there is memory for them now; `None` if there is not.
    pub(crate) fn new_buffers(&self, layout: &Arc<Layout>, tables: &[Arc<Tables>]) -> Result<Option<Buffers>> {
        let sizes = Sizes::of(layout, &self.limits);
        let geometries = geometries(layout);
        if sizes.largest() > self.limits.max_buffer_size {
            let what = format!(
                "a buffer has {} bytes at most, one of {} is needed",
                self.limits.max_buffer_size,
                sizes.largest()
            );
            return Err(Error::new(ErrorKind::Budget, what).advice("use the CPU for this clip"));
        }
        let Some(memory) = self.reserved_now(sizes.bytes())? else { return Ok(None) };
        self.call("making the buffers of a frame", || {
            use wgpu::BufferUsages as U;
            let buffer = |size: u64, usage, mapped_at_creation| {
                self.gpu.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("frame"),
                    size,
                    usage,
                    mapped_at_creation,
                })
            };
            let data = U::STORAGE | U::COPY_SRC | U::COPY_DST;
            let all: Vec<_> = sizes.shared.iter().map(|s| buffer((*s).max(4), data, false)).collect();
            let geometry = buffer(sizes.geometry, U::UNIFORM, true);
            geometry.get_mapped_range_mut(..).map_err(|e| unmapped(&e))?.copy_from_slice(&geometries);
            geometry.unmap();
            let mut buffers = Buffers {
                layout: Arc::clone(layout),
                uploads: sizes.uploads.iter().map(|s| buffer(*s, U::MAP_WRITE | U::COPY_SRC, true)).collect(),
                writable: sizes.uploads.iter().map(|_| Arc::new(AtomicBool::new(true))).collect(),
                reads: sizes
                    .reads
                    .iter()
                    .map(|s| (*s > 0).then(|| buffer(*s, U::MAP_READ | U::COPY_DST, false)))
                    .collect(),
                words: buffer(sizes.words, data, false),
                source: all[sizes.source].clone(),
                outputs: sizes.outputs.iter().map(|o| all[*o].clone()).collect(),
                bound: Vec::new(),
                geometry,
                scratch: sizes.scratch.iter().map(|s| s.iter().map(|s| all[*s].clone()).collect()).collect(),
                none: buffer(4, data, false),
                _memory: memory,
            };
            buffers.bound = (layout.nodes.iter().zip(tables).enumerate())
                .map(|(i, (node, tables))| {
                    let (compiled, tables) = (Arc::clone(&node.compiled), Arc::clone(tables));
                    let groups = buffers.bind(self, i, sizes.words_at[i], &tables);
                    Bound { compiled, tables, groups, words_at: sizes.words_at[i] }
                })
                .collect();
            Ok(Some(buffers))
        })
    }

    /// `data` on the device: uploaded, or found there, by address or by content.
    pub(crate) fn tables(&self, data: &[Arc<[f32]>]) -> Result<Arc<Tables>> {
        let mut known = lock(&self.tables);
        known.retain(|t| t.strong_count() > 0);
        if let Some(there) = known.iter().filter_map(Weak::upgrade).find(|t| t.holds(data)) {
            return Ok(there);
        }
        let all: Vec<f32> = data.iter().flat_map(|t| t.iter().copied()).collect();
        let bytes = (all.len() as u64 * 4).max(4);
        if bytes > self.settings.max_binding {
            let what = format!("the tables of a stage have {bytes} bytes, a binding {}", self.settings.max_binding);
            return Err(Error::new(ErrorKind::Budget, what).advice("allow larger bindings, or use the CPU"));
        }
        let buffer = self.call("uploading tables", || {
            let buffer = self.gpu.create_buffer(&wgpu::BufferDescriptor {
                label: Some("tables"),
                size: bytes,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: true,
            });
            if !all.is_empty() {
                buffer.get_mapped_range_mut(..).map_err(|e| unmapped(&e))?.copy_from_slice(bytemuck::cast_slice(&all));
            }
            buffer.unmap();
            Ok(buffer)
        })?;
        let new = Arc::new(Tables { data: data.to_vec(), buffer });
        known.push(Arc::downgrade(&new));
        Ok(new)
    }

    /// The memory, if it is free now.
    fn reserved_now(&self, bytes: u64) -> Result<Option<Reservation>> {
        let now = CancellationToken::new();
        now.cancel();
        match self.memory.reserve(bytes, &now) {
            Ok(reserved) => Ok(Some(reserved)),
            Err(e) if e.kind() == ErrorKind::Cancelled => Ok(None),
            Err(e) => Err(Error::new(e.kind(), format!("on the GPU, {}", e.detail()))
                .advice("allow Rushes more of the GPU's memory or smaller bindings, or use the CPU")),
        }
    }

    /// Waits until a frame gives its buffers back, or a little.
    fn wait_for_buffers(&self, goes_on: &dyn Fn() -> bool) -> Result<()> {
        self.go_on()?;
        if !goes_on() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled while waiting for the GPU's memory"));
        }
        let idle = lock(&self.idle);
        drop(self.returned.wait_timeout(idle, std::time::Duration::from_millis(10)));
        Ok(())
    }

    /// Buffers for a frame of `layout`: those that another frame had, or new ones, when there is memory.
    pub(crate) fn take_buffers(
        &self,
        layout: &Arc<Layout>,
        tables: &[Arc<Tables>],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Buffers> {
        loop {
            let mut idle = lock(&self.idle);
            let fits = idle.iter().position(|b| b.is_writable() && *b.layout == **layout);
            if let Some(mut there) = fits.map(|i| idle.swap_remove(i)) {
                drop(idle);
                there.rebind(self, tables)?;
                return Ok(there);
            }
            drop(idle);
            if let Some(new) = self.new_buffers(layout, tables)? {
                return Ok(new);
            }
            // Those of another layout make room.
            if lock(&self.idle).pop().is_none() {
                self.wait_for_buffers(goes_on)?;
            }
        }
    }

    /// Takes back what [`Opened::take_buffers`] gave.
    pub(crate) fn give_buffers(&self, buffers: Buffers) {
        lock(&self.idle).push(buffers);
        self.returned.notify_all();
    }
}

impl Buffers {
    /// Whether the next frame's rows can be written.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable.iter().all(|w| w.load(std::sync::atomic::Ordering::Acquire))
    }

    /// Binds nodes whose tables are others than before.
    fn rebind(&mut self, device: &Opened, tables: &[Arc<Tables>]) -> Result<()> {
        for (i, tables) in tables.iter().enumerate() {
            if !Arc::ptr_eq(&self.bound[i].tables, tables) {
                let words_at = self.bound[i].words_at;
                let groups = device.call("binding tables", || Ok(self.bind(device, i, words_at, tables)))?;
                self.bound[i].groups = groups;
                self.bound[i].tables = Arc::clone(tables);
            }
        }
        Ok(())
    }

    /// The bind groups of the passes of a node.
    fn bind(&self, device: &Opened, node: usize, words_at: u64, tables: &Tables) -> Vec<wgpu::BindGroup> {
        let placed = &self.layout.nodes[node];
        let src = placed.from.map_or(&self.source, |f| &self.outputs[f]);
        let (scratch, out) = (&self.scratch[node], &self.outputs[node]);
        let group = |pass: usize| {
            let dst = scratch.get(pass).unwrap_or(out);
            let earlier = pass.checked_sub(1).and_then(|p| scratch.get(p)).unwrap_or(&self.none);
            let part = |buffer, offset, size| {
                wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) })
            };
            let resources = [
                src.as_entire_binding(),
                dst.as_entire_binding(),
                part(&self.words, words_at, placed.words.max(1) as u64 * 4),
                tables.buffer.as_entire_binding(),
                part(&self.geometry, 0, GEOMETRY_BYTES),
                earlier.as_entire_binding(),
            ];
            let entries: Vec<_> =
                (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
            device.gpu.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("pass"),
                layout: &device.layouts.bindings,
                entries: &entries,
            })
        };
        (0..placed.compiled.passes.len()).map(group).collect()
    }
}

impl Tables {
    fn holds(&self, data: &[Arc<[f32]>]) -> bool {
        let same = |(a, b): (&Arc<[f32]>, &Arc<[f32]>)| {
            // By their bits: what is not a number equals itself.
            Arc::ptr_eq(a, b) || bytemuck::cast_slice::<f32, u32>(a) == bytemuck::cast_slice::<f32, u32>(b)
        };
        self.data.len() == data.len() && self.data.iter().zip(data).all(same)
    }
}

/// An error of a driver that should have mapped a buffer.
pub(crate) fn unmapped(e: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("a buffer cannot be reached: {e}")).retryable()
}
