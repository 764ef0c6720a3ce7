//! One JSON document that is written while it is made: where there are a hundred thousand companies it does not fit into memory.

use anyhow::Context as _;
use serde::Serialize;

use super::print::Buffered;

/// An object on standard output, field by field; a field may be a list, item by item. It looks as [`serde_json::to_string_pretty`]
/// writes it.
#[derive(Default)]
pub(super) struct Document {
    output: Buffered,
    fields: usize,
    items: usize,
}

const FAILED: &str = "writing JSON";

impl Document {
    /// Writes a field.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn field(&mut self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        self.name(name)?;
        let text = serde_json::to_vec_pretty(value).context(FAILED)?;
        self.indented(&text, b"\n  ")
    }

    /// Begins a list: its items follow.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin_list(&mut self, name: &str) -> anyhow::Result<()> {
        self.name(name)?;
        self.items = 0;
        self.output.push(b"[")
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
        self.output.push(before)?;
        self.indented(text, b"\n    ")
    }

    /// Ends the list.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end_list(&mut self) -> anyhow::Result<()> {
        self.output.push(if self.items == 0 { b"]" } else { b"\n  ]" })
    }

    /// Ends the document.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> anyhow::Result<()> {
        self.close()?;
        self.output.print()
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.output.push(if self.fields == 0 { b"{}\n" } else { b"\n}\n" })
    }

    fn name(&mut self, name: &str) -> anyhow::Result<()> {
        let before = if self.fields == 0 { "{\n  " } else { ",\n  " };
        self.fields += 1;
        self.output.push(format!("{before}\"{name}\": ").as_bytes())
    }

    /// A line break within JSON text is always one of its layout: strings have theirs escaped.
    fn indented(&mut self, text: &[u8], line_break: &[u8]) -> anyhow::Result<()> {
        for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if place > 0 {
                self.output.push(line_break)?;
            }
            self.output.push(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

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
                let mut document = Document::default();
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
                document.close().unwrap();
                let expected = format!("{}\n", serde_json::to_string_pretty(&Value::Object(whole)).unwrap());
                prop_assert_eq!(document.output.text(), expected);
            }
        }
}
