//! Verdicts against the definitions, and what anomalies say.

mod fuzz;
mod textbook;
