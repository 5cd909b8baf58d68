//! Tests of the replica as a whole: seeded random worlds here, readable scripts beside them.

mod describe;
mod judge;
mod random;
mod script;
mod world;
