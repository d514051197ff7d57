//! Programs as the driver has compiled them.

use rushes_core::{Error, ErrorKind, Result};

use crate::program::{Pass, Program};

/// The bindings, which are the same for every pass of every program.
pub(crate) struct Layouts {
    pub(crate) bindings: wgpu::BindGroupLayout,
    pipelines: wgpu::PipelineLayout,
}

/// Bytes of the prelude's `Geometry`.
pub(crate) const GEOMETRY_BYTES: u64 = 96;

impl Layouts {
    pub(crate) fn new(gpu: &wgpu::Device) -> Self {
        let storage = |read_only| wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only },
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let geometry = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: true,
            min_binding_size: wgpu::BufferSize::new(GEOMETRY_BYTES),
        };
        let types = [storage(true), storage(false), storage(true), storage(true), geometry, storage(true)];
        let entries: Vec<_> = (0..)
            .zip(types)
            .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty,
                count: None,
            })
            .collect();
        let bindings =
            gpu.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("pass"), entries: &entries });
        let pipelines = gpu.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("pass"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Self { bindings, pipelines }
    }
}

/// A compiled program.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) workgroup: [u32; 2],
    pub(crate) passes: Vec<(Pass, wgpu::ComputePipeline)>,
}

impl Compiled {
    pub(crate) fn new(gpu: &wgpu::Device, layouts: &Layouts, name: &str, program: &Program) -> Result<Self> {
        let passes = program.all_passes();
        let last = passes.len() - 1;
        let in_order = passes.iter().enumerate().all(|(i, p)| (p.scratch_planes == 0) == (i == last));
        let sizes = passes.iter().flat_map(|p| p.block).chain(program.workgroup);
        if !in_order || sizes.into_iter().any(|n| n == 0) {
            let what = "the last pass writes the output, those before it scratch planes, and no size is 0";
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        let module = gpu.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(program.text().into()),
        });
        let pipeline = |pass: &Pass| {
            gpu.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(name),
                layout: Some(&layouts.pipelines),
                module: &module,
                entry_point: Some(pass.entry),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        let passes = passes.iter().map(|pass| (pass.clone(), pipeline(pass))).collect();
        Ok(Self { workgroup: program.workgroup, passes })
    }
}
