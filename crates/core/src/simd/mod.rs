//! Kernels compiled for several sets of vector instructions, of which the machine's best is taken
//! when the program runs.
//!
//! Every level gives the same numbers to the last bit, so that a picture does not depend on the machine that
//! made it: what is not written as `mul_add` is never fused, and what is always is.
//!
//! A kernel is written once, as plain loops over rows that compilers turn into vectors:
//!
//! ```
//! use rushes_core::simd::{Level, kernel};
//!
//! kernel! {
//!     /// Adds a part of one row to another.
//!     fn blend(from: &[f32], part: f32, to: &mut [f32]) {
//!         for (to, from) in to.iter_mut().zip(from) {
//!             *to += *from * part;
//!         }
//!     }
//! }
//!
//! let mut to = [1.0, 2.0];
//! blend(Level::current(), &[2.0, 4.0], 0.5, &mut to);
//! assert_eq!(to, [2.0, 4.0]);
//! ```

mod curve;
mod half;
mod lattice;
mod linear;
pub mod math;

use std::fmt;
use std::sync::OnceLock;

use crate::error::{Error, ErrorKind, Result};

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the program was compiled for: SSE2 on x86-64, Advanced SIMD on AArch64; four lanes of `f32`.
    Plain,
    /// x86-64-v3: AVX2, FMA, F16C; eight lanes.
    Avx2,
    /// x86-64-v4: AVX-512 F, BW, CD, DQ, VL; sixteen lanes.
    Avx512,
}

