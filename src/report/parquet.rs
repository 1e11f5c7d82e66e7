//! Parquet out of CSV as it is written: the same numbers, with types.
//!
//! [`Converter`] takes the bytes of a table, cuts them into records, and writes a row group for every
//! `GROUP` of them, so that memory does not grow with the table and the file does not depend on how the
//! bytes came. Numbers are the shortest texts that read back to the same bits, so nothing is lost on the way.
//! Types follow from the names of columns, never from values: two batches have the same schema.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// Records of a row group.
const GROUP: usize = 65_536;

/// Columns of text; in all other tables the same names hold the same.
const TEXTS: [&str; 15] = [
    "arm",
    "against",
    "stratum",
    "outcome",
    "signal",
    "cause",
    "event",
    "kind",
    "name",
    "statistic",
    "status",
    "faults",
    "fingerprint",
    "reason",
    "cell",
];
/// Columns of whole numbers.
const COUNTS: [&str; 9] = [
    "replicate",
    "draw",
    "n",
    "done",
    "of",
    "events",
    "at_risk",
    "draws",
    "of_draws",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Count,
    Number,
}

/// The type of a column. `n` of bands is an effective number, which need not be whole.
fn kind(table: &str, column: &str, texts: &[String]) -> Kind {
    if TEXTS.contains(&column) || texts.iter().any(|t| t == column) {
        Kind::Text
    } else if COUNTS.contains(&column) && !(table == "bands" && column == "n") {
        Kind::Count
    } else {
        Kind::Number
    }
}

/// What the file writer writes into, until it is passed on.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn drain(&self, to: &mut dyn Write) -> io::Result<()> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        to.write_all(&bytes)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes CSV and passes Parquet on.
pub struct Converter<'a> {
    to: &'a mut dyn Write,
    table: String,
    texts: Vec<String>,
    about: Vec<(String, String)>,
    pipe: Pipe,
    out: Option<(SerializedFileWriter<Pipe>, Vec<Kind>)>,
    /// Whole records that wait for a row group, then the beginning of the next record.
    held: Vec<u8>,
    /// How much of `held` was looked through.
    seen: usize,
    /// Where the last whole record ends.
    whole: usize,
    records: usize,
    quoted: bool,
}

impl<'a> Converter<'a> {
    /// Of a table by its name without extension. `texts` are further columns of text, `about` goes into the
    /// metadata of the file.
    pub fn new(to: &'a mut dyn Write, table: &str, texts: Vec<String>, about: Vec<(String, String)>) -> Self {
        Converter {
            to,
            table: table.to_owned(),
            texts,
            about,
            pipe: Pipe::default(),
            out: None,
            held: Vec::new(),
            seen: 0,
            whole: 0,
            records: 0,
            quoted: false,
        }
    }

    /// Writes what is left and the foot of the file.
    ///
    /// # Errors
    /// What the writer says; a table without a header, or with a cell that is no number in a column of numbers,
    /// is an error of kind `InvalidData`.
    pub fn finish(mut self) -> io::Result<()> {
        if self.whole < self.held.len() {
            self.whole = self.held.len();
            self.records += 1;
        }
        if self.records > 0 || self.out.is_none() {
            self.group()?;
        }
        if let Some((writer, _)) = self.out.take() {
            writer.close().map_err(bad)?;
        }
        self.pipe.drain(self.to)
    }

    /// Reads the header: names, then a schema.
    fn open(&mut self, names: &csv::StringRecord) -> io::Result<()> {
        let kinds: Vec<Kind> = names.iter().map(|n| kind(&self.table, n, &self.texts)).collect();
        let fields = names.iter().zip(&kinds).map(|(name, kind)| {
            let (physical, needed) = match kind {
                Kind::Text => (Physical::BYTE_ARRAY, Repetition::REQUIRED),
                Kind::Count => (Physical::INT64, Repetition::OPTIONAL),
                Kind::Number => (Physical::DOUBLE, Repetition::OPTIONAL),
            };
            let text = (*kind == Kind::Text).then_some(LogicalType::String);
            let field = Type::primitive_type_builder(name, physical)
                .with_repetition(needed)
                .with_logical_type(text);
            field.build().map(Arc::new)
        });
        let fields = fields.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let schema = Type::group_type_builder("table")
            .with_fields(fields)
            .build()
            .map_err(bad)?;
        let about = self.about.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(about.collect()))
            .build();
        let writer =
            SerializedFileWriter::new(self.pipe.clone(), Arc::new(schema), Arc::new(properties)).map_err(bad)?;
        self.out = Some((writer, kinds));
        Ok(())
    }

    /// Writes the whole records that are held.
    fn group(&mut self) -> io::Result<()> {
        let rest = self.held.split_off(self.whole);
        let bytes = std::mem::replace(&mut self.held, rest);
        self.seen -= self.whole.min(self.seen);
        (self.whole, self.records) = (0, 0);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(bytes.as_slice());
        let mut records = Vec::new();
        for record in reader.records() {
            records.push(record.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?);
        }
        if self.out.is_none() {
            if records.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a table without a header"));
            }
            let names = records.remove(0);
            self.open(&names)?;
        }
        let Some((writer, kinds)) = self.out.as_mut().filter(|_| !records.is_empty()) else {
            return Ok(());
        };
        let mut group = writer.next_row_group().map_err(bad)?;
        for (i, kind) in kinds.iter().enumerate() {
            let Some(mut column) = group.next_column().map_err(bad)? else {
                break;
            };
            let cells = records.iter().map(|r| r.get(i).unwrap_or_default());
            match kind {
                Kind::Text => {
                    let values: Vec<ByteArray> = cells.map(ByteArray::from).collect();
                    let written = column.typed::<ByteArrayType>().write_batch(&values, None, None);
                    written.map_err(bad)?;
                }
                Kind::Count => {
                    let (values, there) = parsed::<i64>(cells)?;
                    let written = column.typed::<Int64Type>().write_batch(&values, Some(&there), None);
                    written.map_err(bad)?;
                }
                Kind::Number => {
                    let (values, there) = parsed::<f64>(cells)?;
                    let written = column.typed::<DoubleType>().write_batch(&values, Some(&there), None);
                    written.map_err(bad)?;
                }
            }
            column.close().map_err(bad)?;
        }
        group.close().map_err(bad)?;
        self.pipe.drain(self.to)
    }
}

