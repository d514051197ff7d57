//! Running a plan: executors and their wrappers, the runner, events, budget and reports.

mod budget;
mod compose;
mod event;
mod executor;
mod fanout;
mod orders;
mod reading;
mod report;
mod runner;
mod understand;
mod wrap;

pub use budget::{Budget, Reservation};
pub use compose::{Able, Executors};
use compose::{Choice, Given};
pub use event::{Busy, Event, Events};
pub use executor::{Executor, RunContext, Verdict};
pub use fanout::{Fanout, PENDING};
pub use orders::{ClipHead, FOUND, OrderHead, Orders, Tally, UnitRef};
pub use reading::Reading;
pub use report::{BadFrame, Failure, Outcome, RunReport, UnitReport};
pub use runner::Runner;
pub use understand::understand;
pub use wrap::{Limit, Retry, Trace};

pub use tokio_util::sync::CancellationToken;
