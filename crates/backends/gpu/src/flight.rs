//! A frame's way over the device: its rows up, its passes, and the rows of some stages back.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rushes_core::error::guarded;
use rushes_core::frame::{BandMut, Pool};
use rushes_core::stage::SourceFrame;
use rushes_core::{Error, ErrorKind, Result};

use crate::buffers::{Buffers, unmapped};
use crate::device::{Device, Opened};
use crate::layout::{Layout, Node};
use crate::sizes::{NUMBER_BYTES, geometry_at};

/// Bytes of rows that are taken from a frame at a time: they stay in a core's cache on their way.
const BAND_BYTES: usize = 256 * 1024;

/// A frame's rows as they came back. Dropped, its buffers go to the next frame.
pub(crate) struct Landed {
    device: Device,
    /// `None` only while it is dropped.
    buffers: Option<Buffers>,
    views: Vec<Option<wgpu::BufferView>>,
}

impl Device {
    /// Computes `nodes` of `source`. `goes_on` is asked while it waits.
    pub(crate) fn fly(
        &self,
        layout: &Arc<Layout>,
        nodes: &[Node<'_>],
        source: &dyn SourceFrame,
        memory: &Pool<f32>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Landed> {
        let device = &*self.0;
        let flown = guarded("the GPU's driver", || {
            // What is done of frames that were given up does not count against this one.
            device.poll(wgpu::PollType::Poll)?;
            let buffers = device.take_buffers(layout, nodes, goes_on)?;
            let flown = guarded("the GPU's driver", || device.flown(&buffers, nodes, source, memory, goes_on));
            match flown {
                Ok(views) => Ok(Landed { device: self.clone(), buffers: Some(buffers), views }),
                Err(e) => {
                    device.abandon(buffers);
                    Err(e)
                }
            }
        });
        // What follows a loss says less than the loss.
        flown.or_else(|e| device.go_on().and(Err(e)))
    }
}

/// What the driver has told of a frame's read-backs.
#[derive(Default)]
struct Answers {
    mapped: AtomicUsize,
    failed: AtomicBool,
}

impl Opened {
    /// The rows of all strips as they came back, of those that give any.
    fn flown(
        &self,
        buffers: &Buffers,
        nodes: &[Node<'_>],
        source: &dyn SourceFrame,
        memory: &Pool<f32>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Option<wgpu::BufferView>>> {
        let landed = Arc::new(Answers::default());
        let mut last = None;
        let mut numbers = Vec::with_capacity(buffers.uploads.len());
        for strip in 0..buffers.layout.strips.len() {
            if !goes_on() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let number = self.next_strip();
            numbers.push(number);
            last = Some(self.call("computing a frame", || {
                self.upload(buffers, strip, number, nodes, source, memory)?;
                let commands = self.encode(buffers, strip, nodes, &landed);
                Ok(self.queue.submit([commands]))
            })?);
        }
        self.wait(last, buffers, &landed, goes_on)?;
        let views = self.call("reading a frame back", || {
            let view = |b: &Option<wgpu::Buffer>| b.as_ref().map(|b| b.get_mapped_range(..)).transpose();
            buffers.reads.iter().map(view).collect::<Result<Vec<_>, _>>().map_err(|e| unmapped(&e))
        })?;
        // Some drivers tell of work that failed as of work that is done. Then the rows are those of an earlier frame,
        // and so is the number after them.
        let is = |view: &wgpu::BufferView, number: u64| view.ends_with(&number.to_ne_bytes());
        if views.iter().zip(numbers).any(|(view, number)| view.as_ref().is_some_and(|view| !is(view, number))) {
            self.lose("it did not do what it was given to do, and did not say so");
        }
        self.go_on().map(|()| views)
    }

    /// Writes the rows of a strip where the device will take them from.
    fn upload(
        &self,
        buffers: &Buffers,
        strip: usize,
        number: u64,
        nodes: &[Node<'_>],
        source: &dyn SourceFrame,
        memory: &Pool<f32>,
    ) -> Result<()> {
        let (size, rows) = (buffers.layout.source, buffers.layout.strips[strip].source.clone());
        let upload = &buffers.uploads[strip];
        buffers.writable[strip].store(false, Ordering::Release);
        let mut mapped = upload.get_mapped_range_mut(..).map_err(|e| unmapped(&e))?;
        let at_once = (BAND_BYTES / (size.planes * size.width * 4).max(1)).max(1);
        let mut band = memory.take(size.planes * size.width * at_once);
        for first in rows.clone().step_by(at_once) {
            let part = first..(first + at_once).min(rows.end);
            let (n, width) = (part.len(), size.width);
            let band = &mut band[..size.planes * n * width];
            guarded("the source", || {
                source.rows(&mut BandMut::new(band, size.planes, width, part));
                Ok(())
            })?;
            for (plane, samples) in band.chunks_exact(n * width).enumerate() {
                let at = (plane * rows.len() + first - rows.start) * width * 4;
                mapped.slice(at..at + n * width * 4).copy_from_slice(bytemuck::cast_slice(samples));
            }
        }
        if strip == 0 {
            let words = size.bytes(rows.len()) as usize;
            for (node, bound) in nodes.iter().zip(&buffers.bound) {
                let at = words + bound.words_at as usize;
                mapped
                    .slice(at..at + node.work.words.len() * 4)
                    .copy_from_slice(bytemuck::cast_slice(&node.work.words));
            }
        }
        let at = (upload.size() - NUMBER_BYTES) as usize;
        mapped.slice(at..).copy_from_slice(&number.to_ne_bytes());
        drop(mapped);
        upload.unmap();
        Ok(())
    }

    /// What the device does for a strip.
    fn encode(
        &self,
        buffers: &Buffers,
        strip: usize,
        nodes: &[Node<'_>],
        landed: &Arc<Answers>,
    ) -> wgpu::CommandBuffer {
        let layout = &*buffers.layout;
        let at = &layout.strips[strip];
        // One encoder, so that a device does all of it or not the last of it. Drivers' errors have its label.
        let stages = nodes.iter().zip(&at.rows).filter(|(_, rows)| !rows.is_empty()).map(|(n, _)| n.who.as_str());
        let label =
            format!("strip {} of {}: {}", strip + 1, layout.strips.len(), stages.collect::<Vec<_>>().join(", "));
        let mut encoder = self.gpu.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(&label) });
        let upload = &buffers.uploads[strip];
        let bytes = layout.source.bytes(at.source.len());
        if strip == 0 && buffers.words.size() > 0 {
            encoder.copy_buffer_to_buffer(upload, bytes, &buffers.words, 0, buffers.words.size());
        }
        if bytes > 0 {
            encoder.copy_buffer_to_buffer(upload, 0, &buffers.source, 0, bytes);
        }
        let there = buffers.bound.iter().enumerate().filter(|(i, _)| !at.rows[*i].is_empty());
        for (i, bound) in there.filter(|_| self.obeys()) {
            let label = Some(nodes[i].who.as_str());
            let mut passes = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label, timestamp_writes: None });
            for (p, (_, pipeline)) in bound.compiled.passes.iter().enumerate() {
                let groups = at.passes[i][p].groups(&bound.compiled, p).map(|n| n as u32);
                passes.set_pipeline(pipeline);
                passes.set_bind_group(0, &bound.groups[p], &[geometry_at(layout, strip, i, p)]);
                passes.dispatch_workgroups(groups[0], groups[1], 1);
            }
            drop(passes);
            let (has, back) = (&at.rows[i], &at.read[i]);
            if let (Some(read), false) = (&buffers.reads[strip], back.is_empty()) {
                let (size, begin) = (layout.nodes[i].size, at.read_at(layout, i));
                let row = size.width as u64 * 4;
                for plane in 0..size.planes as u64 {
                    let from = (plane * has.len() as u64 + (back.start - has.start) as u64) * row;
                    let to = begin + plane * back.len() as u64 * row;
                    encoder.copy_buffer_to_buffer(&buffers.outputs[i], from, read, to, back.len() as u64 * row);
                }
            }
        }
        if let Some(read) = buffers.reads[strip].as_ref().filter(|_| self.obeys()) {
            // The last of its work.
            let (from, to) = (upload.size() - NUMBER_BYTES, read.size() - NUMBER_BYTES);
            encoder.copy_buffer_to_buffer(upload, from, read, to, NUMBER_BYTES);
        }
        let told = Arc::clone(landed);
        let answer = move |result: Result<(), wgpu::BufferAsyncError>| {
            told.failed.fetch_or(result.is_err(), Ordering::AcqRel);
            told.mapped.fetch_add(1, Ordering::AcqRel);
        };
        match &buffers.reads[strip] {
            Some(read) => encoder.map_buffer_on_submit(read, wgpu::MapMode::Read, .., answer),
            None => answer(Ok(())),
        }
        let (writable, told) = (Arc::clone(&buffers.writable[strip]), Arc::clone(landed));
        let pending = self.pulse.sent();
        encoder.map_buffer_on_submit(upload, wgpu::MapMode::Write, .., move |result| {
            drop(pending);
            told.failed.fetch_or(result.is_err(), Ordering::AcqRel);
            writable.store(result.is_ok(), Ordering::Release);
        });
        encoder.finish()
    }

    /// Whether it does what it is given to do: not always in tests.
    fn obeys(&self) -> bool {
        #[cfg(test)]
        return !crate::faults::skips(self);
        #[cfg(not(test))]
        true
    }

    /// Waits until all strips have come back, and the next frame's can be written.
    fn wait(
        &self,
        last: Option<wgpu::SubmissionIndex>,
        buffers: &Buffers,
        landed: &Answers,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<()> {
        loop {
            // Not too long at a time, so that a cancellation is answered.
            let wait =
                wgpu::PollType::Wait { submission_index: last.clone(), timeout: Some(Duration::from_millis(50)) };
            let done = self.poll(wait).map_err(|e| e.doing("waiting for a frame"))?;
            if landed.failed.load(Ordering::Acquire) {
                return Err(unmapped(&"the driver did not map it").doing("reading a frame back"));
            }
            if landed.mapped.load(Ordering::Acquire) >= buffers.reads.len() && buffers.is_writable() {
                return Ok(());
            }
            self.answers().map_err(|e| e.doing("waiting for a frame"))?;
            if !goes_on() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            if done {
                // Another thread is being told.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl Landed {
    fn layout(&self) -> Option<&Layout> {
        self.buffers.as_ref().map(|b| &*b.layout)
    }

    /// Writes the rows of `out`, which came back from `node`.
    pub(crate) fn rows(&self, node: usize, out: &mut BandMut<'_>) {
        let Some(layout) = self.layout() else { return };
        for (strip, view) in layout.strips.iter().zip(&self.views) {
            let here = &strip.read[node];
            let part = overlap(here, &out.rows());
            let Some(view) = view.as_ref().filter(|_| !part.is_empty()) else { continue };
            let (size, begin) = (layout.nodes[node].size, strip.read_at(layout, node) as usize);
            let row_bytes = size.width * 4;
            for plane in 0..size.planes {
                for row in part.clone() {
                    let at = begin + (plane * here.len() + row - here.start) * row_bytes;
                    let to = out.row_mut(plane, row);
                    bytemuck::cast_slice_mut(to).copy_from_slice(&view[at..at + row_bytes]);
                }
            }
        }
    }
}

impl Drop for Landed {
    fn drop(&mut self) {
        // Before the buffers they look into.
        self.views.clear();
        if let Some(buffers) = self.buffers.take() {
            // A driver that panics keeps them; a panic here might be the second, which ends the process.
            let _ = guarded("the GPU's driver", || {
                buffers.reads.iter().flatten().for_each(wgpu::Buffer::unmap);
                self.device.0.give_buffers(buffers);
                Ok(())
            });
        }
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}
