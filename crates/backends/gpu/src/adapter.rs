//! The GPUs of this machine.

use rushes_core::{Error, ErrorKind, Result};

/// A GPU, or a program that stands in for one, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Its place among [`adapters`].
    pub index: usize,
    /// Its name.
    pub name: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: &'static str,
    /// The driver and its version, as far as they are told. Metal tells none: there it is the build of the system, of
    /// which the drivers are a part.
    pub driver: String,
    /// What kind of device it is.
    pub kind: Kind,
    /// Bytes that a shader can reach through one binding.
    pub max_binding: u64,
    /// Bytes that a buffer may have.
    pub max_buffer: u64,
}

/// What an adapter is, the best for pictures first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A part of the processor, in the same memory.
    Integrated,
    /// A part of a GPU, lent to a virtual machine.
    Virtual,
    /// It does not say.
    Other,
    /// A program that runs on the CPU: for tests.
    Software,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "unknown kind",
            Self::Software => "software",
        })
    }
}

impl std::fmt::Display for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.backend, self.driver)
    }
}

/// The adapters of this machine that can run programs, in the order of their drivers.
pub fn adapters() -> Vec<Adapter> {
    found(&instance()).into_iter().map(|(adapter, _)| adapter).collect()
}

/// The adapter that `which` names: `best` (a card before a part of the processor before software), its place among
/// [`adapters`], or a part of its name.
pub(crate) fn choose(instance: &wgpu::Instance, which: &str) -> Result<(Adapter, wgpu::Adapter)> {
    let mut all = found(instance);
    let names: Vec<String> = all.iter().map(|(a, _)| format!("{} {}", a.index, a.name)).collect();
    let lower = which.to_lowercase();
    let chosen = match which {
        "best" => (0..all.len()).min_by_key(|i| all[*i].0.kind),
        _ => match which.parse::<usize>() {
            Ok(index) => (index < all.len()).then_some(index),
            Err(_) => all.iter().position(|(a, _)| a.name.to_lowercase().contains(&lower)),
        },
    };
    match chosen {
        Some(chosen) => Ok(all.swap_remove(chosen)),
        None if names.is_empty() => Err(Error::new(ErrorKind::NotFound, "no GPU was found").advice(
            "install its Vulkan driver (on Linux, `vulkaninfo --summary` lists what there is), or use the CPU",
        )),
        None => Err(Error::new(ErrorKind::NotFound, format!("no GPU is called `{which}`"))
            .advice(format!("these are there: {}", names.join(", ")))),
    }
}

/// The same GPU again: of the same name, by the same interface and driver, at the same place if there are several.
pub(crate) fn again(instance: &wgpu::Instance, was: &Adapter) -> Result<(Adapter, wgpu::Adapter)> {
    let mut all = found(instance);
    match place_of(was, all.iter().map(|(a, _)| a)) {
        Some(place) => Ok(all.swap_remove(place)),
        None => {
            let there: Vec<String> = all.iter().map(|(a, _)| a.to_string()).collect();
            let what = format!("it is not there any more; these are: {}", there.join(", "));
            Err(Error::new(ErrorKind::NotFound, what))
        }
    }
}

fn place_of<'a>(was: &Adapter, all: impl Iterator<Item = &'a Adapter>) -> Option<usize> {
    let same = |a: &Adapter| a.name == was.name && a.backend == was.backend && a.driver == was.driver;
    let all: Vec<&Adapter> = all.collect();
    let places = (0..all.len()).filter(|i| same(all[*i]));
    places.min_by_key(|i| all[*i].index != was.index)
}

/// The interface to the drivers. No debugging layers: what they would find is found before a driver is asked.
pub(crate) fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12,
        flags: wgpu::InstanceFlags::empty(),
        // Beyond that a driver begins to swap, or takes everybody's device away.
        memory_budget_thresholds: wgpu::MemoryBudgetThresholds {
            for_resource_creation: Some(95),
            for_device_loss: None,
        },
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

fn found(instance: &wgpu::Instance) -> Vec<(Adapter, wgpu::Adapter)> {
    let all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let able = |a: &wgpu::Adapter| {
        a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
            && a.limits().max_storage_buffers_per_shader_stage >= 5
    };
    all.into_iter().filter(able).enumerate().map(|(index, a)| (described(index, &a), a)).collect()
}

fn described(index: usize, adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let told = [info.driver, info.driver_info].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ");
    let driver = if told.is_empty() { system() } else { told };
    Adapter {
        index,
        name: info.name,
        backend: info.backend.to_str(),
        driver,
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
            wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
            wgpu::DeviceType::VirtualGpu => Kind::Virtual,
            wgpu::DeviceType::Cpu => Kind::Software,
            wgpu::DeviceType::Other => Kind::Other,
        },
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
    }
}

/// The system, for drivers that are a part of it and tell no version.
fn system() -> String {
    let file = "/System/Library/CoreServices/SystemVersion.plist";
    let build = std::fs::read_to_string(file).ok().as_deref().and_then(build_of).map(str::to_owned);
    build.map_or_else(|| "driver not told".into(), |build| format!("of {} {build}", std::env::consts::OS))
}

/// `ProductBuildVersion` of a property list.
fn build_of(plist: &str) -> Option<&str> {
    let (_, after) = plist.split_once("<key>ProductBuildVersion</key>")?;
    let (_, after) = after.split_once("<string>")?;
    after.split_once("</string>").map(|(build, _)| build)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(index: usize, name: &str, backend: &'static str, driver: &str) -> Adapter {
        let (name, driver) = (name.into(), driver.into());
        Adapter { index, name, backend, driver, kind: Kind::Discrete, max_binding: 1, max_buffer: 1 }
    }

    #[test]
    fn a_gpu_is_found_again_by_name_interface_and_driver() {
        let was = adapter(2, "RTX 3080", "vulkan", "570.1");
        let others = [
            adapter(0, "RTX 3080 Ti", "vulkan", "570.1"),
            adapter(1, "RTX 3080", "dx12", "570.1"),
            adapter(2, "RTX 3080", "vulkan", "580.9"),
        ];
        assert_eq!(place_of(&was, others.iter()), None);
        let moved = adapter(3, "RTX 3080", "vulkan", "570.1");
        assert_eq!(place_of(&was, others.iter().chain([&moved])), Some(3));
        // Of two that are the same, the one at the same place.
        assert_eq!(place_of(&was, [&moved, &was].into_iter()), Some(1));
    }

    #[test]
    fn the_build_of_a_system_is_found_in_its_property_list() {
        let plist = "<dict>\n\t<key>ProductBuildVersion</key>\n\t<string>24B83</string>\n\t<key>ProductName</key>\n\t\
                     <string>macOS</string>\n</dict>";
        assert_eq!(build_of(plist), Some("24B83"));
        assert_eq!(build_of("<dict></dict>"), None);
    }
}
