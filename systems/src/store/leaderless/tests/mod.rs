//! Tests of the replica as a whole: readable scripts, and what modes say of themselves.

mod describe;
mod modes;
