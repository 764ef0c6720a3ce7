//! One JSON document that is written while it is made: where there are a hundred thousand companies it does not fit into memory.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use anyhow::Context as _;
use serde::Serialize;

/// A document to standard output. That nobody reads any more is no error.
pub(super) type Printed = Document<BufWriter<UntilNobodyReads<Stdout>>>;

/// An object, field by field; a field may be a list, item by item. It looks as [`serde_json::to_string_pretty`] writes it.
pub(super) struct Document<W: Write> {
    output: W,
    fields: usize,
    items: usize,
}

const FAILED: &str = "writing JSON";

impl Printed {
    /// A document on standard output.
    pub fn print() -> Self {
        Self::begin(BufWriter::new(UntilNobodyReads { output: io::stdout(), is_read: true }))
    }
}

impl<W: Write> Document<W> {
    fn begin(output: W) -> Self {
        Self { output, fields: 0, items: 0 }
    }

    /// Writes a field.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn field(&mut self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        self.name(name)?;
        let text = serde_json::to_vec_pretty(value).context(FAILED)?;
        self.indented(&text, b"\n  ").context(FAILED)
    }

    /// Begins a list: its items follow.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin_list(&mut self, name: &str) -> anyhow::Result<()> {
        self.name(name)?;
        self.items = 0;
        self.output.write_all(b"[").context(FAILED)
    }

    /// Writes an item of the list that was begun.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn item(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        self.item_text(&serde_json::to_vec_pretty(value).context(FAILED)?)
    }

    /// The same of an item that is text already, as [`serde_json::to_vec_pretty`] writes it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn item_text(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let before: &[u8] = if self.items == 0 { b"\n    " } else { b",\n    " };
        self.items += 1;
        self.output.write_all(before).context(FAILED)?;
        self.indented(text, b"\n    ").context(FAILED)
    }

    /// Ends the list.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end_list(&mut self) -> anyhow::Result<()> {
        let end: &[u8] = if self.items == 0 { b"]" } else { b"\n  ]" };
        self.output.write_all(end).context(FAILED)
    }

    /// Ends the document.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> anyhow::Result<()> {
        let end: &[u8] = if self.fields == 0 { b"{}\n" } else { b"\n}\n" };
        self.output.write_all(end).and_then(|()| self.output.flush()).context(FAILED)
    }

    fn name(&mut self, name: &str) -> anyhow::Result<()> {
        let before = if self.fields == 0 { "{\n  " } else { ",\n  " };
        self.fields += 1;
        write!(self.output, "{before}\"{name}\": ").context(FAILED)
    }

    /// A line break within JSON text is always one of its layout: strings have theirs escaped.
    fn indented(&mut self, text: &[u8], line_break: &[u8]) -> io::Result<()> {
        for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if place > 0 {
                self.output.write_all(line_break)?;
            }
            self.output.write_all(line)?;
        }
        Ok(())
    }
}

/// An output that takes everything when its reader has gone, as `head` does.
pub(super) struct UntilNobodyReads<W> {
    output: W,
    is_read: bool,
}

impl<W: Write> UntilNobodyReads<W> {
    fn unless_broken<T>(&mut self, written: io::Result<T>, otherwise: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_read = false;
                Ok(otherwise)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for UntilNobodyReads<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_read {
            return Ok(bytes.len());
        }
        let written = self.output.write(bytes);
        self.unless_broken(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.is_read {
            return Ok(());
        }
        let flushed = self.output.flush();
        self.unless_broken(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\\n质{}\\[\\],]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z]{1,3}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
            #[test]
            fn it_is_written_as_if_it_were_written_at_once(values in prop::collection::vec(value(), 0..5)) {
                let mut bytes = Vec::new();
                let mut document = Document::begin(&mut bytes);
                let mut whole = Map::new();
                for (place, value) in values.into_iter().enumerate() {
                    let name = format!("f{place}");
                    match &value {
                        Value::Array(items) => {
                            document.begin_list(&name).unwrap();
                            for item in items {
     document.item(item).unwrap();
    }
                            document.end_list().unwrap();
                        }
                        other => document.field(&name, other).unwrap(),
                    }
                    whole.insert(name, value);
                }
                document.end().unwrap();
                let expected = format!("{}\n", serde_json::to_string_pretty(&Value::Object(whole)).unwrap());
                prop_assert_eq!(String::from_utf8(bytes).unwrap(), expected);
            }
        }

    #[test]
    fn whoever_stops_reading_breaks_nothing() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(self.0.into())
            }
        }
        for (kind, is_fine, why) in
            [(ErrorKind::BrokenPipe, true, "head has seen enough"), (ErrorKind::StorageFull, false, "a file")]
        {
            let mut document = Document::begin(UntilNobodyReads { output: Broken(kind), is_read: true });
            let written = document.field("a", &json!([1, 2])).and_then(|()| document.end());
            assert_eq!(written.is_ok(), is_fine, "{why}");
        }
    }
}