/// Compiles a function for every [`Level`]; the one that comes of it takes the level as its first
/// argument, and does with [`Level::Plain`] where the machine has not got what is asked for.
///
/// What the function calls must be `#[inline(always)]`, or small enough to be inlined
/// anyway: only what is inlined is compiled for the instructions.
///
/// With a name in brackets after its own, `fn name[here](..)`, the function is told the level it is compiled for
/// ([`Here`]), for steps that are written out for one.
#[macro_export]
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident[$here:ident]($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments, reason = "functions compiled for instructions that are looked for")]
        $vis fn $name(level: $crate::simd::Level, $($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body($here: $crate::simd::Here, $($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512($($arg: $type),*) $(-> $out)? {
                // SAFETY: whoever calls this function has the instructions.
                body(unsafe { $crate::simd::Here::assume($crate::simd::Level::Avx512) }, $($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($arg: $type),*) $(-> $out)? {
                // SAFETY: as above.
                body(unsafe { $crate::simd::Here::assume($crate::simd::Level::Avx2) }, $($arg),*)
            }

            match level {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the machine has the instructions.
                $crate::simd::Level::Avx512 if level.is_here() => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::simd::Level::Avx2 if level.is_here() => unsafe { avx2($($arg),*) },
                _ => body($crate::simd::Here::PLAIN, $($arg),*),
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments, reason = "functions compiled for instructions that are looked for")]
        $vis fn $name(level: $crate::simd::Level, $($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512($($arg: $type),*) $(-> $out)? {
                body($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($arg: $type),*) $(-> $out)? {
                body($($arg),*)
            }

            match level {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the machine has the instructions.
                $crate::simd::Level::Avx512 if level.is_here() => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::simd::Level::Avx2 if level.is_here() => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}

pub use curve::{Curve, Power};
pub use half::half_row;
pub use kernel;
pub use lattice::Lattice;
pub use linear::Linear;

/// A level that this machine has. [`kernel!`](crate::simd::kernel) makes it, as a constant, so that choosing by it costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Here(Level);

impl Here {
    /// What every machine has.
    pub const PLAIN: Self = Self(Level::Plain);

    /// That `level` is here.
    ///
    /// # Safety
    /// It must be ([`Level::is_here`]).
    #[inline(always)]
    #[allow(unsafe_code, reason = "what it says is relied on where instructions are used")]
    pub const unsafe fn assume(level: Level) -> Self {
        Self(level)
    }

    /// Which it is.
    #[inline(always)]
    pub const fn level(self) -> Level {
        self.0
    }
}

impl Level {
    /// All levels, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Avx2, Self::Avx512];

    /// The level kernels run at: the machine's best, or the one that `RUSHES_SIMD` names. A level that
    /// the machine has not got is not taken; [`Level::from_env`] says so.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::from_env().unwrap_or_else(|_| Self::best()))
    }

    /// What `RUSHES_SIMD` names (`plain`, `sse2`, `avx2`, `avx512`, `neon`), or the machine's best.
    ///
    /// # Errors
    /// When it names no level, or one that this machine has not got.
    pub fn from_env() -> Result<Self> {
        match std::env::var_os("RUSHES_SIMD") {
            Some(name) => Self::named(&name.to_string_lossy()).map_err(|e| e.doing("reading RUSHES_SIMD")),
            None => Ok(Self::best()),
        }
    }

    /// The level of that name, if this machine has it.
    ///
    /// # Errors
    /// As [`Level::from_env`].
    pub fn named(name: &str) -> Result<Self> {
        // What programs are compiled for has a name of its own on each machine.
        let plain = match name {
            "sse2" if cfg!(target_arch = "x86_64") => "plain",
            "neon" if cfg!(target_arch = "aarch64") => "plain",
            name => name,
        };
        let here = || Self::available().map(Self::name).collect::<Vec<_>>().join(", ");
        let bad = |what: String| Error::new(ErrorKind::Invalid, what).advice(format!("this machine has {}", here()));
        let level = Self::ALL.into_iter().find(|l| l.name() == plain);
        let level =
            level.ok_or_else(|| bad(format!("`{}` is no level of vector instructions", name.escape_debug())))?;
        if level.is_here() { Ok(level) } else { Err(bad(format!("this machine has no {level}"))) }
    }

    /// The widest that this machine has.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Plain)
    }

    /// All that this machine has.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|l| l.is_here())
    }

    /// Its name: `avx2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has it.
    #[inline]
    pub fn is_here(self) -> bool {
        static HERE: OnceLock<[bool; Level::ALL.len()]> = OnceLock::new();
        HERE.get_or_init(|| Self::ALL.map(Self::look_for))[self as usize]
    }

    fn look_for(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let v3 = || has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2") && has!("lzcnt");
            let v4 = || {
                let wide = has!("avx512f") && has!("avx512bw") && has!("avx512cd");
                wide && has!("avx512dq") && has!("avx512vl")
            };
            match self {
                Self::Plain => true,
                Self::Avx2 => v3() && has!("popcnt"),
                Self::Avx512 => v3() && has!("popcnt") && v4(),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Plain;
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    kernel! {
        fn poly(row: &mut [f32]) -> f32 {
            row.iter_mut().for_each(|v| *v = *v * *v + 1.0);
            row.iter().sum()
        }
    }

    #[test]
    fn each_level_gives_the_same() {
        for level in Level::ALL {
            let mut row: Vec<f32> = (0..37).map(|v| v as f32).collect();
            let sum = poly(level, &mut row);
            assert!(row.iter().enumerate().all(|(i, v)| *v == (i * i + 1) as f32), "{level}");
            assert_eq!(sum, (0..37).map(|v| (v * v + 1) as f32).sum::<f32>(), "{level}");
        }
    }

    #[test]
    fn levels_have_names_and_a_machine_has_some() {
        assert!(Level::available().any(|l| l == Level::Plain));
        for level in Level::available() {
            assert_eq!(Level::named(level.name()).unwrap(), level);
        }
        let e = Level::named("avx9000").unwrap_err().to_string();
        assert!(e.contains("avx9000") && e.contains("plain"), "{e}");
        for missing in Level::ALL.into_iter().filter(|l| !l.is_here()) {
            let e = Level::named(missing.name()).unwrap_err().to_string();
            assert!(e.contains("this machine has no"), "{e}");
        }
    }
}
