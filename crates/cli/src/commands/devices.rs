//! `devices`: the GPUs of this machine.

use rushes::Result;

use super::Ended;

#[cfg(feature = "gpu")]
pub(crate) async fn run() -> Result<Ended> {
    use rushes::backends::gpu::{Programs, Settings, adapters};

    let found = super::blocking(|| Ok(adapters())).await?;
    let mib = |bytes: u64| bytes >> 20;
    for a in &found {
        println!("{}  {} ({})", a.index, a.name, a.kind);
        println!("   {}, {}", a.backend, a.driver);
        println!("   bindings up to {} MiB, buffers up to {} MiB", mib(a.max_binding), mib(a.max_buffer));
    }
    if found.is_empty() {
        println!("no GPU was found; on Linux, `vulkaninfo --summary` says what its drivers see");
    }
    let settings = Settings::default();
    println!("if not said: bindings of {} MiB, {} MiB in all", mib(settings.max_binding), mib(settings.memory));
    println!("programs: {}", Programs::stock().names().collect::<Vec<_>>().join(", "));
    Ok(Ended::Done)
}

#[cfg(not(feature = "gpu"))]
pub(crate) async fn run() -> Result<Ended> {
    Err(rushes::Error::new(rushes::ErrorKind::Unsupported, "this build knows no GPUs")
        .advice("build it with the feature: `cargo build --release --package rushes-cli --features gpu`"))
}