/// Numbers that are there, and which cells have one.
fn parsed<'c, T: std::str::FromStr>(cells: impl Iterator<Item = &'c str>) -> io::Result<(Vec<T>, Vec<i16>)> {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for cell in cells {
        there.push(i16::from(!cell.is_empty()));
        if cell.is_empty() {
            continue;
        }
        let words = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{cell}` stands in a column of numbers"),
            )
        };
        values.push(cell.parse().map_err(|_| words())?);
    }
    Ok((values, there))
}

fn bad(error: parquet::errors::ParquetError) -> io::Error {
    io::Error::other(error)
}

impl Write for Converter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        while self.seen < self.held.len() {
            let byte = self.held[self.seen];
            self.seen += 1;
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\n' if !self.quoted => {
                    self.whole = self.seen;
                    self.records += 1;
                    // The header makes the first group one row shorter than its records.
                    if self.records == GROUP {
                        self.group()?;
                    }
                }
                _ => {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    fn converted(csv: &str, piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let about = vec![("seed".to_owned(), "7".to_owned())];
        let mut converter = Converter::new(&mut out, "outcomes", vec!["dose".to_owned()], about);
        for bytes in csv.as_bytes().chunks(piece) {
            converter.write_all(bytes).unwrap();
        }
        converter.finish().unwrap();
        out
    }

    fn read(bytes: &[u8]) -> SerializedFileReader<std::fs::File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        SerializedFileReader::new(file).unwrap()
    }

    #[test]
    fn values_come_back_with_their_types_and_bits_however_the_bytes_came() {
        let awkward = [0.1 + 0.2, 1e-300, -0.0, f64::MAX, 5e-324];
        let mut csv = String::from("arm,dose,n,mean\n\"a,\"\"b\"\"\nc\",2 mg/mL,,\n");
        for x in awkward {
            csv.push_str(&format!("x,1 mg/mL,3,{x:?}\n"));
        }
        let bytes = converted(&csv, 1);
        assert_eq!(bytes, converted(&csv, 1 << 20));
        assert_eq!(bytes, converted(csv.trim_end(), 7), "the last line need not end");
        let reader = read(&bytes);
        let about = reader.metadata().file_metadata().key_value_metadata().unwrap();
        assert_eq!(about[0].value.as_deref(), Some("7"));
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[0][0], Field::Str("a,\"b\"\nc".to_owned()));
        assert_eq!((&rows[0][2], &rows[0][3]), (&Field::Null, &Field::Null));
        for (row, x) in rows[1..].iter().zip(awkward) {
            assert_eq!(row[2], Field::Long(3));
            let Field::Double(found) = row[3] else {
                panic!("{:?}", row[3])
            };
            assert_eq!(found.to_bits(), x.to_bits());
        }
    }

    #[test]
    fn a_long_table_has_several_groups_and_all_its_rows() {
        let n = 2 * GROUP + 17;
        let mut csv = String::from("replicate,weight\n");
        (0..n).for_each(|i| csv.push_str(&format!("{i},{}\n", i as f64 / 3.0)));
        let bytes = converted(&csv, 10_007);
        assert_eq!(bytes, converted(&csv, 1_000_003));
        let reader = read(&bytes);
        assert_eq!(reader.num_row_groups(), 3);
        assert_eq!(reader.metadata().file_metadata().num_rows(), n as i64);
    }

    #[test]
    fn a_table_of_no_rows_keeps_its_columns_and_nonsense_is_refused() {
        let reader = read(&converted("arm,n,mean\n", 3));
        let schema = reader.metadata().file_metadata().schema_descr();
        assert_eq!((schema.num_columns(), reader.num_row_groups()), (3, 0));
        for text in ["", "arm,mean\nx,y\n"] {
            let mut out = Vec::new();
            let mut converter = Converter::new(&mut out, "outcomes", Vec::new(), Vec::new());
            converter.write_all(text.as_bytes()).unwrap();
            assert_eq!(converter.finish().unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
