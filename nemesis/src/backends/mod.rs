//! Means to carry faults out.
