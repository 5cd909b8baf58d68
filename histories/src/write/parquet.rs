//! Parquet, for analysis in DuckDB, pandas and their kin: a row an operation, in the order of invocation.
//!
//! It is never read back: what the nemesis did has no row, and values are text. They stand as JSON in `call` and
//! `reply`, and where they are whole numbers, as such in `call_int` and `reply_int`, too. Our header is in the file's
//! metadata, under `partita`.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::WriteError;
use crate::{Hints, History, Operation, OperationId, Value};

const SCHEMA: &str = "message operation {
    required int64 operation;
    required int64 process;
    optional binary node (STRING);
    required binary f (STRING);
    optional binary key (STRING);
    required binary call (STRING);
    optional int64 call_int;
    optional binary reply (STRING);
    optional int64 reply_int;
    required binary outcome (STRING);
    optional binary error (STRING);
    required int64 invoked_ns;
    optional int64 completed_ns;
    optional int64 line;
    optional int64 version;
    optional int64 term;
    optional binary served_by (STRING);
}";

/// Operations that are held as columns at a time.
const GROUP_ROWS: usize = 1 << 18;

/// Writes a whole history; of the file no more than a group of rows is held.
pub fn history(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    let refused = |error: ParquetError| WriteError::Io(io::Error::other(error));
    let held = Held::default();
    let header = KeyValue::new("partita".to_owned(), json(&super::full_header(history)));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![header]))
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(refused)?);
    let mut file = SerializedFileWriter::new(held.clone(), schema, Arc::new(properties)).map_err(refused)?;
    for first in (0..history.operations().len()).step_by(GROUP_ROWS) {
        let last = history.operations().len().min(first + GROUP_ROWS);
        let rows = Rows { history, first, last };
        let mut group = file.next_row_group().map_err(refused)?;
        rows.write(&mut group).map_err(refused)?;
        group.close().map_err(refused)?;
        held.drain(out)?;
    }
    file.close().map_err(refused)?;
    Ok(held.drain(out)?)
}

/// Some operations of a history.
struct Rows<'h> {
    history: &'h History,
    first: usize,
    last: usize,
}

type Group<'a> = SerializedRowGroupWriter<'a, Held>;

impl Rows<'_> {
    /// Every column, in the order of the schema.
    fn write(&self, group: &mut Group<'_>) -> Result<(), ParquetError> {
        let history = self.history;
        self.integers(group, |id, _| Some(id.0.into()))?;
        self.integers(group, |_, op| Some(op.process.into()))?;
        self.texts(group, |_, op| op.node.map(|node| history.node_name(node).to_owned()))?;
        self.texts(group, |_, op| Some(op.function.name().to_owned()))?;
        self.texts(group, |_, op| op.key.map(|key| history.key(key).as_str().to_owned()))?;
        self.texts(group, |_, op| Some(json(op.call())))?;
        self.integers(group, |_, op| op.call().as_int())?;
        self.texts(group, |_, op| answered(op).map(json))?;
        self.integers(group, |_, op| answered(op).and_then(Value::as_int))?;
        self.texts(group, |_, op| Some(op.outcome.name().to_owned()))?;
        self.texts(group, |id, _| history.error(id).map(str::to_owned))?;
        self.integers(group, |_, op| Some(op.invoked.0 as i64))?;
        self.integers(group, |_, op| op.has_completion().then_some(op.completed.0 as i64))?;
        self.integers(group, |_, op| history.line(op.call_event).map(i64::from))?;
        let hint = |id, of: fn(Hints) -> Option<u64>| of(history.hints(id)).map(|hint| hint as i64);
        self.integers(group, |id, _| hint(id, |hints| hints.version))?;
        self.integers(group, |id, _| hint(id, |hints| hints.term))?;
        self.texts(group, |id, _| history.hints(id).served_by.map(|node| history.node_name(node).to_owned()))
    }

    fn integers(
        &self,
        group: &mut Group<'_>,
        of: impl Fn(OperationId, &Operation) -> Option<i64>,
    ) -> Result<(), ParquetError> {
        self.column::<Int64Type>(group, of)
    }

    fn texts(
        &self,
        group: &mut Group<'_>,
        of: impl Fn(OperationId, &Operation) -> Option<String>,
    ) -> Result<(), ParquetError> {
        self.column::<ByteArrayType>(group, |id, op| {
            of(id, op).map(|text| ByteArray::from(text.into_bytes()))
        })
    }

    /// The next column of the group. A required one has a value in every row, by the schema.
    fn column<T: DataType>(
        &self,
        group: &mut Group<'_>,
        of: impl Fn(OperationId, &Operation) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        let operations = self.history.iter().skip(self.first).take(self.last - self.first);
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        for (id, operation) in operations {
            let value = of(id, operation);
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
        let missing = || ParquetError::General("the schema has too few columns".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<T>().write_batch(&values, Some(&levels), None)?;
        column.close()
    }
}

/// What came back: an answer, or what a failed compare-and-set saw.
fn answered(operation: &Operation) -> Option<&Value> {
    (operation.is_ok() || !operation.reply().is_null()).then_some(operation.reply())
}

fn json(value: &impl serde::Serialize) -> String {
    // Our types have string keys only, so they always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

/// What of the file is not written out yet. The library wants a writer of its own, which may be sent.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<u8>>>);

impl Held {
    fn drain(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use crate::synth::{self, Object, Shape};
    use crate::{History, read};

    /// The columns of every row, by name.
    fn rows(history: &History) -> Vec<BTreeMap<String, Field>> {
        let mut bytes = Vec::new();
        super::history(history, &mut bytes).unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let metadata = file.metadata().file_metadata().key_value_metadata().unwrap();
        assert!(metadata.iter().any(|entry| entry.key == "partita"));
        let rows = file.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().into_columns().into_iter().collect()).collect()
    }

    #[test]
    fn a_row_says_what_an_operation_says() {
        let text = r#"{"partita":1,"nodes":["a"]}
{"index":0,"time":5,"process":0,"type":"invoke","f":"cas","key":"x","value":[1,2],"node":"a"}
{"index":1,"time":6,"process":0,"type":"fail","f":"cas","key":"x","value":[1,2],"error":"no","seen":7,"version":3,"term":1,"served_by":"a"}
{"index":2,"time":7,"process":1,"type":"invoke","f":"read"}
"#;
        let rows = rows(&read::read(text.as_bytes(), "h").unwrap());
        insta::assert_debug_snapshot!(rows);
    }

    #[test]
    fn every_operation_has_its_row() {
        let shape =
            Shape { object: Object::ListAppend, operations: 3_000, crashes: 0.01, ..Shape::default() };
        let history = History::try_from(synth::events(&shape).collect::<Vec<_>>()).unwrap();
        let rows = rows(&history);
        assert_eq!(rows.len(), history.operations().len());
        for ((id, op), row) in history.iter().zip(&rows) {
            assert_eq!(row["operation"], Field::Long(id.0.into()));
            assert_eq!(row["call"], Field::Str(serde_json::to_string(op.call()).unwrap()));
            assert_eq!(row["outcome"], Field::Str(op.outcome.name().to_owned()));
            assert_eq!(row["invoked_ns"], Field::Long(op.invoked.0 as i64));
        }
        assert!(super::tests::rows(&History::default()).is_empty());
    }
}
