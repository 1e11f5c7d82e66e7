//! Tables as CSV or as Parquet: one set of writers, two formats.

use std::io::Write;

use super::ReportError;
use super::folder::RunFolder;

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `NAME.csv`: text, a header line, empty where there is no number.
    #[default]
    Csv,
    /// `NAME.parquet`: columns with types, compressed with zstd; needs the feature `parquet`.
    Parquet,
}

impl Format {
    /// Whether this program can write it.
    pub fn is_built_in(self) -> bool {
        self == Format::Csv || cfg!(feature = "parquet")
    }
}

/// A folder that takes tables in one format.
pub struct Tables<'a> {
    /// Where other files go.
    pub folder: &'a mut RunFolder,
    /// Of the tables.
    pub format: Format,
    /// Columns that hold text besides those every table knows: factors of a matrix.
    pub texts: Vec<String>,
    /// Key and value of what a Parquet file says of itself.
    pub about: Vec<(String, String)>,
}

impl<'a> Tables<'a> {
    /// Tables as CSV.
    pub fn csv(folder: &'a mut RunFolder) -> Self {
        Tables {
            folder,
            format: Format::Csv,
            texts: Vec::new(),
            about: Vec::new(),
        }
    }

    /// Writes one table; `name` ends in `.csv`, and `body` writes CSV, whatever the format.
    ///
    /// # Errors
    /// What the function returns, and as [`RunFolder::write_with`]. In a program without Parquet,
    /// asking for it is [`ReportError::Encode`].
    pub fn put(
        &mut self,
        name: &'static str,
        body: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        match self.format {
            Format::Csv => self.folder.write_with(name, body),
            Format::Parquet => self.put_parquet(name, body),
        }
    }

    #[cfg(feature = "parquet")]
    fn put_parquet(
        &mut self,
        name: &'static str,
        body: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let table = name.strip_suffix(".csv").unwrap_or(name);
        let (texts, about) = (self.texts.clone(), self.about.clone());
        self.folder.write_with(&format!("{table}.parquet"), |to| {
            let mut converter = super::parquet::Converter::new(to, table, texts, about);
            body(&mut converter)?;
            converter.finish().map_err(|source| ReportError::Io {
                doing: "write",
                path: name.into(),
                source,
            })
        })
    }

    #[cfg(not(feature = "parquet"))]
    fn put_parquet(
        &mut self,
        name: &'static str,
        _body: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        Err(ReportError::Encode {
            table: name,
            reason: "this program was built without Parquet".to_owned(),
        })
    }
}
