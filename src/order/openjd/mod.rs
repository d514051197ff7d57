//! Orders as job templates for render farms: [Open Job Description](https://github.com/OpenJobDescription), 2023-09, with the
//! extension `TASK_CHUNKING`.
//!
//! A step makes a clip, in tasks of some frames; the last step, `finish`, depends on all others and writes the manifest:
//!
//! ```text
//! step   A001C001   Frame: CHUNK[INT] 0-1439, 240 at a time   rushes run-unit --order .. --clip 0 --frames=0-239
//! step   A001C002   (a movie needs its whole clip: one task)  rushes run-unit --order .. --clip 1
//! step   finish     depends on both                           rushes finish --order ..
//! ```
//!
//! **Chunks are the farm's.** It spreads frames evenly over chunks, whoever submits the job may ask for others, and neither
//! knows the units that the plan has. So a task asks for frames: what it makes of a unit is kept by frames, and `finish` puts
//! the parts together ([`Desk::run_frames`](super::Desk::run_frames), [`Desk::complete`](super::Desk::complete)). Files and
//! manifest are those of [`Job::run`](crate::Job::run), whatever the chunks are.
//!
//! **Many clips.** The specification sets no limit to steps, but farms do, and a step takes a kilobyte of the template, of
//! which a farm may take no more than a million characters. An order of up to 100 clips has a step a clip; with more, a step
//! makes several clips of one resource class, so that there are never more than 100 and `finish`. Their frames are then
//! numbered through, with a number left out between clips: a `CONTIGUOUS` chunk never spans two of them, a clip that is made
//! whole has a single number, and it stays a range of frames that is cut into chunks ([`Numbering`]). The other legal way, a
//! parameter for the clip beside that for the frame, has as many frames for each clip as the longest, and so tasks that have
//! nothing to do. 10,000 clips make a template of about 150 KB.
//!
//! **What tasks need** of their host: memory for twice the largest frame in flight (frames in flight get half of a
//! machine's memory), a GPU for the class `gpu`, and [`FILMLIGHT`] for clips that a server decodes. `finish` replaces
//! damaged frames, and so needs all that any step needs.
//!
//! **Damaged frames** are no failure of a task: its report says which they are, and `finish` makes what stands in for them,
//! or fails and says which are missing. A task fails where trying it again may help.
//!
//! **Paths.** The order folder is a parameter, which farms may map. The card and the output folder are written in the
//! order, and hosts have to see them where the machine saw them that made it. Nothing is to be copied to hosts or back.

mod names;
mod numbering;
mod schema;
mod template;

pub use numbering::Numbering;
pub use schema::Template;
pub use template::{FILMLIGHT, TemplateOptions};
