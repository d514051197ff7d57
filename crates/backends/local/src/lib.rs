//! The local executor: fused bands of rows on the CPUs of this machine.
