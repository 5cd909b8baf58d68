//! How far reading has come, for somebody who waits.
//!
//! It never changes what is read.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

/// Told, from the thread that reads, how many more bytes of files were read.
#[derive(Clone, Default)]
pub struct Meter(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Meter {
    pub fn new(tell: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// The same bytes, metered.
    pub(crate) fn around<'a>(&self, input: impl Read + 'a) -> Box<dyn Read + 'a> {
        match &self.0 {
            Some(tell) => Box::new(Metered { input, tell: Arc::clone(tell) }),
            None => Box::new(input),
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Meter(told)" } else { "Meter(silent)" })
    }
}

struct Metered<R> {
    input: R,
    tell: Arc<dyn Fn(u64) + Send + Sync>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        (self.tell)(read as u64);
        Ok(read)
    }
}
