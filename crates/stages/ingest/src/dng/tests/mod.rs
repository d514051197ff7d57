mod build;
mod conformance;
mod hostile;
mod ljpeg;
mod reading;
mod source;
