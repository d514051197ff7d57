//! The buffers of a frame in flight, made once for many frames.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use rushes_core::run::{CancellationToken, Reservation};
use rushes_core::{Error, ErrorKind, Result};

use crate::compiled::{Compiled, GEOMETRY_BYTES};
use crate::device::{Opened, lock};
use crate::layout::{Layout, Node};
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
    /// Their bytes.
    memory: Reservation,
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
    /// Its bytes, until it is dropped.
    _memory: Reservation,
}

impl Opened {
    /// # Errors
    /// When a buffer would be larger than the device allows.
    pub(crate) fn allows(&self, sizes: &Sizes) -> Result<()> {
        let (largest, most) = (sizes.largest(), self.limits.max_buffer_size);
        if largest > most {
            let what = format!("a buffer of the GPU has {most} bytes at most, one of {largest} is needed");
            return Err(Error::new(ErrorKind::Budget, what).advice("use the CPU for this clip"));
        }
        Ok(())
    }

    /// Bytes of a buffer for `tables`.
    ///
    /// # Errors
    /// When they are more than a binding may have.
    pub(crate) fn table_bytes(&self, tables: &[Arc<[f32]>]) -> Result<u64> {
        let bytes = (tables.iter().map(|t| t.len() as u64 * 4).sum::<u64>()).max(4);
        if bytes > self.settings.max_binding {
            let what = format!("the tables of a stage have {bytes} bytes, a binding {}", self.settings.max_binding);
            return Err(Error::new(ErrorKind::Budget, what).advice("allow larger bindings, or use the CPU"));
        }
        Ok(bytes)
    }

    fn new_buffers(
        &self,
        layout: &Arc<Layout>,
        sizes: &Sizes,
        tables: &[Arc<Tables>],
        memory: Reservation,
    ) -> Result<Buffers> {
        let geometries = geometries(layout);
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
                memory,
            };
            buffers.bound = (layout.nodes.iter().zip(tables).enumerate())
                .map(|(i, (node, tables))| {
                    let (compiled, tables) = (Arc::clone(&node.compiled), Arc::clone(tables));
                    let groups = buffers.bind(self, i, sizes.words_at[i], &tables);
                    Bound { compiled, tables, groups, words_at: sizes.words_at[i] }
                })
                .collect();
            Ok(buffers)
        })
    }

    /// The tables, if the device has them: by address or by content.
    fn known_tables(&self, data: &[Arc<[f32]>]) -> Option<Arc<Tables>> {
        let mut known = lock(&self.tables);
        known.retain(|t| t.strong_count() > 0);
        known.iter().filter_map(Weak::upgrade).find(|t| t.holds(data))
    }

    fn new_tables(&self, data: &[Arc<[f32]>], memory: Reservation) -> Result<Arc<Tables>> {
        // Those of a node before this one.
        if let Some(there) = self.known_tables(data) {
            return Ok(there);
        }
        let all: Vec<f32> = data.iter().flat_map(|t| t.iter().copied()).collect();
        let bytes = self.table_bytes(data)?;
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
        let new = Arc::new(Tables { data: data.to_vec(), buffer, _memory: memory });
        lock(&self.tables).push(Arc::downgrade(&new));
        Ok(new)
    }

    /// The memory, if it is free now.
    pub(crate) fn reserved_now(&self, bytes: u64) -> Result<Option<Reservation>> {
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
        // Also of frames that nobody waits for any more.
        self.poll(wgpu::PollType::Poll)?;
        self.answers()?;
        if !goes_on() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled while waiting for the GPU's memory"));
        }
        let idle = lock(&self.idle);
        drop(self.returned.wait_timeout(idle, std::time::Duration::from_millis(10)));
        Ok(())
    }

    /// Buffers for a frame of `layout`, those that another frame had or new ones, bound to the tables of `nodes`. Waits
    /// for memory.
    pub(crate) fn take_buffers(
        &self,
        layout: &Arc<Layout>,
        nodes: &[Node<'_>],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Buffers> {
        let sizes = Sizes::of(layout, &self.limits);
        self.allows(&sizes)?;
        loop {
            if let Some(taken) = self.take_now(layout, &sizes, nodes)? {
                return Ok(taken);
            }
            // Those of another layout make room.
            if lock(&self.idle).pop().is_none() {
                self.wait_for_buffers(goes_on)?;
            }
        }
    }

    /// All that is needed is reserved before any of it is made: of two frames with a part each both would wait.
    fn take_now(&self, layout: &Arc<Layout>, sizes: &Sizes, nodes: &[Node<'_>]) -> Result<Option<Buffers>> {
        let mut tables = Vec::with_capacity(nodes.len());
        for node in nodes {
            let data = &node.work.tables;
            let known = self.known_tables(data);
            let memory = match &known {
                Some(_) => None,
                None => match self.reserved_now(self.table_bytes(data)?)? {
                    None => return Ok(None),
                    some => some,
                },
            };
            tables.push((data, known, memory));
        }
        let there = {
            let mut idle = lock(&self.idle);
            let fits = idle.iter().position(|b| b.is_writable() && *b.layout == **layout);
            fits.map(|i| idle.swap_remove(i))
        };
        let memory = match &there {
            Some(_) => None,
            None => match self.reserved_now(sizes.bytes())? {
                None => return Ok(None),
                some => some,
            },
        };
        let made = tables.into_iter().map(|(data, known, memory)| match (known, memory) {
            (Some(known), _) => Ok(known),
            (None, Some(memory)) => self.new_tables(data, memory),
            (None, None) => Err(unmapped(&"no memory was reserved for it")),
        });
        let tables: Vec<Arc<Tables>> = made.collect::<Result<_>>()?;
        match (there, memory) {
            (Some(mut there), _) => {
                there.rebind(self, &tables)?;
                Ok(Some(there))
            }
            (None, Some(memory)) => self.new_buffers(layout, sizes, &tables, memory).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Gives up what [`Opened::take_buffers`] gave: nobody knows what they hold and whether they are mapped. Their
    /// memory is free when the driver is done with what it was given.
    pub(crate) fn abandon(&self, buffers: Buffers) {
        let Buffers { memory, bound, .. } = buffers;
        let tables: Vec<_> = bound.into_iter().map(|b| b.tables).collect();
        self.queue.on_submitted_work_done(move || drop((memory, tables)));
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
