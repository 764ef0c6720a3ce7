//! An ordinary answer, read straight from its text into a page, without the copies that the lenient reading makes on the way.
//! It takes only what means the same to both; whatever is unusual in an answer is left to the other (`body`, `json`).

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json::VALUES_MAX;
use crate::domain::observation::{AnswerPage, Item};

/// The page that `body` is, where it is one with `error_code` 0 and nothing unusual about it.
pub(super) fn read(body: &[u8]) -> Option<AnswerPage> {
    if may_hold_too_much(body) {
        return None;
    }
    let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let answer: Answer = Object(PhantomData).deserialize(&mut json).ok()?;
    json.end().ok()?;
    let found = answer.result.filter(|_| answer.error_code == Some(0))?;
    Some(AnswerPage { total: Some(u64::from(found.total?)), items: found.items? })
}

/// Whether there may be more values than an answer can hold. Signs in texts are counted too: a page has far fewer.
fn may_hold_too_much(body: &[u8]) -> bool {
    let begins_value = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    body.len() > VALUES_MAX && body.iter().filter(begins_value).count() > VALUES_MAX
}

/// The outermost object.
#[derive(Default)]
struct Answer {
    error_code: Option<u32>,
    result: Option<Found>,
}

/// `result`.
#[derive(Default)]
struct Found {
    total: Option<u32>,
    items: Option<Vec<Item>>,
}

/// What a JSON object is read into, field by field. Of a name that comes twice the later value counts, as in the lenient
/// reading.
trait Fields: Default {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error>;
}

impl Fields for Answer {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "error_code" => self.error_code = Some(value.next_value()?),
            "result" => self.result = Some(value.next_value_seed(Object(PhantomData))?),
            _ => skip(value)?,
        }
        Ok(())
    }
}

impl Fields for Found {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "total" => self.total = Some(value.next_value()?),
            "items" => self.items = Some(value.next_value_seed(Items)?),
            _ => skip(value)?,
        }
        Ok(())
    }
}

impl Fields for Item {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        let field = match name {
            "organ" => &mut self.organ,
            "effectiveTime" => &mut self.effective_time,
            "businessId" => &mut self.business_id,
            "issuingCertificateTime" => &mut self.issuing_certificate_time,
            "type" => &mut self.kind,
            "certificateNum" => &mut self.certificate_num,
            "qualificationName" => &mut self.qualification_name,
            _ => return skip(value),
        };
        *field = value.next_value_seed(Text)?;
        Ok(())
    }
}

fn skip<'de, A: MapAccess<'de>>(value: &mut A) -> Result<(), A::Error> {
    value.next_value::<Unread>().map(|Unread| ())
}

/// Reads an object, and nothing else, into `T`.
struct Object<T>(PhantomData<T>);

impl<'de, T: Fields> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<T, A::Error> {
        let mut read = T::default();
        // A name with an escape cannot be borrowed, so it is unusual.
        while let Some(name) = fields.next_key::<&str>()? {
            read.take(name, &mut fields)?;
        }
        Ok(read)
    }
}

/// Reads `items` where it is a list.
struct Items;

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Item>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Item>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Item>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Object(PhantomData))? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Reads a field of an item: a string, a whole number or null.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<String>, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<String>, E> {
        if text.contains('\0') { Err(E::custom("a NUL")) } else { Ok(Some(text.to_owned())) }
    }
}

/// The value of a field that says nothing about certificates: anything but a list or an object, which could be nested too
/// deep.
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Self)
    }
}

impl Visitor<'_> for Unread {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }
}
