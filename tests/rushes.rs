//! The integration tests, in one binary. Each module is a page of what is promised:

/// Outputs at a URI: nothing keeps others out of that folder.
mod at_uri;
/// Bad input: each message says what, where and what to do.
mod bad_input;
/// Several executors: which unit goes where, and what is told of it.
mod composition;
/// The documents say what the code does.
mod documents;
/// What goes wrong around a run: each fault of docs/RELIABILITY.md.
mod faults;
/// Jobs on a synthetic card: what comes out, against what was put in.
mod jobs;
/// Orders for render farms: templates, and tasks that are cut otherwise than the plan.
mod openjd;
/// Orders: the same work, planned by one and done by others.
mod orders;
/// Orders in folders in which something was made before.
mod orders_again;
/// Orders of files that have many frames.
mod orders_container;
/// Orders whose card is copied again, because frames turned out to be damaged.
mod orders_copied_again;
/// Plans: units small enough for any engine, and what they explain.
mod plans;
/// One frame at each point of the chain, against arithmetic done here.
mod points;
/// What must hold of anything: labels, workflow files, manifests.
mod properties;
/// The real footage beside the checkout, where there is any.
mod real_footage;
/// What is done is not done again; what changed is; and every output leads back to the card.
mod resume;
/// Wiring that makes no sense does not compile, and the message says what is missing.
mod typed_wiring;
/// Workflow files: what is accepted, and what each mistake reads like.
mod workflow_files;

mod support;
